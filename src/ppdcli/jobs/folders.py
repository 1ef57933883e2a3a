"""Folders and patterns: what is in them, but for what a search does not go into."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from glob import escape, glob
from pathlib import Path

from ppdcli.jobs.photo_files import HIDDEN, LINK, SPECIAL, THUMBNAILS, is_searched

_SEPARATOR = f"[{re.escape(os.sep + (os.altsep or ''))}]"
_RECURSIVE = re.compile(rf"(?:^|(?<={_SEPARATOR}))\*\*(?:{_SEPARATOR}+|$)")


def content_of(folder: str | Path) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """Files and the folders to be searched, each sorted, and other things with the reason.

    Raises:
        OSError: the folder cannot be read.
    """
    files, folders, others = [], [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                if entry.is_dir():
                    if entry.is_symlink():
                        others.append((entry.name, LINK))
                    elif not is_searched(entry.name):
                        hidden = entry.name.startswith(".")
                        others.append((entry.name, HIDDEN if hidden else THUMBNAILS))
                    else:
                        folders.append(entry.name)
                elif entry.is_file() or entry.is_symlink():
                    files.append(entry.name)
                else:
                    others.append((entry.name, SPECIAL))
            except OSError:  # a link to itself, say
                files.append(entry.name)
    return sorted(files), sorted(folders), sorted(others)


def matches_of(pattern: str) -> set[str]:
    """Like ``glob``, but ``**`` goes through no link to a folder, of which a circle has no end."""
    recursive = _RECURSIVE.search(pattern)
    if recursive is None:
        return set(glob(pattern))
    before, after = pattern[: recursive.start()], pattern[recursive.end() :] or "*"
    return {
        match
        for top in (glob(before) if before else [""])
        for folder in _folders_below(Path(top))
        for match in matches_of(str(Path(escape(str(folder)), after)))
    }


def _folders_below(top: Path) -> Iterator[Path]:
    """The folder and all that are in it, but for hidden ones and links."""
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            _, folders, _ = content_of(folder)
        except OSError:
            continue
        yield folder
        waiting += [folder / name for name in folders]
