"""Depth of a film whose frames other processes compute, made consistent in this one.

A frame's depth depends on no other frame, as long as sampling starts from noise. Other processes
therefore compute it, a chunk of frames at a time. What looks back, alignment and filter, costs
little and runs here in the order of the frames. The result is that of one process, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from typing import Any

import numpy as np

from ppdcli.depth import DepthMap
from ppdcli.errors import InputError
from ppdcli.films.chunks import FRAMES, RAW, Chunk, ChunkFolder
from ppdcli.films.consistency import Consistency
from ppdcli.films.depths import FrameModel, frame_depths
from ppdcli.films.estimating import Estimator
from ppdcli.films.frames import Film, Frame, Selection
from ppdcli.model_request import Sampling
from ppdcli.photo import Photo

Shares = Callable[[Sequence[int], ChunkFolder], Generator[None, None, None]]
"""Has chunks of these numbers computed and kept in that folder. Yields in their order, when each is
there, and raises what makes that impossible."""


class SharedEstimator:
    """Computes the depth of a film with other processes; see ``orders.ComputesChunks``.

    Attributes:
        on_frame: called after each frame with the number of frames that are done.
    """

    def __init__(
        self,
        consistency: Consistency,
        compute: Shares,
        on_frame: Callable[[int], None] = lambda done: None,
    ) -> None:
        """Computes nothing yet.

        Args:
            consistency: without a warm start, which needs the frame before.
            compute: has chunks computed elsewhere.
            on_frame: see above.
        """
        self._consistency, self._compute = consistency, compute
        self.on_frame = on_frame

    def chunks(
        self, film: Film, selection: Selection, folder: ChunkFolder, number: int, last: Chunk | None
    ) -> Generator[Chunk, None, None]:
        """Computes, keeps and yields the chunks that are missing; see ``Estimator.chunks``."""
        times = list(film.times(selection))
        numbers = range(number, -(-len(times) // FRAMES))
        if not numbers:
            return
        raw = ChunkFolder(folder.folder / RAW)
        missing = [k for k in numbers if raw.load(k) is None]
        with closing(self._compute(missing, raw)) as computed:
            model = _Computed(raw, numbers, times, frozenset(missing), computed)
            estimator = Estimator(model, Sampling(), self._consistency, self.on_frame)
            chunks = estimator.chunks(film, selection, folder, number, last)
            for done, chunk in zip(numbers, chunks, strict=True):
                raw.discard(done)
                yield chunk


class _Computed:
    """Stands for a model of single frames: gives depth that was computed elsewhere, in order."""

    def __init__(
        self,
        raw: ChunkFolder,
        numbers: Sequence[int],
        times: Sequence[Fraction],
        missing: frozenset[int],
        computed: Iterator[None],
    ) -> None:
        self._raw, self._times = raw, times
        self._missing, self._computed = missing, computed
        self._numbers = iter(numbers)
        self._chunk = self._next_chunk()
        self._used = 0

    def size_of(self, photo: Photo, area: int | None = None) -> tuple[int, int]:
        height, width = self._chunk.depths.shape[1:]
        return height, width

    def batch_size(self, photo: Photo, area: int | None = None) -> int:
        return 1

    def predict_batch(self, photos: list[Photo], **_: Any) -> list[DepthMap]:
        return [self._next_depth(photo) for photo in photos]

    def _next_depth(self, photo: Photo) -> DepthMap:
        if self._used == len(self._chunk.times):
            self._chunk, self._used = self._next_chunk(), 0
        values = self._chunk.depths[self._used]
        self._used += 1
        return DepthMap(values, "relative", None, dict(self._chunk.facts), photo=photo)

    def _next_chunk(self) -> Chunk:
        number = next(self._numbers)
        if number in self._missing:
            next(self._computed)
        chunk = self._raw.load(number)
        first = number * FRAMES
        if chunk is None or chunk.times != tuple(self._times[first : first + FRAMES]):
            raise InputError(
                f"{self._raw.folder}: a part was removed, or is of other frames; run again"
            )
        return chunk


class FilmReader:
    """Reads chunks of a film, best in the order of their numbers."""

    def __init__(self, film: Film, selection: Selection) -> None:
        self._film, self._selection = film, selection
        self._frames: Iterator[Frame] = iter(())
        self._next = -1  # the frame that comes next

    def read(self, number: int) -> list[Frame]:
        """The frames of a chunk; fewer where the film ends.

        Raises:
            InputError: the film cannot be read on.
        """
        first = number * FRAMES
        if not 0 <= self._next <= first:
            self._frames, self._next = self._film.frames(self._selection, first), first
        frames = []
        for frame in self._frames:
            self._next += 1
            if self._next > first:
                frames.append(frame)
            if len(frames) == FRAMES:
                return frames
        if not frames:
            raise InputError(f"{self._film.info.name}: has changed while it was read; run again")
        return frames


def raw_chunk(
    model: FrameModel,
    sampling: Sampling,
    same_noise: bool,
    name: str,
    number: int,
    frames: Sequence[Frame],
) -> Chunk:
    """The depth of a chunk's frames as the network gives it.

    Args:
        model: predicts single frames.
        sampling: how depth is sampled.
        same_noise: every frame starts from the same noise.
        name: of the film, for messages.
        number: of the chunk.
        frames: its frames.

    Raises:
        InputError: the model gives no number.
        PpdError: out of memory.
    """
    first = number * FRAMES
    photos = [
        Photo(frame.rgb, f"{name}, frame {index + 1}") for index, frame in enumerate(frames, first)
    ]
    most = model.batch_size(photos[0], sampling.area) if same_noise else 1
    maps = [
        depth
        for start in range(0, len(photos), most)
        for depth in frame_depths(
            model, photos[start : start + most], sampling, same_noise, first + start
        )
    ]
    count = len(frames)
    return Chunk(
        first,
        tuple(frame.time for frame in frames),
        np.stack([depth.values for depth in maps]),
        np.tile((1.0, 0.0), (count, 1)),
        np.zeros(count, bool),
        {},
        maps[0].provenance,
    )
