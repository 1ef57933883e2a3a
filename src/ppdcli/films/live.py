"""A film whose files are written while its depth is computed, in one pass."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction

from ppdcli.films.chunks import Chunk, ChunkFolder
from ppdcli.films.frames import Film, Frame, Selection
from ppdcli.films.outputs import Range
from ppdcli.films.ranges import DepthRange
from ppdcli.films.rendering import Renderer

LIVE_RANGE = (-0.25, 1.25)
"""The depths that the steps of a live film cover: its own are not known before its end."""


class LiveFilm:
    """The film for the computation of depth, which keeps the pictures until they are written."""

    def __init__(
        self, film: Film, selection: Selection, folder: ChunkFolder, renderer: Renderer
    ) -> None:
        self._film, self._selection, self._folder = film, selection, folder
        self._waiting: deque[Frame] = deque()
        self._depths: DepthRange | None = None
        self.renderer = renderer
        self.info, self.path = film.info, film.path

    def frames(self, selection: Selection, skip: int = 0) -> Iterator[Frame]:
        """The film's, each of which is kept."""
        for frame in self._film.frames(selection, skip):
            self._waiting.append(frame)
            yield frame

    def times(self, selection: Selection) -> Iterator[Fraction]:
        """The film's; no frame is kept."""
        return self._film.times(selection)

    def catch_up(self, count: int) -> None:
        """Makes the files of chunks whose depth an earlier run computed."""
        numbers = range(count)
        missing = [number for number in numbers if not self.renderer.is_made(number)]
        for number, chunk in enumerate(self._folder.complete()):
            ranges = self._ranges(chunk)
            if missing and number >= missing[0]:
                frames = self._film.frames(self._selection, chunk.first)
                self.renderer.render([(number, chunk, *ranges)], frames)

    def render(self, number: int, chunk: Chunk) -> None:
        """Makes the files of a chunk."""
        frames = (self._waiting.popleft() for _ in chunk.times)
        self.renderer.render([(number, chunk, *self._ranges(chunk))], frames)

    def _ranges(self, chunk: Chunk) -> tuple[Range, Range]:
        depths = chunk.range()
        self._depths = depths if self._depths is None else self._depths.joined(depths)
        return LIVE_RANGE, self._depths.usual()
