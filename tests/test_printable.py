"""Names in messages: whatever is in them, a line stays a line."""

from __future__ import annotations

import os

import pytest

from ppdcli.errors import printable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a b-c_1.jpg", "a b-c_1.jpg"),
        ("two\nlines\r.jpg", r"two\nlines\r.jpg"),
        ("\x1b[31mred\x9b0m\x07.jpg", r"\x1b[31mred\x9b0m\x07.jpg"),
        ("\u2028\u2029\x85\x0b\x0c", r"\u2028\u2029\x85\x0b\x0c"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        (os.fsdecode(b"caf\xe9.jpg"), r"caf\xe9.jpg"),
        ("\ud800", r"\ud800"),
        ("Größe 写真 \u3000 مرحبا.jpg", "Größe 写真 \u3000 مرحبا.jpg"),
        ("👨\u200d👩\u200d👧 ❤\ufe0f.jpg", "👨\u200d👩\u200d👧 ❤\ufe0f.jpg"),
    ],
)
def test_names(name: str, shown: str) -> None:
    assert printable(name) == shown
    assert len(printable(name).splitlines()) == 1
    printable(name).encode()
