"""Numbers with their nouns."""

from __future__ import annotations

import pytest

from ppdcli.wording import counted


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (0, "photo", "0 photos"),
        (1, "photo", "1 photo"),
        (2, "photo", "2 photos"),
        (1, "process", "1 process"),
        (2, "process", "2 processes"),
        (3, "other file", "3 other files"),
    ],
)
def test_singular_and_plural(number: int, noun: str, said: str) -> None:
    assert counted(number, noun) == said
