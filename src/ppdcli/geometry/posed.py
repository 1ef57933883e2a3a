"""Cameras that stand somewhere in the world, and depth maps of such cameras."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ppdcli.geometry.camera import Camera, exif_turn
from ppdcli.geometry.distortion import Distortion
from ppdcli.geometry.unproject import slopes_of

SOUND = 1e-3  # largest error of a rotation's rows: lengths and right angles


@dataclass(frozen=True, eq=False)
class Pose:
    """Where a camera stands: x_camera = rotation @ x_world + translation, as in COLMAP.

    Attributes:
        rotation: (3, 3) float64, orthonormal; it mirrors, too, if the photo is mirrored.
        translation: (3,) float64, in the unit of the world.

    Raises:
        ValueError: The numbers are not finite, or ``rotation`` is no rotation. The text is the
            cause.
    """

    rotation: np.ndarray
    translation: np.ndarray

    def __post_init__(self) -> None:
        r = self.rotation
        if not (np.isfinite(r).all() and np.isfinite(self.translation).all()):
            raise ValueError("its pose has numbers that are not finite")
        if np.abs(r @ r.T - np.eye(3)).max() > SOUND:
            raise ValueError("the rotation of its pose is no rotation")

    @property
    def centre(self) -> np.ndarray:
        """(3,): where the camera is in the world."""
        return np.asarray(-self.rotation.T @ self.translation)

    def to_camera(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) points of the world -> in the axes of the camera, float64."""
        return np.asarray(points @ self.rotation.T + self.translation)

    def to_world(self, points: np.ndarray) -> np.ndarray:
        """(N, 3) points in the axes of the camera -> of the world, float64."""
        return np.asarray((points - self.translation) @ self.rotation)

    def turned(self, orientation: int) -> Pose:
        """The pose of the upright image, from that of the stored image (EXIF 1..8)."""
        swap, mirror_x, mirror_y = exif_turn(orientation)
        axes = np.eye(3)[[1, 0, 2]] if swap else np.eye(3)
        axes = np.diag([-1.0 if mirror_x else 1.0, -1.0 if mirror_y else 1.0, 1.0]) @ axes
        return Pose(axes @ self.rotation, axes @ self.translation)


@dataclass(frozen=True, eq=False)
class PosedDepth:
    """A depth map in the world.

    Attributes:
        name: of the photo, for messages.
        depth: (H, W) float32 along the optical axis, in the unit of the world; NaN where there is
            none.
        colors: (H, W, 3) uint8 sRGB: the photo on this grid.
        camera: of this grid.
        pose: of the camera.
        distortion: of the lens; None for a pinhole.
        spread: relative error of the depth, as one standard deviation.
    """

    name: str
    depth: np.ndarray
    colors: np.ndarray
    camera: Camera
    pose: Pose
    distortion: Distortion | None = None
    spread: float = 0.01

    @cached_property
    def slopes(self) -> np.ndarray:
        """(H, W, 2) float32: X/Z and Y/Z of each pixel, NaN where the lens has no ray."""
        return slopes_of(self.camera, self.distortion)

    @cached_property
    def widest(self) -> float:
        """The largest hypot(X/Z, Y/Z) of a pixel. Beyond it the lens model has no meaning."""
        x, y = self.slopes[..., 0], self.slopes[..., 1]
        return float(np.sqrt(np.nanmax(x * x + y * y)))

    def pixels_of(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where this camera sees points.

        Args:
            points: (N, 3) in the axes of the camera.

        Returns:
            (N,) column and row, NaN for points that are behind the camera or beyond its lens.
        """
        return seen_at(points, self.camera, self.distortion, self.widest)


def seen_at(
    points: np.ndarray,
    camera: Camera,
    distortion: Distortion | None = None,
    widest: float = np.inf,
) -> tuple[np.ndarray, np.ndarray]:
    """Projects points into a photo.

    Args:
        points: (N, 3) in the axes of the camera.
        camera: of the photo.
        distortion: of its lens.
        widest: the largest hypot(X/Z, Y/Z) for which the lens model holds.

    Returns:
        (N,) column and row, the first pixel's centre at (0, 0); NaN where Z <= 0 or the ray is
        beyond ``widest``. They may lie outside the photo.
    """
    z = points[:, 2]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        x, y = points[:, 0] / z, points[:, 1] / z
        blind = ~(z > 0)
        if distortion is not None:
            blind |= ~(x * x + y * y <= (1.01 * widest) ** 2)
            x, y = distortion.distort(x, y)
        u, v = camera.fx * x + camera.cx, camera.fy * y + camera.cy
    u[blind] = np.nan
    v[blind] = np.nan
    return u, v
