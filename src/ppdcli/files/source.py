"""Reads a file or a pipe into memory. It never waits or reads for ever, whatever the name leads to.

The whole file is read before anything is decoded. A decoder then notices nothing if the file is
replaced, cut or removed meanwhile. ``files.foreign`` reads files that must be regular ones.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ppdcli.errors import InputError
from ppdcli.files.foreign import reason
from ppdcli.images.kinds import HEAD, refusal_of_a_video
from ppdcli.wording import size_in_words

MAX_BYTES = 2_000_000_000
"""The largest photo, in bytes: more than 250 megapixels of 16-bit RGB without compression."""

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Kind:
    """What a file should be.

    Attributes:
        name: what messages call it, with its article.
        most: largest size in bytes.
        way_on: what the user can do about a larger one.
        refusal: takes the first bytes and the name; returns a line for the user if the file is of
            another kind, or None.
    """

    name: str
    most: int
    way_on: str
    refusal: Callable[[bytes, str], str | None] = lambda head, name: None

    def check(self, head: bytes, name: str) -> None:
        """Refuses a file of another kind by its first bytes.

        Raises:
            InputError: the file is of another kind.
        """
        line = self.refusal(head[:HEAD], name)
        if line is not None:
            raise InputError(line)


class BinaryStream(Protocol):
    """A file that was opened in binary mode, or what can be read like one."""

    def read(self, size: int, /) -> bytes: ...


IMAGE = Kind("an image", MAX_BYTES, "save it as JPEG or PNG", refusal_of_a_video)


def read_file(path: Path, name: str, kind: Kind = IMAGE) -> bytes:
    """Returns the content of a file, or of a pipe that a program writes to.

    Args:
        path: the file.
        name: what messages call it.
        kind: what it should be.

    Raises:
        InputError: the file is missing, may not be read, is a folder, a device, a socket or a pipe
            without a writer, or is larger than its kind may be.
    """
    try:
        # A plain open() waits for ever if no program writes to a pipe.
        with open(path, "rb", opener=_open_at_once) as stream:
            status = os.fstat(stream.fileno())
            if stat.S_ISFIFO(status.st_mode):
                os.set_blocking(stream.fileno(), True)
            elif not stat.S_ISREG(status.st_mode):
                raise InputError(f"{name}: is a device, not {kind.name}; name a file")
            else:
                kind.check(stream.peek(HEAD), name)
            if status.st_size > kind.most:
                raise InputError(_too_long(name, size_in_words(status.st_size), kind))
            data = read_stream(stream, name, kind)
            if not data and stat.S_ISFIFO(status.st_mode):
                raise InputError(f"{name}: is a pipe that nothing writes to; name a file")
            return data
    except IsADirectoryError:
        raise InputError(f"{name}: is a folder, not {kind.name}; name a file in it") from None
    except ValueError:  # the name has a NUL
        raise InputError(f"{name}: is not a possible file name; check the path") from None
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise InputError(f"{name}: is a socket, not {kind.name}; name a file") from None
        if error.errno == errno.ELOOP:
            raise InputError(f"{name}: is a link that leads to itself; name a file") from None
        why = reason(error, "check the file's permissions")
        raise InputError(f"{name}: {why}") from error


def read_stream(stream: BinaryStream, name: str, kind: Kind = IMAGE) -> bytes:
    """Reads a stream to its end.

    Raises:
        InputError: it is longer than its kind may be, reading fails, or it gives no bytes.
    """
    buffer = io.BytesIO()
    try:
        while chunk := stream.read(_CHUNK):
            if not isinstance(chunk, bytes | bytearray | memoryview):
                raise InputError(
                    f"{name}: reading it gives {type(chunk).__name__}, not bytes; open it in "
                    "binary mode, as with open(path, 'rb')"
                )
            if not buffer.tell():
                kind.check(chunk, name)
            buffer.write(chunk)
            if buffer.tell() > kind.most:
                raise InputError(_too_long(name, "endless", kind))
    except OSError as error:
        raise InputError(
            f"{name}: cannot be read ({error.strerror or error}); copy it again"
        ) from error
    except ValueError as error:  # closed
        raise InputError(f"{name}: cannot be read ({error}); open it again") from error
    return buffer.getvalue()


def no_folder(path: Path) -> str:
    """Returns why ``is_dir`` is False, for messages."""
    return "is a file, not a folder" if is_file(path) else "no such folder"


def is_file(path: Path) -> bool:
    """``Path.is_file``; also False for names that the system refuses, such as too long ones."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_dir(path: Path) -> bool:
    """``Path.is_dir``; also False for names that the system refuses."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _too_long(name: str, length: str, kind: Kind) -> str:
    most = size_in_words(kind.most)
    return f"{name}: is {length}, more than the {most} that are allowed; {kind.way_on}"
