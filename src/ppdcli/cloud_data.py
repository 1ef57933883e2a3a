"""The points of a cloud and what they mean, without any file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppdcli.axes import Axes
from ppdcli.depth_data import Unit
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion


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
