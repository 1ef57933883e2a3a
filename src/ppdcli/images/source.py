"""The bytes of an image file, whatever its name leads to: never an endless wait or an endless read.

The whole file is read before anything is decoded, so that a file that is replaced, cut or removed
meanwhile cannot surprise a decoder.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO

from ppdcli.errors import InputError

MAX_BYTES = 2_000_000_000
"""Longer files are refused: more than 250 megapixels of 16-bit RGB without compression."""

_CHUNK = 1 << 20


def read_file(path: Path, name: str) -> bytes:
    """The content of a file, or of a pipe that something writes to.

    Raises:
        InputError: missing, a folder, a device, a socket, a pipe without a writer, not allowed to
            be read, or longer than ``MAX_BYTES``.
    """
    try:
        # A pipe without a writer would keep a plain open() waiting.
        with open(path, "rb", opener=_open_at_once) as stream:
            status = os.fstat(stream.fileno())
            if stat.S_ISFIFO(status.st_mode):
                os.set_blocking(stream.fileno(), True)
            elif not stat.S_ISREG(status.st_mode):
                raise InputError(f"{name}: is a device, not an image; name a file")
            if status.st_size > MAX_BYTES:
                raise InputError(_too_long(name, f"{status.st_size / 1e9:.1f} GB"))
            data = read_stream(stream, name)
            if not data and stat.S_ISFIFO(status.st_mode):
                raise InputError(f"{name}: is a pipe that nothing writes to; name a file")
            return data
    except FileNotFoundError:
        raise InputError(f"{name}: no such file; check the path") from None
    except IsADirectoryError:
        raise InputError(f"{name}: is a folder, not an image; name a file in it") from None
    except ValueError:  # a NUL in the name
        raise InputError(f"{name}: is no possible file name; check the path") from None
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise InputError(f"{name}: is a socket, not an image; name a file") from None
        if error.errno == errno.ELOOP:
            raise InputError(f"{name}: is a link that leads to itself; name a file") from None
        raise InputError(
            f"{name}: cannot be read ({error.strerror or error}); check the file's permissions"
        ) from error


def read_stream(stream: BinaryIO, name: str) -> bytes:
    """What is left of a stream.

    Raises:
        InputError: more than ``MAX_BYTES``, or a read that fails.
    """
    buffer = io.BytesIO()
    try:
        while chunk := stream.read(_CHUNK):
            buffer.write(chunk)
            if buffer.tell() > MAX_BYTES:
                raise InputError(_too_long(name, "endless"))
    except OSError as error:
        raise InputError(
            f"{name}: cannot be read ({error.strerror or error}); copy it again"
        ) from error
    return buffer.getvalue()


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _too_long(name: str, length: str) -> str:
    return (
        f"{name}: is {length}, more than the {MAX_BYTES / 1e9:.0f} GB that are allowed; "
        "save it as JPEG or PNG"
    )
