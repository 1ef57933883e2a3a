"""A folder of numbered pictures as a film."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from ppdcli.errors import InputError
from ppdcli.films.frames import FilmInfo, Frame, Selection
from ppdcli.geometry.resize import resize_rgb
from ppdcli.photo import IMAGE_SUFFIXES, load_photo
from ppdcli.wording import counted

USUAL_RATE = Fraction(25)
_NUMBER = re.compile(r"(\d+)(?!.*\d)")  # the last one of a name


class FrameFolder:
    """The numbered pictures of a folder, in the order of their numbers.

    Attributes:
        info: what is known of the film.
    """

    def __init__(self, folder: Path, rate: Fraction | None) -> None:
        """Looks at the names and at the first picture.

        Args:
            folder: holds the pictures.
            rate: frames a second.

        Raises:
            InputError: no numbered picture is there, two have one number, or the first one cannot
                be read.
        """
        self._rate = rate or USUAL_RATE
        self._files = _numbered(folder)
        first = load_photo(next(iter(self._files.values())))
        self._size = first.rgb.shape[:2]
        height, width = self._size
        count = len(self._files)
        span = max(self._files) - min(self._files) + 1
        self.info = FilmInfo(str(folder), width, height, self._rate, span / self._rate)
        if rate is None:
            self.info.note(
                f"is taken for {self._rate} frames a second; give its rate if it is another"
            )
        if span > count:
            self.info.note(f"{counted(span - count, 'number')} missing; the times keep the gap")

    @property
    def path(self) -> Path | None:
        """None: it is no file that has sound."""
        return None

    def frames(self, selection: Selection, skip: int = 0) -> Iterator[Frame]:
        """The wanted frames, without the first ``skip`` of them.

        Raises:
            InputError: a picture cannot be read.
        """
        for time, file in list(self._chosen(selection))[skip:]:
            yield Frame(self._read(file), time)

    def times(self, selection: Selection) -> Iterator[Fraction]:
        """The times of the wanted frames; no picture is read."""
        return (time for time, _ in self._chosen(selection))

    def _chosen(self, selection: Selection) -> Iterator[tuple[Fraction, Path]]:
        chooser = selection.chooser()
        first = min(self._files)
        for number, file in self._files.items():
            time = (number - first) / self._rate
            if chooser.take(time):
                yield time, file

    def _read(self, file: Path) -> np.ndarray:
        photo = load_photo(file)
        if photo.rgb.shape[:2] == self._size:
            return photo.rgb
        height, width = self._size
        self.info.note(f"not all pictures are {width}x{height}; the others are resized to that")
        return resize_rgb(photo.rgb, height, width)


def _numbered(folder: Path) -> dict[int, Path]:
    found: dict[int, Path] = {}
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}); check it") from error
    for file in files:
        number = _NUMBER.search(file.stem)
        if number is None or file.name.startswith("."):
            continue
        other = found.setdefault(int(number[1]), file)
        if other != file:
            raise InputError(
                f"{folder}: {other.name} and {file.name} have one number; keep one film in a folder"
            )
    if not found:
        raise InputError(f"{folder}: has no numbered pictures, such as 0001.png; give a video")
    return dict(sorted(found.items()))
