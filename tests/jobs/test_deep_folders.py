"""Folders in folders beyond what recursion or a path can hold: what can be reached is done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ppdcli.files.atomic import atomic_path, make_folder
from ppdcli.jobs.inputs import discover

LEVELS = 1200
LONG = 45  # folders of 100 letters each: more than a path may have


def descend(names: list[str], photos: dict[int, str]) -> None:
    """Makes folders in each other from here on, and leaves files in some; comes back."""
    here = os.open(".", os.O_RDONLY)
    try:
        for level, name in enumerate(names, start=1):
            Path(name).mkdir()
            os.chdir(name)
            if level in photos:
                Path(photos[level]).touch()
    finally:
        os.fchdir(here)
        os.close(here)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    os.chdir(tmp_path)
    os.system("rm -rf in out")  # which needs no long paths


def test_photos_in_many_levels_are_found_and_their_outputs_have_a_place(here: Path) -> None:
    Path("in").mkdir()
    os.chdir("in")
    descend(["d"] * LEVELS, {3: "a.jpg", LEVELS: "b.jpg"})
    Path("z.jpg").touch()
    os.chdir(here)
    found = discover(["in"]).inputs
    assert [entry.path.name for entry in found if entry.path] == ["z.jpg", "a.jpg", "b.jpg"]
    deepest = Path("out", found[-1].stem)
    with atomic_path(deepest) as temporary:
        temporary.write_text("x")
    assert deepest.read_text() == "x" and len(deepest.parts) == LEVELS + 2


def test_a_folder_beyond_the_longest_path_is_one_input_that_fails(here: Path) -> None:
    Path("in").mkdir()
    os.chdir("in")
    descend(["e" * 100] * LONG, {1: "a.jpg", LONG: "unreachable.jpg"})
    Path("z.jpg").touch()
    os.chdir(here)
    names = [entry.path.name for entry in discover(["in"]).inputs if entry.path]
    assert names[:2] == ["z.jpg", "a.jpg"] and names[2:] == ["e" * 100]


def test_a_folder_is_made_under_one_that_is_there(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        make_folder(tmp_path / "file" / "below")
    with pytest.raises(OSError):
        make_folder(tmp_path / "file")
    with pytest.raises(OSError):
        make_folder(tmp_path / ("x" * 300))
