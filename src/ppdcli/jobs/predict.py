"""What ``ppd predict`` does with photos."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ppdcli.depth import DepthMap
from ppdcli.errors import InputError
from ppdcli.files.choices import Choices
from ppdcli.files.formats import DEPTH_FORMATS
from ppdcli.jobs.work import Built, Job
from ppdcli.metric import Estimate, to_metric
from ppdcli.photo import Photo
from ppdcli.predictor import Predictor


@dataclass(frozen=True)
class PredictWork:
    """Predicts depth and writes it in every format asked for; see ``jobs.work.Work``.

    Attributes:
        batch: photos in a forward; the predictor's choice if None.
        full_size: bring the depth to the photo's size; else leave it as the network gives it.
        metric: metres, by MoGe-2; with ``keep_sky`` where it sees no depth, too.
        choices: how the files are written.
    """

    predictor: Predictor
    steps: int | None
    seed: int
    area: int | None
    batch: int | None
    metric: bool
    keep_sky: bool
    full_size: bool
    choices: Choices

    def kind(self, photo: Photo) -> Hashable:
        return self.predictor.size_of(photo, self.area)

    def together(self, photo: Photo) -> int:
        return self.batch or self.predictor.together(photo, self.area)

    def look(self, job: Job) -> tuple[Estimate, float] | None:
        """MoGe-2's estimate and the seconds that it took."""
        if not self.metric:
            return None
        started = time.perf_counter()
        try:
            estimate = self.predictor.estimate(job.photo)
        except InputError as error:
            raise InputError(f"{error}; without --metric depth is relative") from error
        return estimate, time.perf_counter() - started

    def predict(self, photos: Sequence[Photo]) -> Sequence[DepthMap]:
        return self.predictor.predict_batch(
            photos, steps=self.steps, seed=self.seed, area=self.area
        )

    def build(
        self,
        job: Job,
        seen: tuple[Estimate, float] | None,
        depth: DepthMap,
        wanted: Sequence[str],
    ) -> Built:
        if seen is not None:
            estimate, seconds = seen
            timings = {**depth.timings, "metric": seconds}
            depth = replace(to_metric(depth, estimate, self.keep_sky, self.seed), timings=timings)
        started = time.perf_counter()
        if self.full_size:
            height, width = job.photo.rgb.shape[:2]
            depth = depth.resized(height, width, job.photo.rgb)
        timings = {**depth.timings, "resize": time.perf_counter() - started}

        def write(name: str, path: Path) -> None:
            note = DEPTH_FORMATS[name].write(path, depth, self.choices)
            if note is not None:
                job.notes.append(note)

        return Built({**depth.report(), "timings": timings}, write)
