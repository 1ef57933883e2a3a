"""Folder jobs as their users see them: batches, shares, resuming, Ctrl-C, the bar."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

from ppdcli.cli import report
from ppdcli.cli.options import OutputOptions
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


# --- resuming ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formats", "options", "says"),
    [
        ("npy", ["--steps", "2"], "steps 4, now 2"),
        ("npy", ["--seed", "9"], "seed 0, now 9"),
        ("npy", ["--size", "32x32"], "size 3072 pixels, now 1024 pixels"),
        ("npy", ["--precision", "bf16"], "precision fp32, now bf16"),
        ("npy", ["--model-size"], "full-size on, now off"),
        ("preview", ["--colormap", "gray"], "colormap spectral, now gray"),
        ("preview", ["--range", "0,1"], "range auto, now 0,1"),
        ("npy", ["--colormap", "gray"], None),  # which is no setting of an NPY
        ("npy", ["--batch", "3"], None),
        ("npy", ["--device", "auto"], None),
    ],
)
def test_other_settings_are_told(
    ppd: Ppd,
    photo: Path,
    tiny: list[str],
    formats: str,
    options: list[str],
    says: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    assert ppd("predict", photo, *tiny, "-f", formats).exit_code == 0
    before = made("ppd-out")
    again = ppd("predict", photo, *tiny, "-f", formats, *options)
    assert again.exit_code == 0
    (name,) = before
    told = f"ppd-out/{name} is left as found ({says}); --overwrite makes them anew\n"
    assert again.stderr == ("" if says is None else told) + "1 skipped\n"
    assert made("ppd-out") == before
    assert ppd("predict", photo, *tiny, "-f", formats, *options, "--overwrite").exit_code == 0
    assert ppd("predict", photo, *tiny, "-f", formats, *options).stderr == "1 skipped\n"


def test_another_checkpoint_is_told(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    assert ppd("predict", photo, *tiny, "-f", "npy").exit_code == 0
    own = [option for option in tiny if not option.endswith(".safetensors")]
    own.remove("--checkpoint")
    assert "(network " in ppd("predict", photo, *own, "-f", "npy").stderr


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--fov", "50"], "fov off, now 50.0"),
        (["--intrinsics", "70,75,28.5,21"], "intrinsics off, now 70,75,28.5,21"),
        (["--near-far", "1,9"], "near-far off, now 1,9"),
        (["--axes", "opengl"], "axes opencv, now opengl"),
        (["--no-edge-clean"], "edge-clean on, now off"),
        (["--snap"], "snap off, now on"),
        (["--normals"], "normals off, now on"),
        (["--voxel", "0.1"], "voxel off, now 0.1"),
    ],
)
def test_other_settings_of_a_cloud_are_told(
    ppd: Ppd, photo: Path, tiny: list[str], options: list[str], says: str
) -> None:
    assert ppd("pointcloud", photo, *tiny).exit_code == 0
    again = ppd("pointcloud", photo, *tiny, *options)
    first, last = again.stderr.splitlines()
    assert says in first and "--overwrite" in first
    assert last == "1 skipped"


def test_json_and_quiet_of_what_is_left_alone(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    ppd("predict", photo, *tiny, "-f", "npy")
    quiet = ppd("predict", photo, *tiny, "-f", "npy", "--seed", 1, "-q", "--json")
    assert quiet.stderr == ""
    assert json.loads(quiet.stdout)["status"] == "skipped"


def test_a_photo_that_changed_and_an_output_that_was_cut(
    ppd: Ppd, mixed: None, tiny: list[str]
) -> None:
    ppd("predict", "in", *tiny, "-f", "npy")
    noise("in/a/0.png", 30, 30)
    os.truncate("ppd-out/b/1_depth.npy", 100)
    result = ppd("predict", "in", *tiny, "-f", "npy")
    assert result.exit_code == 0
    assert "ppd-out/a/0_depth.npy: its photo has changed since; made again" in result.stderr
    assert "ppd-out/b/1_depth.npy: has 100 bytes instead of" in result.stderr
    assert result.stderr.splitlines()[-1] == "2 done, 5 skipped"
    assert np.load("ppd-out/a/0_depth.npy").shape == (30, 30)
    assert np.load("ppd-out/b/1_depth.npy").shape == (60, 40)


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
    with report._bar(total, OutputOptions(**options)) as advance:
        advance()
        report.say("a line of its own")
        end = time.monotonic() + 60  # it is drawn several times a second
        while shown and f"1/{total}" not in stderr.getvalue() and time.monotonic() < end:
            time.sleep(0.01)
    text = stderr.getvalue()
    assert "a line of its own\n" in text
    assert (f"1/{total}" in text) == shown


def test_no_bar_amid_json_on_one_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(sys, "stdout", Terminal())
    with report._bar(3, OutputOptions(json_lines=True)) as advance:
        advance()
    assert sys.stderr.getvalue() == ""
