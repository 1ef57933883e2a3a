"""``ppd video`` in several processes: the bytes of one process, and one line for what cannot be."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from films.film_samples import contents, pictures, write_video
from typer.testing import Result

from ppdcli.jobs.journal import NAME

Ppd = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]
RAY = ["--engine", "ray", "--workers", "2"]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mp4", pictures(36))


def made(folder: str) -> dict[str, bytes]:
    return {name: data for name, data in contents(Path(folder)).items() if name != NAME}


def test_two_workers_make_what_one_process_makes(
    ppd: Ppd, tiny: list[str], clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    line = ("video", clip, *tiny, "-f", "mkv,npy", "--json")
    said = {}
    for out, options in (("one", []), ("two", ["--workers", "2"])):
        done = ppd(*line, "-o", out, *options)
        assert done.exit_code == 0, done.stderr
        said[out] = json.loads(done.stdout) | {"timings": None, "outputs": None}
    assert said["one"] == said["two"]
    assert made("one") == made("two") and len(made("two")) == 38
    again = ppd(*line, "-o", "two")
    assert "1 skipped" in again.stderr, "workers are no setting"


@pytest.mark.slow
def test_ray_makes_what_one_process_makes(start: Start, tiny: list[str], clip: Path) -> None:
    environment = {"OMP_NUM_THREADS": "1", "RAY_agent_register_timeout_ms": "300000"}
    for out, options in (("one", []), ("ray", RAY)):
        line = ("video", clip, *tiny, "-f", "mkv,npy", "-o", out, *options)
        process = start(*line, env=environment)
        _, told = process.communicate()
        assert process.returncode == 0, told
    assert made("one") == made("ray")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--workers", "2", "--warm-start"], "--warm-start needs the frame before for each frame"),
        ([*RAY, "--warm-start"], "--warm-start needs the frame before for each frame"),
        (["--workers", "2", "-m", "ppvd"], "ppvd needs the window before for each window"),
        (["--devices", "cuda:0,cpu"], "name devices of one kind"),
        (["--devices", "cpu,cpu", "--device", "cpu"], "--device and --devices both"),
        (["--engine", "spark"], "there is one, ray"),
        (["--live", "--near-far", "1,2"], "--live writes before the whole film is known"),
        (["--near-far", "3,1"], "--near-far 3,1"),
        (["--near-far", "1,2", "--metric"], "each fix the scale"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage(ppd: Ppd, clip: Path, no_model: None, options: list[str], words: str) -> None:
    model = [] if "-m" in options else ["-m", "ppd-tiny"]
    done = ppd("video", clip, *model, *options)
    assert done.exit_code == 2
    assert words in done.stderr and done.stderr.count("\n") == 1


def test_a_live_stream_has_one_process(ppd: Ppd, no_model: None) -> None:
    done = ppd("video", "-", "-m", "ppd-tiny", "--live", "--workers", "2", stdin=b"")
    assert done.exit_code == 2 and "--live reads stdin once, in one process" in done.stderr


def test_a_bad_film_stops_no_other(ppd: Ppd, tiny: list[str], clip: Path) -> None:
    Path("bad.mp4").write_bytes(b"nothing")
    done = ppd("video", "bad.mp4", clip, *tiny, "-f", "npy", "--to", "0.2", "--workers", "2")
    assert done.exit_code == 3
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("failed")]
    assert "bad.mp4: is no video" in line
    assert len(list(Path("ppd-out/clip_depth_npy").iterdir())) == 5
