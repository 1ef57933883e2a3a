"""Files that others wrote, or may have changed: opened only if they are files of a sane size.

Every refusal is an ``OSError`` whose ``strerror`` is the cause as part of a sentence, as those of
the system are, so that a reader has one kind of error to handle.
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

LINE = 4096  # characters of a line of TOML: tomllib takes the square of a dotted key's length
RECORD_LINE = 1 << 16  # bytes of a line of ppd's own records: two paths of 4096 and settings
SKIPPED_AT_ONCE, MOST_SKIPPED = 1 << 20, 1 << 28  # bytes of lines that are longer
DEPTH = 64  # of lists and tables in each other, which later code may walk by recursion

_KINDS = (
    (stat.S_ISDIR, errno.EISDIR, "is a folder, not a file"),
    (stat.S_ISFIFO, errno.EINVAL, "is a pipe, not a file"),
    (stat.S_ISSOCK, errno.EINVAL, "is a socket, not a file"),
    (stat.S_ISLNK, errno.ELOOP, "is a link, which is not followed here"),
)


def require_regular(path: Path, most: int | None = None, follow: bool = True) -> os.stat_result:
    """The status of a file that may be opened: a regular one, reached without waiting.

    Args:
        path: the file.
        most: bytes that it may have; None for any number.
        follow: whether the name may be a link.

    Raises:
        OSError: missing, a folder, a pipe, a socket, a device, a link that must not be one, larger
            than ``most``, or out of reach.
    """
    try:
        status = path.stat() if follow else path.lstat()
    except ValueError as error:  # a NUL in the name, or letters that no file name can have
        raise OSError(errno.EINVAL, "is no possible file name", str(path)) from error
    _require_regular(status, path, most)
    return status


@contextmanager
def open_regular(path: Path, most: int | None = None, follow: bool = True) -> Iterator[BinaryIO]:
    """Opens a file for reading; the arguments and errors are those of ``require_regular``."""
    require_regular(path, most, follow)  # before it is opened, which some devices notice
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not follow:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags), "rb") as stream:
        _require_regular(os.fstat(stream.fileno()), path, most)  # it may have been replaced
        yield stream


def read_regular(path: Path, most: int, follow: bool = True) -> bytes:
    """The content of a file; the arguments and errors are those of ``require_regular``."""
    with open_regular(path, most, follow) as stream:
        data = stream.read(most + 1)
    if len(data) > most:  # it has grown meanwhile, or states no size, as in /proc
        raise _too_large(path, most)
    return data


def record_lines(stream: BinaryIO) -> Iterator[tuple[bytes | None, int]]:
    """The lines of a record, from where the stream is.

    Yields:
        A line with its end, or None for one longer than ``RECORD_LINE``, and its length in bytes.
        A last line without an end, which a kill has cut or another run is writing, has length 0.
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
            if skipped > MOST_SKIPPED:  # no record has such lines: the rest counts as one
                here = stream.tell() - len(chunk)
                yield None, length + stream.seek(0, os.SEEK_END) - here
                return
            end = chunk.find(b"\n")
            length += len(chunk) if end < 0 else end + 1
        stream.seek(end + 1 - len(chunk), os.SEEK_CUR)
        yield None, length


def parse_json(data: bytes | str) -> Any:
    """JSON, of which nothing is nested more than ``DEPTH`` deep.

    Raises:
        ValueError: it is not JSON, or nested deeper.
    """
    try:
        tree = json.loads(data)
    except RecursionError:
        raise ValueError("is nested too deep") from None
    return _flat_enough(tree)


def parse_toml(data: bytes) -> dict[str, Any]:
    """TOML in UTF-8, of which nothing is nested more than ``DEPTH`` deep.

    Raises:
        ValueError: it is not TOML, is nested deeper, or has lines longer than ``LINE``.
    """
    text = data.decode("utf-8")
    if any(len(line) > LINE for line in text.split("\n")):
        raise ValueError(f"has a line of more than {LINE} characters")
    try:
        return dict(_flat_enough(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:  # which may quote a key of any length
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
