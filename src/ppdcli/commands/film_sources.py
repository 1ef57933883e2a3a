"""Where a film is read from, as other processes can be told."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # OpenCV and PyAV
    from ppdcli.films.frames import Film


@dataclass(frozen=True)
class FilmSource:
    """A film on disk.

    Attributes:
        path: a video, or a folder of numbered pictures.
        name: what messages call it.
        folder_rate: frames a second of a folder; None: the usual rate. Videos know theirs.
        is_folder: it is a folder of pictures.
    """

    path: Path
    name: str
    folder_rate: Fraction | None = None
    is_folder: bool = False

    def open(self) -> Film:
        """The film.

        Raises:
            InputError: it cannot be read.
            UsageError: PyAV is not installed.
        """
        if self.is_folder:
            from ppdcli.films.frame_folder import FrameFolder

            return FrameFolder(self.path, self.folder_rate)
        from ppdcli.films.video_file import VideoFile

        return VideoFile(self.path, self.name)
