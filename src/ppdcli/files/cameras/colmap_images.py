"""Reads COLMAP's images.txt / .bin, which say which camera took which image, and where."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ppdcli.errors import InputError, shown
from ppdcli.files.foreign import open_regular, reason
from ppdcli.files.source import is_file

AGAIN = "export the model again"

_IMAGE_LINE = re.compile(r"\d{1,18}(\s+[-+.\deE]+){7}\s+\d{1,18}\s+\S", re.ASCII)
IMAGE_HEAD = struct.Struct("<I7dI")  # id, rotation, translation, camera id
_POINT_BYTES = 24  # x, y, id of the 3-D point
_MAX_NAME = 4096
_MAX_LINE = 1 << 16  # bytes


def is_image_list(lines: list[str]) -> bool:
    """Whether lines, without comments, are from images.txt."""
    return bool(lines) and _IMAGE_LINE.match(lines[0]) is not None


def names_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yields (camera id, image name) for each image of images.txt or images.bin.

    Raises:
        InputError: the file is damaged or cannot be read.
    """
    return _names_binary(path) if path.suffix == ".bin" else _names_text(path)


def image_list(path: Path) -> Path | None:
    """Returns images.txt or .bin beside a camera list; a file of the same kind comes first."""
    endings = sorted((".txt", ".bin"), key=lambda ending: ending != path.suffix)
    for ending in endings:
        source = path.with_name("images" + ending)
        if is_file(source):
            return source
    return None


def _names_text(path: Path) -> Iterator[tuple[int, str]]:
    """Yields (camera id, image name) for each image. Every second line, the points, is skipped."""
    with reading(path) as stream:
        while line := stream.readline(_MAX_LINE):
            words = image_words(line, path)
            if words is None:
                _skip_line(stream, line)
                continue
            yield int(words[8]), words[9]
            _skip_line(stream, b"")


def image_words(line: bytes, path: Path) -> list[str] | None:
    """Returns the ten words of an image's first line; None of a comment or a blank line.

    Raises:
        InputError: it is something else.
    """
    head = line.decode("utf-8-sig").strip()
    if not head or head.startswith("#"):
        return None
    if not (line.endswith(b"\n") or len(line) < _MAX_LINE) or not _IMAGE_LINE.match(head):
        raise InputError(
            f"{path}: the line {shown(head, 60)!r} is not IMAGE_ID, rotation, translation, "
            f"CAMERA_ID, NAME; {AGAIN}"
        )
    return head.split(maxsplit=9)


def _skip_line(stream: BinaryIO, begun: bytes) -> None:
    """Reads to the end of the line whose start, ``begun``, has been read."""
    while not begun.endswith(b"\n"):
        begun = stream.readline(_MAX_LINE)
        if not begun:
            return


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """Opens a list of images. Raises InputError if it is damaged or cannot be read."""
    try:
        with open_regular(path) as stream:
            yield stream
    except (struct.error, ValueError) as error:  # a UnicodeDecodeError is a ValueError
        raise InputError(f"{path}: is damaged or truncated; {AGAIN}") from error
    except OSError as error:
        raise InputError(f"{path}: {reason(error, AGAIN)}") from error


def _names_binary(path: Path) -> Iterator[tuple[int, str]]:
    """Yields (camera id, image name) for each image. The points are skipped and not read."""
    with reading(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        (count,) = struct.unpack("<Q", stream.read(8))
        for _ in range(count):
            camera_id = IMAGE_HEAD.unpack(stream.read(IMAGE_HEAD.size))[-1]
            name = name_in(stream)
            (points,) = struct.unpack("<Q", stream.read(8))
            if stream.tell() + points * _POINT_BYTES > size:
                raise ValueError("points without an end")
            stream.seek(points * _POINT_BYTES, os.SEEK_CUR)
            yield camera_id, name


def name_in(stream: BinaryIO) -> str:
    """Reads text up to a zero byte."""
    start = stream.tell()
    text, zero, _ = stream.read(_MAX_NAME).partition(b"\0")
    if not zero:
        raise ValueError("a name without an end")
    stream.seek(start + len(text) + 1)
    return text.decode()
