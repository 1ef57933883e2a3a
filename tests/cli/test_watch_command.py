"""``--watch`` as its users see it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result
from watch_clock import Clock

import ppdcli.loading
from ppdcli.jobs import watch as watch_module
from ppdcli.jobs.journal import NAME

Ppd = Callable[..., Result]

SECONDS = 120  # that a machine under load may take


def noise(path: str | Path, seed: int = 0, height: int = 40, width: int = 60) -> Path:
    """A photo, named when it is whole."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    part = path.with_name("." + path.name)
    Image.fromarray(pixels).save(part)
    return part.replace(path)


def made(folder: str) -> dict[str, bytes]:
    files = (path for path in Path(folder).rglob("*") if path.is_file() and path.name != NAME)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Ends with Ctrl-C after a minute that takes no time."""
    clock = Clock(end=60, over=KeyboardInterrupt)
    monkeypatch.setattr(watch_module, "time", clock)
    return clock


# --- in no time --------------------------------------------------------------------------------


def test_what_is_there_and_what_arrives(ppd: Ppd, clock: Clock, tiny: list[str]) -> None:
    noise("in/a.png", 1)
    clock.at(20, lambda: noise("in/new/b.png", 2))
    clock.at(20, lambda: Path("in/new/notes.txt").write_text("no photo"))
    clock.at(30, lambda: noise("in/c.png", 3))
    clock.at(30, lambda: noise("in/d.png", 4, 50, 50))
    result = ppd("predict", "in", *tiny, "-f", "npy", "--watch")
    assert result.exit_code == 130
    assert result.stdout == ""
    lines = [line.partition(" (")[0] for line in result.stderr.splitlines()]
    loaded = lines.pop(1)
    assert loaded.startswith("ppd-tiny on cpu")
    assert lines == [
        "watching in; Ctrl-C ends it",
        "done: in/a.png -> ppd-out/a_depth.npy",
        "done: in/new/b.png -> ppd-out/new/b_depth.npy",
        "done: in/c.png -> ppd-out/c_depth.npy",
        "done: in/d.png -> ppd-out/d_depth.npy",
        "2 done",
        "interrupted; what is finished is kept",
    ]
    ppd("predict", "in", *tiny, "-f", "npy", "-o", "undisturbed")
    assert made("ppd-out") == made("undisturbed")
    assert ppd("predict", "in", *tiny, "-f", "npy", "-q", "--json").stdout.count("skipped") == 4


def test_json_lines_of_all_rounds(ppd: Ppd, clock: Clock, tiny: list[str]) -> None:
    noise("in/a.png")
    clock.at(20, lambda: noise("in/b.png"))
    clock.at(30, lambda: Path("in/c.png").write_bytes(b"no picture"))
    result = ppd("predict", "in", *tiny, "-f", "npy", "--watch", "--json", "-q")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["path"], row["status"]) for row in rows] == [
        ("in/a.png", "done"), ("in/b.png", "done"), ("in/c.png", "failed"),
    ]  # fmt: skip
    assert rows[2]["error"] in result.stderr
    assert len(result.stderr.splitlines()) == 2  # the failure, and that it was interrupted


def test_an_empty_folder_and_only_broken_files(
    ppd: Ppd, clock: Clock, tiny: list[str], no_model: None
) -> None:
    Path("in").mkdir()
    for name in ("a.png", "b.png"):
        clock.at(20, lambda name=name: Path("in", name).write_bytes(b"no picture"))
    result = ppd("predict", "in", *tiny, "--watch")
    assert result.exit_code == 130
    first, *failed, last = result.stderr.splitlines()
    assert first == "watching in; Ctrl-C ends it"
    assert [line.partition(": ")[0] for line in failed] == ["failed"] * 2 + ["2 failed"]
    assert last == "interrupted; what is finished is kept"


def test_the_model_is_loaded_once(
    ppd: Ppd, clock: Clock, tiny: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    load, calls = ppdcli.loading.load_model, []

    def counted(*arguments: object, **options: object) -> object:
        calls.append(arguments)
        return load(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ppdcli.loading, "load_model", counted)
    for k in range(5):
        clock.at(10 * k, lambda k=k: noise(f"in/{k}.png", k))
    Path("in").mkdir()
    ppd("predict", "in", *tiny, "-f", "npy", "--watch")
    assert len(made("ppd-out")) == 5
    assert len(calls) == 1


def test_what_is_recorded_is_the_model_that_was_loaded(
    ppd: Ppd, clock: Clock, tiny: list[str], random_checkpoint: Path
) -> None:
    Path("own.safetensors").write_bytes(random_checkpoint.read_bytes())
    own = ["own.safetensors" if option.endswith(".safetensors") else option for option in tiny]
    noise("in/a.png")
    clock.at(20, lambda: Path("own.safetensors").write_bytes(b"another file"))
    clock.at(30, lambda: noise("in/b.png"))
    ppd("predict", "in", *own, "-f", "npy", "--watch")
    assert ppd("predict", "in", *tiny, "-f", "npy").stderr == "2 skipped\n"


def test_a_replaced_photo_is_done_again(ppd: Ppd, clock: Clock, tiny: list[str]) -> None:
    noise("in/a.png", 1)
    noise("in/b.png", 2)
    clock.at(20, lambda: noise("in/a.png", 3, 30, 30))
    result = ppd("predict", "in", *tiny, "-f", "npy", "--watch", "--json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["path"] for row in rows] == ["in/a.png", "in/b.png", "in/a.png"]
    assert np.load("ppd-out/a_depth.npy").shape == (30, 30)
    assert ppd("predict", "in", *tiny, "-f", "npy").stderr == "2 skipped\n"


@pytest.mark.parametrize("output", ["in", "in/depth", "."])
@pytest.mark.parametrize("source", ["in", "in/*.png", "**/*.png"])
def test_outputs_among_the_photos_are_no_photos(
    ppd: Ppd, clock: Clock, tiny: list[str], output: str, source: str
) -> None:
    noise("in/a.png")
    clock.at(20, lambda: noise("in/b.png"))
    clock.at(40, Path("in/a.png").unlink)
    result = ppd("predict", source, *tiny, "--watch", "--json", "-o", output)
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["path"], row["status"]) for row in rows] == [
        ("in/a.png", "done"), ("in/b.png", "done"),
    ]  # fmt: skip


def test_present_outputs_are_skipped_unless_they_are_to_be_overwritten(
    ppd: Ppd, clock: Clock, tiny: list[str]
) -> None:
    noise("in/a.png")
    noise("in/b.png")
    ppd("predict", "in/a.png", *tiny, "-f", "npy")
    skipping = ppd("predict", "in", *tiny, "-f", "npy", "--watch")
    assert "1 done, 1 skipped" in skipping.stderr.splitlines()
    clock.now = 0
    again = ppd("predict", "in", *tiny, "-f", "npy", "--watch", "--overwrite")
    assert again.stderr.splitlines()[-2] == "2 done"


def test_reruns_follow_the_rules_of_any_run(ppd: Ppd, clock: Clock, tiny: list[str]) -> None:
    for name in "abc":
        noise(f"in/{name}.png")
    ppd("predict", "in/a.png", *tiny, "-f", "npy")
    ppd("predict", "in/b.png", *tiny, "-f", "npy", "--steps", 2)
    Path("ppd-out/c_depth.npy").write_bytes(b"precious")
    result = ppd("predict", "in", *tiny, "-f", "npy", "--steps", 2, "--watch", "--json")
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(row["path"], row["status"], row["made_again"]) for row in rows] == [
        ("in/a.png", "done", "steps 4 -> 2"),
        ("in/b.png", "skipped", None),
        ("in/c.png", "failed", None),
    ]
    assert "1 made again: steps 4 -> 2" in result.stderr.splitlines()
    assert Path("ppd-out/c_depth.npy").read_bytes() == b"precious"


def test_a_photo_that_would_write_anothers_output_fails_alone(
    ppd: Ppd, clock: Clock, tiny: list[str]
) -> None:
    noise("in/a.png")
    clock.at(20, lambda: noise("in/A.png"))
    clock.at(20, lambda: noise("in/b.png"))
    result = ppd("predict", "in", *tiny, "-f", "npy", "--watch")
    assert "failed: in/a.png and in/A.png would both write" in result.stderr
    assert made("ppd-out").keys() == {"a_depth.npy", "b_depth.npy"}


def test_a_photo_that_differs_in_its_ending_keeps_it(
    ppd: Ppd, clock: Clock, tiny: list[str]
) -> None:
    noise("in/a.png")
    clock.at(20, lambda: noise("in/a.bmp"))
    ppd("predict", "in", *tiny, "-f", "npy", "--watch")
    assert made("ppd-out").keys() == {"a_depth.npy", "a.bmp_depth.npy"}


def test_photos_that_clash_at_the_start_are_refused(
    ppd: Ppd, clock: Clock, tiny: list[str], no_model: None
) -> None:
    noise("in/a.png")
    noise("in/A.png")
    result = ppd("predict", "in", *tiny, "--watch")
    assert result.exit_code == 2
    assert clock.now == 0


def test_clouds(ppd: Ppd, clock: Clock, tiny: list[str]) -> None:
    noise("in/a.png")
    clock.at(20, lambda: noise("in/b.png"))
    result = ppd("pointcloud", "in", *tiny, "--watch")
    assert result.exit_code == 130
    assert made("ppd-out").keys() == {"a.ply", "b.ply"}
    assumed = [line for line in result.stderr.splitlines() if "field of view" in line]
    assert len(assumed) == len(set(assumed))


# --- wrong usage -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "arguments", "named"),
    [
        ("predict", ["-"], "stdin"),
        ("predict", ["in", "-"], "stdin"),
        ("predict", ["in", "--from", "list"], "list"),
        ("predict", ["photo.jpg"], "needs a folder"),
        ("predict", ["missing"], "needs a folder"),
        ("predict", ["in", "--shard", "1/2"], "--shard"),
        ("predict", ["in", "--workers", "2"], "--workers"),
        ("predict", ["in", "--engine", "ray"], "--engine"),
        ("predict", ["in", "-o", "-", "-f", "npy"], "not -"),
        ("predict", ["in", "-o", "depth.npy", "-f", "npy"], "not depth.npy"),
        ("pointcloud", ["in", "-o", "-"], "not -"),
        ("pointcloud", ["in", "-o", "cloud.ply"], "not cloud.ply"),
        ("pointcloud", ["in", "--depth", "depth.npy"], "--depth"),
        ("pointcloud", ["in", "--align", "known.txt"], "--align"),
    ],
)
def test_what_cannot_be_watched_is_refused_before_any_work(
    ppd: Ppd, photo: Path, no_model: None, command: str, arguments: list[str], named: str
) -> None:
    Path("in").mkdir()
    photo.rename("in/one.jpg")
    noise("photo.jpg")
    Path("list").write_text("photo.jpg\n")
    result = ppd(command, *arguments, "-m", "ppd-tiny", "--watch")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and "--watch" in line and named in line
    assert not Path("ppd-out").exists()


# --- with a process ----------------------------------------------------------------------------

# As ``ppd``, but with less patience.
IMPATIENT = """
import ppdcli.jobs.watch as watch
watch.POLL_SECONDS, watch.SETTLE_SECONDS, watch.ARRIVE_SECONDS = 0.1, 0.6, 3.0
from ppdcli.cli.app import main
main()
"""


class Watching:
    """A process with ``--json``; its rows as they come."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-c", IMPATIENT, *arguments, "--watch", "--json"]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        self.rows: list[tuple[str, str]] = []
        self.stderr: list[str] = []
        self._threads = [
            threading.Thread(target=self._read_rows, daemon=True),
            threading.Thread(target=self._read_stderr, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read_rows(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            row = json.loads(line)
            self.rows.append((row["path"], row["status"]))

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        self.stderr += [line.decode().rstrip() for line in self.process.stderr]

    def wait(self, count: int) -> None:
        """Until so many rows are there."""
        end = time.monotonic() + SECONDS
        while len(self.rows) < count:
            assert self.process.poll() is None, self.stderr
            assert time.monotonic() < end, self.rows
            time.sleep(0.02)

    def end(self) -> None:
        """Kills what is left of it, and closes its pipes."""
        self.process.kill()
        for thread in self._threads:
            thread.join(SECONDS)
        with self.process:
            pass

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(SECONDS)
        for thread in self._threads:
            thread.join(SECONDS)
        return code


@pytest.fixture
def watching(tiny: list[str]) -> Iterator[Watching]:
    """``in`` with one photo, which is done."""
    noise("in/a.png", 1)
    watching = Watching("predict", "in", *tiny, "-f", "npy")
    try:
        watching.wait(1)
        yield watching
    finally:
        watching.end()


@pytest.mark.skipif(os.name != "posix", reason="sends signals as POSIX does")
def test_a_day_in_a_folder(watching: Watching, ppd: Ppd, tiny: list[str]) -> None:
    whole = noise("whole.png", 2).read_bytes()
    # A slow copy, which is open for writing, and one that opens the file for each piece.
    with Path("in/slow.png").open("wb") as stream:
        for start in range(0, len(whole), 1000):
            stream.write(whole[start : start + 1000])
            stream.flush()
            with Path("in/pieces.png").open("ab") as pieces:
                pieces.write(whole[start : start + 1000])
            time.sleep(0.2)
    watching.wait(3)
    assert sorted(watching.rows[1:]) == [("in/pieces.png", "done"), ("in/slow.png", "done")]
    noise("in/sub/renamed.png", 3)
    watching.wait(4)
    noise("in/a.png", 4, 30, 30)  # replaced
    watching.wait(5)
    Path("in/broken.png").write_bytes(whole[:3000])
    watching.wait(6)
    Path("in/broken.png").write_bytes(whole)
    watching.wait(7)
    Path("in/slow.png").unlink()
    noise("in/last.png", 5)
    watching.wait(8)
    assert watching.rows[3:] == [
        ("in/sub/renamed.png", "done"),
        ("in/a.png", "done"),
        ("in/broken.png", "failed"),
        ("in/broken.png", "done"),
        ("in/last.png", "done"),
    ]
    assert watching.interrupt() == 130
    assert len(watching.rows) == 8
    assert watching.stderr[-1] == "interrupted; what is finished is kept"
    assert sum(line.startswith("failed: ") for line in watching.stderr) == 1
    Path("ppd-out/slow_depth.npy").unlink()  # of the photo that was deleted
    # A process with as many threads, since the last bits depend on their number.
    command = [sys.executable, "-m", "ppdcli", "predict", "in", *tiny, "-f", "npy"]
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*command, "-o", "undisturbed"], env=one_thread, check=True)
    assert made("ppd-out") == made("undisturbed")
