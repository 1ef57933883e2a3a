"""Photos that arrive: when they are taken, what is told of them, what is forgotten."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from watch_clock import Clock, EndOfTestError

from ppdcli.errors import InputError, OutputError, PpdError
from ppdcli.jobs import watch as watch_module
from ppdcli.jobs.inputs import discover, is_pattern
from ppdcli.jobs.journal import NAME, Recorded
from ppdcli.jobs.order import Order
from ppdcli.jobs.plan import Format, Task, plan
from ppdcli.jobs.run import run
from ppdcli.jobs.watch import (
    ARRIVE_SECONDS,
    MOST_SHOWN,
    PAUSE_FACTOR,
    POLL_SECONDS,
    SETTLE_SECONDS,
    Watch,
    is_being_written,
    still_for,
)
from ppdcli.jobs.work import Result

PNG = Format("png", "_depth.png")
WHOLE = b"whole"


@dataclass
class Scene:
    """A watched folder ``in``, a clock, and a command that notes what it was given when.

    What is in a file says what becomes of it: ``whole``, or the class of an error.
    """

    clock: Clock
    runs: list[tuple[float, list[str], bool]] = field(default_factory=list)
    told: list[tuple[float, Result]] = field(default_factory=list)
    inputs: list[str] = field(default_factory=lambda: ["in"])
    notes: Callable[[Task], list[str]] = lambda task: []
    status: str = "done"

    def write(self, name: str, content: bytes = WHOLE) -> None:
        self.clock.write(Path("in", name), content)

    def at(self, when: float, name: str, content: bytes = WHOLE) -> None:
        self.clock.at(when, lambda: self.write(name, content))

    def play(self) -> Watch:
        """Watches to the end of the clock; returns the watch as it then is."""
        watch = Watch(
            lambda: discover(self.inputs, Path("out"), [PNG.ending], watched=True).inputs,
            lambda inputs: plan(inputs, [PNG], Path("out")),
            self._run,
        )
        try:
            for count, results in watch.rounds():
                found = list(results)
                assert len(found) <= count
                self.told += [(self.clock.now, result) for result in found]
        except EndOfTestError:
            return watch
        raise AssertionError("the rounds ended")

    def _run(self, tasks: Sequence[Task], again: bool) -> Generator[Result, None, None]:
        if tasks:
            names = [task.input.name for task in tasks]
            self.runs.append((self.clock.now, names, again))
        for task in tasks:
            yield self._result(task)

    def _result(self, task: Task) -> Result:
        assert task.input.path is not None
        try:
            content = task.input.path.read_bytes()
        except OSError:
            content = b"InputError"
        causes = {b"InputError": InputError("is cut off"), b"OutputError": OutputError("full")}
        if content in causes:
            return Result(task.input.name, "failed", error="bad", cause=causes[content])
        return Result(task.input.name, self.status, notes=self.notes(task))  # type: ignore[arg-type]

    @property
    def taken(self) -> list[tuple[float, str]]:
        return [(when, name) for when, names, _ in self.runs for name in names]

    @property
    def lines(self) -> list[tuple[str, str]]:
        return [(result.name, result.status) for _, result in self.told]


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    clock = Clock(end=60)
    monkeypatch.setattr(watch_module, "time", clock)
    nobody_tells(monkeypatch)
    return Scene(clock)


def nobody_tells(monkeypatch: pytest.MonkeyPatch, answer: bool | None = None) -> None:
    monkeypatch.setattr(watch_module, "is_being_written", lambda path, status: answer)


# --- when a file is taken ----------------------------------------------------------------------


def test_present_photos_are_taken_together_once(scene: Scene) -> None:
    for name in ("b.jpg", "a.jpg", "sub/c.jpg"):
        scene.write(name)
    scene.play()
    assert scene.runs == [(SETTLE_SECONDS, ["in/a.jpg", "in/b.jpg", "in/sub/c.jpg"], False)]
    assert scene.lines == [(name, "done") for name in scene.runs[0][1]]


def test_old_photos_are_taken_at_once_where_it_is_certain_that_nobody_writes(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody_tells(monkeypatch, answer=False)
    scene.write("old.jpg")
    scene.clock.sleep(SETTLE_SECONDS)
    start = scene.clock.now
    scene.write("new.jpg")
    scene.play()
    assert scene.taken == [(start, "in/old.jpg"), (start + SETTLE_SECONDS, "in/new.jpg")]


def test_what_arrives_is_taken_also_in_new_folders(scene: Scene) -> None:
    scene.at(3, "a.jpg")
    scene.at(7, "new/deep/b.jpg")
    scene.at(7, "new/notes.txt")
    scene.play()
    assert scene.taken == [
        (3 + SETTLE_SECONDS, "in/a.jpg"),
        (7 + SETTLE_SECONDS, "in/new/deep/b.jpg"),
    ]


def test_a_file_that_grows_is_waited_for(scene: Scene) -> None:
    for second in range(1, 11):
        scene.at(second, "slow.jpg", b"x" * second)
    scene.play()
    assert scene.taken == [(10 + SETTLE_SECONDS, "in/slow.jpg")]


def test_a_file_whose_time_changes_is_waited_for(scene: Scene) -> None:
    """Some programs make a file as long as it will be, and then fill it."""
    for second in range(1, 10):
        scene.at(second, "filled.jpg")
    scene.play()
    assert scene.taken == [(9 + SETTLE_SECONDS, "in/filled.jpg")]


def test_a_file_that_is_open_elsewhere_is_waited_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.write("stalled.jpg")
    nobody_tells(monkeypatch, answer=True)
    scene.clock.at(20, lambda: nobody_tells(monkeypatch, answer=False))
    scene.play()
    assert scene.taken == [(20, "in/stalled.jpg")]


def test_a_renamed_file_is_taken_at_the_next_look(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody_tells(monkeypatch, answer=False)

    def rename() -> None:
        Path("in/.part").write_bytes(WHOLE)
        status = Path("in/.part").stat()
        # Just written by the clock of the test, and named after that.
        monkeypatch.setattr(scene.clock, "time", lambda: status.st_mtime + 0.1)
        time.sleep(0.05)  # more than a tick of the file system's clock
        Path("in/.part").rename("in/whole.jpg")

    scene.clock.at(5, rename)
    scene.play()
    assert scene.taken == [(5, "in/whole.jpg")]


def test_a_clock_that_is_ahead_on_another_machine_delays_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody_tells(monkeypatch, answer=False)
    scene.write("a.jpg")
    ahead = scene.clock.time() + 3600
    os.utime("in/a.jpg", (ahead, ahead))
    scene.play()
    assert scene.taken == [(SETTLE_SECONDS, "in/a.jpg")]


def test_a_look_that_takes_long_is_followed_by_a_long_pause(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    sleep, quick = scene.clock.sleep, discover
    monkeypatch.setattr(scene.clock, "sleep", lambda s: (slept.append(s), sleep(s)))

    def slow(*arguments: object, **options: object) -> object:
        scene.clock.now += 0.5 if len(slept) == 1 else 0
        return quick(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setitem(globals(), "discover", slow)
    scene.play()
    assert slept[:3] == [POLL_SECONDS, 0.5 * PAUSE_FACTOR, POLL_SECONDS]


# --- replaced, deleted, named outright ---------------------------------------------------------


def test_a_replaced_photo_is_done_again_whatever_is_recorded(scene: Scene) -> None:
    scene.write("a.jpg")
    scene.write("b.jpg")
    scene.at(20, "a.jpg")
    scene.play()
    assert scene.runs[1:] == [(20 + SETTLE_SECONDS, ["in/a.jpg"], True)]


def test_a_replaced_photo_that_was_skipped_is_for_the_journal_to_judge(scene: Scene) -> None:
    scene.status = "skipped"
    scene.write("a.jpg")
    scene.at(20, "a.jpg")
    scene.play()
    assert [again for _, _, again in scene.runs] == [False, False]


def test_a_new_and_a_replaced_photo_in_one_round(scene: Scene) -> None:
    scene.write("b.jpg")
    scene.at(20, "a.jpg")
    scene.at(20, "b.jpg")
    scene.play()
    when = 20 + SETTLE_SECONDS
    assert scene.runs[1:] == [(when, ["in/a.jpg"], False), (when, ["in/b.jpg"], True)]


def test_what_is_deleted_is_forgotten(scene: Scene) -> None:
    for k in range(50):
        scene.write(f"{k}.jpg")
        scene.clock.at(20, Path(f"in/{k}.jpg").unlink)
        scene.at(30, f"{k}.jpg")
    scene.play()
    (_, names, _), (when, names_again, again) = scene.runs
    assert (when, names_again) == (30 + SETTLE_SECONDS, names)
    assert not again, "they are new, not replaced"


def test_a_photo_that_vanishes_before_it_is_read_is_no_failure(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.write("a.jpg")
    read = Scene._result

    def gone(self: Scene, task: Task) -> Result:
        Path("in/a.jpg").unlink()
        return read(self, task)

    monkeypatch.setattr(Scene, "_result", gone)
    scene.play()
    assert scene.taken == [(SETTLE_SECONDS, "in/a.jpg")]
    assert scene.told == []


def test_a_file_that_is_named_may_come_and_go(scene: Scene) -> None:
    scene.inputs.append("named.jpg")
    scene.clock.at(20, lambda: scene.clock.write(Path("named.jpg"), WHOLE))
    scene.clock.at(30, Path("named.jpg").unlink)
    scene.clock.at(40, lambda: scene.clock.write(Path("named.jpg"), WHOLE))
    scene.play()
    assert [when for when, _ in scene.taken] == [
        SETTLE_SECONDS, 20 + SETTLE_SECONDS, 40 + SETTLE_SECONDS,
    ]  # fmt: skip
    assert scene.lines == [("named.jpg", "failed"), ("named.jpg", "done"), ("named.jpg", "done")]


def test_a_folder_that_goes_and_comes_back(scene: Scene) -> None:
    scene.write("a.jpg")
    scene.clock.at(10, lambda: Path("in").rename("away"))
    scene.clock.at(40, lambda: Path("away").rename("in"))
    scene.play()
    assert scene.lines == [("in/a.jpg", "done"), ("in", "failed"), ("in/a.jpg", "done")]


# --- broken files ------------------------------------------------------------------------------


def test_a_broken_file_that_becomes_whole_is_no_failure(scene: Scene) -> None:
    scene.at(1, "a.jpg", b"InputError")
    scene.at(1 + ARRIVE_SECONDS / 2, "a.jpg", b"InputError")
    scene.at(1 + ARRIVE_SECONDS, "a.jpg")
    scene.play()
    assert len(scene.runs) == 3
    assert scene.lines == [("in/a.jpg", "done")]


def test_a_file_that_stays_broken_is_told_once_and_tried_again_when_it_changes(
    scene: Scene,
) -> None:
    scene.at(1, "a.jpg", b"InputError")
    scene.at(30, "a.jpg")
    scene.play()
    assert scene.lines == [("in/a.jpg", "failed"), ("in/a.jpg", "done")]
    assert scene.told[0][0] == 1 + ARRIVE_SECONDS
    assert len(scene.runs) == 2


def test_an_old_broken_file_is_told_without_delay_where_it_is_certain(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody_tells(monkeypatch, answer=False)
    scene.write("a.jpg", b"InputError")
    scene.clock.sleep(ARRIVE_SECONDS)
    start = scene.clock.now
    scene.play()
    assert [(when, result.status) for when, result in scene.told] == [(start, "failed")]


def test_an_output_that_cannot_be_written_is_told_at_once(scene: Scene) -> None:
    scene.write("a.jpg", b"OutputError")
    scene.play()
    assert [(when, result.status) for when, result in scene.told] == [(SETTLE_SECONDS, "failed")]


def test_what_concerns_all_photos_ends_the_watch(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Scene, task: Task) -> Result:
        raise PpdError("the model is gone")

    monkeypatch.setattr(Scene, "_result", broken)
    scene.write("a.jpg")
    with pytest.raises(PpdError, match="the model is gone"):
        scene.play()


def test_results_that_are_closed_close_the_run(scene: Scene) -> None:
    closed: list[str] = []

    def endless(tasks: Sequence[Task], again: bool) -> Generator[Result, None, None]:
        try:
            for task in tasks:
                yield Result(task.input.name, "done")
        finally:
            closed.extend(task.input.name for task in tasks)

    for name in ("a.jpg", "b.jpg"):
        scene.write(name)
    watch = Watch(
        lambda: discover(["in"], watched=True).inputs,
        lambda inputs: plan(inputs, [PNG], Path("out")),
        endless,
    )
    _, results = next(watch.rounds())
    assert next(results).name == "in/a.jpg"
    results.close()
    assert closed == ["in/a.jpg", "in/b.jpg"]


# --- clashes and lines -------------------------------------------------------------------------


def test_photos_that_differ_in_their_ending_alone_are_all_done(scene: Scene) -> None:
    scene.write("a.jpg")
    scene.at(20, "a.heic")
    for name in ("b.jpg", "b.png"):
        scene.at(30, name)
    scene.play()
    assert scene.lines == [(f"in/{n}", "done") for n in ("a.jpg", "a.heic", "b.jpg", "b.png")]


def test_a_clash_fails_alone_and_is_told_once(scene: Scene) -> None:
    """Of names that some file systems take for one."""
    scene.write("a.jpg")
    for name in ("A.jpg", "b.jpg", "c.jpg", "C.jpg", "d.jpg"):
        scene.at(20, name)
    scene.at(30, "e.jpg")
    scene.play()
    assert [names for _, names, _ in scene.runs] == [
        ["in/a.jpg"], ["in/C.jpg", "in/b.jpg", "in/d.jpg"], ["in/e.jpg"],
    ]  # fmt: skip
    failed = [result.error for _, result in scene.told if result.status == "failed"]
    assert [line.partition(";")[0] for line in failed if line] == [
        "in/a.jpg and in/A.jpg would both write out/A.jpg_depth.png",
        "in/C.jpg and in/c.jpg would both write out/c.jpg_depth.png",
    ]


def test_a_clash_is_tried_again_when_the_photo_changes(scene: Scene) -> None:
    scene.write("a.jpg")
    scene.at(10, "A.jpg")
    scene.clock.at(20, Path("in/a.jpg").unlink)
    scene.at(30, "A.jpg")
    scene.play()
    assert scene.lines == [("in/a.jpg", "done"), ("in/A.jpg", "failed"), ("in/A.jpg", "done")]


def test_a_line_for_the_user_is_told_once_over_all_rounds(scene: Scene) -> None:
    scene.notes = lambda task: ["a camera is assumed", task.input.name]
    scene.write("a.jpg")
    scene.at(10, "b.jpg")
    scene.play()
    notes = [result.notes for _, result in scene.told]
    assert notes == [["a camera is assumed", "in/a.jpg"], ["in/b.jpg"]]


def test_lines_for_the_user_are_not_remembered_for_ever(scene: Scene) -> None:
    def notes(task: Task) -> list[str]:
        return ["of each photo", *(f"{task.input.name} {k}" for k in range(MOST_SHOWN // 2))]

    scene.notes = notes
    for k in range(8):
        scene.at(k * 5, f"{k}.jpg")
    scene.play()
    told = ["of each photo" in result.notes for _, result in scene.told]
    assert told == 4 * [True, False], "it is forgotten with every MOST_SHOWN other lines"


# --- what is found -----------------------------------------------------------------------------


def test_a_pattern_without_a_match_waits_for_one(scene: Scene) -> None:
    scene.inputs[:] = ["in/*.jpg"]
    scene.at(10, "a.jpg")
    scene.at(10, "b.png")
    scene.play()
    assert scene.lines == [("in/a.jpg", "done")]


@pytest.mark.parametrize("inputs", [["."], ["in", "out/*.png"], ["**/*.png", "*/*.jpg"], ["out"]])
def test_results_are_never_taken_for_photos(scene: Scene, inputs: list[str]) -> None:
    scene.inputs[:] = inputs
    scene.write("a.jpg")
    for name in ("a_depth.png", "sub/a_depth.png", "photo.png"):
        scene.clock.write(Path("out", name), WHOLE)
    Path("here").symlink_to("out")
    scene.clock.at(20, lambda: scene.clock.write(Path("out/of_deleted_depth.png"), WHOLE))
    scene.play()
    names = {name for name, _ in scene.lines}
    assert not {name for name in names if name.endswith("_depth.png")}
    assert names


def test_a_photo_with_a_results_name_elsewhere_is_a_photo(scene: Scene) -> None:
    scene.write("my_depth.png")
    scene.play()
    assert scene.lines == [("in/my_depth.png", "done")]


def test_patterns_and_names(scene: Scene) -> None:
    Path("a[1].jpg").touch()
    assert is_pattern("in/*.jpg")
    assert is_pattern("a[2].jpg")
    assert not is_pattern("a[1].jpg")
    assert not is_pattern("in")


def test_a_long_journal_is_not_read_for_a_photo_without_outputs(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    (task,) = plan(discover(["in/a.jpg"]).inputs, [PNG], Path("out"))
    Path("out").mkdir()
    Path("out", NAME).write_text("a line\n")
    reads: list[str] = []
    monkeypatch.setattr(Recorded, "read_on", lambda self: reads.append("journal"))
    (missing,) = run([task], Order(lambda: pytest.fail("prepared"), [PNG], overwrite=False))
    assert (missing.status, reads) == ("failed", [])
    Path("in/a.jpg").touch()
    task.outputs["png"].write_bytes(b"is there")
    (there,) = run([task], Order(lambda: pytest.fail("prepared"), [PNG], overwrite=False))
    assert there.error is not None and "ppd has no record of making it" in there.error
    assert reads


# --- who writes --------------------------------------------------------------------------------


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """A file of whose writers this system tells."""
    path = tmp_path / "told.jpg"
    path.write_bytes(WHOLE)
    if is_being_written(path, path.stat()) is None:
        pytest.skip("this system does not tell who writes a file")
    return path


def test_who_writes_is_told(told: Path) -> None:
    assert is_being_written(told, told.stat()) is False
    with told.open("r+b"):
        assert is_being_written(told, told.stat()) is True
        assert still_for(told, told.stat(), watched=100) == 0
    with told.open("rb"):
        assert is_being_written(told, told.stat()) is False
    assert told.read_bytes() == WHOLE


def test_asking_does_not_hinder_who_wants_to_write(told: Path) -> None:
    for _ in range(100):
        assert is_being_written(told, told.stat()) is False
        with told.open("r+b") as stream:
            stream.write(WHOLE)


def test_the_age_of_a_file_counts_from_its_last_byte_or_its_renaming(told: Path) -> None:
    assert still_for(told, told.stat(), watched=0) < 60
    assert still_for(told, told.stat(), watched=100) == 100
    time.sleep(0.05)
    moved = told.rename(told.with_name("moved.jpg"))
    if moved.stat().st_ctime_ns == moved.stat().st_mtime_ns:
        pytest.skip("this file system does not note when a file is renamed")
    assert still_for(moved, moved.stat(), watched=0) == float("inf")


@pytest.mark.parametrize("kind", ["folder", "pipe", "missing"])
def test_of_what_is_no_file_nothing_is_told(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    status = tmp_path.stat()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("needs named pipes")
        os.mkfifo(path)
    else:
        path.touch()
        status = path.stat()
        path.unlink()
    if kind != "missing":
        status = path.stat()
    assert is_being_written(path, status) is None
    assert still_for(path, status, watched=7) == 7
