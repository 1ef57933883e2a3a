"""Consistent depth of pictures that follow each other, for programs that hold them already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np

from ppdcli.depth import DepthMap
from ppdcli.errors import InputError
from ppdcli.films.consistency import Consistency
from ppdcli.films.stabilizer import Stabilizer, Stable
from ppdcli.geometry.resize import resize_rgb
from ppdcli.model_request import Sampling
from ppdcli.photo import Photo


class FrameModel(Protocol):
    """What predicts single frames; a ``Predictor`` does."""

    def size_of(self, photo: Photo, area: int | None = None) -> tuple[int, int]: ...

    def batch_size(self, photo: Photo, area: int | None = None) -> int: ...

    def predict_batch(
        self,
        photos: list[Photo],
        *,
        steps: int | None = None,
        seed: int = 0,
        area: int | None = None,
        guess: np.ndarray | None = None,
    ) -> list[DepthMap]: ...


def frame_depths(
    model: FrameModel,
    photos: Sequence[Photo],
    sampling: Sampling,
    same_noise: bool,
    index: int,
    guess: np.ndarray | None = None,
) -> list[DepthMap]:
    """The depth of frames as the network gives it.

    Args:
        model: such as ``ppdcli.load("ppd-tiny")``.
        photos: the frames, one alone if it has noise of its own or a guess.
        sampling: how depth is sampled.
        same_noise: start from the same noise in every frame; else the seed grows by one.
        index: of the first frame in the film, from 0.
        guess: (H, W), where sampling starts; see ``Predictor.predict_batch``.

    Raises:
        InputError: the model gives no number.
        UsageError: steps or seed out of range.
        PpdError: out of memory.
    """
    maps = model.predict_batch(
        list(photos),
        steps=sampling.steps,
        seed=sampling.seed if same_noise else sampling.seed + index,
        area=sampling.area,
        guess=guess,
    )
    for photo, depth in zip(photos, maps, strict=True):
        if not np.isfinite(depth.values).all():
            raise InputError(f"{photo.name}: the model gives no number; try fp32")
    return maps


def stable_depths(
    model: FrameModel,
    frames: Iterable[np.ndarray],
    consistency: Consistency | None = None,
    *,
    steps: int | None = None,
    seed: int = 0,
    area: int | None = None,
) -> Iterator[Stable]:
    """Predicts the depth of frames one after another, in bounded memory.

    Args:
        model: such as ``ppdcli.load("ppd-tiny")``.
        frames: each (h, w, 3) uint8 RGB, all of one size.
        consistency: which measures are taken; the default ones if None.
        steps, seed, area: as for ``Predictor.predict``.

    Yields:
        The depth of each frame on the network's grid.

    Raises:
        UsageError: frames of several sizes, or steps or seed out of range.
        PpdError: out of memory.
    """
    wanted = Consistency() if consistency is None else consistency
    sampling = Sampling(steps, seed, area)
    stabilizer = Stabilizer(wanted)
    for index, frame in enumerate(frames):
        photo = Photo(frame, f"frame {index}")
        small = resize_rgb(photo.rgb, *model.size_of(photo, area))
        guess = stabilizer.begin(small)
        (depth,) = frame_depths(model, [photo], sampling, wanted.same_noise, index, guess)
        yield stabilizer.settle(depth.values)
