"""From the frames of a film to chunks of consistent depth, while other threads read ahead."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from ppdcli.depth import DepthMap
from ppdcli.films.chunks import FRAMES, Chunk, ChunkFolder
from ppdcli.films.consistency import Consistency
from ppdcli.films.depths import FrameModel, frame_depths
from ppdcli.films.frames import Film, Frame, Selection
from ppdcli.films.motion import Motion, motion_between
from ppdcli.films.stabilizer import Stabilizer, Stable
from ppdcli.geometry.resize import resize_rgb
from ppdcli.model_request import Sampling
from ppdcli.photo import Photo
from ppdcli.pipeline import Finished, Limits, Stages, limits_here, run_stages

PIXEL_BYTES = 12  # that a frame takes for each of its pixels while it is decoded and waits
AHEAD = 8  # frames that are read ahead at most


@dataclass(frozen=True, eq=False)
class _Item:
    """A frame at both sizes, and the one before it at the network's size."""

    index: int
    frame: Frame
    small: np.ndarray
    before: np.ndarray | None


class _Settled(NamedTuple):
    """A frame's time, depth, the model's facts, and what the next frame depends on."""

    time: Fraction
    stable: Stable
    facts: dict[str, str]
    state: dict[str, np.ndarray]


class _Failure(NamedTuple):
    """Stands for a frame: raised when it is its turn, so that those before it are kept."""

    error: Exception


@dataclass(frozen=True, eq=False)
class _Read:
    item: _Item
    photo: Photo
    motion: Motion | None


class Estimator:
    """Computes the depth of a film, chunk by chunk.

    Attributes:
        on_frame: called after each frame with the number of frames that are done.
    """

    def __init__(
        self,
        model: FrameModel,
        sampling: Sampling,
        consistency: Consistency,
        on_frame: Callable[[int], None] = lambda done: None,
    ) -> None:
        self._model, self._sampling, self._consistency = model, sampling, consistency
        self.on_frame = on_frame

    def chunks(
        self, film: Film, selection: Selection, folder: ChunkFolder, number: int, last: Chunk | None
    ) -> Generator[Chunk, None, None]:
        """Computes, keeps and yields the chunks that are missing.

        Args:
            film: the film.
            selection: which frames are wanted.
            folder: keeps the chunks.
            number: of the next chunk.
            last: the one before it; None for the first.

        Raises:
            InputError: the film cannot be read on. What came before is kept.
            OutputError: a chunk cannot be kept.
            PpdError: out of memory.
        """
        stabilizer = Stabilizer(self._consistency)
        done = 0
        if last is not None:
            stabilizer.restore(last.state)
            done = last.end
        with closing(self._stable(film, selection, stabilizer, done)) as frames:
            gathered: list[_Settled] = []
            for each in frames:
                gathered.append(each)
                self.on_frame(done + len(gathered))
                if len(gathered) == FRAMES:
                    yield self._kept(folder, number, done, gathered)
                    number, done, gathered = number + 1, done + FRAMES, []
            if gathered:
                yield self._kept(folder, number, done, gathered)

    def _kept(
        self,
        folder: ChunkFolder,
        number: int,
        first: int,
        frames: Sequence[_Settled],
    ) -> Chunk:
        stables = [frame.stable for frame in frames]
        chunk = Chunk(
            first,
            tuple(frame.time for frame in frames),
            np.stack([stable.values for stable in stables]),
            np.array([(stable.scale, stable.shift) for stable in stables]),
            np.array([stable.is_cut for stable in stables]),
            frames[-1].state,
            frames[0].facts,
        )
        folder.save(number, chunk)
        return chunk

    def _stable(
        self, film: Film, selection: Selection, stabilizer: Stabilizer, done: int
    ) -> Generator[_Settled, None, None]:
        """The frames from number ``done`` on."""
        warm = self._consistency.warm_start
        alone = warm or not self._consistency.same_noise

        def compute(group: list[tuple[_Item | _Failure, _Read]]) -> Sequence[Any]:
            try:
                return predict(group)
            except Exception as error:
                return [Finished(_Failure(error))] * len(group)

        def predict(group: list[tuple[_Item | _Failure, _Read]]) -> Sequence[Any]:
            reads = [read for _, read in group]
            guess = stabilizer.begin(reads[0].item.small, reads[0].motion) if warm else None
            photos, first = [read.photo for read in reads], reads[0].item.index
            same_noise = self._consistency.same_noise
            maps = frame_depths(self._model, photos, self._sampling, same_noise, first, guess)
            if warm:  # the next frame starts from this one
                return [settled(reads[0], maps[0])]
            return maps

        def settled(read: _Read, depth: DepthMap) -> _Settled:
            stable = stabilizer.settle(depth.values)
            state = stabilizer.state()
            return _Settled(read.item.frame.time, stable, depth.provenance, state)

        def finish(_item: object, read: _Read, computed: Any) -> _Settled:
            """On the only finisher's thread: in the frames' order, while the next is computed."""
            if warm:
                return computed
            stabilizer.begin(read.item.small, read.motion)
            return settled(read, computed)

        stages: Stages[_Item | _Failure, _Read, Any, Any] = Stages(
            read=lambda item: self._read(item, film.info.name),
            weight=lambda read: read.photo.rgb[..., 0].size * PIXEL_BYTES,
            key=lambda read: None,
            most=lambda read: 1 if alone else self._most(read.photo),
            compute=compute,
            finish=finish,
        )
        items = self._items(film, selection, stabilizer.state().get("rgb"), done)
        with closing(run_stages(items, stages, *_limits(film))) as results:
            for result in results:
                if isinstance(result, _Failure):
                    raise result.error
                yield result

    def _items(
        self, film: Film, selection: Selection, before: np.ndarray | None, done: int
    ) -> Iterator[_Item | _Failure]:
        try:
            for index, frame in enumerate(film.frames(selection, done), start=done):
                photo = Photo(frame.rgb, film.info.name)
                small = resize_rgb(frame.rgb, *self._model.size_of(photo, self._sampling.area))
                yield _Item(index, frame, small, before)
                before = small
        except Exception as error:
            yield _Failure(error)

    def _read(self, item: _Item | _Failure, name: str) -> _Read | Finished[_Failure]:
        if isinstance(item, _Failure):
            return Finished(item)
        wanted = self._consistency
        motion = None
        if item.before is not None and (wanted.looks_back or wanted.cuts):
            motion = motion_between(item.before, item.small)
        return _Read(item, Photo(item.frame.rgb, f"{name}, frame {item.index + 1}"), motion)

    def _most(self, photo: Photo) -> int:
        return self._model.batch_size(photo, self._sampling.area)


def _limits(film: Film) -> Limits:
    """One reader, since frames come and are used in their order."""
    ahead = AHEAD * film.info.width * film.info.height * PIXEL_BYTES
    return Limits(min(limits_here().budget, ahead), 1, 1)
