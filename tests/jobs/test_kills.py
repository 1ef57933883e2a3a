"""A folder job that is killed again and again ends as if nothing had happened."""

from __future__ import annotations

import io
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from recorded import entries_in

from ppdcli.jobs.journal import NAME

PHOTOS = 200
MOST = 60  # photos that a job gets done before it is killed
LONGEST = 0.05  # seconds that it then goes on
SCRIPT = Path(__file__).with_name("killed_job.py")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 small photos of two shapes, in three folders."""
    folder = tmp_path_factory.mktemp("photos")
    noise = np.random.default_rng(0)
    for k in range(PHOTOS):
        pixels = noise.integers(0, 256, (12, 16, 3) if k % 3 else (16, 12, 3)).astype(np.uint8)
        path = folder / ("", "one", "two")[k % 3] / f"{k:03}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(path)
    return folder


@pytest.fixture(scope="module")
def undisturbed(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the job makes when nothing happens."""
    out = tmp_path_factory.mktemp("out")
    rows = finish(photos, out)
    assert [row[1] for row in rows] == ["done"] * PHOTOS
    made = contents(out)
    assert len(made) == 2 * PHOTOS
    return made


def start(photos: Path, out: Path, factor: int = 1) -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), str(photos), str(out), str(factor)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def wait_until_done(process: subprocess.Popen[str], photos: int) -> None:
    """Until a job has said so of that many photos, or ended: a clock would tell a slow machine's
    job to end before it has begun."""
    assert process.stdout is not None
    while photos and (line := process.stdout.readline()):
        photos -= json.loads(line)[1] == "done"


def finish(photos: Path, out: Path) -> list[list[Any]]:
    process = start(photos, out)
    said, _ = process.communicate()
    assert process.returncode == 0
    return [json.loads(line) for line in said.splitlines()]


def contents(out: Path) -> dict[str, bytes]:
    """The files of an output folder under their final names."""
    files = (path for path in out.rglob("[!.]*") if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def temporaries(out: Path) -> list[Path]:
    return [path for path in out.rglob(".*") if path.name != NAME]


def kill_again_and_again(
    photos: Path, undisturbed: dict[str, bytes], out: Path, kills: int, seed: int
) -> None:
    """Kills a job at random moments; one that has come to its end is followed by a new one."""
    dice = random.Random(seed)
    halfway, jobs = 0, 0
    while kills:
        jobs += 1
        folder = out / str(jobs)
        finished: dict[str, int] = {}  # file -> inode
        ended = False
        while kills and not ended:
            process = start(photos, folder)
            wait_until_done(process, dice.randrange(MOST))
            time.sleep(dice.random() * LONGEST)
            ended = process.poll() is not None
            process.kill()
            process.communicate()
            kills -= not ended
            made = contents(folder)
            assert made.items() <= undisturbed.items(), "a file is half-written"
            assert {name: inode(folder / name) for name in finished} == finished, "done again"
            finished = {name: inode(folder / name) for name in made}
            halfway += not ended and 0 < len(made) < len(undisturbed)
            assert made.keys() <= entries_in(folder).keys(), "a file has no record"
        rows = finish(photos, folder)
        assert len(rows) == PHOTOS
        for _, status, notes, made_again in rows:
            assert status in ("done", "skipped") and not notes and made_again is None
        assert contents(folder) == undisturbed
        assert {name: inode(folder / name) for name in finished} == finished, "done again"
        assert not temporaries(folder)
    assert halfway, "no kill came when something was at stake"


def inode(path: Path) -> int:
    return path.stat().st_ino


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does")
def test_eight_kills(photos: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    kill_again_and_again(photos, undisturbed, tmp_path, kills=8, seed=1)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does")
def test_fifty_kills(photos: Path, undisturbed: dict[str, bytes], tmp_path: Path) -> None:
    kill_again_and_again(photos, undisturbed, tmp_path, kills=50, seed=2)


@pytest.mark.skipif(os.name != "posix", reason="locks as POSIX does")
def test_two_jobs_on_one_folder_at_a_time(
    photos: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    first, second = start(photos, tmp_path), start(photos, tmp_path)
    for process in (first, second):
        process.communicate()
        assert process.returncode == 0
    assert contents(tmp_path) == undisturbed
    assert entries_in(tmp_path).keys() == undisturbed.keys()
    assert not temporaries(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="locks as POSIX does")
def test_two_jobs_with_other_settings_on_one_folder_at_a_time(
    photos: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    """Both come to their end, and each file is what the record says."""
    for process in [start(photos, tmp_path, factor) for factor in (1, 3)]:
        process.communicate()
        assert process.returncode == 0
    assert contents(tmp_path).keys() == undisturbed.keys()
    assert not temporaries(tmp_path)
    for name, entry in entries_in(tmp_path).items():
        if name.endswith(".npy"):
            expected = np.load(io.BytesIO(undisturbed[name])) * entry.settings["factor"]
            np.testing.assert_allclose(np.load(tmp_path / name), expected, rtol=1e-6)


@pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does")
def test_a_job_with_other_settings_that_is_killed(
    photos: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    """What it had made again, and what it had not, is told apart by whoever comes next."""
    finish(photos, tmp_path)
    process = start(photos, tmp_path, factor=3)
    wait_until_done(process, MOST)
    process.kill()
    process.communicate()
    rows = finish(photos, tmp_path)
    again = [made_again for _, _, _, made_again in rows if made_again is not None]
    assert len(again) >= MOST
    assert set(again) == {"factor 3 -> 1"}
    assert contents(tmp_path) == undisturbed
    assert not temporaries(tmp_path)
