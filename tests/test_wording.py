"""Numbers with their nouns, and sizes."""

from __future__ import annotations

import pytest

from ppdcli.wording import counted, size_in_words


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


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (7, "7 bytes"),
        (1000, "1 kB"),
        (1530, "1.53 kB"),
        (99_900, "99.9 kB"),
        (100_000, "100 kB"),
        (13_512_000, "13.5 MB"),
        (512_345_678, "512 MB"),
        (1_341_395_338, "1.34 GB"),
        (2_000_000_000, "2 GB"),
    ],
)
def test_sizes_in_words(size: int, words: str) -> None:
    assert size_in_words(size) == words
