"""Folders as cameras and phones fill them: what is passed over is said, and endings are kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from typer.testing import Result

Ppd = Callable[..., Result]


def folder() -> None:
    Path("in").mkdir()
    for name in ("IMG_1.png", "IMG_1.jpg", "IMG_2.jpg"):
        Image.new("RGB", (64, 48), "red").save(f"in/{name}")
    Path("in/notes.txt").touch()
    Path("in/IMG_2.DNG").touch()


def test_what_is_passed_over_is_counted_and_named(ppd: Ppd, tiny: list[str]) -> None:
    folder()
    result = ppd("predict", "in", *tiny, "-f", "npy", "--json", "-v")
    assert result.exit_code == 0, result.stderr
    assert {json.loads(line)["photos_passed_over"] for line in result.stdout.splitlines()} == {1}
    assert "passed over: in/IMG_2.DNG: a camera's raw file; develop it first" in result.stderr
    assert "passed over: in/notes.txt: no photo" in result.stderr
    assert "passed over: in" not in ppd("predict", "in", *tiny, "-f", "npy").stderr


def test_photos_of_one_name_do_not_stop_a_folder(ppd: Ppd, tiny: list[str]) -> None:
    folder()
    first = ppd("predict", "in", *tiny, "-f", "npy")
    assert first.exit_code == 0
    assert "2 photos differ from another in the ending of their names alone" in first.stderr
    made = {path.name for path in Path("ppd-out").glob("*.npy")}
    assert made == {"IMG_1.png_depth.npy", "IMG_1.jpg_depth.npy", "IMG_2_depth.npy"}
    again = ppd("predict", "in", *tiny, "-f", "npy")
    assert "3 skipped" in again.stderr
