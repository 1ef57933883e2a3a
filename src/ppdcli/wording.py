"""Words for messages."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number with its noun, in English: ``1 process``, ``2 processes``."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}{'es' if noun.endswith(('s', 'x', 'ch', 'sh')) else 's'}"
