"""Finds a photo among the images that a file names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath


class ImageNames:
    """The names of images in a file, which may have folders."""

    def __init__(self, names: Sequence[str]) -> None:
        self._by_name: dict[str, list[tuple[PurePosixPath, int]]] = {}
        for index, name in enumerate(names):
            path = PurePosixPath(name.replace("\\", "/"))
            self._by_name.setdefault(path.name, []).append((path, index))

    def likely(self, photo: PurePosixPath) -> list[int]:
        """The indices of the images whose paths share the longest end with the photo's path.

        At least the file names must agree, or the image's name is that of the photo without its
        suffix. None if no image does.
        """
        found = self._by_name.get(photo.name) or self._by_name.get(photo.stem) or []
        ranks = [(_likeness(recorded, photo), index) for recorded, index in found]
        best = max((rank for rank, _ in ranks), default=None)
        return [index for rank, index in ranks if rank == best]


def _likeness(recorded: PurePosixPath, path: PurePosixPath) -> tuple[bool, int]:
    """Returns whether all parts of ``recorded`` agree with ``path``, and how many at the end do."""
    agree = 1
    for mine, theirs in zip(recorded.parts[-2::-1], path.parts[-2::-1], strict=False):
        if mine != theirs:
            break
        agree += 1
    return agree == len(recorded.parts), agree
