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

Model = Literal["opencv", "fisheye", "fov", "thin_prism_fisheye"]

NAMES: dict[Model, tuple[str, ...]] = {
    "opencv": ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6"),
    "fisheye": ("k1", "k2", "k3", "k4"),
    "fov": ("omega",),
    "thin_prism_fisheye": ("k1", "k2", "p1", "p2", "k3", "k4", "sx1", "sy1"),
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
    """A lens that bends rays, in one of OpenCV's two models or of two more of COLMAP's.

    All work on normalised coordinates x = X/Z, y = Y/Z, so they hold for every size and crop of
    the image. With r^2 = x^2 + y^2 (OpenCV documentation, calib3d; COLMAP, "Camera Models"):

    - "opencv": f = (1 + k1 r^2 + k2 r^4 + k3 r^6) / (1 + k4 r^2 + k5 r^4 + k6 r^6),
      x' = x f + 2 p1 x y + p2 (r^2 + 2 x^2), y' = y f + p1 (r^2 + 2 y^2) + 2 p2 x y;
    - "fisheye": a = atan(r), b = a (1 + k1 a^2 + k2 a^4 + k3 a^6 + k4 a^8),
      x' = x b / r, y' = y b / r;
    - "fov": b = atan(2 r tan(omega / 2)) / omega, x' = x b / r, y' = y b / r;
    - "thin_prism_fisheye": u = x a / r, v = y a / r with a = atan(r), then as "opencv" on (u, v)
      with f = 1 + k1 a^2 + k2 a^4 + k3 a^6 + k4 a^8, and sx1 a^2, sy1 a^2 added.

    Attributes:
        model: one of ``NAMES``.
        coefficients: the numbers that ``NAMES`` lists for the model, in that order; omega in
            radians.

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
        """Nothing is bent. A fisheye never is a pinhole, not even with zero coefficients."""
        return not self.by_angle and not any(self.coefficients)

    @property
    def by_angle(self) -> bool:
        """Whether the polynomial is one of the angle from the axis, as in a fisheye."""
        return self.model in ("fisheye", "thin_prism_fisheye")

    def describe(self) -> str:
        """Returns the model and its coefficients for messages and file comments."""
        pairs = zip(NAMES[self.model], self.coefficients, strict=True)
        return " ".join([self.model, *(f"{name}={value:.9g}" for name, value in pairs)])

    def rotated(self, orientation: int) -> Distortion:
        """Returns the distortion of the upright image, from that of the stored image (EXIF 1..8).

        (p2, p1) and (sx1, sy1) are directions in the image and turn with it; the rest is the same
        all round.
        """
        turned = dict(zip(NAMES[self.model], self.coefficients, strict=True))
        swap, mirror_x, mirror_y = exif_turn(orientation)
        for x, y in (("p2", "p1"), ("sx1", "sy1")):
            if x in turned:
                along_x, along_y = turned[x], turned[y]
                if swap:
                    along_x, along_y = along_y, along_x
                turned[x] = -along_x if mirror_x else along_x
                turned[y] = -along_y if mirror_y else along_y
        return Distortion(self.model, tuple(turned.values()))

    def distort(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the distorted normalised coordinates of the rays (x, y, 1), same shape."""
        r = np.sqrt(x * x + y * y)
        radius = np.arctan(r) if self.by_angle else r
        with np.errstate(invalid="ignore", divide="ignore"):
            factor = np.where(r > 0, self._radial(radius) / r, 1.0)
            scale = np.where(r > 0, radius / r, 1.0)
        tx, ty = self._sideways(x * scale, y * scale)
        return x * factor + tx, y * factor + ty

    def _radial(self, r: np.ndarray) -> np.ndarray:
        """Distorted radius at the radius r, or at the angle r from the axis (``by_angle``)."""
        s = r * r
        if self.model == "fov":
            (omega,) = self.coefficients
            return np.arctan(2 * r * math.tan(omega / 2)) / omega if omega else r
        if self.by_angle:
            values = dict(zip(NAMES[self.model], self.coefficients, strict=True))
            k1, k2, k3, k4 = (values[name] for name in ("k1", "k2", "k3", "k4"))
            return r * (1 + s * (k1 + s * (k2 + s * (k3 + s * k4))))
        k1, k2, _, _, k3, k4, k5, k6 = self.coefficients
        bent = r * (1 + s * (k1 + s * (k2 + s * k3)))
        return bent / (1 + s * (k4 + s * (k5 + s * k6))) if k4 or k5 or k6 else bent

    def _sideways(self, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What tangential distortion and thin prisms add; (u, v) is the ray's place before it."""
        if not self._has_sideways:
            return np.zeros(()), np.zeros(())
        p1, p2 = self.coefficients[2:4]
        sx1, sy1 = self.coefficients[6:8] if self.model == "thin_prism_fisheye" else (0.0, 0.0)
        along = 2 * (p2 * u + p1 * v)
        s = u * u + v * v
        return along * u + (p2 + sx1) * s, along * v + (p1 + sy1) * s

    @property
    def _has_sideways(self) -> bool:
        if self.model == "thin_prism_fisheye":
            return any(self.coefficients[2:4] + self.coefficients[6:8])
        return self.model == "opencv" and any(self.coefficients[2:4])


def rays(camera: Camera, distortion: Distortion | None = None) -> np.ndarray:
    """The ray (x, y, 1) on which every pixel of a photo looks.

    Past the radius where the model turns back on itself it has no meaning, although its formulas
    still have solutions there: such pixels get no ray. Works through the image in bands of rows, so
    that little more than the result is in memory.

    Args:
        camera: of the photo as taken, with its distortion.
        distortion: None for a pinhole.

    Returns:
        (camera.height, camera.width, 2) float32 of x and y; a point at depth Z is (x Z, y Z, Z).
        NaN where the model is not valid, where the ray is more than 89 degrees off the axis, and
        where the ray, distorted again, would miss its pixel by more than 0.05 pixels.
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
    """Radii (angles where ``by_angle``) and their distorted radii, which rise from 0 on.

    The table ends where the model turns back, at 89 degrees, or beyond ``reach``, the largest
    distorted radius that is needed, with a margin for tangential distortion.
    """
    limit = math.radians(MAX_DEGREES)
    limit = limit if distortion.by_angle else math.tan(limit)
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

    The radial part is looked up; the small part to the side, which depends on the result, is
    taken off in rounds until it stands still.
    """
    radii, distorted = table
    focal = max(camera.fx, camera.fy)
    tx, ty = np.zeros(()), np.zeros(())
    with np.errstate(all="ignore"):
        for _ in range(MAX_ROUNDS):
            px, py = x - tx, y - ty
            length = np.sqrt(px * px + py * py)
            radius = np.interp(length, distorted, radii, right=np.nan)
            factor = np.where(length > 0, radius / length, 1.0)
            u, v = px * factor, py * factor
            if not distortion._has_sideways:
                break
            before_x, before_y = tx, ty
            tx, ty = distortion._sideways(u, v)
            moved = np.hypot(tx - before_x, ty - before_y)
            if np.nanmax(moved, initial=0) * focal < MAX_RESIDUAL / 100:
                break
        scale = np.where(radius > 0, np.tan(radius) / radius, 1.0) if distortion.by_angle else 1.0
        true_x, true_y = u * scale, v * scale
        again_x, again_y = distortion.distort(true_x, true_y)
        misses = np.hypot((again_x - x) * camera.fx, (again_y - y) * camera.fy)
        invalid = ~(misses <= MAX_RESIDUAL)
    true_x[invalid] = np.nan
    true_y[invalid] = np.nan
    return true_x, true_y
