"""Reads portable bitmaps, greymaps and pixmaps (P1 to P6) without a loop over pixels.

Pillow reads some of them in a Python loop, which takes minutes for a large picture: the text forms,
and the binary forms whose greatest value is neither 255 nor 65535.
"""

from __future__ import annotations

import re

import numpy as np

_GAP = rb"(?:[ \t\n\v\f\r]|#[^\r\n]*[\r\n])+"
_COMMENT = re.compile(rb"#[^\r\n]*")
_WHITE = b" \t\n\v\f\r"
LONGEST_HEADER = 1 << 16  # bytes
LONGEST_TEXT = 100_000_000  # bytes; a number of two bytes takes eight in memory
_BLOCK = 1 << 22


def is_pnm(data: bytes) -> bool:
    """Whether the file begins like one of them."""
    return re.match(rb"P[1-6][ \t\n\v\f\r#]", data) is not None


def size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels.

    Raises:
        ValueError: the header is damaged.
    """
    width, height, _, _ = _header(data)
    return width, height


def is_deep(data: bytes) -> bool:
    """Whether its greatest value is that of 16 bits.

    Raises:
        ValueError: the header is damaged.
    """
    return _header(data)[2] == 65535


def length(head: bytes) -> int:
    """Returns the length of a binary picture in bytes, from its header.

    Raises:
        ValueError: the header is damaged, or the picture is a text, whose length is not stated.
    """
    width, height, top, body = _header(head)
    kind = head[1:2]
    if kind in b"123":
        raise ValueError("a text")
    if kind == b"4":
        return body + (width + 7) // 8 * height
    return body + width * height * (3 if kind == b"6" else 1) * (1 if top < 256 else 2)


def decode(data: bytes) -> np.ndarray:
    """Decodes the first picture of the file.

    Returns:
        (H, W, 3) uint8: value / greatest value * 255, rounded to the nearest.

    Raises:
        ValueError: the file is damaged or truncated, has a value above the greatest one, or has
            more than 100 MB of text.
    """
    width, height, top, body = _header(data)
    kind = data[1:2]
    channels = 3 if kind in b"36" else 1
    count = width * height * channels
    if kind in b"123":
        values = _enough(_text_values(data[body:], bits=kind == b"1"), count)
    elif kind == b"4":
        rows = _binary_values(data, "u1", (width + 7) // 8 * height, body).reshape(height, -1)
        values = np.unpackbits(rows, axis=1, count=width).ravel()
    else:
        values = _binary_values(data, "u1" if top < 256 else ">u2", count, body)
    if not 0 <= values.min() <= values.max() <= top:
        raise ValueError(f"a value outside 0..{top}")
    levels = np.rint(np.arange(top + 1) * (255 / top)).astype(np.uint8)
    if kind in b"14":
        levels = levels[::-1]  # 1 is black
    grey_or_rgb = _lookup(levels, values).reshape(height, width, channels)
    return np.ascontiguousarray(np.broadcast_to(grey_or_rgb, (height, width, 3)))


def _header(data: bytes) -> tuple[int, int, int, int]:
    """Returns width, height, the greatest value, and the position of the pixels."""
    numbers = 2 if data[1:2] in b"14" else 3
    pattern = rb"P[1-6]" + (_GAP + rb"(\d{1,10})") * numbers + rb"[ \t\n\v\f\r]"
    found = re.match(pattern, data[:LONGEST_HEADER])
    if found is None:
        raise ValueError("a damaged header")
    width, height, top = (*map(int, found.groups()), 1)[:3]
    if width * height == 0 or not 0 < top < 65536:
        raise ValueError("a damaged header")
    return width, height, top, found.end()


def _binary_values(data: bytes, kind: str, count: int, offset: int) -> np.ndarray:
    there = (len(data) - offset) // np.dtype(kind).itemsize
    return _enough(np.frombuffer(data, kind, min(count, there), offset), count)


def _enough(values: np.ndarray, count: int) -> np.ndarray:
    if len(values) < count:
        raise ValueError(f"{len(values)} values of {count}")
    return values[:count]


def _text_values(text: bytes, bits: bool) -> np.ndarray:
    if len(text) > LONGEST_TEXT:
        raise ValueError("more than 100 MB of text")
    text = _COMMENT.sub(b"", text)
    if text.translate(None, b"0123456789" + _WHITE):
        raise ValueError("characters that are no digits")
    if bits:  # they need no space between them
        return np.frombuffer(text.translate(None, _WHITE), np.uint8) - ord("0")
    return np.fromstring(text, np.int64, sep=" ")


def _lookup(levels: np.ndarray, values: np.ndarray) -> np.ndarray:
    out = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), _BLOCK):  # in blocks, because an index takes eight bytes
        out[start : start + _BLOCK] = levels[values[start : start + _BLOCK]]
    return out
