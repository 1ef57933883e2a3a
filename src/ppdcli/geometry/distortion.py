"""Lens distortion: from the pixels of a distorted photo to their undistorted rays.

The photo is not resampled. Every pixel keeps its colour and depth and gets its own ray.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ppdcli.errors import UsageError
from ppdcli.geometry.camera import Camera, exif_turn

Model = Literal["opencv", "fisheye"]

NAMES: dict[Model, tuple[str, ...]] = {
    "opencv": ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
    "fisheye": ("k1", "k2", "k3", "k4"),
}

MAX_DEGREES = 89.0
"""Rays farther from the axis are NaN: their depth along the axis carries almost no information."""

MAX_RESIDUAL = 0.05
"""Largest error in pixels of a ray that is distorted again."""

TABLE_NODES = 1 << 14
CHUNK_ROWS = 128
MAX_ROUNDS = 30


@dataclass(frozen=True)
class Distortion:
    """A lens distortion in one of OpenCV's two models.

    Both models use normalised coordinates x = X/Z, y = Y/Z, so they hold for every size and crop of
    the image. With r^2 = x^2 + y^2 (OpenCV documentation, calib3d):

    - "opencv": f = (1 + k1 r^2 + k2 r^4 + k3 r^6) / (1 + k4 r^2 + k5 r^4 + k6 r^6),
      x' = x f + 2 p1 x y + p2 (r^2 + 2 x^2), y' = y f + p1 (r^2 + 2 y^2) + 2 p2 x y;
    - "fisheye": a = atan(r), b = a (1 + k1 a^2 + k2 a^4 + k3 a^6 + k4 a^8),
      x' = x b / r, y' = y b / r.

    Attributes:
        model: "opencv" or "fisheye".
        coefficients: The 8 numbers k1 k2 p1 p2 k3 k4 k5 k6, or the 4 numbers k1 k2 k3 k4.

    Raises:
        UsageError: The model is unknown, the number of coefficients is wrong, or one is not finite.
    """

    model: Model
    coefficients: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.model not in get_args(Model):
            raise UsageError(f"distortion {self.model!r}: give one of {', '.join(NAMES)}")
        expected = len(NAMES[self.model])
        if len(self.coefficients) != expected:
            raise UsageError(
                f"distortion {self.model}: {len(self.coefficients)} coefficients instead of "
                f"{expected}, {' '.join(NAMES[self.model])}"
            )
        if not all(math.isfinite(value) for value in self.coefficients):
            raise UsageError(f"distortion {self.describe()}: a coefficient is not finite")

    @classmethod
    def of(cls, model: Model, *coefficients: float) -> Distortion:
        """Takes the first coefficients in the model's order; the others are zero."""
        missing = len(NAMES[model]) - len(coefficients)
        return cls(model, (*map(float, coefficients), *[0.0] * missing))

    @property
    def is_pinhole(self) -> bool:
        """Whether nothing is distorted. A fisheye is no pinhole, even with zero coefficients."""
        return self.model == "opencv" and not any(self.coefficients)

    def describe(self) -> str:
        """Returns the model and its coefficients for messages and file comments."""
        pairs = zip(NAMES[self.model], self.coefficients, strict=True)
        return " ".join([self.model, *(f"{name}={value:.9g}" for name, value in pairs)])

    def rotated(self, orientation: int) -> Distortion:
        """Returns the distortion of the upright image, from that of the stored image (EXIF 1..8).

        (p2, p1) is a direction in the image and turns with it. The rest is radially symmetric.
        """
        swap, mirror_x, mirror_y = exif_turn(orientation)
        if self.model == "fisheye":
            return self
        k1, k2, p1, p2, *others = self.coefficients
        if swap:
            p1, p2 = p2, p1
        p2 = -p2 if mirror_x else p2
        p1 = -p1 if mirror_y else p1
        return Distortion(self.model, (k1, k2, p1, p2, *others))

    def distort(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the distorted normalised coordinates of the rays (x, y, 1), same shape."""
        r = np.sqrt(x * x + y * y)
        angle = np.arctan(r) if self.model == "fisheye" else r
        with np.errstate(invalid="ignore", divide="ignore"):
            factor = np.where(r > 0, self._radial(angle) / r, 1.0)
        tx, ty = self._tangential(x, y)
        return x * factor + tx, y * factor + ty

    def _radial(self, r: np.ndarray) -> np.ndarray:
        """Returns the distorted radius for the radius r ("opencv") or the off-axis angle r
        ("fisheye")."""
        s = r * r
        if self.model == "fisheye":
            k1, k2, k3, k4 = self.coefficients
            return r * (1 + s * (k1 + s * (k2 + s * (k3 + s * k4))))
        k1, k2, _, _, k3, k4, k5, k6 = self.coefficients
        bent = r * (1 + s * (k1 + s * (k2 + s * k3)))
        return bent / (1 + s * (k4 + s * (k5 + s * k6))) if k4 or k5 or k6 else bent

    def _tangential(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if not self._has_tangential:
            return np.zeros(()), np.zeros(())
        p1, p2 = self.coefficients[2:4]
        along = 2 * (p2 * x + p1 * y)
        s = x * x + y * y
        return along * x + p2 * s, along * y + p1 * s

    @property
    def _has_tangential(self) -> bool:
        return self.model == "opencv" and any(self.coefficients[2:4])


def undistort_points(
    u: np.ndarray, v: np.ndarray, camera: Camera, distortion: Distortion | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the rays (x, y, 1) of pixels of a photo.

    Beyond the radius where the model turns back it has no meaning, although its formulas still
    have solutions there. Such pixels get no ray.

    Args:
        u, v: Pixel coordinates, arrays of one shape, first pixel centre at (0, 0).
        camera: Camera of the distorted photo.
        distortion: None for a pinhole.

    Returns:
        x and y of the same shape, float64. They are NaN where the model is not valid, where the ray
        is more than 89 degrees off the axis, and where the ray, distorted again, would miss its
        pixel by more than 0.05 pixels.
    """
    x = (np.asarray(u, np.float64) - camera.cx) / camera.fx
    y = (np.asarray(v, np.float64) - camera.cy) / camera.fy
    if distortion is None or distortion.is_pinhole:
        return x, y
    reach = float(np.hypot(x, y).max(initial=0))
    return _undistort(x, y, distortion, _radial_table(distortion, reach), camera)


def rays(camera: Camera, distortion: Distortion | None = None) -> np.ndarray:
    """Returns the ray (x, y, 1) of every pixel; see ``undistort_points``.

    The image is processed in bands of rows, so memory holds little more than the result.

    Returns:
        (camera.height, camera.width, 2) float32 of x and y. A point at depth Z is (x Z, y Z, Z).
    """
    x = (np.arange(camera.width) - camera.cx) / camera.fx
    y = (np.arange(camera.height) - camera.cy) / camera.fy
    result = np.empty((camera.height, camera.width, 2), np.float32)
    if distortion is None or distortion.is_pinhole:
        result[..., 0], result[..., 1] = x, y[:, None]
        return result
    table = _radial_table(distortion, math.hypot(np.abs(x).max(), np.abs(y).max()))
    for top in range(0, camera.height, CHUNK_ROWS):
        band = slice(top, top + CHUNK_ROWS)
        xs, ys = np.broadcast_arrays(x, y[band, None])
        result[band, :, 0], result[band, :, 1] = _undistort(xs, ys, distortion, table, camera)
    return result


def _radial_table(distortion: Distortion, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns radii (angles for a fisheye) and their distorted radii, which rise from 0.

    The table ends where the model turns back, at 89 degrees, or beyond ``reach``, the largest
    distorted radius that is needed, with a margin for tangential distortion.
    """
    limit = math.radians(MAX_DEGREES)
    limit = limit if distortion.model == "fisheye" else math.tan(limit)
    wanted = 1.5 * max(reach, 0.1)
    end = min(wanted, limit)
    while True:
        radii = np.linspace(0, end, TABLE_NODES)
        with np.errstate(all="ignore"):
            distorted = distortion._radial(radii)
            falls = np.flatnonzero(~(np.diff(distorted) > 0))
        if len(falls) > 0:
            count = falls[0] + 1
            return radii[:count], distorted[:count]
        if distorted[-1] >= wanted or end == limit:
            return radii, distorted
        end = min(2 * end, limit)


def _undistort(
    x: np.ndarray,
    y: np.ndarray,
    distortion: Distortion,
    table: tuple[np.ndarray, np.ndarray],
    camera: Camera,
) -> tuple[np.ndarray, np.ndarray]:
    """Converts distorted to undistorted normalised coordinates.

    The radial part comes from the table. The tangential part is small and depends on the result; it
    is subtracted in rounds until the result is stable.
    """
    radii, distorted = table
    focal = max(camera.fx, camera.fy)
    tx, ty = np.zeros(()), np.zeros(())
    with np.errstate(all="ignore"):
        for _ in range(MAX_ROUNDS):
            px, py = x - tx, y - ty
            length = np.sqrt(px * px + py * py)
            radius = np.interp(length, distorted, radii, right=np.nan)
            if distortion.model == "fisheye":
                radius = np.tan(radius)
            factor = np.where(length > 0, radius / length, 1.0)
            true_x, true_y = px * factor, py * factor
            if not distortion._has_tangential:
                break
            before_x, before_y = tx, ty
            tx, ty = distortion._tangential(true_x, true_y)
            moved = np.hypot(tx - before_x, ty - before_y)
            if np.nanmax(moved, initial=0) * focal < MAX_RESIDUAL / 100:
                break
        again_x, again_y = distortion.distort(true_x, true_y)
        misses = np.hypot((again_x - x) * camera.fx, (again_y - y) * camera.fy)
        invalid = ~(misses <= MAX_RESIDUAL)
    true_x[invalid] = np.nan
    true_y[invalid] = np.nan
    return true_x, true_y
