"""Where a camera stands and looks in a scene, and how it moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ppdcli.scenes.primitives.shapes import rotation

Rng = np.random.Generator
_MIRRORED = np.diag([1.0, -1.0, 1.0])  # between the scenes' axes (y up) and the poses' (y down)


@dataclass(frozen=True)
class View:
    """A camera's place and direction in a scene: x is to the right, y up, z ahead.

    Attributes:
        place: (3,) metres.
        yaw, pitch, roll: Turns in radians: to the right, down, and of the camera's own right
            towards its own up.
    """

    place: np.ndarray
    yaw: float
    pitch: float
    roll: float

    def axes(self) -> np.ndarray:
        """Returns (3, 3): the columns are right, up and forward in the scene."""
        return rotation(self.yaw, self.pitch, self.roll)

    def pose(self) -> np.ndarray:
        """Returns the (4, 4) camera-to-world pose: x right, y down, z forward, in both."""
        pose = np.eye(4)
        pose[:3, :3] = _MIRRORED @ self.axes() @ _MIRRORED
        pose[:3, 3] = _MIRRORED @ self.place
        return pose

    def towards(self, target: np.ndarray) -> View:
        """Returns this view turned to a point (3,), with the same roll."""
        right, up, ahead = target - self.place
        yaw = float(np.arctan2(right, ahead))
        return replace(self, yaw=yaw, pitch=float(-np.arctan2(up, np.hypot(right, ahead))))


Path = Callable[[float], list[View]]
"""The views of a moving camera; the argument, 0 to 1, is the share of its movement to make."""


def walk(start: View, frames: int, distance: float, rng: Rng) -> Path:
    """Draws the path of a hand-held camera: a drift, a slow turn, and a sway.

    Args:
        start: The first view.
        frames: Number of views.
        distance: Metres to what the camera looks at; a step is a share of it.
        rng: Draws the path.
    """
    along = rng.normal(0, 1, 3) * [1, 0.25, 0.8]
    along *= distance * rng.uniform(0.005, 0.02) / np.linalg.norm(along)
    turn = rng.normal(0, 1, 3) * [0.006, 0.003, 0.002]
    sway, phases = rng.uniform(0.1, 0.5, 6), rng.uniform(0, 2 * np.pi, 6)
    waves = np.array([0.004 * distance] * 3 + [0.004, 0.003, 0.002])
    axes = start.axes()

    def views(share: float) -> list[View]:
        found = []
        for t in range(frames):
            wave = waves * (np.sin(sway * t + phases) - np.sin(phases)) * share
            place = start.place + axes @ (along * share * t + wave[:3])
            yaw, pitch, roll = turn * share * t + wave[3:]
            found.append(View(place, start.yaw + yaw, start.pitch + pitch, start.roll + roll))
        return found

    return views


def orbit(start: View, frames: int, distance: float, rng: Rng) -> Path:
    """Draws views from around a point ahead of the first view, as for photogrammetry.

    Args:
        start: The first view.
        frames: Number of views.
        distance: Metres from the first view to the point.
        rng: Draws the arc and the height of each view.
    """
    middle = start.place + distance * start.axes()[:, 2]
    span = rng.choice([-1, 1]) * np.radians(rng.uniform(25, 45))
    jitter = rng.normal(0, 1, (frames, 3)) * [0.03, 0.04, 0.05]
    jitter[0] = 0

    def views(share: float) -> list[View]:
        found = [start]
        for t in range(1, frames):
            angle = share * (span * t / max(frames - 1, 1) + jitter[t, 0])
            c, s = np.cos(angle), np.sin(angle)
            arm = (start.place - middle) * (1 + share * jitter[t, 1])
            arm = np.array([c * arm[0] + s * arm[2], arm[1], c * arm[2] - s * arm[0]])
            arm[1] += share * jitter[t, 2] * distance
            found.append(replace(start, place=middle + arm).towards(middle))
        return found

    return views
