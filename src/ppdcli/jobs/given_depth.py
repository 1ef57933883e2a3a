"""A depth file that the user gives for a photo, instead of a prediction."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

from ppdcli.depth import DepthMap
from ppdcli.files.choices import PngScale
from ppdcli.files.depth_files import (
    format_of,
    read_depth,
    require_view,
    states_unit,
    turned_with_photo,
)
from ppdcli.photo import Photo


@dataclass(frozen=True)
class GivenDepth:
    """A depth file.

    Attributes:
        path: the file.
        step: metres of a step of whole numbers, where the user states it.
        placed: whether something else puts it into metres, so that a bare array is relative.
    """

    path: Path
    step: float | None
    placed: bool

    def read(self, photo: Photo) -> DepthMap:
        """The map, as the photo is shown.

        Raises:
            InputError: it cannot be read, or is no map of this photo.
        """
        started = time.perf_counter()
        if self.placed:
            depth = read_depth(self.path, "relative", "normalized")
        else:
            depth = read_depth(self.path, "metric", self._step())
        height, width = photo.rgb.shape[:2]
        depth = turned_with_photo(self.path, depth, width, height, photo.orientation)
        require_view(self.path, depth.values.shape, width, height)
        return DepthMap(**vars(replace(depth, timings={"depth": time.perf_counter() - started})))

    def unit_note(self) -> str | None:
        """A line for the user where nothing says what the numbers are."""
        if self.step is not None or self.placed or states_unit(self.path):
            return None
        unit = "millimetres" if format_of(self.path) == "png" else "metres"
        return (
            f"{self.path}: does not state its unit; read as {unit}; if it is relative, give "
            "--near-far, --align or --metric"
        )

    def _step(self) -> float | PngScale | None:
        """What a step is: as stated, or millimetres in a PNG."""
        if self.step is not None:
            return self.step
        return "mm" if format_of(self.path) == "png" else None
