"""A run in several processes: the same results, whatever becomes of a process."""

from __future__ import annotations

import io
import multiprocessing
import os
import re
import subprocess
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recorded import entries_in
from worker_recipes import FORMATS, Brightness

from ppdcli.errors import CheckpointError, InputError, PpdError
from ppdcli.jobs import journal
from ppdcli.jobs.inputs import discover
from ppdcli.jobs.plan import plan
from ppdcli.jobs.run import run
from ppdcli.jobs.work import Result
from ppdcli.jobs.workers import run_in_workers

SCRIPT = Path(__file__).with_name("worker_recipes.py")
POSIX = pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("GOMP_SPINCOUNT", "1")  # which a run sets for good


@pytest.fixture(autouse=True)
def no_process_is_left() -> object:
    before = set(multiprocessing.active_children())  # a reader of HDF5 may be among them
    yield
    assert set(multiprocessing.active_children()) <= before


def photos(count: int) -> None:
    Path("in").mkdir()
    dice = np.random.default_rng(0)
    for k in range(count):
        shape = ((4, 6, 3), (6, 4, 3))[k % 2]
        Image.fromarray(dice.integers(0, 256, shape).astype(np.uint8)).save(f"in/{k:02}.png")


def finish(
    out: str, recipe: Brightness, workers: int = 2, overwrite: bool = False, *others: str
) -> list[Result]:
    tasks = plan(discover(["in", *others]).inputs, FORMATS, Path(out))
    return list(run_in_workers(tasks, [recipe.order(overwrite)] * workers))


def contents(out: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(out).glob("[!.]*")}


def hidden(out: str) -> list[str]:
    return [path.name for path in Path(out).glob(".*")]


def undisturbed() -> dict[str, bytes]:
    recipe = Brightness()
    tasks = plan(discover(["in"]).inputs, FORMATS, Path("undisturbed"))
    list(run(tasks, recipe.order()))
    return contents("undisturbed")


@POSIX
def test_a_late_dismissal_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    photos(2)
    with pytest.raises(CheckpointError, match="weights: are damaged"):
        finish("out", Brightness(broken="dismissed"))
    assert capfd.readouterr().err == ""


def test_two_workers_make_what_one_process_makes() -> None:
    photos(24)
    results = finish("out", Brightness(log=Path("log"), crew=2))
    assert [result.name for result in results] == [f"in/{k:02}.png" for k in range(24)]
    assert {result.status for result in results} == {"done"}
    assert contents("out") == undisturbed()
    pids = {result.facts["model"] for result in results}
    assert len(pids) == 2 and os.getpid() not in pids
    entries = entries_in(Path("out"))
    assert entries == entries_in(Path("undisturbed"))
    assert hidden("out") == [journal.NAME]
    assert [result.notes for result in results] == [["a line of all photos"]] + [[]] * 23


def test_what_is_finished_takes_no_model() -> None:
    photos(5)
    finish("out", Brightness(), workers=1)
    before = {path: path.stat().st_ino for path in Path("out").iterdir()}
    results = finish("out", Brightness(broken="error"))
    assert [result.status for result in results] == ["skipped"] * 5
    assert not any(result.made_again for result in results)
    assert {path: path.stat().st_ino for path in Path("out").iterdir()} == before


def test_one_worker_or_one_photo_stays_in_this_process() -> None:
    photos(1)
    assert finish("one", Brightness(), workers=1)[0].facts["model"] == os.getpid()
    assert finish("two", Brightness(), workers=2)[0].facts["model"] == os.getpid()
    assert list(run_in_workers([], [Brightness().order()] * 2)) == []


@POSIX
@pytest.mark.parametrize("overwrite", [False, True])
def test_others_do_what_a_killed_worker_had(overwrite: bool) -> None:
    photos(16)
    if overwrite:
        finish("out", Brightness(), workers=1)
    recipe = Brightness(seconds=0.05, deadly="05.png", once=True)
    results = finish("out", recipe, overwrite=overwrite)
    assert len(results) == 16
    assert {result.status for result in results} <= {"done", "skipped"}
    assert not any(result.made_again for result in results)
    assert contents("out") == undisturbed()
    assert hidden("out") == [journal.NAME]
    notes = [note for result in results for note in result.notes if "worker" in note]
    assert len(notes) == 1
    assert notes[0].startswith("a worker process was killed (was there too little memory?); ")
    assert re.search(r"; others take over its \d+ inputs?$", notes[0])


@POSIX
def test_a_photo_that_kills_every_worker_fails_alone() -> None:
    photos(12)
    results = finish("out", Brightness(seconds=0.02, deadly="03.png"))
    failed = [result for result in results if result.status == "failed"]
    assert [result.name for result in failed] == ["in/03.png"]
    assert failed[0].error is not None and failed[0].error.startswith(
        "in/03.png: the process that worked on it was killed"
    )
    expected = undisturbed()
    del expected["03_depth.npy"]
    assert contents("out") == expected


@POSIX
def test_when_every_worker_dies_the_run_ends() -> None:
    photos(6)
    with pytest.raises(PpdError, match=r"^every worker process was killed .* fewer --workers$"):
        finish("out", Brightness(broken="killed"))


def test_a_model_that_cannot_be_loaded_ends_the_run_once() -> None:
    photos(6)
    with pytest.raises(CheckpointError) as error:
        finish("out", Brightness(broken="error", log=Path("log")), workers=3)
    assert str(error.value) == "weights: are damaged; pull them again"
    assert len(Path("log").read_text().splitlines()) == 1
    assert "in prepare" in "".join(traceback.format_exception(error.value))


def test_an_error_that_cannot_be_sent_ends_the_run_too() -> None:
    photos(3)
    with pytest.raises(RuntimeError, match=r"^UnicodeDecodeError: .*of a library"):
        finish("out", Brightness(broken="bug"))


def test_each_worker_loads_the_model_once() -> None:
    photos(12)
    finish("out", Brightness(log=Path("log"), crew=2))
    pids = Path("log").read_text().splitlines()
    assert len(pids) == len(set(pids)) == 2


def test_a_photo_that_cannot_be_read_fails_alone() -> None:
    photos(4)
    Path("in/02.png").write_text("no picture")
    results = finish("out", Brightness())
    assert [result.status for result in results] == ["done", "done", "failed", "done"]
    assert results[2].error is not None and results[2].error.startswith("in/02.png: ")
    assert isinstance(results[2].cause, InputError)
    assert "in load_photo" in "".join(traceback.format_exception(results[2].cause))


def test_stdin_is_one_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    photos(3)
    stdin = io.TextIOWrapper(io.BytesIO(Path("in/00.png").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stdin)
    results = finish("out", Brightness(), 2, False, "-")
    assert [result.status for result in results] == ["done"] * 4
    made = contents("out")
    assert made["stdin_depth.npy"] == made["00_depth.npy"]


def test_a_run_that_is_closed_keeps_what_is_finished() -> None:
    photos(40)
    before = set(multiprocessing.active_children())
    tasks = plan(discover(["in"]).inputs, FORMATS, Path("out"))
    results = run_in_workers(tasks, [Brightness(seconds=0.05).order()] * 2)
    next(results)
    results.close()
    assert set(multiprocessing.active_children()) <= before
    made = contents("out")
    assert 1 <= len(made) < 40
    assert made.items() <= undisturbed().items()
    assert entries_in(Path("out")).keys() == made.keys()
    assert hidden("out") == [journal.NAME]


@POSIX
def test_a_killed_parent_leaves_no_worker() -> None:
    photos(60)
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), "in", "out"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    pids: set[int] = set()
    while len(pids) < 2:
        line = process.stdout.readline()
        assert line, "the job ended before both workers were at work"
        pids.add(int(line))
    process.kill()
    process.communicate()  # which ends when the workers have closed their stdout
    end = time.monotonic() + 120
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() < end, "a worker is left"
        time.sleep(0.05)
    made = contents("out")
    assert made.items() <= undisturbed().items()
    assert hidden("out") == [journal.NAME]


def is_alive(pid: int) -> bool:
    """Whether there is such a process; one that nobody has waited for yet is dead."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"
