"""Folder jobs as their users see them: batches, shares, resuming, Ctrl-C, the bar."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

from ppdcli.cli import report
from ppdcli.cli.options import OutputOptions
from ppdcli.jobs import work
from ppdcli.jobs.inputs import Found
from ppdcli.jobs.journal import NAME

Ppd = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]


def noise(path: str, height: int, width: int) -> None:
    seed = sum(path.encode())
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def mixed() -> None:
    """Seven photos of three shapes in ``in``."""
    for k in range(7):
        noise(f"in/{'ab'[k % 2]}/{k}.png", *((40, 60), (60, 40), (50, 50))[k % 3])


def made(folder: str) -> dict[str, bytes]:
    files = (path for path in Path(folder).rglob("*") if path.is_file() and path.name != NAME)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


# --- batches -----------------------------------------------------------------------------------


def test_no_output_depends_on_batch_or_order(ppd: Ppd, mixed: None, tiny: list[str]) -> None:
    formats = ["-f", "png,npy,preview,exr"]
    for batch in ("auto", "1", "3", "100"):
        assert ppd("predict", "in", *tiny, *formats, "-o", batch, "--batch", batch).exit_code == 0
    names = [str(path) for path in sorted(Path("in").rglob("*.png"), reverse=True)]
    assert ppd("predict", *names, *tiny, *formats, "-o", "back", "--batch", 2).exit_code == 0
    expected = made("1")
    assert len(expected) == 28
    assert made("auto") == made("3") == made("100") == expected
    assert made("back") == {Path(name).name: data for name, data in expected.items()}


def test_no_cloud_depends_on_the_batch(ppd: Ppd, mixed: None, tiny: list[str]) -> None:
    for batch in ("1", "4"):
        options = ["-o", batch, "--batch", batch, "--near-far", "1,9"]
        result = ppd("pointcloud", "in", *tiny, *options, "--json")
        assert result.exit_code == 0
        assert [json.loads(line)["path"] for line in result.stdout.splitlines()] == sorted(
            map(str, Path("in").rglob("*.png"))
        )
    assert len(made("1")) == 7
    assert made("1") == made("4")


@pytest.mark.parametrize("command", ["predict", "pointcloud"])
@pytest.mark.parametrize(
    "options",
    [
        ["--batch", "0"],
        ["--batch", "-1"],
        ["--batch", "many"],
        ["--shard", "0/2"],
        ["--shard", "3/2"],
        ["--shard", "1"],
        ["--shard", "1/"],
        ["--shard", "a/b"],
    ],
)
def test_wrong_numbers(
    ppd: Ppd, photo: Path, no_model: None, command: str, options: list[str]
) -> None:
    result = ppd(command, "photo.jpg", "-m", "ppd-tiny", *options)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {' '.join(options)}: give ")
    assert not Path("ppd-out").exists()


# --- shares ------------------------------------------------------------------------------------


def test_all_shares_together_do_all_each_once(ppd: Ppd, mixed: None, tiny: list[str]) -> None:
    assert ppd("predict", "in", *tiny, "-f", "npy", "-o", "whole").exit_code == 0
    seen: list[str] = []
    for number in (3, 1, 2):
        result = ppd("predict", "in", *tiny, "-f", "npy", "--shard", f"{number}/3", "--json")
        assert result.exit_code == 0
        rows = [json.loads(line) for line in result.stdout.splitlines()]
        assert {row["status"] for row in rows} == {"done"}
        assert result.stderr.splitlines()[-1] == f"{len(rows)} done, share {number} of 3"
        seen += [row["path"] for row in rows]
    assert sorted(seen) == sorted(map(str, Path("in").rglob("*.png")))
    assert made("ppd-out") == made("whole")
    again = ppd("predict", "in", *tiny, "-f", "npy")
    assert again.stderr == "7 skipped\n"


def test_clashes_between_shares_are_seen(ppd: Ppd, photo: Path, no_model: None) -> None:
    noise("photo.png", 4, 4)
    for number in (1, 2):
        result = ppd(
            "predict", "photo.jpg", "photo.png", "-m", "ppd-tiny", "--shard", f"{number}/2"
        )
        assert result.exit_code == 2
        assert "would both write" in result.stderr


def test_a_share_of_nothing(ppd: Ppd, photo: Path, no_model: None) -> None:
    result = ppd("predict", "photo.jpg", "-m", "ppd-tiny", "--shard", "2/2")
    assert result.exit_code == 0
    assert result.stderr == "nothing to do, share 2 of 2\n"


# --- Ctrl-C ------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="sends signals as POSIX does")
def test_ctrl_c_in_a_folder_and_the_run_after(ppd: Ppd, start: Start, tiny: list[str]) -> None:
    for k in range(30):
        noise(f"in/{k:02}.png", 40, 60)
    process = start(
        "predict", "in", *tiny,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert process.stderr is not None
    while not process.stderr.readline().startswith(b"done: "):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert stderr.decode().splitlines()[-1] == "interrupted; what is finished is kept"
    first = made("ppd-out")
    assert 2 <= len(first) < 60
    assert all(name.endswith("_depth.png") or name.endswith("_preview.png") for name in first)
    result = ppd("predict", "in", *tiny)
    assert result.exit_code == 0
    ppd("predict", "in", *tiny, "-o", "undisturbed")
    assert made("ppd-out") == made("undisturbed")


# --- the bar -----------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TerminalOfBytes(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "options", "total", "shown"),
    [
        (Terminal, {}, 3, True),
        (Terminal, {"json_lines": True}, 3, True),
        (io.StringIO, {}, 3, False),
        (Terminal, {"quiet": True}, 3, False),
        (Terminal, {}, 1, False),
    ],
)
def test_the_bar(
    monkeypatch: pytest.MonkeyPatch,
    stream: type[io.StringIO],
    options: dict[str, bool],
    total: int,
    shown: bool,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stderr = stream()
    monkeypatch.setattr(sys, "stderr", stderr)

    def results() -> Iterator[work.Result]:
        yield work.Result("a.png", "done", ["a line of its own"])
        end = time.monotonic() + 60  # it is drawn several times a second
        while shown and f"1/{total}" not in stderr.getvalue() and time.monotonic() < end:
            time.sleep(0.01)

    report.report(results(), total, Found(), OutputOptions(**options))  # type: ignore[arg-type]
    text = stderr.getvalue()
    assert ("a line of its own\n" in text) == ("quiet" not in options)
    assert (f"1/{total}" in text) == shown


def test_no_bar_amid_json_on_one_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.setattr(sys, "stdout", TerminalOfBytes(io.BytesIO()))
    results = (work.Result(name, "done", ["x.png"]) for name in "abc")
    report.report(results, 3, Found(), OutputOptions(json_lines=True))
    assert "/3" not in stderr.getvalue()
