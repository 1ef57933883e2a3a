"""What a user can choose of the files that are written; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PngScale = Literal["mm", "kitti", "tum", "normalized"]
Scale = PngScale | float
"""What a step of whole numbers means: by its name, or in metres."""

Colormap = Literal["spectral", "inferno", "turbo", "viridis", "gray"]


@dataclass(frozen=True)
class Choices:
    """How depth is written.

    Attributes:
        png_scale: what a PNG's step is (``png.write``).
        colormap: of previews.
        value_range: values that get a preview's end colours; each picture's own if None.
    """

    png_scale: PngScale = "normalized"
    colormap: Colormap = "spectral"
    value_range: tuple[float, float] | None = None
