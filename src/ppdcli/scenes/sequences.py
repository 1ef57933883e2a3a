"""Sequences of pictures of one scene by a moving camera, with exact depth, poses and motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ppdcli.geometry.camera import Camera
from ppdcli.scenes.camera_path import Path, View, orbit, walk
from ppdcli.scenes.film import develop
from ppdcli.scenes.samples import SKY_DEPTH

SAME_SURFACE = 0.01  # of depth: a point is visible if the ray to it ends this close to it
_ROUNDING = 1e-6  # pixels: a camera that stands still keeps the border in its picture
_SMALL = (24, 32)  # size of the pictures that judge a path
_CLEAR = 0.4  # of the first view's nearest depth: no view may come closer than this
_SHARES = (1.0, 0.5, 0.25)  # of a path that are tried


class Stage(Protocol):
    """A scene with things that may move. Its axes are x right, y up, z ahead; unit metres.

    Attributes:
        start: The first view.
    """

    start: View

    def focal(self, height: int, width: int) -> float:
        """Returns the focal length in pixels of a picture."""

    def motions(self, time: float) -> np.ndarray:
        """Returns (1 + things, 4, 4) motions from time 0 to ``time`` in frames. The first is the
        identity, for everything that does not move."""

    def picture(
        self, view: View, time: float, height: int, width: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns linear light (H, W, 3) float32, and depth (H, W) float32 metres, SKY_DEPTH for
        the sky."""

    def cast(
        self, view: View, time: float, directions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Casts rays from the view along (N, 3) ``directions``, of length 1 along the optical axis.

        Returns:
            Depth (N,) float32, SKY_DEPTH for the sky; (N,) int64 indices into ``motions``.
        """


@dataclass(frozen=True, eq=False)
class Clip:
    """N frames of one scene, with the truth about them.

    Attributes:
        rgb: (N, H, W, 3) uint8.
        depth: (N, H, W) float32 metres along the optical axis, SKY_DEPTH for the sky.
        poses: (N, 4, 4) float64, camera to world; x right, y down, z forward in both; metres.
        camera: The camera of every frame.
        moving: (N, H, W) bool, the pixels of things that move by themselves.
        flow: (N - 1, H, W, 2) float32 pixels, to where the surface point of a pixel is in the next
            frame: (right, down). NaN for the sky, and for points that get behind the camera.
        visible: (N - 1, H, W) bool, whether that point is inside the next frame, and visible there.
    """

    rgb: np.ndarray
    depth: np.ndarray
    poses: np.ndarray
    camera: Camera
    moving: np.ndarray
    flow: np.ndarray
    visible: np.ndarray

    @property
    def valid(self) -> np.ndarray:
        """(N, H, W) bool, the pixels with a surface."""
        return self.depth < SKY_DEPTH


def film(stage: Stage, views: Sequence[View], shape: tuple[int, int], seed: int) -> Clip:
    """Films a scene: frame k is taken at time k.

    Args:
        stage: The scene.
        views: The camera's view in each frame.
        shape: (height, width).
        seed: Decides the properties of the camera, which are the same in every frame, and the
            noise, which is not.
    """
    height, width = shape
    focal = stage.focal(height, width)
    camera = Camera(focal, focal, (width - 1) / 2, (height - 1) / 2, width, height)
    rgb = np.empty((len(views), height, width, 3), np.uint8)
    depth = np.empty((len(views), height, width), np.float32)
    things = np.empty((len(views), height, width), np.int64)
    local = _rays(camera)
    for k, view in enumerate(views):
        light, depth[k] = stage.picture(view, k, height, width)
        grain = np.random.default_rng([seed, k])
        rgb[k] = develop(light, np.random.default_rng(seed), grain)
        things[k] = stage.cast(view, k, local @ view.axes().T)[1].reshape(shape)
    flow = np.empty((len(views) - 1, height, width, 2), np.float32)
    visible = np.empty((len(views) - 1, height, width), bool)
    for k in range(len(views) - 1):
        points = _carried(stage, views[k], k, local, depth[k].ravel(), things[k].ravel())
        flow[k], visible[k] = _seen(stage, views[k + 1], k + 1, camera, points)
    poses = np.array([view.pose() for view in views])
    return Clip(rgb, depth, poses, camera, things > 0, flow, visible)


def film_walk(stage: Stage, frames: int, shape: tuple[int, int], key: Sequence[int]) -> Clip:
    """Films a scene by a hand-held camera.

    Args:
        stage: The scene.
        frames: Number of frames.
        shape: (height, width).
        key: Non-negative numbers that decide the path and the camera.
    """
    rng = np.random.default_rng([*key, 1])
    distance, nearest = _distances(stage)
    path = walk(stage.start, frames, distance, rng)
    return film(stage, _clear(stage, path, nearest), shape, int(rng.integers(2**31)))


def take_views(stage: Stage, count: int, shape: tuple[int, int], key: Sequence[int]) -> Clip:
    """Takes pictures of a scene from around a point, as for photogrammetry; see ``film_walk``."""
    rng = np.random.default_rng([*key, 2])
    distance, nearest = _distances(stage)
    path = orbit(stage.start, count, distance, rng)
    return film(stage, _clear(stage, path, nearest), shape, int(rng.integers(2**31)))


def _rays(camera: Camera) -> np.ndarray:
    """Returns (H * W, 3) rays in the camera's right, up and forward."""
    v, u = np.mgrid[: camera.height, : camera.width].reshape(2, -1)
    return np.stack(
        [(u - camera.cx) / camera.fx, (camera.cy - v) / camera.fy, np.ones(u.shape)], -1
    )


def _carried(
    stage: Stage, view: View, time: int, local: np.ndarray, depth: np.ndarray, things: np.ndarray
) -> np.ndarray:
    """Returns (N, 3) points of the scene as they are one frame later; NaN for the sky."""
    far = np.where(depth < SKY_DEPTH, depth, np.nan).astype(np.float64)
    points = (local @ view.axes().T) * far[:, None] + view.place
    motions = stage.motions(time + 1) @ np.linalg.inv(stage.motions(time))
    for thing in range(1, len(motions)):
        own = things == thing
        points[own] = points[own] @ motions[thing, :3, :3].T + motions[thing, :3, 3]
    return points


def _seen(
    stage: Stage, view: View, time: int, camera: Camera, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the flow to the points (H * W, 3) in a view, and whether they are visible in it."""
    height, width = camera.height, camera.width
    right, up, ahead = ((points - view.place) @ view.axes()).T
    ahead = np.where(ahead > 0, ahead, np.nan)
    u, v = camera.cx + camera.fx * right / ahead, camera.cy - camera.fy * up / ahead
    row, column = np.mgrid[:height, :width].reshape(2, -1)
    flow = np.stack([u - column, v - row], -1).astype(np.float32)
    inside = (u > -_ROUNDING) & (u < width - 1 + _ROUNDING)
    visible = inside & (v > -_ROUNDING) & (v < height - 1 + _ROUNDING)
    directions = (points[visible] - view.place) / ahead[visible, None]
    met = stage.cast(view, time, directions)[0]
    visible[visible] = np.abs(ahead[visible] - met) < SAME_SURFACE * ahead[visible]
    return flow.reshape(height, width, 2), visible.reshape(height, width)


def _distances(stage: Stage) -> tuple[float, float]:
    """Returns how far the surfaces of the first view are: the median, and the nearest few."""
    depth = _glance(stage, stage.start, 0)
    surfaces = depth[depth < SKY_DEPTH]
    surfaces = surfaces if surfaces.size else depth
    return float(np.median(surfaces)), float(np.quantile(surfaces, 0.01))


def _clear(stage: Stage, path: Path, nearest: float) -> list[View]:
    """Returns the views of as much of a path as comes too close to nothing."""
    for share in _SHARES:
        views = path(share)
        close = (np.quantile(_glance(stage, view, t), 0.01) for t, view in enumerate(views))
        if all(distance > _CLEAR * nearest for distance in close):
            return views
    return path(0.0)


def _glance(stage: Stage, view: View, time: int) -> np.ndarray:
    """Returns the depth (N,) of a small picture."""
    focal = stage.focal(*_SMALL)
    height, width = _SMALL
    camera = Camera(focal, focal, (width - 1) / 2, (height - 1) / 2, width, height)
    return stage.cast(view, time, _rays(camera) @ view.axes().T)[0]
