"""What ``ppd predict`` does with one photo."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppdcli.depth import DepthMap
from ppdcli.files import exr, npy, png, preview
from ppdcli.jobs.run import Outputs
from ppdcli.photo import Photo
from ppdcli.predictor import Predictor


@dataclass(frozen=True)
class PredictWork:
    """Predicts a photo's depth and writes it in every format asked for.

    Attributes:
        full_size: bring the depth to the photo's size; else leave it as the network gives it.
        value_range: of previews; each picture's own if None.
        metric: metres, by MoGe-2; with ``keep_sky`` where it sees no depth, too.
        png_scale: what a PNG's step is.
        warn: called with lines for the user.
    """

    predictor: Predictor
    steps: int | None
    seed: int
    area: int | None
    metric: bool
    keep_sky: bool
    full_size: bool
    colormap: preview.Colormap
    value_range: tuple[float, float] | None
    png_scale: png.PngScale
    warn: Callable[[str], None]

    def __call__(self, photo: Photo, outputs: Outputs) -> dict[str, Any]:
        depth = self.predictor.predict(
            photo,
            steps=self.steps,
            seed=self.seed,
            area=self.area,
            metric=self.metric,
            keep_sky=self.keep_sky,
        )
        predicted = time.perf_counter()
        if self.full_size:
            height, width = photo.rgb.shape[:2]
            depth = depth.resized(height, width, photo.rgb)
        resized = time.perf_counter()
        for name, path in outputs.items():
            self._write(name, path, depth)
        timings = {
            **depth.timings,
            "resize": resized - predicted,
            "write": time.perf_counter() - resized,
        }
        return {**depth.report(), "timings": timings}

    def _write(self, name: str, path: Path, depth: DepthMap) -> None:
        match name:
            case "png":
                note = png.write(path, depth, self.png_scale)
                if note is not None:
                    self.warn(note)
            case "exr":
                exr.write(path, depth)
            case "npy":
                npy.write(path, depth)
            case "preview":
                preview.write(path, depth, self.colormap, self.value_range)
