"""Skipping, failures, order, ends and the report of a run, with work that takes no model."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import pytest
from PIL import Image
from recorded import entries_in

from ppdcli.errors import CheckpointError, InputError, OutputError, PpdError
from ppdcli.files.atomic import atomic_path
from ppdcli.jobs import journal, journal_entries, photo_stages, todo
from ppdcli.jobs.inputs import Input
from ppdcli.jobs.order import Order
from ppdcli.jobs.plan import Format, Task, plan
from ppdcli.jobs.run import run
from ppdcli.jobs.streams import write_stdout
from ppdcli.jobs.work import Job, Result, Writable
from ppdcli.photo import Photo

NPY, PNG, PREVIEW = (
    Format("npy", "_depth.npy"),
    Format("png", "_depth.png"),
    Format("preview", "_preview.png"),
)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOMP_SPINCOUNT", "1")  # which a run sets for good


def images(*names: str) -> list[Input]:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2)).save(name)
    return [Input(name, Path(name), PurePath(name).with_suffix("")) for name in names]


def nothing(_: Job) -> None:
    pass


@dataclass
class Copying:
    """Writes the photo's name into every output; remembers what it was asked for."""

    prepared: int = 0
    photos: list[str] = field(default_factory=list)
    error: Exception | None = None
    at_a_time: int = 1
    batches: list[list[str]] = field(default_factory=list)
    examining: Callable[[Job], None] = nothing
    building: Callable[[Job], None] = nothing

    def prepare(self) -> Copying:
        self.prepared += 1
        return self

    def make_ahead(self, photo: Photo) -> None:
        pass

    def batch_key(self, photo: Photo) -> object:
        return photo.rgb.shape

    def batch_size(self, photo: Photo) -> int:
        return self.at_a_time

    def examine(self, job: Job) -> str:
        self.examining(job)
        return job.photo.name

    def predict(self, photos: Sequence[Photo]) -> list[str]:
        self.batches.append([photo.name for photo in photos])
        return [photo.name for photo in photos]

    def build(self, job: Job, context: str, depth: str, wanted: Sequence[str]) -> Writable:
        assert context == depth == job.photo.name
        self.building(job)
        if self.error is not None:
            raise self.error
        self.photos.append(job.photo.name)

        def write(name: str, path: Path) -> None:
            with atomic_path(path) as temporary:
                temporary.write_text(job.photo.name)

        return Writable({"model": "copy", "timings": {"copy": 0.5}}, write)


def finish(
    inputs: list[Input],
    formats: list[Format],
    work: Copying,
    overwrite: bool = False,
    **settings: object,
) -> list[Result]:
    def of_each() -> dict[str, dict[str, object]]:
        return {f.name: settings for f in formats}

    tasks = plan(inputs, formats, Path("out"))
    return list(run(tasks, Order(work.prepare, formats, overwrite, of_each)))


# --- one after the other -----------------------------------------------------------------------


def test_every_input_is_done_in_order() -> None:
    work = Copying()
    results = finish(images("b.png", "a.png"), [NPY, PNG], work)
    assert [result.name for result in results] == ["b.png", "a.png"]
    assert sorted(work.photos) == ["a.png", "b.png"]
    assert results[0].outputs == ["out/b_depth.npy", "out/b_depth.png"]
    assert (results[0].status, results[0].error) == ("done", None)
    assert results[0].facts["model"] == "copy"
    assert work.prepared == 1


def test_the_time_of_an_input_is_without_the_models_loading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    work = Copying()

    def prepare() -> Copying:
        clock[0] += 100
        return work

    tasks = plan(images("a.png"), [NPY], Path("out"))
    (result,) = run(tasks, Order(prepare, [NPY], overwrite=False))
    assert result.facts["timings"] == {"read": 0, "copy": 0.5, "write": 0, "total": 0}


def test_what_is_finished_is_skipped_and_nothing_is_prepared() -> None:
    inputs = images("a.png")
    finish(inputs, [NPY], Copying())
    work = Copying()
    (result,) = finish(inputs, [NPY], work)
    assert (result.status, result.outputs) == ("skipped", ["out/a_depth.npy"])
    assert work.prepared == 0


def test_only_what_is_missing_is_made() -> None:
    inputs = images("a.png")
    finish(inputs, [NPY], Copying())
    before = Path("out/a_depth.npy").stat().st_ino
    (result,) = finish(inputs, [NPY, PNG, PREVIEW], Copying())
    assert (result.status, result.made_again) == ("done", None)
    assert len(result.outputs) == 3
    assert Path("out/a_depth.npy").stat().st_ino == before
    assert Path("out/a_preview.png").read_text() == "a.png"


def test_only_what_depends_on_a_setting_is_made_again() -> None:
    inputs = images("a.png")
    tasks = plan(inputs, [NPY, PREVIEW], Path("out"))

    def go(colours: str) -> Result:
        settings = {"npy": {"steps": 4}, "preview": {"steps": 4, "colormap": colours}}
        (result,) = run(tasks, Order(Copying().prepare, [NPY, PREVIEW], False, lambda: settings))
        return result

    go("gray")
    before = Path("out/a_depth.npy").stat().st_ino
    assert go("gray").status == "skipped"
    assert go("turbo").made_again == "colormap gray -> turbo"
    assert Path("out/a_depth.npy").stat().st_ino == before


def test_overwrite_makes_everything() -> None:
    inputs = images("a.png")
    finish(inputs, [NPY], Copying())
    Path("out/a_depth.npy").write_text("old")
    (result,) = finish(inputs, [NPY], Copying(), overwrite=True)
    assert result.status == "done"
    assert Path("out/a_depth.npy").read_text() == "a.png"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_in_the_place_of_an_output_fails_before_any_work(overwrite: bool) -> None:
    inputs = images("a.png")
    Path("out/a_depth.npy").mkdir(parents=True)
    work = Copying()
    (result,) = finish(inputs, [NPY], work, overwrite)
    assert (result.status, work.prepared) == ("failed", 0)
    assert result.error == "a.png: out/a_depth.npy: is a folder; choose another --output"


def test_an_input_that_cannot_be_read_fails_alone() -> None:
    inputs = images("a.png", "b.png", "c.png")
    Path("b.png").write_text("no picture")
    results = finish(inputs, [NPY], Copying())
    assert [result.status for result in results] == ["done", "failed", "done"]
    failed = results[1]
    assert failed.error is not None and failed.error.startswith("b.png: ")
    assert isinstance(failed.cause, InputError)
    assert (failed.outputs, failed.facts) == ([], {})


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OutputError("out/x: is full"), "a.png: out/x: is full"),
        (InputError("a.png: is odd"), "a.png: is odd"),
        (InputError("no depth"), "a.png: no depth"),
    ],
)
def test_the_line_of_a_failure_names_the_input_once(error: Exception, line: str) -> None:
    (result,) = finish(images("a.png"), [NPY], Copying(error=error))
    assert result.error == line


@pytest.mark.parametrize("error", [CheckpointError("x: is damaged"), RuntimeError("bug")])
def test_what_concerns_all_inputs_ends_the_run(error: Exception) -> None:
    with pytest.raises(type(error)):
        finish(images("a.png", "b.png"), [NPY], Copying(error=error))


def test_a_picture_from_stdin_to_stdout(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (2, 2)).save(stream, format="PNG")
    stream.seek(0)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))
    tasks = plan([Input("stdin", None, PurePath("stdin"))], [NPY], None)
    (result,) = run(tasks, Order(Copying().prepare, [NPY], overwrite=False))
    assert (result.status, result.outputs) == ("done", ["stdout"])
    assert capfdbinary.readouterr().out == b"stdin"


def test_a_reader_of_stdout_that_leaves_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = images("a.png")
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        with pytest.raises(PpdError, match=r"^stdout was closed before the output was complete$"):
            list(run(plan(inputs, [NPY], None), Order(Copying().prepare, [NPY], overwrite=False)))
        assert os.fstat(write_end).st_rdev == Path(os.devnull).stat().st_rdev


# --- all at once -------------------------------------------------------------------------------


def numbered(count: int) -> list[Input]:
    return images(*(f"{k:02}.png" for k in range(count)))


def test_results_are_in_order_whatever_finishes_first() -> None:
    def slow_at_first(job: Job) -> None:
        time.sleep(0.05 if job.photo.name < "04.png" else 0)

    inputs = numbered(12)
    results = finish(inputs, [NPY], Copying(building=slow_at_first))
    assert [result.name for result in results] == [entry.name for entry in inputs]


def test_photos_of_one_kind_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = numbered(9)
    for entry in inputs[::3]:
        Image.new("RGB", (5, 3)).save(entry.name)
    all_read = threading.Event()
    work = Copying(at_a_time=4)

    def prepare() -> Copying:
        assert all_read.wait(120)
        return work

    loaded = 0
    load = journal_entries.source_of

    def count(*arguments: Any) -> Any:
        nonlocal loaded
        loaded += 1
        if loaded == len(inputs):
            all_read.set()
        return load(*arguments)

    monkeypatch.setattr(todo, "source_of", count)
    list(run(plan(inputs, [NPY], Path("out")), Order(prepare, [NPY], overwrite=False)))
    for batch in work.batches:
        assert len({int(Path(name).stem) % 3 == 0 for name in batch}) == 1
        assert batch == sorted(batch)
    assert sorted(name for batch in work.batches for name in batch) == [i.name for i in inputs]
    assert max(map(len, work.batches)) == 4


def test_what_is_refused_in_a_batch_does_not_stop_its_neighbours() -> None:
    def examine(job: Job) -> None:
        job.notes.append(f"{job.photo.name}: looked at")
        if job.photo.name in ("00.png", "02.png"):
            raise InputError("too dark")

    work = Copying(at_a_time=3, examining=examine)
    results = finish(numbered(4), [NPY], work)
    assert [result.status for result in results] == ["failed", "done", "failed", "done"]
    assert results[2].error == "02.png: too dark"
    assert [result.notes for result in results] == [[f"0{k}.png: looked at"] for k in range(4)]


def test_a_line_for_the_user_is_told_once() -> None:
    def examine(job: Job) -> None:
        job.notes.extend(["of the camera file", job.photo.name])

    results = finish(numbered(3), [NPY], Copying(examining=examine))
    assert [result.notes for result in results] == [
        ["of the camera file", "00.png"],
        ["01.png"],
        ["02.png"],
    ]


@pytest.mark.parametrize("stage", ["examining", "building"])
@pytest.mark.parametrize("error", [RuntimeError("bug"), SystemExit(5), MemoryError()])
def test_an_exception_anywhere_ends_the_run(stage: str, error: BaseException) -> None:
    def fail(job: Job) -> None:
        if job.photo.name == "05.png":
            raise error

    with pytest.raises(type(error)):
        finish(numbered(30), [NPY], Copying(**{stage: fail}))  # type: ignore[arg-type]


def test_an_exception_while_reading_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Photo:
        raise RuntimeError("a decoder's bug")

    monkeypatch.setattr(photo_stages, "load_photo", broken)
    with pytest.raises(RuntimeError, match="a decoder's bug"):
        finish(numbered(3), [NPY], Copying())


def test_a_run_that_is_closed_lets_files_be_written_to_their_end() -> None:
    """As after Ctrl-C: what has begun is finished, what has not begun is not."""
    begun = threading.Event()
    work = Copying()
    build = work.build

    def slowly(*arguments: Any) -> Writable:
        facts, write = build(*arguments)

        def write_slowly(name: str, path: Path) -> None:
            if path.name > "01":
                begun.set()
                time.sleep(0.2)
            write(name, path)

        return Writable(facts, write_slowly)

    work.build = slowly  # type: ignore[method-assign]
    results = run(
        plan(numbered(20), [NPY], Path("out")), Order(work.prepare, [NPY], overwrite=False)
    )
    next(results)
    assert begun.wait(120)
    results.close()
    before = sorted(Path("out").iterdir())
    time.sleep(0.5)
    assert sorted(Path("out").iterdir()) == before
    names = [path.name for path in before]
    assert names[:2] == [journal.NAME, "00_depth.npy"] and len(names) < 20
    assert "01_depth.npy" in names
    assert set(entries_in(Path("out"))) == set(names[1:])


# --- the journal -------------------------------------------------------------------------------


def test_what_is_recorded_of_an_output() -> None:
    inputs = images("in/a.png")
    finish([Input("in/a.png", inputs[0].path, PurePath("sub/a"))], [NPY, PNG], Copying(), steps=4)
    entries = entries_in(Path("out"))
    assert list(entries) == ["sub/a_depth.npy", "sub/a_depth.png"]
    found = Path("in/a.png").stat()
    assert entries["sub/a_depth.npy"] == journal_entries.Entry(
        "sub/a_depth.npy",
        Path("out/sub/a_depth.npy").stat().st_size,
        {"steps": 4},
        journal_entries.Source("../in/a.png", found.st_size, found.st_mtime_ns),
    )


@pytest.mark.parametrize("before", [None, "", "old"])
def test_a_file_that_the_user_named_is_written(before: str | None) -> None:
    if before is not None:
        Path("x.npy").write_text(before)  # empty: as mktemp does
    tasks = plan(images("a.png"), [NPY], Path("x.npy"))
    for _ in range(2):
        (result,) = run(tasks, Order(Copying().prepare, [NPY], overwrite=False))
        assert (result.status, result.outputs, result.made_again) == ("done", ["x.npy"], None)
        assert Path("x.npy").read_text() == "a.png"
        assert {path.name for path in Path().iterdir()} == {"a.png", "x.npy"}, "it has no journal"


@pytest.mark.parametrize("there", [False, True])
def test_a_link_that_the_user_named_is_followed(there: bool) -> None:
    Path("deep").mkdir()
    Path("x.npy").symlink_to("deep/link.npy")
    Path("deep/link.npy").symlink_to("target.npy")
    if there:
        Path("deep/target.npy").write_text("old")
    (result,) = run(
        plan(images("a.png"), [NPY], Path("x.npy")), Order(Copying().prepare, [NPY], False)
    )
    assert (result.status, result.outputs) == ("done", ["x.npy"])
    assert Path("x.npy").is_symlink() and Path("deep/link.npy").is_symlink()
    assert Path("deep/target.npy").read_text() == "a.png"
    assert {path.name for path in Path("deep").iterdir()} == {"link.npy", "target.npy"}


def test_a_link_in_a_folder_is_replaced_and_never_followed() -> None:
    Path("out").mkdir()
    Path("precious").write_text("precious")
    Path("out/a_depth.npy").symlink_to("../precious")
    assert finish(images("a.png"), [NPY], Copying())[0].status == "failed"
    assert finish(images("a.png"), [NPY], Copying(), overwrite=True)[0].status == "done"
    assert Path("precious").read_text() == "precious"
    assert not Path("out/a_depth.npy").is_symlink()


def test_a_missing_photo_fails_whatever_output_has_its_name() -> None:
    finish(images("a.png"), [NPY], Copying())
    (result,) = finish([Input("no/a.png", Path("no/a.png"), PurePath("a"))], [NPY], Copying())
    assert (result.status, result.error) == ("failed", "no/a.png: no such file; check the path")
    assert Path("out/a_depth.npy").read_text() == "a.png"


def test_a_short_write_to_stdout_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    class Short(io.RawIOBase):
        written = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any, /) -> int:
            self.written += bytes(data[:3])
            return min(len(data), 3)

    short = Short()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(short, write_through=True))  # type: ignore[type-var]
    write_stdout(b"all of it")
    assert short.written == b"all of it"


def test_other_settings_make_the_output_again() -> None:
    inputs = images("a.png")
    finish(inputs, [NPY], Copying(), steps=4, seed=0)
    (result,) = finish(inputs, [NPY], Copying(), steps=8, seed=0)
    assert (result.status, result.made_again) == ("done", "steps 4 -> 8")
    (result,) = finish(inputs, [NPY], Copying(), steps=8, seed=0)
    assert (result.status, result.made_again) == ("skipped", None)
    (result,) = finish(inputs, [NPY], Copying(), steps=4, seed=1)
    assert result.made_again == "steps 8 -> 4, seed 0 -> 1"
    (result,) = finish(inputs, [NPY], Copying(), overwrite=True, steps=4, seed=1)
    assert (result.status, result.made_again) == ("done", None)


@pytest.mark.parametrize("formats", [[NPY], [NPY, PNG], [PNG, NPY]])
def test_a_file_without_a_record_fails_its_input_alone(formats: list[Format]) -> None:
    inputs = images("a.png", "b.png")
    Path("out").mkdir()
    Path("out/a_depth.npy").write_text("precious")
    work = Copying()
    first, second = finish(inputs, formats, work)
    assert (first.status, second.status) == ("failed", "done")
    assert first.error == (
        "a.png: out/a_depth.npy: exists, and ppd has no record of making it; give --overwrite to "
        "replace it, or another --output"
    )
    assert isinstance(first.cause, OutputError)
    assert work.photos == ["b.png"]
    assert Path("out/a_depth.npy").read_text() == "precious"
    assert not Path("out/a_depth.png").exists()
    (first, second) = finish(inputs, formats, Copying(), overwrite=True)
    assert (first.status, second.status) == ("done", "done")
    assert [result.status for result in finish(inputs, formats, Copying())] == ["skipped"] * 2


@pytest.mark.parametrize("content", ["", "a", "a.png and more"])
def test_an_output_of_another_size_is_made_again(content: str) -> None:
    inputs = images("a.png")
    finish(inputs, [NPY], Copying())
    Path("out/a_depth.npy").write_text(content)
    (result,) = finish(inputs, [NPY], Copying())
    assert result.status == "done"
    assert Path("out/a_depth.npy").read_text() == "a.png"
    assert (result.notes, result.made_again) == ([], "output damaged or edited")


def test_a_photo_that_has_changed_is_done_again() -> None:
    inputs = images("a.png", "b.png")
    finish(inputs, [NPY], Copying(), steps=1)
    Image.new("RGB", (9, 9)).save("a.png")
    first, second = finish(inputs, [NPY], Copying(), steps=2)
    assert (first.status, first.made_again) == ("done", "photo changed")
    assert (second.status, second.made_again) == ("done", "steps 1 -> 2")


def test_another_photo_of_the_same_name_fails_and_leaves_the_output_alone() -> None:
    inputs = images("one/a.png", "two/a.png")
    Image.new("RGB", (9, 9)).save("two/a.png")
    one, two = ([Input(i.name, i.path, PurePath("a"))] for i in inputs)
    finish(one, [NPY], Copying())
    (result,) = finish(two, [NPY], Copying())
    assert result.error == (
        "two/a.png: out/a_depth.npy: was made from another photo, ../one/a.png; give --overwrite "
        "to replace it, or another --output"
    )
    assert Path("out/a_depth.npy").read_text() == "one/a.png"


def test_photos_that_have_moved_are_finished() -> None:
    (entry,) = images("one/a.png")
    finish([Input("one/a.png", entry.path, PurePath("a"))], [NPY], Copying())
    Path("one").rename("two")
    (result,) = finish([Input("two/a.png", Path("two/a.png"), PurePath("a"))], [NPY], Copying())
    assert result.status == "skipped"


def test_a_photo_elsewhere_of_equal_size_and_time_is_another() -> None:
    entries = images("one/a.png", "two/a.png")
    one, two = ([Input(i.name, i.path, PurePath("a"))] for i in entries)
    for entry in entries:
        assert entry.path is not None
        os.utime(entry.path, (1, 1))  # as of a reproducible archive
    finish(one, [NPY], Copying())
    (result,) = finish(two, [NPY], Copying())
    assert result.error is not None and "was made from another photo, ../one/a.png" in result.error


@pytest.mark.skipif(os.name != "posix", reason="needs permissions")
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anything")
def test_a_journal_that_cannot_be_written_is_told_once_of_a_user() -> None:
    _complaint_of(lambda: Path("out", journal.NAME).chmod(0o400))


def test_a_journal_that_cannot_be_written_is_told_once() -> None:
    _complaint_of(lambda: Path("out", journal.NAME).mkdir())


def _complaint_of(spoil: Callable[[], None]) -> None:
    Path("out").mkdir()
    spoil()
    results = finish(images("a.png", "b.png"), [NPY], Copying())
    assert [result.status for result in results] == ["done", "done"]
    (line,) = (note for result in results for note in result.notes)
    assert line.startswith(f"out/{journal.NAME}: cannot be written (")


def test_no_journal_is_left_of_a_run_that_wrote_nothing() -> None:
    Path("out").mkdir()
    finish(images("a.png"), [NPY], Copying(error=InputError("no depth")))
    Path("out/a_depth.npy").mkdir()
    assert finish(images("a.png"), [NPY], Copying())[0].status == "failed"
    assert [path.name for path in Path("out").iterdir()] == ["a_depth.npy"]


def test_stdin_is_told_by_what_comes_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def status(grey: int) -> str:
        stream = io.BytesIO()
        Image.new("L", (2, 2), grey).save(stream, format="BMP")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stream.getvalue())))
        entry = Input("stdin", None, PurePath("stdin"))
        return finish([entry], [NPY], Copying())[0].status

    assert [status(grey) for grey in (1, 1, 2, 2)] == ["done", "skipped", "done", "skipped"]


def test_a_share_of_nothing_is_done_at_once() -> None:
    no_tasks: list[Task] = []
    work = Copying()
    assert list(run(no_tasks, Order(work.prepare, [NPY], overwrite=False))) == []
    assert work.prepared == 0


@pytest.mark.parametrize(
    ("count", "given", "expected"),
    [
        (1, {}, "1000"),
        (2, {}, "1000"),
        (2, {"GOMP_SPINCOUNT": "7"}, "7"),
        (2, {"OMP_WAIT_POLICY": "active"}, None),
    ],
)
def test_the_networks_threads_sleep_unless_the_user_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, count: int, given: dict[str, str], expected: str | None
) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    work = Copying()
    seen: list[str | None] = []

    def prepare() -> Copying:
        seen.append(os.environ.get("GOMP_SPINCOUNT"))
        return work

    list(run(plan(numbered(count), [NPY], Path("out")), Order(prepare, [NPY], overwrite=False)))
    assert seen == [expected]
