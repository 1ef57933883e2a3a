"""Cameras that stand somewhere in the world, and depth maps of such cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ppdcli.geometry.camera import Camera, exif_turn
from ppdcli.geometry.distortion import Distortion
from ppdcli.geometry.unproject import slopes_of

COARSE = 256  # pixels of a side on which a lens is tried out
ROUND = 0.02  # of the squares of horizontal directions in the lesser one: they span a plane
LEVEL = 0.2  # length of a mean direction that means something
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


def rotation_of(w: float, x: float, y: float, z: float) -> np.ndarray | None:
    """The rotation (3, 3) of a quaternion of any length; None if it has none, or is not finite."""
    length = float(np.linalg.norm((w, x, y, z)))
    if not 0 < length < np.inf:
        return None
    w, x, y, z = w / length, x / length, y / length, z / length
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


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
        """The largest hypot(X/Z, Y/Z) of a pixel; infinite for a pinhole."""
        return widest_of(self.camera, self.distortion)


def widest_of(camera: Camera, distortion: Distortion | None) -> float:
    """The largest hypot(X/Z, Y/Z) of a pixel. Beyond it the model of the lens has no meaning."""
    if distortion is None:
        return np.inf
    scale = min(1.0, COARSE / max(camera.width, camera.height))
    width, height = (max(2, round(scale * side)) for side in (camera.width, camera.height))
    slopes = slopes_of(camera.resized(width, height), distortion)
    radius = np.hypot(slopes[..., 0], slopes[..., 1])
    return float(np.nanmax(radius)) if np.isfinite(radius).any() else 0.0


def pyramid(view: PosedDepth, depth: float) -> np.ndarray:
    """(5, 3) in the world: where a camera is, and the corners of its picture at a depth."""
    camera = view.camera
    across = np.array([-0.5, camera.width - 0.5, camera.width - 0.5, -0.5])
    down = np.array([-0.5, -0.5, camera.height - 0.5, camera.height - 0.5])
    x, y = (across - camera.cx) / camera.fx, (down - camera.cy) / camera.fy
    corners = depth * np.column_stack((x, y, np.ones(4)))
    return view.pose.to_world(np.concatenate((np.zeros((1, 3)), corners)))


def levelling(poses: Sequence[Pose]) -> np.ndarray:
    """The rotation from the world to axes in which the cameras stand upright on average.

    Returns:
        (3, 3): its rows are right, down and forward in the world.
    """
    down = _down(poses)
    forward = np.mean([pose.rotation[2] for pose in poses], axis=0)
    first = poses[0].rotation
    for candidate in (forward, first[2], first[0]):
        level = candidate - (candidate @ down) * down
        if np.linalg.norm(level) > LEVEL:
            break
    level = level / np.linalg.norm(level)
    return np.stack((np.cross(down, level), down, level))


def _down(poses: Sequence[Pose]) -> np.ndarray:
    """(3,) of unit length: where most cameras have their lower side."""
    mean = np.mean([pose.rotation[1] for pose in poses], axis=0)
    length = float(np.linalg.norm(mean))
    down = mean / length if length > LEVEL else poses[0].rotation[1]
    # Cameras look up and down, but are seldom rolled: their rows are horizontal.
    rows = np.array([pose.rotation[0] for pose in poses])
    values, vectors = np.linalg.eigh(rows.T @ rows / len(poses))
    if values[1] < ROUND:
        return np.asarray(down)
    vertical = vectors[:, 0]
    return np.asarray(vertical if vertical @ down > 0 else -vertical)


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
