"""Which outputs are finished, which are made again, which are not touched."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ppdcli.jobs.decision import (
    DAMAGED,
    KEEP,
    MAKE,
    PHOTO_CHANGED,
    UNKNOWN_ORIGIN,
    Decision,
    decide,
    differences,
)
from ppdcli.jobs.journal_entries import Entry, Source, source_of

SOURCE = Source("../in/a.jpg", 1000, 5)


def entry(size: int | None = 4, source: Source | None = SOURCE, **settings: Any) -> Entry:
    return Entry("a_depth.png", size, settings, source)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a_depth.png"
    path.write_bytes(b"1234")
    return path


def again(*reasons: str) -> Decision:
    return Decision("make", reasons)


@pytest.mark.parametrize(
    ("recorded", "source", "expected"),
    [
        (entry(steps=4), SOURCE, KEEP),
        (entry(steps=4), None, KEEP),
        (entry(source=None, steps=4), SOURCE, KEEP),
        (entry(steps=4), Source("../b/a.jpg", 1000, 5), KEEP),
        (entry(steps=8), SOURCE, again("steps 8 -> 4")),
        (entry(size=5, steps=4), SOURCE, again(DAMAGED)),
        (entry(size=5, steps=8), SOURCE, again("steps 8 -> 4")),
        (entry(size=None), SOURCE, again(UNKNOWN_ORIGIN)),
        (entry(size=None, steps=4), SOURCE, again(UNKNOWN_ORIGIN)),
        (entry(steps=4), Source("../in/a.jpg", 1000, 6), again(PHOTO_CHANGED)),
        (entry(steps=4), Source("../in/a.jpg", 1001, 5), again(PHOTO_CHANGED)),
        (entry(steps=8), Source("../in/a.jpg", 1000, 6), again(PHOTO_CHANGED)),
    ],
)
def test_a_file_with_a_record(
    file: Path, recorded: Entry, source: Source | None, expected: Decision
) -> None:
    assert decide(file, recorded, {"steps": 4}, source, file.parent) == expected
    assert decide(file, recorded, {"steps": 4}, source, file.parent, overwrite=True) == MAKE


@pytest.mark.parametrize("content", [b"1234", b""])
def test_a_file_without_a_record_is_not_touched(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    decision = decide(file, None, {"steps": 4}, SOURCE, file.parent)
    assert decision.action == "refuse"
    assert decision.refusal is not None and decision.refusal.startswith(f"{file}: exists, and ")
    assert "--overwrite" in decision.refusal and "--output" in decision.refusal
    assert decide(file, None, {"steps": 4}, SOURCE, file.parent, overwrite=True) == MAKE


def test_the_result_of_another_photo_is_not_touched(file: Path) -> None:
    other = Source("../b/a.jpg", 1000, 6)
    decision = decide(file, entry(steps=4), {"steps": 4}, other, file.parent)
    assert decision.action == "refuse"
    assert decision.refusal is not None
    assert decision.refusal.startswith(f"{file}: was made from another photo, ../in/a.jpg; ")
    assert decide(file, entry(steps=4), {}, other, file.parent, overwrite=True) == MAKE


def test_an_empty_file_with_a_record_is_made_again(file: Path) -> None:
    file.write_bytes(b"")
    assert decide(file, entry(steps=4), {"steps": 4}, SOURCE, file.parent) == again(DAMAGED)


@pytest.mark.parametrize("recorded", [None, entry(steps=4)])
def test_a_missing_file_is_made_without_a_word(tmp_path: Path, recorded: Entry | None) -> None:
    for name in ("missing.png", "x" * 300):
        assert decide(tmp_path / name, recorded, {"steps": 4}, SOURCE, tmp_path) == MAKE


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_is_never_replaced(tmp_path: Path, overwrite: bool) -> None:
    decision = decide(tmp_path, entry(), {}, SOURCE, tmp_path, overwrite)
    assert decision == Decision(
        "refuse", refusal=f"{tmp_path}: is a folder; choose another --output"
    )


def test_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    assert decide(link, None, {}, SOURCE, tmp_path).action == "refuse"
    assert decide(link, entry(), {}, SOURCE, tmp_path) == again(DAMAGED)


# --- the same photo by another path ------------------------------------------------------------


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(b"a photo")
    os.utime(path, (1, 1))  # as of a reproducible archive
    return path


def verdict_of(file: Path, made_of: Source, photo: Path) -> str:
    source = source_of(photo, file.parent)
    return decide(file, entry(source=made_of), {}, source, file.parent).action


def test_a_photo_by_a_link_or_a_linked_folder_is_the_same(file: Path, photo: Path) -> None:
    made_of = source_of(photo, file.parent)
    assert made_of is not None
    folder, link = file.parent / "linked", file.parent / "b.jpg"
    folder.symlink_to(photo.parent)
    link.symlink_to(photo)
    for path in (photo, folder / "a.jpg", link):
        assert verdict_of(file, made_of, path) == "keep"
    photo.write_bytes(b"another content")
    for path in (photo, folder / "a.jpg", link):
        assert verdict_of(file, made_of, path) == "make"


def test_a_photo_that_has_moved_is_the_same_and_its_twin_is_another(
    file: Path, photo: Path
) -> None:
    made_of = source_of(photo, file.parent)
    assert made_of is not None
    twin = file.parent / "a.jpg"
    twin.write_bytes(photo.read_bytes())
    os.utime(twin, (1, 1))
    assert verdict_of(file, made_of, twin) == "refuse"
    photo.unlink()
    assert verdict_of(file, made_of, twin) == "keep"


# --- settings ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ({"steps": 4}, {"steps": 4}, []),
        ({"steps": 4, "metric": False}, {"steps": 8, "metric": True},
         ["steps 4 -> 8", "metric off -> on"]),
        ({"fov": 60.5}, {"fov": "off"}, ["fov 60.5 -> off"]),
        ({"fov": "off"}, {"fov": 60.0}, ["fov off -> 60"]),
        ({"range": "auto"}, {"range": [0.0, 1.5]}, ["range auto -> 0,1.5"]),
        ({"range": [0.0, 1.5]}, {"range": [0.0, 1.5]}, []),
        ({"align": "0" * 16}, {"align": "1" * 16}, ["align file changed"]),
        ({"align": "off"}, {"align": "1" * 16}, ["align off -> a file"]),
        ({"align": "unknown"}, {"align": "unknown"}, ["align unknown -> unknown"]),
        ({"network": None}, {"network": "1" * 16}, []),
        ({"network": "1" * 16}, {"network": None}, []),
        # A setting that an older version did not know.
        ({}, {"world": "off", "fast": False}, []),
        ({}, {"world": "1" * 16}, ["world off -> a file"]),
        ({"steps": 4}, {"steps": 8, "world": "1" * 16}, ["steps 4 -> 8"]),
        # A setting that nothing depends on any more.
        ({"gone": 1, "steps": 4}, {"steps": 4}, []),
    ],
)  # fmt: skip
def test_differences_in_words(before: dict[str, Any], now: dict[str, Any], said: list[str]) -> None:
    assert differences(before, now) == said


def test_settings_of_any_kind_are_told_in_a_short_line() -> None:
    odd = {"a": ["x" * 100_000], "b": {"c": [1] * 10_000}, "\x1b": 1, "d" * 1000: 2}
    told = differences(odd, dict.fromkeys(odd, 3))
    assert len(told) == 4 and all(len(line) < 400 and line.isprintable() for line in told)
