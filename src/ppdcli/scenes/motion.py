"""How a thing moves in a scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppdcli.scenes.primitives.shapes import rotation


@dataclass(frozen=True, eq=False)
class Motion:
    """A steady motion along a line, with a steady turn about the upright axis.

    Attributes:
        pivot: (3,) metres, a point of the axis at time 0.
        step: (3,) metres per frame.
        turn: Radians per frame, from ahead towards the right.
    """

    pivot: np.ndarray
    step: np.ndarray
    turn: float

    def at(self, time: float) -> np.ndarray:
        """Returns the (4, 4) motion from time 0 to ``time`` in frames."""
        motion = np.eye(4)
        motion[:3, :3] = rotation(self.turn * time)
        motion[:3, 3] = self.pivot + self.step * time - motion[:3, :3] @ self.pivot
        return motion
