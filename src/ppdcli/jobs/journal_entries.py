"""The entries of a journal, and their form as lines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ppdcli.files.foreign import parse_json

Settings = Mapping[str, Any]  # what an output depends on besides its photo, as JSON values


@dataclass(frozen=True)
class Source:
    """The file that an output was made from.

    Attributes:
        path: Relative to the output folder, where that is possible.
        bytes: The size of the file.
        mtime_ns: The time of its last change. A store without times gives a number made from its
            version instead, and stdin one made from its content.
    """

    path: str
    bytes: int
    mtime_ns: int


@dataclass(frozen=True)
class Entry:
    """What the journal records about an output.

    Attributes:
        path: Relative to the journal's folder, with /.
        bytes: The size of the output. None if nobody knows how the file was made: the run was
            killed, or the user named the file.
        settings: How the output was made.
        source: The photo; None if it is unknown.
    """

    path: str
    bytes: int | None
    settings: Settings
    source: Source | None


def source_of(path: Path | None, folder: Path) -> Source | None:
    """The present state of a photo's file; None if there is no file, or it cannot be read."""
    if path is None:
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    try:
        name = os.path.relpath(path, folder)
    except ValueError:  # another drive
        name = str(path.absolute())
    return Source(Path(name).as_posix(), found.st_size, found.st_mtime_ns)


def entries_of(data: bytes) -> Iterator[Entry]:
    """The entries in the bytes of a journal. Invalid lines are skipped."""
    return filter(None, map(entry_of, data.split(b"\n")))


def entry_of(line: bytes | None) -> Entry | None:
    """The entry in a line of a journal; None if the line is invalid."""
    if line is not None:
        with suppress(ValueError, TypeError, KeyError):
            return _parse(parse_json(line))
    return None


def line_of(entry: Entry) -> bytes:
    """An entry as a line, with the line break."""
    return json.dumps(asdict(entry), separators=(",", ":")).encode("ascii") + b"\n"


def _parse(row: dict[str, Any]) -> Entry:
    path, settings = row["path"], row["settings"]
    size = None if row["bytes"] is None else _size(row["bytes"])
    if not (isinstance(path, str) and isinstance(settings, dict)):
        raise TypeError
    if row["source"] is None:
        return Entry(path, size, settings, None)
    source = Source(**row["source"])
    if b"\0" in os.fsencode(source.path) or type(source.mtime_ns) is not int:
        raise ValueError
    _size(source.bytes)
    return Entry(path, size, settings, source)


def _size(value: object) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError
    return value
