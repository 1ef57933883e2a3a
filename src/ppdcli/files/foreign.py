"""Reads files that others wrote or may have changed. Only regular files of a sane size are opened.

Every refusal is an ``OSError``. Its ``strerror`` gives the cause as part of a sentence, like the
errors of the system. A reader therefore has only one kind of error to handle.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ppdcli.errors import shown

LINE = 4096  # characters of a line of TOML: tomllib's time grows with the square of a dotted key
RECORD_LINE = 1 << 16  # bytes of a line of ppd's own records: two paths of 4096, and settings
SKIPPED_AT_ONCE, MOST_SKIPPED = 1 << 20, 1 << 28  # bytes of longer lines, which are skipped
DEPTH = 64  # levels of nested lists and tables, because later code may walk them by recursion

_NOT_A_FILE = (errno.EISDIR, errno.EINVAL)  # of ``_KINDS``, whose text says what it is
_KINDS = (
    (stat.S_ISDIR, errno.EISDIR, "is a folder, not a file"),
    (stat.S_ISFIFO, errno.EINVAL, "is a pipe, not a file"),
    (stat.S_ISSOCK, errno.EINVAL, "is a socket, not a file"),
    (stat.S_ISLNK, errno.ELOOP, "is a link, which is not followed here"),
)


def reason(error: OSError, way_on: str, missing: str = "check the path") -> str:
    """Returns why a file cannot be read, and what to do: the rest of a line that names the file.

    Args:
        error: What the system or ``require_regular`` has raised.
        way_on: What to do about a file that is there.
        missing: What to do about a file that is not there.
    """
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return f"no such file; {missing}"
    if error.errno in _NOT_A_FILE:
        return f"{shown(error.strerror)}; name a file"
    return f"cannot be read ({shown(error.strerror or error)}); {way_on}"


def require_regular(path: Path, most: int | None = None, follow: bool = True) -> os.stat_result:
    """Returns the status of a regular file, which can be opened without waiting.

    Args:
        path: the file.
        most: largest size in bytes; None for no limit.
        follow: whether the name may be a link.

    Raises:
        OSError: the file is missing or cannot be reached, is a folder, a pipe, a socket, a device
            or a link that must not be followed, or is larger than ``most``.
    """
    try:
        status = path.stat() if follow else path.lstat()
    except ValueError as error:  # the name has a NUL, or letters that no file name can have
        raise OSError(errno.EINVAL, "is not a possible file name", str(path)) from error
    _require_regular(status, path, most)
    return status


@contextmanager
def open_regular(path: Path, most: int | None = None, follow: bool = True) -> Iterator[BinaryIO]:
    """Opens a file for reading; the arguments and errors are those of ``require_regular``."""
    require_regular(path, most, follow)  # first, because opening some devices has an effect
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not follow:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags), "rb") as stream:
        _require_regular(os.fstat(stream.fileno()), path, most)  # it may have been replaced
        yield stream


def read_regular(path: Path, most: int, follow: bool = True) -> bytes:
    """Returns the content of a file; the arguments and errors are those of ``require_regular``."""
    with open_regular(path, most, follow) as stream:
        data = stream.read(most + 1)
    if len(data) > most:  # it has grown meanwhile, or its size is not known, as in /proc
        raise _too_large(path, most)
    return data


def record_lines(stream: BinaryIO) -> Iterator[tuple[bytes | None, int]]:
    """Yields the lines of a record, from the stream's position.

    Yields:
        A line with its line end, and its length in bytes. A line longer than ``RECORD_LINE`` is
        None. An incomplete last line has length 0: a kill has cut it, or another run is still
        writing it.
    """
    skipped = 0
    while line := stream.readline(RECORD_LINE):
        if line.endswith(b"\n"):
            yield line, len(line)
            continue
        if len(line) < RECORD_LINE:
            yield line, 0
            return
        length, end = len(line), -1
        while end < 0:
            chunk = stream.read(SKIPPED_AT_ONCE)
            skipped += len(chunk)
            if not chunk:
                return
            if skipped > MOST_SKIPPED:  # this is no record; the rest counts as one line
                here = stream.tell() - len(chunk)
                yield None, length + stream.seek(0, os.SEEK_END) - here
                return
            end = chunk.find(b"\n")
            length += len(chunk) if end < 0 else end + 1
        stream.seek(end + 1 - len(chunk), os.SEEK_CUR)
        yield None, length


def parse_json(data: bytes | str) -> Any:
    """Parses JSON whose values are nested at most ``DEPTH`` deep.

    Raises:
        ValueError: it is not JSON, or is nested deeper.
    """
    try:
        tree = json.loads(data)
    except RecursionError:
        raise ValueError("is nested too deep") from None
    return _flat_enough(tree)


def parse_toml(data: bytes) -> dict[str, Any]:
    """Parses TOML in UTF-8 whose values are nested at most ``DEPTH`` deep.

    Raises:
        ValueError: it is not TOML, is nested deeper, or has lines longer than ``LINE``.
    """
    text = data.decode("utf-8")
    if any(len(line) > LINE for line in text.split("\n")):
        raise ValueError(f"has a line of more than {LINE} characters")
    try:
        return dict(_flat_enough(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:  # its text may quote a key of any length
        raise ValueError(shown(error)) from None
    except RecursionError:
        raise ValueError("is nested too deep") from None


def _flat_enough(tree: Any) -> Any:
    level = [tree]
    for _ in range(DEPTH):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return tree
    raise ValueError("is nested too deep")


def _require_regular(status: os.stat_result, path: Path, most: int | None) -> None:
    if not stat.S_ISREG(status.st_mode):
        for is_kind, number, text in _KINDS:
            if is_kind(status.st_mode):
                raise OSError(number, text, str(path))
        raise OSError(errno.EINVAL, "is a device, not a file", str(path))
    if most is not None and status.st_size > most:
        raise _too_large(path, most)


def _too_large(path: Path, most: int) -> OSError:
    return OSError(errno.EFBIG, f"is larger than the {most} bytes that are allowed", str(path))
