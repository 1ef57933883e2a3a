"""File names from any image name, and names cut to the room there is."""

from __future__ import annotations

import pytest

from ppdcli.evaluation.report.names import LONGEST, drawable, elided, file_stem


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("kitchen.png", "kitchen"),
        ("room_1/rgb/00045.JPG", "room_1-rgb-00045"),
        ("frame.0001.color", "frame.0001.color"),
        ("synthetic 7", "synthetic-7"),
        ("../../etc/passwd", "etc-passwd"),
        ("C:\\con.png", "C-con"),
        ("café.png", "cafe"),
        ("写真.jpg", "image"),
        ("写真 3.jpg", "3"),
        (".png", "png"),
        ("a\x00b\n\ud800c", "a-b-c"),
        ("", "image"),
        ("...", "image"),
    ],
)
def test_stems(name: str, stem: str) -> None:
    assert file_stem(name) == stem


def test_a_long_name_keeps_its_end() -> None:
    assert file_stem("x" * 300 + "/0042.png") == ("x" * 300 + "-0042")[-LONGEST:]
    assert len(file_stem("é" * 300)) == LONGEST


def test_elided_is_the_longest_that_fits() -> None:
    def fits(text: str) -> bool:
        return len(text) <= 7

    assert elided("1234567", fits) == "1234567"
    assert elided("1234567890", fits) == "123…890"
    assert elided("123456789", lambda t: len(t) <= 6) == "123…89"
    assert elided("123", lambda t: len(t) <= 1) == "…"


def test_what_the_font_lacks_becomes_a_box() -> None:
    assert drawable("a写b\n", lambda c: c < 128 and c != 10) == "a□b□"
