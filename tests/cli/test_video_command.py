"""``ppd video``: from the command line to files, reruns, and one line for what goes wrong."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from films.film_samples import contents, decoded, pictures, write_video
from PIL import Image
from typer.testing import Result

Ppd = Callable[..., Result]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mp4", pictures(20))


def test_a_film_becomes_depth_and_a_preview(ppd: Ppd, tiny: list[str], clip: Path) -> None:
    done = ppd("video", clip, *tiny, "--json")
    assert done.exit_code == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["status"], row["frames"], row["scenes"], row["unit"]) == (
        "done",
        20,
        [1],
        "relative",
    )
    assert row["outputs"] == ["ppd-out/clip_depth.mkv", "ppd-out/clip_preview.mp4"]
    assert len(decoded(Path("ppd-out/clip_depth.mkv"), "gray16le")[0]) == 20
    assert len(decoded(Path("ppd-out/clip_preview.mp4"), "rgb24")[0]) == 20
    assert not list(Path("ppd-out").glob("*parts"))


def test_reruns(ppd: Ppd, tiny: list[str], clip: Path) -> None:
    first = ("video", clip, *tiny, "--to", "0.2", "-f", "mkv,png")
    assert ppd(*first).exit_code == 0
    before = contents(Path("ppd-out"))
    again = ppd(*first)
    assert again.exit_code == 0 and "1 skipped" in again.stderr
    other = ppd(*first, "--no-smooth")
    assert "1 made again: smooth on -> off" in other.stderr
    assert contents(Path("ppd-out")) != before
    write_video(clip, pictures(20, seed=3))
    assert "photo changed" in ppd(*first, "--no-smooth").stderr


def test_files_of_others_are_not_replaced(ppd: Ppd, tiny: list[str], clip: Path) -> None:
    Path("out/clip_depth_png").mkdir(parents=True)
    Path("out/clip_depth_png/mine.png").write_bytes(b"x")
    line = ("video", clip, *tiny, "-o", "out", "-f", "png", "--to", "0.1")
    refused = ppd(*line)
    assert refused.exit_code == 3 and "no record of making them" in refused.stderr
    assert ppd(*line, "--overwrite").exit_code == 0
    assert Path("out/clip_depth_png/mine.png").exists()
    Path("out/clip_depth.mkv").write_bytes(b"x")
    assert "no record of making it" in ppd("video", clip, *tiny, "-o", "out", "-f", "mkv").stderr


def test_one_file_by_name(ppd: Ppd, tiny: list[str], clip: Path) -> None:
    assert ppd("video", clip, *tiny, "-o", "depth.mkv", "--to", "0.1").exit_code == 0
    assert sorted(path.name for path in Path.cwd().iterdir()) == ["clip.mp4", "depth.mkv"]


def test_stdin(ppd: Ppd, tiny: list[str], clip: Path) -> None:
    done = ppd("video", "-", *tiny, "-f", "npy", "--every", "5", stdin=clip.read_bytes())
    assert done.exit_code == 0, done.stderr
    assert len(list(Path("ppd-out/stdin_depth_npy").iterdir())) == 4
    again = ppd("video", "-", *tiny, "-f", "npy", "--every", "5", stdin=clip.read_bytes())
    assert "skipped" in again.stderr
    assert not list(Path("ppd-out").glob("*.film"))


def test_a_folder_of_pictures(ppd: Ppd, tiny: list[str]) -> None:
    Path("shot").mkdir()
    for index, rgb in enumerate(pictures(3)):
        Image.fromarray(rgb).save(f"shot/{index:03d}.png")
    line = ("video", "shot", *tiny, "--fps", "10", "-f", "mkv")
    assert ppd(*line).exit_code == 0
    assert decoded(Path("ppd-out/shot_depth.mkv"), "gray16le")[1] == pytest.approx([0, 0.1, 0.2])
    assert "skipped" in ppd(*line).stderr
    Image.fromarray(pictures(4)[3]).save("shot/003.png")
    assert "1 made again: photo changed" in ppd(*line).stderr


def test_a_bad_film_stops_no_other(ppd: Ppd, tiny: list[str], clip: Path) -> None:
    Path("bad.mp4").write_bytes(b"nothing")
    done = ppd("video", "bad.mp4", "gone.mp4", clip, *tiny, "-f", "mkv", "--to", "0.1")
    assert done.exit_code == 3
    lines = [line for line in done.stderr.splitlines() if line.startswith("failed")]
    assert len(lines) == 2 and "bad.mp4" in lines[0] and "gone.mp4: no such file" in lines[1]
    assert Path("ppd-out/clip_depth.mkv").exists()
    assert "what is finished" not in done.stderr
    assert not list(Path("ppd-out").glob("*parts"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--from", "x"], "--from x: give seconds"),
        (["--from", "2", "--to", "1:0:0", "--every", "0"], "--every"),
        (["--from", "2", "--to", "1"], "after --from 2"),
        (["--fps", "0"], "--fps 0"),
        (["-f", "avi"], "choose from mkv, mp4, png"),
        (["--frames", "1"], "--frames is for clouds"),
        (["-f", "ply", "--frames", "0"], "--frames 0"),
        (["-f", "ply", "--near-far", "3,1"], "--near-far 3,1"),
        (["--range", "1,0"], "--range 1,0"),
        (["--preview", "both"], "choose from depth, side"),
        (["-o", "-"], "not written to stdout"),
        (["-o", "out.mkv", "-f", "mkv,mp4"], "one file cannot take"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_usage(ppd: Ppd, clip: Path, no_model: None, options: list[str], words: str) -> None:
    done = ppd("video", clip, "-m", "ppd-tiny", *options)
    assert done.exit_code == 2
    assert words in done.stderr and done.stderr.count("\n") == 1


def test_two_films_of_one_name_clash(ppd: Ppd, clip: Path, no_model: None) -> None:
    other = clip.with_suffix(".mkv")
    other.write_bytes(clip.read_bytes())
    done = ppd("video", clip, other, "-m", "ppd-tiny")
    assert done.exit_code == 2 and "would both write" in done.stderr


def test_ctrl_c_keeps_what_is_finished(
    ppd: Ppd,
    start: Callable[..., subprocess.Popen[bytes]],
    tiny: list[str],
    tmp_path: Path,
) -> None:
    clip = write_video(tmp_path / "clip.mp4", pictures(36))
    line = ("video", clip, *tiny, "--steps", "8", "-f", "mkv")
    process = start(*line)
    parts = Path("ppd-out/clip.ppd-parts")
    while not (parts / "000000.npz").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"the same command goes on from there" in told
    assert b"Traceback" not in told
    for path in parts.glob("play/*.mkv"):
        assert len(decoded(path, "gray16le")[0]) > 0
    done = ppd(*line)
    assert done.exit_code == 0 and "from an earlier run" in done.stderr
    assert ppd(*line[:1], clip, *line[2:], "-o", "whole").exit_code == 0
    depths = [decoded(Path(f, "clip_depth.mkv"), "gray16le")[0] for f in ("ppd-out", "whole")]
    assert np.array_equal(*depths)
    files = [contents(Path(f))["clip_depth.mkv"] for f in ("ppd-out", "whole")]
    assert files[0] == files[1]
