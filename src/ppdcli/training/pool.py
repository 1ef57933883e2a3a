"""Rendered scenes in the memory of the training device, as bytes."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ppdcli.errors import InputError
from ppdcli.scenes.samples import SKY_DEPTH
from ppdcli.training.shards import SHAPE_WEIGHTS, SHAPES, SUFFIX, read_shard, shard_number

FEWEST = 32  # scenes of a shape that are needed before batches are taken from it
BYTES = 5  # per pixel: three for the colour, two for the depth


class ScenePool:
    """The newest scenes of a folder that is still being filled, kept on the training device.

    A batch mixes scenes of one shape. Once the pool is full, new scenes replace the oldest.

    Args:
        folder: Folder of shards (``shards.write_shard``).
        device: The training device.
        size: Bytes for all scenes together.
        rng: Draws the batches.
        say: Called with a line for each damaged shard.
        most: Largest number of shards in the folder. When that many have been read, the oldest are
            deleted to make room for new ones.
    """

    def __init__(
        self,
        folder: Path,
        device: torch.device,
        size: int,
        rng: np.random.Generator,
        say: Callable[[str], None],
        most: int,
    ) -> None:
        self.folder, self.device, self.rng, self.say, self.most = folder, device, rng, say, most
        self.read: set[str] = set()
        self._waiting: list[str] = []
        self._buffers = {
            shape: _RingBuffer(shape, int(size * weight), device)
            for shape, weight in zip(SHAPES, SHAPE_WEIGHTS, strict=True)
        }

    @property
    def count(self) -> int:
        """Number of scenes in the pool."""
        return sum(ring.count for ring in self._buffers.values())

    @property
    def next_shard(self) -> int:
        """Number of the first shard after those that have been read."""
        return 1 + max((shard_number(name) for name in self.read), default=-1)

    def feed(self, most: int) -> int:
        """Reads at most ``most`` new shards. Damaged ones are reported and skipped.

        Returns:
            The number of shards that were processed.
        """
        if not self._waiting:
            found = sorted(path.name for path in self.folder.glob(f"[!.]*{SUFFIX}"))
            self._waiting = [name for name in found if name not in self.read]
            if not self._waiting and len(found) >= self.most:
                for name in found[: max(1, self.most // 8)]:
                    (self.folder / name).unlink(missing_ok=True)
        names, self._waiting = self._waiting[:most], self._waiting[most:]
        for name in names:
            self.read.add(name)
            path = self.folder / name
            try:
                scenes = read_shard(path)
            except InputError as error:
                self.say(f"skipped: {error}")
                continue
            if scenes.shape[1:3] in self._buffers:
                self._buffers[scenes.shape[1:3]].add(torch.from_numpy(scenes))
            else:
                self.say(f"skipped: {path}: holds scenes of another size; remove it")
        return len(names)

    def batch(self, count: int) -> tuple[Tensor, Tensor] | None:
        """Returns scenes of one shape: colours (n, H, W, 3) uint8 and metres (n, H, W) float32.

        Returns None while there are too few scenes.
        """
        filled = [ring for ring in self._buffers.values() if ring.count >= FEWEST]
        if not filled:
            return None
        weights = np.array([SHAPE_WEIGHTS[SHAPES.index(ring.shape)] for ring in filled])
        ring = filled[self.rng.choice(len(filled), p=weights / weights.sum())]
        picked = torch.from_numpy(self.rng.integers(0, ring.count, count)).to(self.device)
        scenes = ring.scenes[picked]
        code = scenes[..., 3].float() + 256 * scenes[..., 4].float()
        return scenes[..., :3], torch.expm1(code * (math.log1p(SKY_DEPTH) / 65535))


class _RingBuffer:
    """Scenes of one shape; the newest replace the oldest."""

    def __init__(self, shape: tuple[int, int], size: int, device: torch.device) -> None:
        capacity = max(2 * FEWEST, size // (shape[0] * shape[1] * BYTES))
        self.shape = shape
        self.scenes = torch.empty((capacity, *shape, BYTES), dtype=torch.uint8, device=device)
        self.count = self._next = 0

    def add(self, scenes: Tensor) -> None:
        for part in scenes.split(len(self.scenes)):
            room = len(self.scenes) - self._next
            for piece in part.split([min(room, len(part)), max(len(part) - room, 0)]):
                self.scenes[self._next : self._next + len(piece)] = piece.to(self.scenes.device)
                self.count = max(self.count, self._next + len(piece))
                self._next = (self._next + len(piece)) % len(self.scenes)
