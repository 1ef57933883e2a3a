"""Foreign text inside a message: short, on one line, harmless."""

from __future__ import annotations

import pytest

from ppdcli.text_safety import excerpt


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\n  lines\r\n", "two lines"),
        ("\x1b[2Jgone\x07", r"\x1b[2Jgone\x07"),
        ("\u202egpj", r"\u202egpj"),
        (ValueError("bad\nvalue"), "bad value"),
        (ValueError(), "ValueError"),
        (UnspeakableError(), "UnspeakableError"),
        (12, "12"),
    ],
)
def test_one_harmless_line(text: object, shown: str) -> None:
    assert excerpt(text) == shown


@pytest.mark.parametrize("text", ["x" * 300, "x" * 10_000_000, "\0" * 5000, " " * 900 + "x"])
def test_no_longer_than_allowed(text: str) -> None:
    shown = excerpt(text, 50)
    assert len(shown) <= 50
    assert shown.endswith("...")
