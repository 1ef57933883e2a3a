"""What is to be made of a film, and what is known of it then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ppdcli.films.chunks import Chunk
from ppdcli.films.estimating import Estimator
from ppdcli.films.frames import FilmInfo, Selection
from ppdcli.films.outputs import FilmChoices, FilmFiles
from ppdcli.films.ranges import DepthRange

Writing = Callable[[str], AbstractContextManager[object]]


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
        doing: called with what is done ("depth" or "files"), frames done and frames in all, None
            if their number is not known.
    """

    selection: Selection
    choices: FilmChoices
    files: FilmFiles
    card: Mapping[str, Any]
    estimator: Callable[[Callable[[int], None]], Estimator]
    writing: Writing
    doing: Callable[[str, int, int | None], None]


@dataclass
class FilmReport:
    """What is known of a film that is made, or of its finished part.

    Attributes:
        times: of its frames, in seconds since the film's beginning.
        lines: scale and shift of each frame.
        scenes: indices of frames that begin a scene, from 0.
        facts: of the model.
        depths: their distribution; None if there is no frame.
        resumed: frames whose depth was there from an earlier run.
    """

    times: list[Fraction] = field(default_factory=list)
    lines: list[tuple[float, float]] = field(default_factory=list)
    scenes: list[int] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    depths: DepthRange | None = None
    resumed: int = 0

    def add(self, chunk: Chunk) -> None:
        """Adds the frames of a chunk."""
        self.scenes += [
            chunk.first + k for k, cut in enumerate(chunk.cuts) if cut or chunk.first + k == 0
        ]
        self.times += chunk.times
        self.lines += [(float(a), float(b)) for a, b in chunk.lines]
        self.facts = dict(chunk.facts)
        depths = chunk.range()
        self.depths = depths if self.depths is None else self.depths.joined(depths)


def rate_of(info: FilmInfo, selection: Selection) -> Fraction:
    """Frames a second of what is made, on average."""
    rate = info.rate / selection.every
    return rate if selection.most_rate is None else min(rate, selection.most_rate)
