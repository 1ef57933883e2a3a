"""Writes PNG files several times as fast as Pillow does, and a little smaller.

Pillow tries five filters on each row. For depth and previews, one of them (the difference from the
row above) is as good as Pillow's choice. ``isal`` compresses four times as fast as zlib.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ppdcli.files.atomic import atomic_path

try:
    from isal import isal_zlib
except ImportError:  # no wheel for this machine; zlib takes longer
    isal_zlib = None  # type: ignore[assignment]

BAND_BYTES = 1 << 18  # bytes of pixels per band, so that a band stays in the processor's cache

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2
_UP = 2  # the filter
_LEVEL = 1  # in both libraries the fastest level that still compresses well


def write_png(
    path: Path, shape: tuple[int, ...], bands: Iterable[np.ndarray], texts: Mapping[str, str]
) -> None:
    """Writes a PNG with text chunks, band by band. The whole picture is never in memory.

    Args:
        path: the file to write.
        shape: (H, W) of 16-bit grey, or (H, W, 3) of 8-bit RGB.
        bands: (rows, W) uint16 or (rows, W, 3) uint8, from the top, H rows in all.
        texts: keyword of 1 to 79 Latin-1 characters -> text.

    Raises:
        OutputError: the file cannot be written.
    """
    height, width = shape[:2]
    kind = (16, _GREY) if len(shape) == 2 else (8, _RGB)
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        stream.write(_SIGNATURE)
        _write_chunk(stream, b"IHDR", struct.pack(">2I5B", width, height, *kind, 0, 0, 0))
        for keyword, text in texts.items():
            _write_chunk(stream, *_text_chunk(keyword, text))
        for data in _compressed(_differences(bands)):
            _write_chunk(stream, b"IDAT", data)
        _write_chunk(stream, b"IEND", b"")


def rows_a_band(row_bytes: int) -> int:
    """Returns the best number of rows in a band for ``write_png``."""
    return max(1, BAND_BYTES // row_bytes)


def _differences(bands: Iterable[np.ndarray]) -> Iterable[np.ndarray]:
    """Yields (rows, 1 + bytes per row) uint8: the filter's number, then the filtered pixels."""
    above: np.ndarray | None = None
    for band in bands:
        pixels = band.astype(">u2") if band.dtype == np.uint16 else band
        plain = np.ascontiguousarray(pixels).view(np.uint8).reshape(len(band), -1)
        filtered = np.empty((plain.shape[0], plain.shape[1] + 1), np.uint8)
        filtered[:, 0] = _UP
        np.subtract(plain[0], 0 if above is None else above, out=filtered[0, 1:])
        np.subtract(plain[1:], plain[:-1], out=filtered[1:, 1:])
        above = plain[-1].copy()
        yield filtered


def _compressed(parts: Iterable[np.ndarray]) -> Iterable[bytes]:
    library = isal_zlib or zlib
    compressor = library.compressobj(_LEVEL)
    for part in parts:
        yield compressor.compress(part.data)
    yield compressor.flush()


def _text_chunk(keyword: str, text: str) -> tuple[bytes, bytes]:
    try:
        return b"tEXt", keyword.encode("latin-1") + b"\0" + text.encode("latin-1")
    except UnicodeEncodeError:  # not compressed, without a language
        return b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode()


def _write_chunk(stream: BinaryIO, name: bytes, data: bytes) -> None:
    if data or name == b"IEND":
        checksum = zlib.crc32(data, zlib.crc32(name))
        stream.write(struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum))
