"""The pool of scenes: what goes in comes out, old scenes make room, damaged files are skipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from ppdcli.training import pool as pools
from ppdcli.training.pool import ScenePool
from ppdcli.training.shards import SHAPES, SUFFIX, encode_depth

SHAPE = SHAPES[0]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "FEWEST", 2)


def save(folder: Path, number: int, count: int = 2, shape: tuple[int, int] = SHAPE) -> None:
    """A shard whose colours are its number, and whose depth is that many metres."""
    code = int(encode_depth(np.array(number, np.float32)))
    scenes = np.full((count, *shape, 5), number, np.uint8)
    scenes[..., 3], scenes[..., 4] = code & 255, code >> 8
    np.save(folder / "new.npy", scenes)
    (folder / "new.npy").rename(folder / f"{number:06d}{SUFFIX}")


class Fixture:
    def __init__(self, folder: Path, size: int = 100 << 20, most: int = 1000) -> None:
        self.lines: list[str] = []
        rng = np.random.default_rng(0)
        cpu = torch.device("cpu")
        self.pool = ScenePool(folder, cpu, size, rng, self.lines.append, most)


def test_an_empty_folder_gives_no_batch(tmp_path: Path) -> None:
    pool = Fixture(tmp_path).pool
    assert pool.feed(8) == 0 and pool.count == 0 and pool.batch(4) is None


def test_what_was_rendered_comes_out(tmp_path: Path) -> None:
    for number in (3, 40):
        save(tmp_path, number)
    pool = Fixture(tmp_path).pool
    assert pool.feed(1) == 1 and pool.feed(8) == 1 and pool.feed(8) == 0
    assert pool.count == 4
    batch = pool.batch(64)
    assert batch is not None
    rgb, depth = batch
    assert rgb.shape == (64, *SHAPE, 3) and rgb.dtype == torch.uint8
    assert depth.shape == (64, *SHAPE) and set(rgb.unique().tolist()) == {3, 40}
    torch.testing.assert_close(depth + 1, rgb[..., 0].float() + 1, rtol=1e-4, atol=0)


def test_new_shards_are_seen_later(tmp_path: Path) -> None:
    pool = Fixture(tmp_path).pool
    save(tmp_path, 1)
    assert pool.feed(8) == 1
    save(tmp_path, 2)
    assert pool.feed(8) == 1 and pool.read == {f"00000{k}{SUFFIX}" for k in (1, 2)}


def test_the_newest_scenes_replace_the_oldest(tmp_path: Path) -> None:
    fixture = Fixture(tmp_path, size=1)  # the least that a pool can hold: 4 scenes of a shape
    for number in (1, 2, 3):
        save(tmp_path, number)
        fixture.pool.feed(1)
    assert fixture.pool.count == 4
    batch = fixture.pool.batch(64)
    assert batch is not None and set(batch[0].unique().tolist()) == {2, 3}


def test_a_batch_is_of_one_shape(tmp_path: Path) -> None:
    save(tmp_path, 1)
    save(tmp_path, 2, shape=SHAPES[1])
    pool = Fixture(tmp_path).pool
    pool.feed(8)
    seen = set()
    for _ in range(20):
        batch = pool.batch(2)
        assert batch is not None
        seen.add(tuple(batch[1].shape[1:]))
    assert seen == {SHAPES[0], SHAPES[1]}


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "floats", "flat", "small", "folder"])
def test_a_damaged_shard_is_named_and_left_out(damage: str, tmp_path: Path) -> None:
    save(tmp_path, 1)
    save(tmp_path, 2)
    path = tmp_path / f"000001{SUFFIX}"
    content = path.read_bytes()
    path.unlink()
    arrays = {"floats": np.zeros((2, 4, 4, 5)), "flat": np.zeros(9, np.uint8)}
    if damage == "small":
        arrays["small"] = np.zeros((2, 8, 8, 5), np.uint8)
    if damage == "folder":
        path.mkdir()
    elif damage in arrays:
        with path.open("wb") as file:
            np.save(file, arrays[damage])
    else:
        path.write_bytes({"empty": b"", "cut": content[: len(content) // 2], "text": b"x"}[damage])
    fixture = Fixture(tmp_path)
    fixture.pool.feed(8)
    assert fixture.pool.count == 2 and len(fixture.lines) == 1
    assert str(path) in fixture.lines[0] and "skipped" in fixture.lines[0]


def test_a_full_folder_makes_room_once_everything_is_read(tmp_path: Path) -> None:
    for number in range(8):
        save(tmp_path, number)
    pool = Fixture(tmp_path, most=8).pool
    assert pool.next_shard == 0 and pool.feed(5) == 5 and pool.next_shard == 5
    assert len(list(tmp_path.iterdir())) == 8
    assert pool.feed(5) == 3 and pool.feed(5) == 0 and pool.next_shard == 8
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [f"{k:06d}{SUFFIX}" for k in range(1, 8)] and pool.count == 16
