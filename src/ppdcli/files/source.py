"""The bytes of a file or a pipe, whatever its name leads to: never an endless wait or read.

The whole file is read before anything is decoded, so that a file that is replaced, cut or removed
meanwhile cannot surprise a decoder. ``files.foreign`` is for what must be a regular file.
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
from ppdcli.images.kinds import HEAD, refusal_of_a_video
from ppdcli.wording import size_in_words

MAX_BYTES = 2_000_000_000
"""Longer photos are refused: more than 250 megapixels of 16-bit RGB without compression."""

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Kind:
    """What a file should be.

    Attributes:
        name: with its article, for messages.
        most: bytes that are allowed.
        way_on: what the user can do about a longer one.
        refusal: first bytes and name -> the line for what it is not; None if it may be one.
    """

    name: str
    most: int
    way_on: str
    refusal: Callable[[bytes, str], str | None] = lambda head, name: None

    def check(self, head: bytes, name: str) -> None:
        """Refuse what cannot be one, before all of it is read.

        Raises:
            InputError: it cannot.
        """
        line = self.refusal(head[:HEAD], name)
        if line is not None:
            raise InputError(line)


class BinaryStream(Protocol):
    """A file that was opened in binary mode, or what can be read like one."""

    def read(self, size: int, /) -> bytes: ...


IMAGE = Kind("an image", MAX_BYTES, "save it as JPEG or PNG", refusal_of_a_video)


def read_file(path: Path, name: str, kind: Kind = IMAGE) -> bytes:
    """The content of a file, or of a pipe that something writes to.

    Args:
        path: the file.
        name: what messages call it.
        kind: what it should be.

    Raises:
        InputError: missing, a folder, a device, a socket, a pipe without a writer, not allowed to
            be read, or longer than its kind may be.
    """
    try:
        # A pipe without a writer would keep a plain open() waiting.
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
    except FileNotFoundError:
        raise InputError(f"{name}: no such file; check the path") from None
    except IsADirectoryError:
        raise InputError(f"{name}: is a folder, not {kind.name}; name a file in it") from None
    except ValueError:  # a NUL in the name
        raise InputError(f"{name}: is no possible file name; check the path") from None
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise InputError(f"{name}: is a socket, not {kind.name}; name a file") from None
        if error.errno == errno.ELOOP:
            raise InputError(f"{name}: is a link that leads to itself; name a file") from None
        raise InputError(
            f"{name}: cannot be read ({error.strerror or error}); check the file's permissions"
        ) from error


def read_stream(stream: BinaryStream, name: str, kind: Kind = IMAGE) -> bytes:
    """What is left of a stream.

    Raises:
        InputError: more than its kind may have, a read that fails, or one that gives no bytes.
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


def is_file(path: Path) -> bool:
    """``Path.is_file``, False also for names that the system refuses, such as too long ones."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_dir(path: Path) -> bool:
    """``Path.is_dir``, False also for names that the system refuses."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _too_long(name: str, length: str, kind: Kind) -> str:
    most = size_in_words(kind.most)
    return f"{name}: is {length}, more than the {most} that are allowed; {kind.way_on}"
