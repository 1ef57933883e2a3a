"""Words for messages."""

from __future__ import annotations

import textwrap


def counted(number: int, noun: str) -> str:
    """A number with its noun, in English: ``1 process``, ``2 processes``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}{'es' if noun.endswith(('s', 'x', 'ch', 'sh')) else 's'}"


def size_in_words(size: int) -> str:
    """``1341395338`` -> ``1.34 GB``; ``2000000000`` -> ``2 GB``."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= scale:
            digits = 2 if size < 10 * scale else 1 if size < 100 * scale else 0
            number = f"{size / scale:.{digits}f}"
            return f"{number.rstrip('0').rstrip('.') if digits else number} {unit}"
    return counted(size, "byte")


def wrapped(text: str, width: int | None, first: str = "", indent: str = "  ") -> str:
    """A paragraph in lines of at most this many characters; words and paths stay whole.

    Args:
        text: one line, however long.
        width: of a line; None: the paragraph stays one line.
        first: stands before it.
        indent: stands before its second line, and before those that follow.
    """
    if width is None:
        return first + text
    return textwrap.fill(
        text,
        width,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
