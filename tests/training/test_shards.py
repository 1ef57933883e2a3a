"""Shards: what is written comes back, workers come and go, samples stay aligned."""

from __future__ import annotations

import os
import signal
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from ppdcli.errors import NoRoomError, OutputError
from ppdcli.scenes.primitives.compositions import TRAINING
from ppdcli.scenes.primitives.series import make_samples
from ppdcli.scenes.samples import SKY_DEPTH, Samples
from ppdcli.training import shards
from ppdcli.training.shards import (
    SUFFIX,
    RenderSettings,
    decode_depth,
    encode_depth,
    read_shard,
    shard_number,
    start_workers,
    write_shard,
)

SHAPE = (32, 48)
PRIMITIVES = {"primitives": 1.0}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of three little scenes."""
    monkeypatch.setattr(shards, "SCENES_PER_SHARD", 3)
    monkeypatch.setattr(shards, "SHAPES", (SHAPE,))
    monkeypatch.setattr(shards, "SHAPE_WEIGHTS", (1.0,))


# Samples -----------------------------------------------------------------------------------------


def test_equal_arguments_give_equal_samples_one_by_one_or_together() -> None:
    together = make_samples(3, 10, 3, SHAPE, 1)
    assert together.rgb.shape == (3, *SHAPE, 3) and together.rgb.dtype == np.uint8
    for k in range(3):
        alone = make_samples(3, 10 + k, 1, SHAPE, 1)
        np.testing.assert_array_equal(alone.rgb[0], together.rgb[k])
        np.testing.assert_array_equal(alone.depth[0], together.depth[k])


def test_another_seed_index_or_bank_gives_another_picture() -> None:
    first = make_samples(3, 10, 1, SHAPE, 1)
    for other in (make_samples(4, 10, 1, SHAPE, 1), make_samples(3, 11, 1, SHAPE, 1)):
        assert (other.depth != first.depth).mean() > 0.2
    assert (make_samples(3, 10, 1, SHAPE, 2).rgb != first.rgb).mean() > 0.2


def test_the_depth_code_is_right_to_a_hundredth_of_a_percent() -> None:
    depth = np.exp(np.linspace(np.log(0.5), np.log(SKY_DEPTH), 100_001)).astype(np.float32)
    error = np.abs(decode_depth(encode_depth(depth)) / depth - 1)
    assert error.max() < 1e-4
    near = np.linspace(0, 0.5, 10_001, dtype=np.float32)
    assert np.abs(decode_depth(encode_depth(near)) - near).max() < 1e-4 / 2


def test_the_depth_code_keeps_the_order_and_the_sky() -> None:
    assert encode_depth(np.array([0, SKY_DEPTH])).tolist() == [0, 65535]
    codes = np.arange(65536, dtype=np.uint16)
    np.testing.assert_array_equal(encode_depth(decode_depth(codes)), codes)
    assert (np.diff(decode_depth(codes)) > 0).all()


# Writing -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small")
def test_what_is_written_comes_back(tmp_path: Path) -> None:
    write_shard(tmp_path, 5, 2, PRIMITIVES, None)
    assert [p.name for p in tmp_path.iterdir()] == [f"000002{SUFFIX}"]
    expected = make_samples(5, 6, 3, SHAPE, 1 + 5002 % shards.BANKS, TRAINING)
    scenes = read_shard(tmp_path / f"000002{SUFFIX}")
    np.testing.assert_array_equal(scenes[..., :3], expected.rgb)
    code = scenes[..., 3] + 256 * scenes[..., 4].astype(np.uint16)
    np.testing.assert_allclose(decode_depth(code) + 1, expected.depth + 1, rtol=4e-5)


@pytest.mark.usefixtures("small")
def test_kinds_are_drawn_by_their_shares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    blank = Samples(np.zeros((1, 4, 4, 3), np.uint8), np.ones((1, 4, 4), np.float32))

    class Furnished:
        def samples(self, *args: object) -> Samples:
            drawn.append("furnished")
            return blank

    def primitives(*args: object) -> Samples:
        drawn.append("primitives")
        return blank

    monkeypatch.setattr(shards, "make_samples", primitives)
    for number in range(60):
        write_shard(tmp_path, 5, number, {"primitives": 1, "furnished": 2}, Furnished())  # type: ignore[arg-type]
    assert 28 < drawn.count("furnished") < 52


@pytest.mark.usefixtures("small")
def test_a_shard_cut_short_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(file, array: np.ndarray) -> None:  # type: ignore[no-untyped-def]
        file.write(b"half a shard")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full_disk)
    with pytest.raises(NoRoomError, match="No space"):
        write_shard(tmp_path, 5, 0, PRIMITIVES, None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "number"), [(f"000012{SUFFIX}", 12), ("x.scenes.npy", -1), (".000001.77", -1)]
)
def test_a_shards_name_tells_its_number(name: str, number: int) -> None:
    assert shard_number(name) == number


def render_little_shards(folder: Path) -> None:
    """A worker's life, with little shards; runs in a process of its own."""
    shards.SCENES_PER_SHARD, shards.SHAPES, shards.SHAPE_WEIGHTS = 1, (SHAPE,), (1.0,)
    shards.render_shards(RenderSettings(folder, 5, PRIMITIVES, 3, 4), 0, 1)
    (folder / "worker ended").touch()


def start_a_worker_and_hang(folder: Path, started: Connection) -> None:
    """A training, run in a process of its own."""
    worker = get_context("spawn").Process(target=render_little_shards, args=(folder,), daemon=True)
    worker.start()
    started.send(worker.pid)
    time.sleep(600)


def until(condition: object, seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_worker_fills_the_folder_until_its_parent_is_killed(tmp_path: Path) -> None:
    context = get_context("spawn")
    here, there = context.Pipe()
    training = context.Process(target=start_a_worker_and_hang, args=(tmp_path, there))
    training.start()
    worker = here.recv()
    try:
        until(lambda: len(list(tmp_path.glob(f"*{SUFFIX}"))) == 4)
        numbers = sorted(shard_number(p.name) for p in tmp_path.glob(f"*{SUFFIX}"))
        assert numbers == [3, 4, 5, 6]  # waits there, until one is taken away
        (tmp_path / f"000003{SUFFIX}").unlink()
        until((tmp_path / f"000007{SUFFIX}").exists)
        training.kill()
        training.join()
        until((tmp_path / "worker ended").exists)
    except BaseException:
        os.kill(worker, signal.SIGTERM)
        raise


def tell_about_interrupts(order: RenderSettings, worker: int, workers: int) -> None:
    """Stands in for a worker's life."""
    (order.folder / signal.Signals.SIGINT.name).write_text(str(signal.getsignal(signal.SIGINT)))


@pytest.mark.skipif(os.name == "nt", reason="no signals to inherit")
def test_workers_leave_interrupts_to_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "render_shards", tell_about_interrupts)
    before = signal.getsignal(signal.SIGINT)
    (worker,) = start_workers(RenderSettings(tmp_path, 5, PRIMITIVES, 0, 8), 1)
    assert signal.getsignal(signal.SIGINT) == before
    worker.join()
    assert (tmp_path / "SIGINT").read_text() == str(signal.SIG_IGN)


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"):
        start_workers(RenderSettings(tmp_path / "file" / "scenes", 5, PRIMITIVES, 0, 8), 1)
