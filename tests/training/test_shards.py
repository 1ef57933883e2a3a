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

from ppdcli.errors import NoRoomError, OutputError, PpdError, UsageError
from ppdcli.training import shards
from ppdcli.training.compositions import TRAINING
from ppdcli.training.render import SKY_DEPTH
from ppdcli.training.shards import (
    Samples,
    ShardReader,
    augment,
    decode_depth,
    encode_depth,
    make_samples,
    start_workers,
    wait_for_shards,
    write_shard,
)

SHAPE = (32, 48)
RNG = np.random.default_rng


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of three little scenes."""
    monkeypatch.setattr(shards, "SCENES_PER_SHARD", 3)
    monkeypatch.setattr(shards, "SHAPES", (SHAPE,))
    monkeypatch.setattr(shards, "SHAPE_WEIGHTS", (1.0,))


def save(folder: Path, number: int, count: int, shape: tuple[int, int] = SHAPE) -> None:
    """A shard whose every value is its number."""
    rgb = np.full((count, *shape, 3), number, np.uint8)
    depth = encode_depth(np.full((count, *shape), number, np.float32))
    np.savez(folder / f"{number:06d}.npz", rgb=rgb, depth=depth)


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
    write_shard(tmp_path, seed=5, number=2)
    assert [p.name for p in tmp_path.iterdir()] == ["000002.npz"]
    expected = make_samples(5, 6, 3, SHAPE, 1 + 5002 % shards.BANKS, TRAINING)
    batch = ShardReader(tmp_path, RNG(0), pool=1).batch(3)
    order = [np.abs(expected.depth - d).mean((1, 2)).argmin() for d in batch.depth]
    assert sorted(order) == [0, 1, 2]
    np.testing.assert_array_equal(batch.rgb, expected.rgb[order])
    np.testing.assert_allclose(batch.depth + 1, expected.depth[order] + 1, rtol=4e-5)


@pytest.mark.usefixtures("small")
def test_a_shard_cut_short_never_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(file, **arrays: np.ndarray) -> None:  # type: ignore[no-untyped-def]
        file.write(b"PK half a shard")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(NoRoomError, match="No space"):
        write_shard(tmp_path, 5, 0)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("small")
def test_two_workers_share_the_work_and_keep_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "nice", lambda level: 0, raising=False)
    save(tmp_path, 2, 1)
    before = (tmp_path / "000002.npz").read_bytes()
    for first in (0, 1):
        shards._work(tmp_path, 5, first, 2, 5)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{k:06d}.npz" for k in range(5)]
    assert (tmp_path / "000002.npz").read_bytes() == before


def render_little_shards(folder: Path) -> None:
    """A worker's life, with little shards; runs in a process of its own."""
    shards.SCENES_PER_SHARD, shards.SHAPES, shards.SHAPE_WEIGHTS = 1, (SHAPE,), (1.0,)
    shards._work(folder, 5, 0, 1, 10**6)
    (folder / "worker ended").touch()


def start_a_worker_and_hang(folder: Path, started: Connection) -> None:
    """A training, run in a process of its own."""
    worker = get_context("spawn").Process(target=render_little_shards, args=(folder,), daemon=True)
    worker.start()
    started.send(worker.pid)
    time.sleep(600)


def until(condition: object, seconds: float = 300) -> None:
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
        until(lambda: len(list(tmp_path.glob("*.npz"))) > 1)
        training.kill()
        training.join()
        until((tmp_path / "worker ended").exists)
    except BaseException:
        os.kill(worker, signal.SIGTERM)
        raise


def tell_about_interrupts(folder: Path, seed: int, first: int, step: int, limit: int) -> None:
    """Stands in for a worker's life."""
    (folder / signal.Signals.SIGINT.name).write_text(str(signal.getsignal(signal.SIGINT)))


@pytest.mark.skipif(os.name == "nt", reason="no signals to inherit")
def test_workers_leave_interrupts_to_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "_work", tell_about_interrupts)
    before = signal.getsignal(signal.SIGINT)
    (worker,) = start_workers(tmp_path, 5, 1, 8)
    assert signal.getsignal(signal.SIGINT) == before
    worker.join()
    assert (tmp_path / "SIGINT").read_text() == str(signal.SIG_IGN)


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"):
        start_workers(tmp_path / "file" / "scenes", 5, 1, 8)


class Renderer:
    """Stands in for a worker's process."""

    def __init__(self, folder: Path, shards: int) -> None:
        self.folder, self.shards, self.made = folder, shards, 0

    def is_alive(self) -> bool:
        if self.made < self.shards:
            save(self.folder, self.made, 1)
            self.made += 1
        return self.made < self.shards


def test_waiting_ends_with_enough_shards_or_without_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    wait_for_shards(tmp_path, 3, [Renderer(tmp_path, 3)])  # type: ignore[list-item]
    with pytest.raises(PpdError, match="render"):
        wait_for_shards(tmp_path, 9, [Renderer(tmp_path, 2)])  # type: ignore[list-item]


# Reading -----------------------------------------------------------------------------------------


def test_batches_hold_scenes_of_one_shape(tmp_path: Path) -> None:
    for number in range(6):
        save(tmp_path, number, 6, ((32, 48), (48, 32), (40, 40))[number % 3])
    reader = ShardReader(tmp_path, RNG(0))
    found = set()
    for _ in range(30):
        batch = reader.batch(4)
        assert batch.rgb.shape == (4, *batch.depth.shape[1:], 3)
        assert batch.depth.dtype == np.float32
        found.add(batch.depth.shape[1:])
    assert len(found) == 3


def test_new_shards_come_first(tmp_path: Path) -> None:
    for number in range(10):
        save(tmp_path, number, 2)
    reader = ShardReader(tmp_path, RNG(0), pool=1)

    def numbers(count: int) -> list[int]:
        return [int(reader.batch(2).rgb[0, 0, 0, 0]) for _ in range(count)]

    assert sorted(numbers(10)) == list(range(10))  # each once before any twice
    assert set(numbers(5)) <= set(range(10))
    save(tmp_path, 99, 2)
    assert numbers(1) == [99]


def test_a_shard_is_read_in_a_random_order_without_repeats(tmp_path: Path) -> None:
    value = np.arange(12, dtype=np.uint8)
    rgb = np.broadcast_to(value[:, None, None, None], (12, 4, 4, 3))
    np.savez(tmp_path / "000000.npz", rgb=rgb, depth=rgb[..., 0].astype(np.uint16))
    reader = ShardReader(tmp_path, RNG(0), pool=1)
    read = [reader.batch(4).rgb[:, 0, 0, 0].tolist() for _ in range(3)]
    flat = [v for batch in read for v in batch]
    assert sorted(flat) == value.tolist() != flat


def test_a_batch_larger_than_a_shard_is_refused_not_waited_for(tmp_path: Path) -> None:
    save(tmp_path, 0, 3)
    with pytest.raises(UsageError, match=r"000000\.npz holds 3 scenes, fewer than a batch of 4"):
        ShardReader(tmp_path, RNG(0)).batch(4)


def test_a_reader_goes_on_where_another_was(tmp_path: Path) -> None:
    for number in range(5):
        save(tmp_path, number, 4)
    first = ShardReader(tmp_path, RNG(0), pool=2)
    for size in (2, 2, 1, 2, 1):
        first.batch(size)
    second = ShardReader(tmp_path, RNG(9), pool=2)
    second.restore(first.state())
    for size in (2, 1, 2, 2, 2, 1, 1, 2):
        np.testing.assert_array_equal(first.batch(size).rgb, second.batch(size).rgb)


# Augmentation ------------------------------------------------------------------------------------


def coded(height: int = 96, width: int = 128) -> Samples:
    """Depth and colour both tell the place: depth is the pixel's number, red grows to the right,
    green downwards, and blue is 0."""
    y, x = np.mgrid[:height, :width]
    zero = np.zeros_like(x)
    rgb = np.stack([x * 255 // (width - 1), y * 255 // (height - 1), zero], -1)
    depth = (y * width + x).astype(np.float32)
    return Samples(rgb[None].astype(np.uint8), depth[None])


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.0])
@pytest.mark.parametrize("shape", [*shards.SHAPES, (20, 30)])
def test_sides_are_multiples_of_16_near_the_scale(shape: tuple[int, int], scale: float) -> None:
    samples = Samples(np.zeros((1, *shape, 3), np.uint8), np.ones((1, *shape), np.float32))
    out = augment(samples, scale, RNG(0))
    assert out.rgb.shape == (*out.depth.shape, 3)
    for side, wanted in zip(out.depth.shape[1:], shape, strict=True):
        assert side % 16 == 0 and side >= 16 and abs(side - wanted * scale) <= 16


def test_depth_is_picked_never_mixed() -> None:
    samples = coded()
    for seed in range(30):
        out = augment(samples, 0.5, RNG(seed)).depth[0]
        assert np.isin(out, samples.depth).all()
        # Whole rows and columns of the input, in order, and far fewer than it has.
        rows, columns = np.unique(out // 128), np.unique(out % 128)
        assert (len(rows), len(columns)) == out.shape


def test_colours_and_depths_stay_aligned_through_crops_and_flips() -> None:
    samples = coded()
    flips = 0
    for seed in range(40):
        out = augment(samples, 0.5, RNG(seed))
        column, row = out.depth[0] % 128, out.depth[0] // 128
        flips += bool(column[0, 0] > column[0, -1])
        # The tint bends red's and green's curves but keeps their order: compare ranks.
        for place, color in ((column, out.rgb[0, ..., 0]), (row, out.rgb[0, ..., 1])):
            order = np.argsort(place, axis=None, kind="stable")
            assert (np.diff(color.ravel()[order].astype(int)) >= -1).mean() > 0.999
    assert 10 < flips < 30


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.0])
def test_an_edge_in_colour_is_where_the_depths_edge_is(
    scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1)[None]
    monkeypatch.setattr(shards, "_tint", lambda rng: identity)
    right = np.broadcast_to(np.arange(128) >= 61, (96, 128))
    rgb = np.repeat(right[..., None] * np.uint8(255), 3, 2)
    samples = Samples(rgb[None], np.where(right, 9, 2).astype(np.float32)[None])
    for seed in range(20):
        out = augment(samples, scale, RNG(seed))
        wrong = (out.rgb[0, ..., 0] > 127) != (out.depth[0] == 9)
        assert wrong.any(0).sum() <= 1


def test_crops_zoom_up_to_the_limit_and_tints_vary() -> None:
    samples = coded()
    widths, blues = [], set()
    samples.rgb[..., 2] = 128
    for seed in range(60):
        out = augment(samples, 0.5, RNG(seed), zoom=0.6)
        column = out.depth[0] % 128
        widths.append(np.ptp(column) / 128)
        blues.add(int(out.rgb[0, 0, 0, 2]))
    assert min(widths) > 0.57 and max(widths) > 0.97 and np.mean(np.array(widths) < 0.95) > 0.3
    assert len(blues) > 15
    assert (samples.depth == coded().depth).all()


def test_the_generator_decides() -> None:
    once, again, other = (augment(coded(), 0.5, RNG(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once.rgb, again.rgb)
    np.testing.assert_array_equal(once.depth, again.depth)
    assert not np.array_equal(once.rgb, other.rgb)
