"""The frames of a film, and which of them are wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # options are read without NumPy
    import numpy as np


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame.

    Attributes:
        rgb: (H, W, 3) uint8 sRGB, upright, with square pixels.
        time: seconds since the film's beginning.
    """

    rgb: np.ndarray
    time: Fraction


@dataclass
class FilmInfo:
    """What is known of a film when it is opened.

    Attributes:
        name: what messages call it.
        width, height: of its frames, upright.
        rate: frames a second, on average.
        duration: in seconds; None if it is not known.
        sound: it has sound.
        notes: lines for the user, each naming the film; more may come while it is read.
    """

    name: str
    width: int
    height: int
    rate: Fraction
    duration: Fraction | None = None
    sound: bool = False
    notes: list[str] = field(default_factory=list)

    def note(self, line: str) -> None:
        """Adds a line, once."""
        line = f"{self.name}: {line}"
        if line not in self.notes:
            self.notes.append(line)


@dataclass(frozen=True)
class Selection:
    """Which frames of a film are wanted.

    Attributes:
        start, stop: seconds since its beginning; the frame at ``stop`` is not
            wanted. None: its end.
        every: each n-th frame, counted from the first one wanted.
        most_rate: at most so many frames a second; None: all.
    """

    start: Fraction = Fraction(0)
    stop: Fraction | None = None
    every: int = 1
    most_rate: Fraction | None = None

    def expected(self, info: FilmInfo) -> int | None:
        """About how many frames this takes of a film; None if its length is not known."""
        ends = [end for end in (self.stop, info.duration) if end is not None]
        if not ends:
            return None
        rate = info.rate / self.every
        if self.most_rate is not None:
            rate = min(rate, self.most_rate)
        return max(1, round((min(ends) - self.start) * rate))

    def chooser(self) -> Chooser:
        """Decides frame by frame, in their order."""
        return Chooser(self)


class Chooser:
    """Decides frame by frame whether it is wanted, before its pixels are converted."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._seen = 0
        self._slot = -1

    def is_over(self, time: Fraction) -> bool:
        """Whether no later frame is wanted."""
        return self._selection.stop is not None and time >= self._selection.stop

    def take(self, time: Fraction) -> bool:
        """Whether the frame at this time is wanted. Each frame is asked about once."""
        wanted = self._selection
        if time < wanted.start or self.is_over(time):
            return False
        self._seen += 1
        if (self._seen - 1) % wanted.every:
            return False
        if wanted.most_rate is None:
            return True
        # A time stamp that is rounded to a millisecond must not fall into the slot before.
        slot = int((time - wanted.start) * wanted.most_rate + Fraction(1, 20))
        if slot == self._slot:
            return False
        self._slot = slot
        return True


class Film(Protocol):
    """What frames are read from: a video, or a folder of pictures.

    Attributes:
        info: what is known of it.
        path: the file that has the sound; None if there is none.
    """

    @property
    def info(self) -> FilmInfo: ...

    @property
    def path(self) -> Path | None: ...

    def frames(self, selection: Selection, skip: int = 0) -> Iterator[Frame]:
        """The wanted frames, in their order, without the first ``skip`` of them.

        Raises:
            InputError: the film cannot be read on.
        """

    def times(self, selection: Selection) -> Iterator[Fraction]:
        """The times of the wanted frames, for which no pixels are converted.

        Raises:
            InputError: the film cannot be read on.
        """
