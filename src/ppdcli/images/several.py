"""Counts pictures that follow each other in one stream, as ``ffmpeg -f image2pipe`` writes them."""

from __future__ import annotations

import re

from ppdcli.images import pnm

MOST = 100_000  # pictures; no more are counted
_MOST_PARTS = 1_000_000  # segments or chunks of one picture
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")  # except restarts and stuffed zeros
_HEADER = 1 << 18  # bytes of a JPEG that state whether further pictures belong to it
_OWN_PARTS = (b"MPF\0", b"Container:Directory")  # a phone's second views, gain maps and videos
_NEXT_JPEG = b"\xff\xd9\xff\xd8\xff"  # the end of one and the start of another
_TABLE = 0x80  # a bit of a GIF's flags: a table of colours follows


def count_pictures(data: bytes) -> int:
    """Returns how many pictures of one format follow each other without a gap; usually 1.

    It counts JPEG, PNG, BMP, GIF, WebP and binary PNM. Further pictures that belong to a phone's
    photo, such as its gain map, do not count.
    """
    kind = _kind_at(data, 0)
    # This is quicker than reading all segments, which is not needed for a usual photo.
    if kind == "JPEG" and (
        _NEXT_JPEG not in data or any(part in data[:_HEADER] for part in _OWN_PARTS)
    ):
        return 1
    count, start = 0, 0
    while count < MOST and kind is not None and _kind_at(data, start) == kind:
        count += 1
        try:
            start = _END[kind](data, start)
        except (IndexError, ValueError):  # damaged or cut
            break
    return max(count, 1)


def _kind_at(data: bytes, start: int) -> str | None:
    if data.startswith(b"\xff\xd8\xff", start):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n", start):
        return "PNG"
    if data.startswith((b"GIF87a", b"GIF89a"), start):
        return "GIF"
    if data.startswith(b"RIFF", start) and data.startswith(b"WEBP", start + 8):
        return "WEBP"
    if data.startswith(b"BM", start):
        return "BMP"
    return "PNM" if pnm.is_pnm(data[start : start + 16]) else None


def _end_of_jpeg(data: bytes, start: int) -> int:
    position = start + 2
    for _ in range(_MOST_PARTS):
        marker = _MARKER.search(data, position)
        if marker is None:
            break
        position, code = marker.end(), marker[1]
        if code == b"\xd9":
            return position
        if code not in b"\x01\xd8":
            position += int.from_bytes(data[position : position + 2], "big")
    return len(data)


def _end_of_png(data: bytes, start: int) -> int:
    at = start + 8
    for _ in range(_MOST_PARTS):
        if at + 8 > len(data):
            break
        name = data[at + 4 : at + 8]
        at += 12 + int.from_bytes(data[at : at + 4], "big")
        if name == b"IEND":
            return at
    return len(data)


def _end_of_gif(data: bytes, start: int) -> int:
    def after_table(at: int, flags: int) -> int:
        return at + 3 * (2 << (flags & 7)) if flags & _TABLE else at

    at = after_table(start + 13, data[start + 10])
    while data[at] != 0x3B:  # the trailer
        at = after_table(at + 10, data[at + 9]) + 1 if data[at] == 0x2C else at + 2
        while data[at]:  # sub-blocks, each after its length
            at += 1 + data[at]
        at += 1
    return at + 1


def _end_by_size(data: bytes, start: int, at: int, more: int) -> int:
    size = int.from_bytes(data[start + at : start + at + 4], "little") + more
    if size < 16:
        raise ValueError("no size")
    return start + size


def _end_of_webp(data: bytes, start: int) -> int:
    end = _end_by_size(data, start, 4, 8)
    return end + (end - start) % 2  # padded to an even length


_END = {
    "JPEG": _end_of_jpeg,
    "PNG": _end_of_png,
    "GIF": _end_of_gif,
    "WEBP": _end_of_webp,
    "BMP": lambda data, start: _end_by_size(data, start, 2, 0),
    "PNM": lambda data, start: start + pnm.length(data[start : start + pnm.LONGEST_HEADER]),
}
