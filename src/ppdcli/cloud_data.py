"""The points of a cloud and what they mean, without any file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppdcli.axes import Axes
from ppdcli.depth_data import Unit
from ppdcli.errors import InputError, UsageError
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion

REACH = 6  # pixels around one in which the nearest point is taken


@dataclass(frozen=True, eq=False)
class CloudPixels:
    """The photo whose pixels the points of a cloud are.

    Attributes:
        rgb: (H, W, 3) uint8 sRGB.
        taken: (H, W) bool: the pixels that have a point; the points are in row-major order.
        camera: of the photo's grid.
        distortion: of the lens; None for a pinhole.
    """

    rgb: np.ndarray
    taken: np.ndarray
    camera: Camera
    distortion: Distortion | None = None


@dataclass(eq=False, repr=False)
class CloudData:
    """Coloured points, and what it takes to use them rightly.

    Attributes:
        points: (N, 3) float32.
        colors: (N, 3) uint8 sRGB.
        comments: Lines for the header of the file: unit, axes, camera, provenance.
        removed: How many points the edge-clean filter removed.
        normals: (N, 3) float32 of unit length, towards the camera; None without normals.
        without_normal: how many points were left out because they have none.
        pixels: the photo whose pixels the points are; None for a thinned cloud.
        axes: which way they point.
        unit: of the points, m or relative.
        notes: lines for the user on how it was made.
        flying: (M, 3) float32, the points that the edge-clean filter removed, as they would be
            without it; None if they were not kept.
    """

    points: np.ndarray
    colors: np.ndarray
    comments: tuple[str, ...] = ()
    removed: int = 0
    normals: np.ndarray | None = None
    without_normal: int = 0
    pixels: CloudPixels | None = None
    axes: Axes = "opencv"
    unit: Unit = "relative"
    notes: tuple[str, ...] = ()
    flying: np.ndarray | None = None

    def point_at(self, u: float, v: float) -> np.ndarray:
        """The point of a pixel, or of the nearest pixel that has one: (3,) float64.

        Args:
            u, v: column and row in the photo; the first pixel's centre is (0, 0).

        Raises:
            UsageError: the cloud was thinned.
            InputError: the pixel is outside the photo, or no pixel within 6 has a point.
        """
        if self.pixels is None:
            raise UsageError("a thinned cloud does not know the pixels of its points")
        taken = self.pixels.taken
        height, width = taken.shape
        if not (-0.5 <= u <= width - 0.5 and -0.5 <= v <= height - 0.5):
            raise InputError(f"pixel {u:g},{v:g} is outside the photo, which is {width}x{height}")
        column, row = min(round(max(u, 0)), width - 1), min(round(max(v, 0)), height - 1)
        top, left = max(0, row - REACH), max(0, column - REACH)
        rows, columns = np.nonzero(taken[top : row + REACH + 1, left : column + REACH + 1])
        if len(rows) == 0:
            raise InputError(f"there is no depth at pixel {column},{row}; choose another point")
        k = int(((rows + top - row) ** 2 + (columns + left - column) ** 2).argmin())
        before = np.count_nonzero(taken.ravel()[: (rows[k] + top) * width + columns[k] + left])
        return self.points[before].astype(np.float64)
