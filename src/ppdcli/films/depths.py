"""Consistent depth of pictures that follow each other, for programs that hold them already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

from ppdcli.depth import DepthMap
from ppdcli.films.consistency import Consistency
from ppdcli.films.stabilizer import Stabilizer, Stable
from ppdcli.geometry.resize import resize_rgb
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
    stabilizer = Stabilizer(wanted)
    for index, frame in enumerate(frames):
        photo = Photo(frame, f"frame {index}")
        small = resize_rgb(photo.rgb, *model.size_of(photo, area))
        guess = stabilizer.begin(small)
        (depth,) = model.predict_batch(
            [photo],
            steps=steps,
            seed=seed if wanted.same_noise else seed + index,
            area=area,
            guess=guess,
        )
        yield stabilizer.settle(depth.values)
