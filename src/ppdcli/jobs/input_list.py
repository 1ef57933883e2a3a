"""Lists of inputs: paths, a line each."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from ppdcli.errors import InputError, UsageError
from ppdcli.files.source import Kind, read_file, read_stream
from ppdcli.files.text import encoding_of

STDIN = "-"
LIST = Kind("a list", 500_000_000, "give several shorter lists, one after another")
LONGEST_PATH = 1 << 16  # bytes
MOST_PATHS = 10_000_000


def read_list(source: str) -> list[str]:
    """Paths from a file, a pipe, or stdin for ``-``: one a line, or NUL-separated if a NUL occurs.

    Lists of Windows' programs are in UTF-16 or begin with a mark. In lines, space at the ends,
    quotes around the whole, and lines that begin with # are passed over, unless a file is called
    so.

    Raises:
        UsageError: the file cannot be read, or is no list of paths.
    """
    try:
        if source == STDIN:
            raw = read_stream(sys.stdin.buffer, "stdin", LIST)
        else:
            raw = read_file(Path(source), source, LIST)
    except InputError as error:
        raise UsageError(f"cannot read the list of inputs: {error}") from None
    encoding = encoding_of(raw)
    if encoding != "utf-8":
        try:
            raw = os.fsencode(raw.decode(encoding).removeprefix("\ufeff"))
        except UnicodeError:
            raise UsageError(f"{source}: is no list of paths; give one path a line") from None
    nul = b"\0" in raw
    names: list[str] = []
    for found in re.finditer(rb"[^\0]+" if nul else rb"[^\n]+", raw):
        line = found[0] if nul else found[0].rstrip(b"\r")
        if len(line) > LONGEST_PATH or len(names) == MOST_PATHS:
            raise UsageError(f"{source}: is no list of paths; give one path a line")
        name = os.fsdecode(line) if nul else _path_in(os.fsdecode(line))
        if name:
            names.append(name)
    return names


def _path_in(line: str) -> str:
    """The path that a line names; empty for none."""
    bare = line.strip()
    quoted = len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'"
    if (bare == line and not quoted and not bare.startswith("#")) or os.path.lexists(line):
        return line
    if bare.startswith("#") and not os.path.lexists(bare):
        return ""
    return bare[1:-1] if quoted and not os.path.lexists(bare) else bare
