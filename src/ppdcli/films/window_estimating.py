"""From the frames of a film to chunks of depth, by a model that sees a window of frames."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ppdcli.errors import InputError
from ppdcli.films.chunks import Chunk, ChunkFolder
from ppdcli.films.depths import FrameModel
from ppdcli.films.frames import Film, Frame, Selection
from ppdcli.films.motion import motion_between
from ppdcli.films.windowed import Array, State, WindowedDepth
from ppdcli.geometry.resize import resize_rgb, working_size
from ppdcli.photo import Photo

CUT_AREA = 256 * 192  # pixels at which cuts are looked for, at most
SEEN = "seen"  # in a chunk's state: the last frame at that size
UNITS = "units"  # in a chunk's state: which frames begin another scale within a shot


@dataclass(frozen=True, eq=False)
class _Read:
    """A frame as the network and the search for cuts see it."""

    time: Fraction
    size: tuple[int, int]
    picture: Array
    small: np.ndarray


class WindowEstimator:
    """Computes the depth of a film, window by window; each window is a chunk.

    A cut ends a window, and the next shot begins in a unit of its own. A film of a single frame is
    a photo, whose depth comes from a model for photos.

    Attributes:
        on_frame: called with the number of frames that are done.
    """

    def __init__(
        self,
        model: WindowedDepth,
        for_photos: Callable[[], FrameModel],
        finds_cuts: bool = True,
        on_frame: Callable[[int], None] = lambda done: None,
    ) -> None:
        self._model, self._for_photos, self._finds_cuts = model, for_photos, finds_cuts
        self.on_frame = on_frame

    def chunks(
        self, film: Film, selection: Selection, folder: ChunkFolder, number: int, last: Chunk | None
    ) -> Generator[Chunk, None, None]:
        """Computes, keeps and yields the chunks that are missing; see ``Estimator.chunks``."""
        state: State = {} if last is None else dict(last.state)
        before = state.pop(SEEN, None)
        units = state.pop(UNITS, np.empty(0, np.int64))
        done = 0 if last is None else last.end
        if last is not None:
            self._note_again(film, last, units)
        begins = False  # the frames that are gathered begin a shot after a cut
        first: Frame | None = None  # the film's first frame, until there is a second one
        gathered: list[_Read] = []
        for frame in film.frames(selection, done):
            first = frame if last is None and before is None else None
            read = self._read(frame)
            is_cut = before is not None and self._is_cut(before, read.small)
            if gathered and (is_cut or len(gathered) == self._model.room(state)):
                chunk, state, units = self._chunk(film, done, gathered, state, units, begins)
                yield self._kept(folder, number, chunk)
                number, done, gathered, begins = number + 1, chunk.end, [], False
            if is_cut:
                state, begins = self._model.start(), True
            gathered.append(read)
            before = read.small
        if first is not None:
            yield self._kept(folder, number, self._of_photo(film, first, gathered[0].small))
        elif gathered:
            chunk, *_ = self._chunk(film, done, gathered, state, units, begins)
            yield self._kept(folder, number, chunk)

    def _read(self, frame: Frame) -> _Read:
        height, width = frame.rgb.shape[:2]
        size = working_size(height, width, min(CUT_AREA, height * width))
        small = resize_rgb(frame.rgb, *size)
        return _Read(frame.time, (height, width), self._model.picture(frame.rgb), small)

    def _is_cut(self, before: np.ndarray, after: np.ndarray) -> bool:
        return self._finds_cuts and motion_between(before, after).is_cut

    def _chunk(
        self,
        film: Film,
        done: int,
        reads: Sequence[_Read],
        state: State,
        units: np.ndarray,
        begins: bool,
    ) -> tuple[Chunk, State, np.ndarray]:
        """A window's chunk, and the state and the units after it."""
        count, steps = len(reads), self._model.settings.steps
        computed = self._model.depths(
            [read.picture for read in reads],
            reads[0].size,
            state,
            lambda step: self.on_frame(done + count * step // steps),
        )
        if not np.isfinite(computed.values).all():
            raise InputError(
                f"{film.info.name}, frame {done + 1} and on: the model gives no number; try fp32"
            )
        fit = computed.fit
        if fit.method == "none":
            _note_unit(film, done)
            units = np.append(units, done)
        is_new = begins or fit.method == "none"
        chunk = Chunk(
            done,
            tuple(read.time for read in reads),
            computed.values,
            np.tile((fit.scale, fit.shift), (count, 1)),
            np.arange(count) == (0 if is_new else -1),
            computed.state | {SEEN: reads[-1].small, UNITS: units},
            self._model.facts,
        )
        return chunk, computed.state, units

    def _of_photo(self, film: Film, frame: Frame, small: np.ndarray) -> Chunk:
        """The chunk of a film that has this frame alone."""
        photo = Photo(frame.rgb, film.info.name)
        (depth,) = self._for_photos().predict_batch([photo], seed=self._model.settings.seed)
        self._note_photo(film, depth.provenance)
        self.on_frame(1)
        line, cuts = np.array([(1.0, 0.0)]), np.array([False])
        return Chunk(
            0, (frame.time,), depth.values[None], line, cuts, {SEEN: small}, depth.provenance
        )

    def _note_again(self, film: Film, last: Chunk, units: np.ndarray) -> None:
        """Says again what the run before this one said of the frames that it finished."""
        if last.facts["model"] != self._model.name:
            self._note_photo(film, last.facts)
        for frame in units:
            _note_unit(film, int(frame))

    def _note_photo(self, film: Film, facts: Mapping[str, str]) -> None:
        film.info.note(
            f"one frame is a photo; its depth is by {facts['model']}, not {self._model.name}"
        )

    def _kept(self, folder: ChunkFolder, number: int, chunk: Chunk) -> Chunk:
        folder.save(number, chunk)
        self.on_frame(chunk.end)
        return chunk


def _note_unit(film: Film, frame: int) -> None:
    film.info.note(
        f"from frame {frame + 1} on, depth has another scale: it does not fit that of the frames "
        "before"
    )
