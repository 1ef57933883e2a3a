"""Measures photos a second: several in a forward, and a folder as ``ppd predict`` does it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ppdcli.announce import silent
from ppdcli.commands.predict import PredictRequest, PredictWork
from ppdcli.depth import DepthMap
from ppdcli.errors import PpdError
from ppdcli.files.choices import Choices
from ppdcli.files.formats import DEPTH_FORMATS
from ppdcli.jobs.inputs import discover
from ppdcli.jobs.order import Order
from ppdcli.jobs.plan import Format, plan
from ppdcli.jobs.run import run
from ppdcli.model_request import ModelRequest, Sampling
from ppdcli.photo import Photo, load_photo
from ppdcli.predictor import Predictor

SECONDS = 20.0  # that a folder of unstated size may take
MOST, LEAST = 32, 4  # photos of such a folder; fewer say nothing about the middle of a folder
FILES = ("png", "preview")


@dataclass(frozen=True)
class Rate:
    """How long several photos took.

    Attributes:
        photos: how many.
        seconds: all of them together.
    """

    photos: int
    seconds: float

    @property
    def rate(self) -> float:
        """Photos a second."""
        return self.photos / self.seconds


def folder_size(seconds: float) -> int | None:
    """How many photos to take if one takes so long; None if it is too long for a folder."""
    count = min(MOST, int(SECONDS / seconds))
    return count if count >= LEAST else None


def time_batch(predictor: Predictor, jpeg: Path, sampling: Sampling, photos: int) -> Rate:
    """The networks' time for several copies of a photo at once, after a first time."""
    batch = [load_photo(jpeg)] * photos
    predictor.predict_batch(batch, **vars(sampling))
    timings = predictor.predict_batch(batch, **vars(sampling))[0].timings
    return Rate(photos, timings["encoder"] + timings["sampler"])


def time_folder(
    predictor: Predictor,
    jpeg: Path,
    sampling: Sampling,
    photos: int,
    batch: int | None,
    stand_in: np.ndarray,
    folder: Path,
) -> Rate:
    """The time of a folder of copies of a photo, from their files to those of their depth.

    Args:
        predictor: the model, ready to run.
        jpeg: the photo.
        sampling: how depth is sampled.
        photos: how many copies.
        batch: photos in a forward; None: as ``ppd predict`` chooses.
        stand_in: takes the place of the depth before it is resized: random weights predict noise,
            whose many edges would take long.
        folder: takes the copies and their depth.

    Raises:
        PpdError: a photo fails.
    """
    given = folder / "photos"
    given.mkdir()
    for number in range(photos):
        shutil.copyfile(jpeg, given / f"{number:03}.jpg")
    formats = tuple(Format(name, DEPTH_FORMATS[name].ending) for name in FILES)
    request = PredictRequest(
        model=ModelRequest(),
        sampling=sampling,
        formats=formats,
        overwrite=True,
        batch=batch,
        devices=(),
        announce=silent,
        full_size=True,
        choices=Choices("normalized"),
    )
    work = _StandIn(predictor, request, stand_in)
    made = folder / "depth"
    tasks = plan(discover([str(given)], made).inputs, formats, made)
    started = time.perf_counter()
    for result in run(tasks, Order(lambda: work, formats, overwrite=True)):
        if result.error is not None:
            raise PpdError(result.error)
    return Rate(photos, time.perf_counter() - started)


@dataclass(frozen=True)
class _StandIn(PredictWork):
    """What ``ppd predict`` does, with another depth written than is predicted."""

    depth: np.ndarray

    def predict(self, photos: Sequence[Photo]) -> Sequence[DepthMap]:
        return [replace(found, values=self.depth) for found in super().predict(photos)]
