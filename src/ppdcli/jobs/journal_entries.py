"""Entries of a journal: what is recorded of an output, and how it stands in a line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ppdcli.files.foreign import parse_json

Settings = Mapping[str, Any]  # what an output depends on besides its photo; values as in JSON


@dataclass(frozen=True)
class Source:
    """The file that an output was made from.

    Attributes:
        path: relative to the output folder, where that is possible.
        bytes: its size.
        mtime_ns: when it was last changed; in a store without times, a number of its version;
            of stdin, of its content.
    """

    path: str
    bytes: int
    mtime_ns: int


@dataclass(frozen=True)
class Entry:
    """What the journal says of an output.

    Attributes:
        path: relative to the journal's folder, with /.
        bytes: its size; None where it is not known how the file that is there was made: the run
            was killed, or it was written by its name.
        settings: how it was made.
        source: None where it could not be told.
    """

    path: str
    bytes: int | None
    settings: Settings
    source: Source | None


def source_of(path: Path | None, folder: Path) -> Source | None:
    """What a photo's file is now; None where it cannot be told, as of no file."""
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
    """What a journal's lines say, but for those that make no sense."""
    return filter(None, map(entry_of, data.split(b"\n")))


def entry_of(line: bytes | None) -> Entry | None:
    """What a line of a journal says; None if it makes no sense."""
    if line is not None:
        with suppress(ValueError, TypeError, KeyError):
            return _parse(parse_json(line))
    return None


def line_of(entry: Entry) -> bytes:
    """A journal's line, with its end."""
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
