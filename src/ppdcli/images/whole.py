"""Checks that a picture is complete. Decoders fill missing parts with black or grey."""

from __future__ import annotations

import hashlib
import io
import re
import zlib
from typing import Any

from PIL import Image

_EOI = b"\xff\xd9"
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")  # except restarts and stuffed zeros
_NOISE = bytes((73 * k * k + 41 * k + 250) % 255 for k in range(512))
_MISSING = "its last rows are missing"
_MOST_INFLATION = 1032  # zlib's largest ratio: 258 bytes from two bits
_AT_ONCE = 1 << 20  # bytes
_LAST_BLOCKS = 64  # bytes; without them the pixels of a JPEG change
_MOST_PIXELS_TO_MEND = 50_000_000  # because it takes several decodings, each of seconds

_JPEG_IN_TIFF = 7
_COMPRESSION, _TABLES = 259, 347
_PLACES = (273, 324), (279, 325)  # offsets and lengths of strips or tiles


def require_data(image: Image.Image, data: bytes) -> None:
    """Refuses a PNG whose data is too short for its pixels, before it is decoded.

    Raises:
        ValueError: the data is too short.
    """
    if image.format == "PNG" and len(data) * _MOST_INFLATION < _bytes_of_png(data):
        raise ValueError(_MISSING)


def require_whole(image: Image.Image, data: bytes) -> None:
    """Refuses a PNG, a JPEG, or a JPEG in a TIFF whose data ends before its last pixel.

    Args:
        image: the loaded image.
        data: the file.

    Raises:
        ValueError: the data ends too early.
    """
    if image.format == "PNG":
        missing = _png_is_short(image, data)
    elif image.format in ("JPEG", "MPO"):
        missing = _lacks_scans(data) if "progressive" in image.info else _jpeg_is_cut(image, data)
    else:
        missing = image.format == "TIFF" and _strip_is_cut(image, data)
    if missing:
        raise ValueError(_MISSING)


def with_its_end(data: bytes) -> bytes | None:
    """Adds the last marker to a JPEG that lacks only this marker. Returns None for other files."""
    body = data.removesuffix(b"\xff")
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            if image.width * image.height > _MOST_PIXELS_TO_MEND:
                return None
        body = body.removesuffix(_EOI)
        pixels = _digest(body)
        if pixels == _digest(body + _NOISE) and pixels != _digest(body[:-_LAST_BLOCKS]):
            return body + _EOI
    except (OSError, SyntaxError, ValueError):
        pass
    return None


# --- PNG ---------------------------------------------------------------------------------------


def _png_is_short(image: Image.Image, data: bytes) -> bool:
    width, height = image.size
    interlaced = data[28] != 0
    # Missing rows are zero. A last row with other values was therefore in the file.
    last = image.crop((0, height - 1, width, height))
    if not interlaced and last.getbbox(alpha_only=False) is not None:
        return False
    needed, inflater = _bytes_of_png(data), zlib.decompressobj()
    for part in _idats(data):
        packed = part
        while packed and needed > 0 and not inflater.eof:
            needed -= len(inflater.decompress(packed, _AT_ONCE))
            packed = inflater.unconsumed_tail
    return needed > 0


def _bytes_of_png(data: bytes) -> int:
    """Returns the size of the pixels before compression, from the header."""
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    bits = data[24] * {2: 3, 4: 2, 6: 4}.get(data[25], 1)
    if data[28] == 0:
        return height * (1 + (width * bits + 7) // 8)
    total = 0
    for x, y, step_x, step_y in (
        *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4)),
        *((1, 0, 2, 2), (0, 1, 1, 2)),
    ):  # Adam7
        columns, rows = -((x - width) // step_x), -((y - height) // step_y)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total


def _idats(data: bytes) -> list[bytes]:
    parts, at = [], 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IDAT":
            parts.append(data[at + 8 : at + 8 + length])
        at += 12 + length
    return parts


# --- JPEG --------------------------------------------------------------------------------------


def _jpeg_is_cut(image: Image.Image, data: bytes) -> bool:
    """Whether the data of a JPEG ends early.

    Missing parts are decoded as mid-grey, but a photo's corner may be grey too. If a part is
    missing, noise that is appended to the data changes the pixels.
    """
    if not _ends_grey(image):
        return False
    body = data[: _end_of_pixels(data)]
    return _digest(body, 8) != _digest(body + _NOISE, 8)


def _strip_is_cut(image: Image.Image, data: bytes) -> bool:
    """``_jpeg_is_cut`` for the last strip or tile of a TIFF."""
    tags = getattr(image, "tag_v2", {})
    if tags.get(_COMPRESSION) != _JPEG_IN_TIFF or not _ends_grey(image):
        return False
    offset, count = (next(tags[tag][-1] for tag in pair if tag in tags) for pair in _PLACES)
    strip = data[offset : offset + count].removesuffix(_EOI)
    tables = tags.get(_TABLES, b"").removesuffix(_EOI)
    body = tables + strip[2:] if tables else strip
    return _digest(body, 8) != _digest(body + _NOISE, 8)


def _ends_grey(image: Image.Image) -> bool:
    width, height = image.size
    corner = image.crop((max(0, width - 4), max(0, height - 4), width, height))
    extrema = corner.getextrema()
    pairs: Any = extrema if isinstance(extrema[0], tuple) else (extrema,)
    return all(low >= 127 and high <= 128 for low, high in pairs)


def _digest(body: bytes, scale: int = 1) -> bytes:
    """Returns a hash of a JPEG's pixels at 1/``scale`` of its size. ``body`` has no last marker."""
    with Image.open(io.BytesIO(body + _EOI), formats=("JPEG",)) as image:
        if scale > 1:  # takes less time and memory
            image.draft(None, (image.width // scale, image.height // scale))
        return hashlib.sha256(image.tobytes()).digest()


def _segments(data: bytes) -> list[tuple[int, bytes]]:
    """Returns the markers of the first picture: the position after each, and its code."""
    found, position = [], 2
    while marker := _MARKER.search(data, position):
        position, code = marker.end(), marker[1]
        found.append((position, code))
        if code == b"\xd9":
            break
        if code not in b"\x01\xd8":
            position += int.from_bytes(data[position : position + 2], "big")
    return found


def _end_of_pixels(data: bytes) -> int:
    position, code = _segments(data)[-1]
    return position - 2 if code == b"\xd9" else len(data)


def _lacks_scans(data: bytes) -> bool:
    """Whether a progressive JPEG lacks scans for some bits of its coefficients."""
    left: dict[int, list[bool]] = {}  # for each component, which coefficients lack bits
    for position, code in _segments(data):
        if code == b"\xc2":
            for index in range(data[position + 7]):
                left.setdefault(data[position + 8 + 3 * index], [True] * 64)
        elif code == b"\xda":
            count = data[position + 2]
            first, last, bits = data[position + 3 + 2 * count : position + 6 + 2 * count]
            for index in range(count):
                for k in range(first, min(last, 63) + 1):
                    left.setdefault(data[position + 3 + 2 * index], [True] * 64)[k] = bits & 15 != 0
    return any(map(any, left.values()))
