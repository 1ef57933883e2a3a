"""``--engine ray`` as its users see it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from recorded import entries_in
from typer.testing import Result

from ppdcli.jobs.journal import NAME

Ppd = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.mark.parametrize("command", ["predict", "pointcloud"])
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["s3://photos/in"], "s3://photos/in: is a URL; add --engine ray, or give a path"),
        (["photo.jpg", "-o", "gs://x/out"], "gs://x/out: is a URL; add --engine ray"),
        (["photo.jpg", "--engine", "spark"], "--engine spark: there is one, ray"),
        (["photo.jpg", "--engine", "ray", "-o", "-"], "--engine ray writes no stdout; give"),
        (["photo.jpg", "--engine", "ray", "--devices", "cuda:0,cuda:1"], "Ray chooses the"),
        (["photo.jpg", "--engine", "ray", "--device", "cuda:1"], "Ray chooses the devices; "),
        ([".", "--engine", "ray", "--watch"], "--watch works in one process; leave out --engine"),
        (["nope://x", "--engine", "ray"], "nope://x: is no address that can be used (Protocol"),
    ],
)
def test_wrong_usage(
    ppd: Ppd, photo: Path, no_model: None, command: str, arguments: list[str], line: str
) -> None:
    result = ppd(command, "-m", "ppd-tiny", *arguments)
    assert result.exit_code == 2
    (said,) = result.stderr.splitlines()
    assert said.startswith(f"error: {line}")
    assert not Path("ppd-out").exists()


@pytest.mark.parametrize("missing", ["ray", "fsspec"])
def test_the_extra_is_missing(
    ppd: Ppd, photo: Path, no_model: None, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == missing else find_spec(name, *rest),
    )
    result = ppd("predict", "photo.jpg", "-m", "ppd-tiny", "--engine", "ray")
    assert result.exit_code == 2
    assert result.stderr == ("error: --engine ray needs more packages; pip install 'ppdcli[ray]'\n")


def test_ray_is_not_imported_without_being_asked_for(photo: Path, tiny: list[str]) -> None:
    code = (
        "import sys; from ppdcli.cli.app import app; "
        f"sys.argv[1:] = {['predict', 'photo.jpg', *tiny]!r}\n"
        "try: app()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "print(sorted({'ray', 'fsspec', 'pyarrow'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["1", "2"])
def test_nothing_differs_from_a_plain_run(start: Start, tiny: list[str], threads: str) -> None:
    """Ray sets OMP_NUM_THREADS to 1, and PyTorch's sums depend on it."""
    dice = np.random.default_rng(0)
    Path("in").mkdir()
    for k in range(3):
        pixels = dice.integers(0, 256, (300, 400, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(f"in/{k}.png")
    Path("in/1.png").write_text("no picture")
    options = ["-f", "npy,png,preview", "--size", "320x240", "--json"]
    environment = {"OMP_NUM_THREADS": threads, "RAY_agent_register_timeout_ms": "300000"}
    said: dict[str, Any] = {}
    for way, engine in (("plain", []), ("ray", ["--engine", "ray", "--workers", 2])):
        process = start("predict", "in", *tiny, *options, "-o", "out", *engine, env=environment)
        stdout, stderr = process.communicate()
        assert process.returncode == 3, stderr
        rows = [json.loads(line) for line in stdout.splitlines()]
        said[way] = [{**row, "timings": sorted(row["timings"] or ())} for row in rows]
        assert stderr.splitlines()[-1] == b"2 done, 1 failed"
        Path("out").rename(way)
    assert said["plain"] == said["ray"]
    assert entries_in(Path("plain")) == entries_in(Path("ray"))
    made = [
        {path.name: path.read_bytes() for path in Path(way).iterdir() if path.name != NAME}
        for way in ("plain", "ray")
    ]
    assert len(made[0]) == 6
    assert made[0] == made[1]
