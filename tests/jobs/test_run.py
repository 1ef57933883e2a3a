"""Names of outputs, skipping, failures and the report, with work that takes no model."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import pytest
from PIL import Image

from ppdcli.errors import CheckpointError, InputError, OutputError, PpdError, UsageError
from ppdcli.jobs.inputs import Input
from ppdcli.jobs.run import Format, Outputs, Result, plan, run
from ppdcli.photo import Photo

NPY, PNG, PREVIEW = (
    Format("npy", "_depth.npy"),
    Format("png", "_depth.png"),
    Format("preview", "_preview.png"),
)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def images(*names: str) -> list[Input]:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2)).save(name)
    return [Input(name, Path(name), PurePath(name).with_suffix("")) for name in names]


@dataclass
class Copying:
    """Writes the photo's name into every output; remembers what it was asked for."""

    prepared: int = 0
    photos: list[str] = field(default_factory=list)
    error: Exception | None = None

    def prepare(self) -> Copying:
        self.prepared += 1
        return self

    def __call__(self, photo: Photo, outputs: Outputs) -> dict[str, Any]:
        if self.error is not None:
            raise self.error
        self.photos.append(photo.name)
        for path in outputs.values():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(photo.name)
        return {"model": "copy", "timings": {"copy": 0.5}}


def finish(
    inputs: list[Input], formats: list[Format], work: Copying, overwrite: bool = False
) -> list[Result]:
    return list(run(plan(inputs, formats, Path("out")), work.prepare, formats, overwrite))


# --- plan --------------------------------------------------------------------------------------


def test_outputs_mirror_the_inputs_below_the_output_folder() -> None:
    (task,) = plan(
        [Input("in/sub/a.jpg", Path("in/sub/a.jpg"), PurePath("sub/a"))], [PNG], Path("o")
    )
    assert task.outputs == {"png": Path("o/sub/a_depth.png")}


def test_a_file_is_meant_by_the_suffix_of_the_format() -> None:
    (task,) = plan(images("a.jpg"), [NPY], Path("x/Depth.NPY"))
    assert task.outputs == {"npy": Path("x/Depth.NPY")}


def test_a_folder_may_be_called_like_a_file() -> None:
    Path("depth.npy").mkdir()
    (task,) = plan(images("a.jpg"), [NPY], Path("depth.npy"))
    assert task.outputs == {"npy": Path("depth.npy/a_depth.npy")}


def test_a_folder_may_have_a_dot_in_its_name() -> None:
    (task,) = plan(images("a.jpg"), [NPY], Path("v1.2"))
    assert task.outputs == {"npy": Path("v1.2/a_depth.npy")}


def test_stdout_has_no_file() -> None:
    assert plan(images("a.jpg"), [NPY], None)[0].outputs == {}


@pytest.mark.parametrize(
    ("names", "formats", "output", "message"),
    [
        (["a.jpg", "b.jpg"], [NPY], None, "stdout takes one file, not 2"),
        (["a.jpg"], [NPY, PNG], None, "stdout takes one file, not 2"),
        (["a.jpg", "b.jpg"], [NPY], "d.npy", "one file cannot take 2"),
        (["a.jpg"], [NPY, PNG], "d.npy", "one file cannot take 2"),
        (["a.jpg"], [NPY], "d.png", "the output is npy, which is no .png"),
        (["a.jpg"], [NPY], "a.jpg", "is a file, not a folder"),
        (["a.jpg", "a.png"], [NPY], "out", "a.jpg and a.png would both write out/a_depth.npy"),
        (["a.jpg", "A.png"], [NPY], "out", "a.jpg and A.png would both write"),
        (["a.jpg", "a_depth.png"], [PNG], ".", "a_depth.png is an input"),
    ],
)
def test_plans_that_cannot_work(
    names: list[str], formats: list[Format], output: str | None, message: str
) -> None:
    with pytest.raises(UsageError, match=rf"{message}.*;"):
        plan(images(*names), formats, None if output is None else Path(output))


# --- run ---------------------------------------------------------------------------------------


def test_every_input_is_done_in_order() -> None:
    work = Copying()
    results = finish(images("b.png", "a.png"), [NPY, PNG], work)
    assert [result.name for result in results] == work.photos == ["b.png", "a.png"]
    assert results[0].outputs == ["out/b_depth.npy", "out/b_depth.png"]
    assert (results[0].status, results[0].error) == ("done", None)
    assert results[0].facts["model"] == "copy"
    assert work.prepared == 1


def test_the_time_of_an_input_is_without_the_models_loading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [0.0]
    monkeypatch.setattr("ppdcli.jobs.run.time.perf_counter", lambda: clock[0])
    work = Copying()

    def prepare() -> Copying:
        clock[0] += 100
        return work

    tasks = plan(images("a.png"), [NPY], Path("out"))
    (result,) = run(tasks, prepare, [NPY], overwrite=False)
    assert result.facts["timings"] == {"read": 0, "copy": 0.5, "total": 0}


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
    Path("out/a_depth.npy").write_text("finished")
    (result,) = finish(inputs, [NPY, PNG, PREVIEW], Copying())
    assert result.status == "done"
    assert len(result.outputs) == 3
    assert Path("out/a_depth.npy").read_text() == "finished"
    assert Path("out/a_preview.png").read_text() == "a.png"


def test_overwrite_makes_everything() -> None:
    inputs = images("a.png")
    finish(inputs, [NPY], Copying())
    Path("out/a_depth.npy").write_text("old")
    (result,) = finish(inputs, [NPY], Copying(), overwrite=True)
    assert result.status == "done"
    assert Path("out/a_depth.npy").read_text() == "a.png"


def test_a_folder_in_the_place_of_an_output_is_no_finished_output() -> None:
    inputs = images("a.png")
    Path("out/a_depth.npy").mkdir(parents=True)
    work = Copying(error=OutputError("out/a_depth.npy: cannot be written; choose another output"))
    assert finish(inputs, [NPY], work)[0].status == "failed"


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
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
    tasks = plan([Input("stdin", None, PurePath("stdin"))], [NPY], None)
    suffixes: list[str] = []

    def work(photo: Photo, outputs: Outputs) -> dict[str, Any]:
        suffixes.append(outputs["npy"].suffix)
        outputs["npy"].write_bytes(b"depth of " + photo.name.encode())
        return {}

    (result,) = run(tasks, lambda: work, [NPY], overwrite=False)
    assert (result.status, result.outputs) == ("done", ["stdout"])
    assert capfdbinary.readouterr().out == b"depth of stdin"
    assert suffixes == [".npy"]


def test_a_reader_of_stdout_that_leaves_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = images("a.png")
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        with pytest.raises(PpdError, match=r"^stdout was closed before the output was complete$"):
            list(run(plan(inputs, [NPY], None), Copying().prepare, [NPY], overwrite=False))
        assert os.fstat(write_end).st_rdev == Path(os.devnull).stat().st_rdev
