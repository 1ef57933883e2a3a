"""What ``ppd predict`` does with photos."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppdcli.commands.model_settings import model_settings
from ppdcli.commands.request import PhotoRequest
from ppdcli.errors import InputError
from ppdcli.files.choices import Choices
from ppdcli.files.formats import DEPTH_FORMATS
from ppdcli.jobs.work import Job, Writable
from ppdcli.panoramas import panorama_note

if TYPE_CHECKING:  # a rerun that finds everything finished imports neither OpenCV nor PyTorch
    from ppdcli.depth import DepthMap
    from ppdcli.metric import Estimate
    from ppdcli.photo import Photo
    from ppdcli.predictor import Predictor


@dataclass(frozen=True)
class PredictRequest(PhotoRequest):
    """What ``ppd predict`` is asked for.

    Attributes:
        keep_sky: with metres, keep depth also where MoGe-2 sees none.
        full_size: bring the depth to the photo's size; else leave it as the network gives it.
        choices: how the files are written.
    """

    keep_sky: bool
    full_size: bool
    choices: Choices

    def prepare(self) -> PredictWork:
        return PredictWork(self.load_predictor(), self)

    def settings(self) -> dict[str, dict[str, Any]]:
        shared = {
            **model_settings(self.model, self.sampling),
            "metric": self.model.metric,
            "keep-sky": self.keep_sky,
            "full-size": self.full_size,
        }
        limits = self.choices.value_range
        chosen = {
            "png_scale": ("png-scale", self.choices.png_scale),
            "colormap": ("colormap", self.choices.colormap),
            "value_range": ("range", "auto" if limits is None else list(limits)),
        }
        return {
            row.name: {
                **shared,
                **dict(chosen[choice] for choice in DEPTH_FORMATS[row.name].choices),
            }
            for row in self.formats
        }


@dataclass(frozen=True)
class PredictWork:
    """Predicts depth and writes it in every format asked for; see ``jobs.work.Work``."""

    predictor: Predictor
    request: PredictRequest

    def batch_key(self, photo: Photo) -> Hashable:
        return self.predictor.size_of(photo, self.request.sampling.area)

    def batch_size(self, photo: Photo) -> int:
        return self.request.batch or self.predictor.batch_size(photo, self.request.sampling.area)

    def examine(self, job: Job) -> Estimate | None:
        """MoGe-2's estimate, if metres are wanted."""
        job.photo.require_visible()
        if (note := panorama_note(job.photo)) is not None:
            job.notes.append(note)
        if not self.request.model.metric:
            return None
        try:
            return self.predictor.estimate(job.photo)
        except InputError as error:
            raise InputError(f"{error}; without --metric depth is relative") from error

    def predict(self, photos: Sequence[Photo]) -> Sequence[DepthMap]:
        sampling = vars(self.request.sampling)
        on_step = self.request.on_step(self.predictor)
        return self.predictor.predict_batch(photos, **sampling, on_step=on_step, keep_hidden=True)

    def build(
        self, job: Job, context: Estimate | None, depth: DepthMap, wanted: Sequence[str]
    ) -> Writable:
        request = self.request
        if context is not None:
            depth = depth.to_metric(
                moge2=context, keep_sky=request.keep_sky, seed=request.sampling.seed
            )
        started = time.perf_counter()
        depth = depth.full_size() if request.full_size else depth.visible(job.photo.opaque)
        resized = replace(depth, timings={**depth.timings, "resize": time.perf_counter() - started})

        def write(name: str, path: Path) -> None:
            note = DEPTH_FORMATS[name].write(path, resized, request.choices)
            if note is not None:
                job.notes.append(note)

        return Writable({**resized.report(), "timings": resized.timings}, write)
