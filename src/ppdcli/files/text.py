"""Decodes text of other programs: UTF-8 or UTF-16, with or without a mark, with any line ends."""

from __future__ import annotations

import codecs

_MARKS = (  # UTF-32 comes first, because its mark begins like that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOKED_AT = 4096  # bytes
_MOSTLY = 0.7  # share of characters below 256 in paths and numbers


def decode_text(data: bytes) -> str:
    r"""Decodes text, and makes all line ends ``\n``.

    Windows' PowerShell writes UTF-16, and some programs leave out the mark.

    Raises:
        ValueError: it is not text.
    """
    text = data.decode(encoding_of(data))
    if "\0" in text:
        raise ValueError("holds NUL characters")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def encoding_of(data: bytes) -> str:
    """Returns the name of the encoding: UTF-8 unless the bytes show another."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    head = data[: _LOOKED_AT & ~1]
    if len(head) % 2 == 0 and head:
        for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
            zeros, others = head[first::2], head[1 - first :: 2]
            if zeros.count(0) > _MOSTLY * len(zeros) and not others.count(0):
                return encoding
    return "utf-8"
