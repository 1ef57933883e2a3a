"""What an output folder remembers, and what follows from it."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from recorded import entries_in

from ppdcli.jobs import journal as journal_module
from ppdcli.jobs.journal import NAME, Journal, Recorded
from ppdcli.jobs.journal_entries import Entry, Source, source_of

SOURCE = Source("../in/a.jpg", 1000, 5)
needs_locks = pytest.mark.skipif(os.name != "posix", reason="locks as POSIX does")
LONE = b"\xff.png".decode("utf-8", "surrogateescape")


def entry(path: str = "a_depth.png", size: int = 4, **settings: Any) -> Entry:
    return Entry(path, size, settings, SOURCE)


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
    entries = entries_in(tmp_path / "new" / "out")
    assert entries == {
        "a_depth.png": entry(steps=3),
        "b": entry("b", steps=2),
        "c": Entry("c", 1, {}, None),
        LONE: entry(LONE),
        "two\nlines": entry("two\nlines"),
    }


def test_a_folder_without_a_journal_knows_nothing(tmp_path: Path) -> None:
    assert entries_in(tmp_path) == {}
    assert entries_in(tmp_path / "missing") == {}


@pytest.mark.parametrize("cut", range(1, 40, 6))
def test_a_torn_last_line_is_passed_over_and_the_next_is_whole(tmp_path: Path, cut: int) -> None:
    add(tmp_path, entry("a"), entry("b"))
    file = tmp_path / NAME
    file.write_bytes(file.read_bytes()[:-cut])
    assert set(entries_in(tmp_path)) == ({"a", "b"} if cut == 1 else {"a"})
    add(tmp_path, entry("c"))
    assert set(entries_in(tmp_path)) == ({"a", "b", "c"} if cut == 1 else {"a", "c"})


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
    assert entries_in(tmp_path) == {"a": entry("a"), "b": entry("b")}


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
    assert set(entries_in(tmp_path)) == {f"{name}/{k}" for name in "abcd" for k in range(200)}
    for line in (tmp_path / NAME).read_bytes().splitlines():
        json.loads(line)


def test_an_empty_journal_goes_unless_another_run_has_it(tmp_path: Path) -> None:
    first, second = Journal(tmp_path, []), Journal(tmp_path, [])
    first.close()
    second.add(entry("a"))
    second.close()
    assert set(entries_in(tmp_path)) == {"a"}
    Journal(tmp_path / "empty", []).close()
    assert not (tmp_path / "empty" / NAME).exists()


# --- names and lines together ------------------------------------------------------------------


def place(journal: Journal, target: Path, content: bytes, **settings: Any) -> None:
    temporary = target.with_name(f".ppd-{os.getpid()}-{content.hex():0>8}.npy")
    temporary.write_bytes(content)
    journal.place(temporary, target, entry(target.name, len(content), **settings))


@pytest.mark.parametrize("before", [None, b"old"])
def test_a_file_gets_its_name_and_its_line(tmp_path: Path, before: bytes | None) -> None:
    target = tmp_path / "a.npy"
    if before is not None:
        target.write_bytes(before)
    journal = Journal(tmp_path, [])
    place(journal, target, b"new", steps=4)
    journal.close()
    assert target.read_bytes() == b"new"
    assert entries_in(tmp_path) == {"a.npy": entry("a.npy", 3, steps=4)}
    assert {path.name for path in tmp_path.iterdir()} == {"a.npy", NAME}


@pytest.mark.parametrize("fault", ["line", "name"])
@pytest.mark.parametrize("before", [None, b"old"])
def test_where_the_system_refuses_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, before: bytes | None
) -> None:
    """And no line says that the file which is there was made by this run."""
    target = tmp_path / "a.npy"
    if before is not None:
        target.write_bytes(before)
    journal = Journal(tmp_path, [])

    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        owner, call = (os, "write") if fault == "line" else (Path, "replace")
        patch.setattr(owner, call, refuse)
        with pytest.raises(OSError, match="No space left"):
            place(journal, target, b"new", steps=4)
    journal.close()
    assert (target.read_bytes() if target.exists() else None) == before
    assert all(row.bytes is None for row in entries_in(tmp_path).values())


def test_a_folder_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.npy").mkdir()
    journal = Journal(tmp_path, [])
    with pytest.raises(IsADirectoryError):
        place(journal, tmp_path / "a.npy", b"new")
    journal.close()
    assert (tmp_path / "a.npy").is_dir()
    assert entries_in(tmp_path) == {}


def test_a_line_that_a_full_disk_has_cut_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, write = Journal(tmp_path, []), os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda file, data: write(file, data[:20]))
        with pytest.raises(OSError, match="No space left"):
            journal.add(entry("a"))
    journal.add(entry("b"))
    journal.close()
    assert entries_in(tmp_path) == {"b": entry("b")}


@needs_locks
def test_the_last_line_is_that_of_the_file_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs with other settings may write one file at one time: the second waits for its turn."""
    target, one, two = tmp_path / "a.npy", Journal(tmp_path, []), Journal(tmp_path, [])
    placed = threading.Event()

    def second() -> None:
        place(two, target, b"two", run=2)
        placed.set()

    thread = threading.Thread(target=second)
    add = one.add

    def add_while_the_other_is_at_work(row: Entry) -> None:
        add(row)
        thread.start()
        assert not placed.wait(0.3), "it did not wait"

    monkeypatch.setattr(one, "add", add_while_the_other_is_at_work)
    place(one, target, b"one", run=1)
    thread.join()
    for journal in (one, two):
        journal.close()
    assert target.read_bytes() == b"two"
    assert entries_in(tmp_path)["a.npy"].settings == {"run": 2}


# --- lines that later ones have replaced -------------------------------------------------------


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> int:
    """Bytes from which on a journal is shortened, few here."""
    monkeypatch.setattr(journal_module, "SHORT", 1000)
    return 1000


@needs_locks
def test_the_journal_of_a_file_that_is_replaced_for_ever_stays_short(
    tmp_path: Path, short: int
) -> None:
    add(tmp_path, entry("other"))
    (tmp_path / NAME).chmod(0o640)
    longest = 0
    for minute in range(100):
        add(tmp_path, entry("a", minute=minute), entry("b", minute=minute))
        longest = max(longest, (tmp_path / NAME).stat().st_size)
    assert longest < 4 * short
    last = {name: entry(name, minute=99) for name in "ab"}
    assert entries_in(tmp_path) == {"other": entry("other"), **last}
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


@needs_locks
def test_a_journal_that_is_long_for_many_outputs_stays_as_it_is(tmp_path: Path, short: int) -> None:
    for name in "ab":
        add(tmp_path, *(entry(f"{name}{k}") for k in range(50)))
    add(tmp_path, *(entry(f"a{k}") for k in range(50)))
    assert len((tmp_path / NAME).read_bytes().splitlines()) == 150


@needs_locks
@pytest.mark.parametrize("reason", ["another run", "another user", "full disk"])
def test_a_journal_stays_long_where_it_cannot_be_shortened(
    tmp_path: Path, short: int, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    many = [entry("a", k=k) for k in range(50)]
    other = Journal(tmp_path, []) if reason == "another run" else None
    if reason == "another user":
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    if reason == "full disk":
        monkeypatch.setattr(Path, "write_bytes", lambda *_: os.write(-1, b""))
    add(tmp_path, *many)
    assert len((tmp_path / NAME).read_bytes().splitlines()) == 50
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    if other is not None:
        other.close()
        assert len((tmp_path / NAME).read_bytes().splitlines()) == 1
    assert entries_in(tmp_path) == {"a": many[-1]}


@needs_locks
def test_who_has_read_a_journal_reads_on_in_a_shorter_one(tmp_path: Path, short: int) -> None:
    add(tmp_path, entry("first"))
    recorded = Recorded(tmp_path)
    recorded.read_on()
    add(tmp_path, *(entry("a", k=k) for k in range(50)))
    add(tmp_path, entry("new", k=1))
    recorded.read_on()
    assert recorded.entries == entries_in(tmp_path)
    assert set(recorded.entries) == {"first", "a", "new"}


def _add_again_and_again(folder: Path, name: str, count: int) -> None:
    for k in range(count):
        one = Journal(folder, [])
        one.add(entry(name, k=k))
        one.close()


@needs_locks
def test_no_line_is_lost_where_several_processes_shorten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "has_grown", lambda *_: True)  # each tries to shorten it
    context = multiprocessing.get_context("fork")  # which keeps the patch
    arguments = [(tmp_path, name, 60) for name in "abcd"]
    processes = [context.Process(target=_add_again_and_again, args=each) for each in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert entries_in(tmp_path) == {name: entry(name, k=59) for name in "abcd"}
    assert len((tmp_path / NAME).read_bytes().splitlines()) < 60


KILLED = """
import sys
import threading
from pathlib import Path
from ppdcli.jobs import journal, journal_entries
journal.SHORT = 1000
folder, k = Path(sys.argv[1]), int(sys.argv[2])
while True:
    k += 1
    one = journal.Journal(folder, [])
    for name in "ab":
        one.add(journal_entries.Entry(name, k, {}, None))
    one.close()
    print(k, flush=True)
"""


@needs_locks
def test_a_kill_while_it_is_shortened_loses_nothing(tmp_path: Path) -> None:
    seen = 0
    for lines in (1, 40, 41, 43, 47, 53):
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(seen)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            seen = [int(process.stdout.readline()) for _ in range(lines)][-1]
            process.kill()
            seen = max(seen, *map(int, process.stdout.read().split()), 0)
        assert {name: row.bytes >= seen for name, row in entries_in(tmp_path).items()} == {
            "a": True,
            "b": True,
        }
        assert (tmp_path / NAME).stat().st_size < 4000
    Journal(tmp_path, []).close()
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


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


# --- what is none of ours ----------------------------------------------------------------------

SOUND = b'{"path":"a","bytes":1,"settings":{},"source":null}\n'
OF_SOURCE = b'{"path":"b","bytes":1,"settings":{},"source":{"path":%s,"bytes":%s,"mtime_ns":%s}}\n'


@pytest.mark.parametrize(
    "line",
    [
        b'{"path":3,"bytes":1,"settings":{},"source":null}\n',
        b'{"path":"b","bytes":true,"settings":{},"source":null}\n',
        b'{"path":"b","bytes":-1,"settings":{},"source":null}\n',
        b'{"path":"b","bytes":1e999,"settings":{},"source":null}\n',
        b'{"path":"b","bytes":1,"settings":[],"source":null}\n',
        b'{"path":"b","bytes":1,"settings":{"a":'
        + b"[" * 9000
        + b"]" * 9000
        + b'},"source":null}\n',
        b'{"path":"b","bytes":' + b"9" * 5000 + b',"settings":{},"source":null}\n',
        OF_SOURCE % (b"7", b"1", b"1"),
        OF_SOURCE % (b'"a\\u0000b"', b"1", b"1"),
        OF_SOURCE % (b'"\\ud800"', b"1", b"1"),
        OF_SOURCE % (b'"c.jpg"', b'"1"', b"1"),
        OF_SOURCE % (b'"c.jpg"', b"1", b"null"),
        b"x" * 300_000 + b"}\n",
        b"\xff\xfe}\n",
    ],
)
def test_a_line_that_makes_no_sense_is_passed_over_and_told(tmp_path: Path, line: bytes) -> None:
    (tmp_path / NAME).write_bytes(line + SOUND + line)
    recorded = Recorded(tmp_path)
    recorded.read_on()
    assert list(recorded.entries) == ["a"]
    (complaint,) = recorded.complaints()
    assert f"{NAME}: 2 lines make no sense and are skipped" in complaint
    recorded.read_on()
    assert recorded.complaints() == [complaint]


def test_a_torn_line_is_nothing_to_tell(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(SOUND[:20] + b"\n" + SOUND)
    recorded = Recorded(tmp_path)
    recorded.read_on()
    assert list(recorded.entries) == ["a"] and recorded.complaints() == []


def test_a_file_of_nonsense_is_left_early(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"{}\n" * 50_000 + SOUND)
    recorded = Recorded(tmp_path)
    recorded.read_on()
    assert recorded.entries == {} and recorded.nonsense < 20_000


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "mine.txt").write_bytes(SOUND)
    (tmp_path / "out" / NAME).symlink_to(tmp_path / "mine.txt")
    recorded = Recorded(tmp_path / "out")
    recorded.read_on()
    assert recorded.entries == {}
    with pytest.raises(OSError, match="is a link, which is not followed here"):
        Journal(tmp_path / "out", set())
    assert (tmp_path / "mine.txt").read_bytes() == SOUND


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    Recorded(tmp_path).read_on()
    with pytest.raises(OSError, match="is a pipe, not a file"):
        Journal(tmp_path, set())
