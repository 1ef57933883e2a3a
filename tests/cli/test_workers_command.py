"""``--workers`` and ``--devices`` as their users see them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recorded import entries_in
from typer.testing import Result

from ppdcli.jobs.journal import NAME

Ppd = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def folder() -> None:
    """Eight photos of two shapes in ``in``, and a file that is none."""
    dice = np.random.default_rng(0)
    Path("in").mkdir()
    for k in range(8):
        shape = ((40, 60, 3), (60, 40, 3))[k % 2]
        Image.fromarray(dice.integers(0, 256, shape).astype(np.uint8)).save(f"in/{k}.png")
    Path("in/4.png").write_text("no picture")


def made(folder: str) -> dict[str, bytes]:
    files = (path for path in Path(folder).rglob("*") if path.is_file() and path.name != NAME)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("predict", ["-f", "png,npy,preview,exr"]),
        pytest.param(
            "pointcloud",
            ["--near-far", "1,9", "--intrinsics", "70,75,28.5,21"],
            marks=pytest.mark.slow,
        ),
    ],
)
def test_nothing_differs_with_the_number_of_workers(
    ppd: Ppd, folder: None, tiny: list[str], command: str, options: list[str]
) -> None:
    said = {}
    for workers in ("1", "2"):
        place = ["-o", "out", "--workers", workers]
        said[workers] = ppd(command, "in", *tiny, *options, *place, "--json")
        Path("out").rename(workers)
    one, two = said["1"], said["2"]
    assert one.exit_code == two.exit_code == 3
    assert made("1") == made("2")
    assert len(made("2")) == 7 * (4 if command == "predict" else 1)
    assert entries_in(Path("1")) == entries_in(Path("2"))
    rows = [[json.loads(line) for line in r.stdout.splitlines()] for r in (one, two)]
    for row in (*rows[0], *rows[1]):
        row["timings"] = sorted(row["timings"] or ())
    assert rows[0] == rows[1]
    assert [r.stderr.splitlines()[-1] for r in (one, two)] == ["7 done, 1 failed"] * 2


def test_the_model_is_announced_once(start: Start, folder: None, tiny: list[str]) -> None:
    at = tiny.index("--device")
    process = start(
        "predict", "in", *tiny[:at], *tiny[at + 2 :], "-f", "npy", "--devices", "cpu,cpu"
    )
    stdout, stderr = process.communicate()
    assert (process.returncode, stdout) == (3, b"")
    lines = stderr.decode().splitlines()
    assert re.fullmatch(r"ppd-tiny on cpu, fp32, loaded in [\d.]+ s", lines[0])
    assert [line.partition(": ")[0] for line in lines[1:-1]] == [
        *["done"] * 4, "failed", *["done"] * 3
    ]  # fmt: skip
    assert lines[-1] == "7 done, 1 failed"


def test_a_model_that_cannot_be_loaded_is_told_once(
    start: Start, folder: None, tiny: list[str]
) -> None:
    wrong = [
        "nowhere.safetensors" if option.endswith(".safetensors") else option for option in tiny
    ]
    process = start("predict", "in", *wrong, "--workers", 2)
    _, stderr = process.communicate()
    assert process.returncode == 1
    (line,) = stderr.decode().splitlines()
    assert line.startswith("error: nowhere.safetensors: ")


@pytest.mark.skipif(os.name != "posix", reason="sends signals as POSIX does")
def test_ctrl_c_ends_all_and_keeps_what_is_finished(start: Start, tiny: list[str]) -> None:
    Path("in").mkdir()
    for k in range(60):
        Image.new("RGB", (60, 40), (k, 2 * k, 3 * k)).save(f"in/{k:02}.png")
    process = start(
        "predict", "in", *tiny, "-f", "npy", "--workers", 2,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    while not process.stderr.readline().startswith(b"done: "):
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, stderr = process.communicate()
    assert process.returncode == 130
    assert stderr.decode().splitlines()[-1] == "interrupted; what is finished is kept"
    assert b"Traceback" not in stderr
    end = time.monotonic() + 120
    while is_there(process.pid):
        assert time.monotonic() < end, "a process is left"
        time.sleep(0.05)
    first = made("ppd-out")
    assert 1 <= len(first) < 60
    assert entries_in(Path("ppd-out")).keys() == first.keys()
    assert all(name.endswith("_depth.npy") for name in first)


def is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("command", ["predict", "pointcloud"])
@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--workers", "0"], "Invalid value for '--workers': "),
        (["--device", "cpu", "--devices", "cpu,cpu"], "--device and --devices both name"),
        (["--devices", "cuda:0,cpu"], "--devices cuda:0,cpu: name devices of one kind"),
        (["--devices", "cuda:0,gpu"], "device 'gpu': give auto, cpu, cuda, cuda:1 or mps"),
        (["--devices", ""], "device '': give auto, cpu, cuda, cuda:1 or mps"),
        (["--workers", "2", "--watch"], "--watch works in one process"),
    ],
)
def test_wrong_usage(
    ppd: Ppd, folder: None, no_model: None, command: str, options: list[str], line: str
) -> None:
    result = ppd(command, "in", "-m", "ppd-tiny", *options)
    assert result.exit_code == 2
    (said,) = result.stderr.splitlines()
    assert said.startswith(f"error: {line}")
    assert not Path("ppd-out").exists()


def test_a_device_that_is_not_there_is_told_before_any_work(
    ppd: Ppd, folder: None, no_model: None
) -> None:
    result = ppd("predict", "in", "-m", "ppd-tiny", "--devices", "cuda:98,cuda:99")
    assert result.exit_code == 2
    assert re.fullmatch(
        r"error: device cuda:98: this machine has \d+ CUDA devices; try auto\n", result.stderr
    )
    assert not Path("ppd-out").exists()
