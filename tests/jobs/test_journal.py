"""What an output folder remembers, and what follows from it."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ppdcli.jobs.journal import (
    NAME,
    NO_RECORD,
    Entry,
    Journal,
    Source,
    Verdict,
    differences,
    judge,
    read,
    source_of,
)

SOURCE = Source("../in/a.jpg", 1000, 5)
LONE = b"\xff.png".decode("utf-8", "surrogateescape")


def entry(path: str = "a_depth.png", size: int = 4, **settings: Any) -> Entry:
    return Entry(path, size, settings, SOURCE)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a_depth.png"
    path.write_bytes(b"1234")
    return path


# --- judge -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "source", "make", "says"),
    [
        (entry(steps=4), SOURCE, False, None),
        (entry(steps=4), None, False, None),
        (entry(steps=8), SOURCE, False, "steps 8, now 4"),
        (entry(size=5, steps=4), SOURCE, True, "has 4 bytes instead of 5; made again"),
        (entry(size=5, steps=8), SOURCE, True, "has 4 bytes instead of 5; made again"),
        (entry(steps=4), Source("../in/a.jpg", 1000, 6), True, "changed since; made again"),
        (entry(steps=4), Source("../in/a.jpg", 1001, 5), True, "changed since; made again"),
        (entry(steps=8), Source("../in/a.jpg", 1000, 6), True, "changed since; made again"),
        (entry(steps=4), Source("../b/a.jpg", 1000, 5), False, None),
        (entry(steps=4), Source("../b/a.jpg", 1000, 6), False, "another photo"),
        (None, SOURCE, False, NO_RECORD),
    ],
)
def test_a_file_that_is_there(
    file: Path, recorded: Entry | None, source: Source | None, make: bool, says: str | None
) -> None:
    verdict = judge(file, recorded, {"steps": 4}, source)
    assert verdict.make == make
    said = verdict.note if make else verdict.left
    if says is None:
        assert verdict == Verdict(make=False)
    else:
        assert said is not None and says in said and (str(file) in said) == make


@pytest.mark.parametrize("recorded", [None, entry(steps=4), entry(size=0, steps=4)])
def test_an_empty_file_is_made_again(file: Path, recorded: Entry | None) -> None:
    file.write_bytes(b"")
    verdict = judge(file, recorded, {"steps": 4}, SOURCE)
    assert verdict == Verdict(make=True, note=f"{file}: is empty; made again")


@pytest.mark.parametrize("recorded", [None, entry(steps=4)])
def test_a_missing_file_is_made_without_a_word(tmp_path: Path, recorded: Entry | None) -> None:
    for name in ("missing.png", "x" * 300):
        assert judge(tmp_path / name, recorded, {"steps": 4}, SOURCE) == Verdict(make=True)
    assert judge(tmp_path, recorded, {"steps": 4}, SOURCE) == Verdict(make=True), "a folder"


def test_differences_in_words() -> None:
    before = {"steps": 4, "metric": False, "seed": 0, "network": "ab", "gone": 1, "fov": 60.5}
    now = {"steps": 8, "metric": True, "seed": 0, "network": None, "new": 1, "fov": "off"}
    assert differences(before, now) == ["steps 4, now 8", "metric off, now on", "fov 60.5, now off"]


# --- source ------------------------------------------------------------------------------------


def test_a_source_is_told_by_size_and_time(tmp_path: Path) -> None:
    photo = tmp_path / "in" / "a.jpg"
    photo.parent.mkdir()
    photo.write_bytes(b"123")
    os.utime(photo, ns=(1, 7_000_000_123))
    assert source_of(photo, tmp_path / "out") == Source("../in/a.jpg", 3, 7_000_000_123)
    assert source_of(None, tmp_path) is None
    assert source_of(tmp_path / "missing", tmp_path) is None


# --- reading and adding ------------------------------------------------------------------------


def add(folder: Path, *entries: Entry) -> None:
    journal = Journal(folder, [folder])
    for row in entries:
        journal.add(row)
    journal.close()


def test_what_was_added_is_read_and_the_last_line_counts(tmp_path: Path) -> None:
    add(tmp_path / "new" / "out", entry(steps=1), entry("b", steps=2), Entry("c", 1, {}, None))
    add(tmp_path / "new" / "out", entry(steps=3), entry(LONE), entry("two\nlines"))
    entries = read(tmp_path / "new" / "out")
    assert entries == {
        "a_depth.png": entry(steps=3),
        "b": entry("b", steps=2),
        "c": Entry("c", 1, {}, None),
        LONE: entry(LONE),
        "two\nlines": entry("two\nlines"),
    }


def test_a_folder_without_a_journal_knows_nothing(tmp_path: Path) -> None:
    assert read(tmp_path) == {}
    assert read(tmp_path / "missing") == {}


@pytest.mark.parametrize("cut", range(1, 40, 6))
def test_a_torn_last_line_is_passed_over_and_the_next_is_whole(tmp_path: Path, cut: int) -> None:
    add(tmp_path, entry("a"), entry("b"))
    file = tmp_path / NAME
    file.write_bytes(file.read_bytes()[:-cut])
    assert set(read(tmp_path)) == ({"a", "b"} if cut == 1 else {"a"})
    add(tmp_path, entry("c"))
    assert set(read(tmp_path)) == ({"a", "b", "c"} if cut == 1 else {"a", "c"})


@pytest.mark.parametrize(
    "line",
    [
        b"\0" * 100,
        b"\xff\xfe",
        b"7",
        b"null",
        b"{}",
        b'{"path": 1, "bytes": 2, "settings": {}, "source": null}',
        b'{"path": "a", "bytes": "2", "settings": {}, "source": null}',
        b'{"path": "a", "bytes": 2, "settings": [], "source": null}',
        b'{"path": "a", "bytes": 2, "settings": {}, "source": {"path": "b"}}',
        b'{"path": "a", "bytes": 2, "settings": {}, "source": 5}',
        b"[" * 100_000,
    ],
)
def test_lines_that_make_no_sense_are_passed_over(tmp_path: Path, line: bytes) -> None:
    add(tmp_path, entry("a"))
    with (tmp_path / NAME).open("ab") as stream:
        stream.write(line + b"\n")
    add(tmp_path, entry("b"))
    assert read(tmp_path) == {"a": entry("a"), "b": entry("b")}


def _write_many(folder: Path, name: str, count: int) -> None:
    add(folder, *(entry(f"{name}/{k}", size=k, text="x" * 500) for k in range(count)))


def test_lines_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
    processes = [context.Process(target=_write_many, args=(tmp_path, name, 200)) for name in "abcd"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert set(read(tmp_path)) == {f"{name}/{k}" for name in "abcd" for k in range(200)}
    for line in (tmp_path / NAME).read_bytes().splitlines():
        json.loads(line)


def test_an_empty_journal_goes_unless_another_run_has_it(tmp_path: Path) -> None:
    first, second = Journal(tmp_path, []), Journal(tmp_path, [])
    first.close()
    second.add(entry("a"))
    second.close()
    assert set(read(tmp_path)) == {"a"}
    Journal(tmp_path / "empty", []).close()
    assert not (tmp_path / "empty" / NAME).exists()


# --- left-over temporary files -----------------------------------------------------------------


@pytest.fixture
def dead_process() -> int:
    """The number of a process that was, and is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.skipif(os.name != "posix", reason="processes are not told apart elsewhere")
def test_left_over_files_of_dead_processes_go(tmp_path: Path, dead_process: int) -> None:
    gone = [
        f".ppd-{dead_process}-0123abcd.png",
        f".ppd-{dead_process}-0123abcd-draft.ply",
        f".ppd-{os.getpid()}-0123abcd.npy",  # of an earlier process of this number
    ]
    kept = [
        f".ppd-{os.getppid()}-0123abcd.png",  # of a process that lives
        f".ppd-{dead_process}-0123abcd.png.bak",
        f"ppd-{dead_process}-0123abcd.png",
        ".ppd-0123abcd.png",
        "photo.png",
    ]
    for name in gone + kept:
        (tmp_path / name).write_bytes(b"x")
    add(tmp_path / "out", entry("a"))
    assert len(list(tmp_path.iterdir())) == len(gone + kept) + 1, "another folder was swept"
    first = Journal(tmp_path / "out", [])
    Journal(tmp_path / "out", [tmp_path]).close()
    assert len(list(tmp_path.iterdir())) == len(gone + kept) + 1, "another run was at work"
    first.close()
    Journal(tmp_path / "out", [tmp_path, tmp_path / "missing"]).close()
    assert {path.name for path in tmp_path.iterdir()} == {*kept, "out"}
