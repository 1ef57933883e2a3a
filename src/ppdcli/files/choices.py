"""The choices that a user has for written files. Importing this module is quick."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PngScale = Literal["mm", "kitti", "tum", "normalized"]
Scale = PngScale | float
"""The meaning of one step in a file of whole numbers: a name, or metres per step."""

Colormap = Literal["spectral", "inferno", "turbo", "viridis", "gray"]


@dataclass(frozen=True)
class Choices:
    """How depth is written.

    Attributes:
        png_scale: the step of a PNG (``png.write``).
        colormap: the colour map of previews.
        value_range: the values at both ends of a preview's colour map; None: those of each map.
    """

    png_scale: PngScale = "normalized"
    colormap: Colormap = "spectral"
    value_range: tuple[float, float] | None = None
