"""What is to be made of a film, and what is known of it then."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from typing import Any, Protocol

from ppdcli.films.chunks import Chunk, ChunkFolder
from ppdcli.films.frames import Film, FilmInfo, Selection
from ppdcli.films.metres import FilmMetres
from ppdcli.films.outputs import FilmChoices, FilmFiles, Range
from ppdcli.films.ranges import DepthRange
from ppdcli.metric import Estimator

Writing = Callable[[str], AbstractContextManager[object]]


class ComputesChunks(Protocol):
    """Computes the depth of a film; an ``Estimator`` does, and a ``WindowEstimator``."""

    def chunks(
        self, film: Film, selection: Selection, folder: ChunkFolder, number: int, last: Chunk | None
    ) -> Generator[Chunk, None, None]: ...


@dataclass(frozen=True, eq=False)
class FilmOrder:
    """What is to be made of a film.

    Attributes:
        selection: which frames.
        choices, files: what they become.
        card: what the depth depends on, for a later run to compare.
        estimator: gives the computation of depth; it is called when there is depth to compute,
            with what is to be called after each frame.
        writing: a context in which an output of that format gets its name.
        seed: of the fit to MoGe-2.
        estimator_of_metres: gives MoGe-2, for ``FilmChoices.metric``.
        doing: called with what is done ("depth" or "files"), frames done and frames in all, None
            if their number is not known.
    """

    selection: Selection
    choices: FilmChoices
    files: FilmFiles
    card: Mapping[str, Any]
    estimator: Callable[[Callable[[int], None]], ComputesChunks]
    writing: Writing
    doing: Callable[[str, int, int | None], None]
    seed: int = 0
    estimator_of_metres: Callable[[], Estimator] | None = None


@dataclass
class FilmReport:
    """What is known of a film that is made, or of its finished part.

    Attributes:
        times: of its frames, in seconds since the film's beginning.
        lines: scale and shift of each frame.
        scenes: indices of frames that begin a scene, from 0.
        facts: of the model.
        depths: their distribution, one for each scene.
        whole: the range of all depths in the unit of the files, once that is known.
        metres: how depth became metres; None: it is relative.
        resumed: frames whose depth was there from an earlier run.
    """

    times: list[Fraction] = field(default_factory=list)
    lines: list[tuple[float, float]] = field(default_factory=list)
    scenes: list[int] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    depths: list[DepthRange] = field(default_factory=list)
    whole: Range | None = None
    metres: FilmMetres | None = None
    resumed: int = 0

    def add(self, chunk: Chunk) -> None:
        """Adds the frames of a chunk."""
        begins = [k for k, cut in enumerate(chunk.cuts) if cut or chunk.first + k == 0]
        self.scenes += [chunk.first + k for k in begins]
        self.times += chunk.times
        self.lines += [(float(a), float(b)) for a, b in chunk.lines]
        self.facts = dict(chunk.facts)
        pieces = sorted({0, *begins, len(chunk.times)})
        for first, end in pairwise(pieces):
            depths = DepthRange.of(chunk.depths[first:end])
            if first in begins:
                self.depths.append(depths)
            else:
                self.depths[-1] = self.depths[-1].joined(depths)

    def range(self) -> DepthRange:
        """The distribution of all depths; there is a frame."""
        return reduce(DepthRange.joined, self.depths)


def rate_of(info: FilmInfo, selection: Selection) -> Fraction:
    """Frames a second of what is made, on average."""
    rate = info.rate / selection.every
    return rate if selection.most_rate is None else min(rate, selection.most_rate)
