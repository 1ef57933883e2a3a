"""Names of images and predictors in file names and in narrow places."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import PurePosixPath

from ppdcli.photo import IMAGE_SUFFIXES

LONGEST = 80  # characters of a name in a file name
MISSING = "□"


def file_stem(name: str) -> str:
    """Converts any text to a part of a file name: ASCII letters, digits, "-", "_" and "." inside.

    The suffix of an image is removed. A long name is cut at the front, because the names of a set
    differ at the end.
    """
    if PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES:
        name = name[: name.rindex(".")]
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", plain)[-LONGEST:].strip(".-") or "image"


def elided(text: str, fits: Callable[[str], bool]) -> str:
    """Returns the text if it fits, else as much of both ends as fits, joined by "…"."""
    if fits(text):
        return text
    low, high = 0, len(text) - 1  # numbers of kept characters that fit, and that do not fit
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(_ends(text, middle)) else (low, middle)
    return _ends(text, low)


def drawable(text: str, has_glyph: Callable[[int], bool]) -> str:
    """Replaces each character that the font lacks by a box."""
    return "".join(c if has_glyph(ord(c)) else MISSING for c in text)


def _ends(text: str, kept: int) -> str:
    front = (kept + 1) // 2
    return text[:front] + "…" + text[len(text) - (kept - front) :]
