"""Rendered scenes on disk: workers write shards while the training reads them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path, PurePath

import cv2
import numpy as np

from ppdcli.errors import OutputError, PpdError, UsageError
from ppdcli.files.atomic import atomic_path
from ppdcli.files.npz import read_arrays
from ppdcli.processes import deaf_to_interrupts
from ppdcli.training.compositions import BENCHMARK, TRAINING, Repertoire, compose
from ppdcli.training.picture import take
from ppdcli.training.recipe import MOST_AT_ONCE
from ppdcli.training.render import SKY_DEPTH
from ppdcli.training.textures import make_texture_bank

SCENES_PER_SHARD = MOST_AT_ONCE
# (height, width) as rendered, and how often: 4:3 most, then portrait, wide, square, panorama.
SHAPES = ((192, 256), (256, 192), (160, 288), (224, 224), (128, 384))
SHAPE_WEIGHTS = (0.5, 0.16, 0.16, 0.1, 0.08)
BANKS = 40  # sets of textures; each shard uses the next one
MOST_BYTES = 1 << 30  # of a shard, which has 32 MB
POOL = 6  # shards that batches are mixed from
_texture_bank = lru_cache(maxsize=1)(make_texture_bank)  # one bank is 8 MB


@dataclass(frozen=True)
class Samples:
    """Scenes of one shape: rgb (n, H, W, 3) uint8; depth (n, H, W) float32 metres."""

    rgb: np.ndarray
    depth: np.ndarray


def make_samples(
    seed: int,
    first: int,
    count: int,
    shape: tuple[int, int],
    bank: int,
    repertoire: Repertoire = BENCHMARK,
) -> Samples:
    """Takes pictures of ``count`` scenes; equal arguments give equal ones.

    Args:
        seed, first: the series, and the number of its first scene.
        count: of scenes.
        shape: (height, width).
        bank: number of the set of textures.
        repertoire: what the scenes are drawn from; by default what evaluations use.
    """
    textures = _texture_bank(bank, repertoire.textures)
    rgb = np.empty((count, *shape, 3), np.uint8)
    depth = np.empty((count, *shape), np.float32)
    for k in range(count):
        scene = compose(seed, first + k, textures.count, repertoire)
        rng = np.random.default_rng([seed, first + k, 1])
        rgb[k], depth[k] = take(scene, *shape, textures, rng, repertoire.varied)
    return Samples(rgb, depth)


def encode_depth(depth: np.ndarray) -> np.ndarray:
    """Metres to uint16, even steps of log(depth + 1) up to the sky."""
    return np.round(np.log1p(depth) * (65535 / np.log1p(SKY_DEPTH))).astype(np.uint16)


def decode_depth(code: np.ndarray) -> np.ndarray:
    """The metres that ``encode_depth`` stored; depth + 1 is right to within 0.004 %."""
    return np.expm1(code.astype(np.float32) * np.float32(np.log1p(SKY_DEPTH) / 65535))


def write_shard(folder: Path, seed: int, number: int) -> None:
    """Renders shard ``number`` of the series ``seed`` into ``folder``, whole or not at all."""
    rng = np.random.default_rng([seed, number, 2])
    shape = SHAPES[rng.choice(len(SHAPES), p=SHAPE_WEIGHTS)]
    bank = 1 + (seed * 1000 + number) % BANKS
    first = number * SCENES_PER_SHARD
    samples = make_samples(seed, first, SCENES_PER_SHARD, shape, bank, TRAINING)
    with atomic_path(folder / f"{number:06d}.npz") as partial, partial.open("wb") as file:
        np.savez(file, rgb=samples.rgb, depth=encode_depth(samples.depth))


def read_shard(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """rgb (n, H, W, 3) uint8 and depth (n, H, W) uint16, as ``encode_depth`` gives it.

    Raises:
        UsageError: the file is damaged, or holds something else.
    """
    try:
        arrays = read_arrays(path, {"rgb": (np.uint8, 4), "depth": (np.uint16, 3)}, MOST_BYTES)
        rgb, depth = arrays["rgb"], arrays["depth"]
        if rgb.shape != (*depth.shape, 3) or 0 in rgb.shape:
            raise ValueError("rgb and depth are of different sizes")
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else error
        raise UsageError(
            f"{path}: is no file of scenes, or damaged ({cause}); remove it, and it is rendered "
            "again"
        ) from error
    return rgb, depth


def _work(folder: Path, seed: int, first: int, step: int, limit: int) -> None:
    if hasattr(os, "nice"):  # not on Windows
        os.nice(5)
    cv2.setNumThreads(1)
    training = parent_process()
    for number in range(first, limit, step):
        if training is not None and not training.is_alive():
            return
        if not (folder / f"{number:06d}.npz").exists():
            try:
                write_shard(folder, seed, number)
            except OutputError as error:
                raise SystemExit(f"error: {error}") from None


def start_workers(folder: Path, seed: int, workers: int, limit: int) -> Sequence[BaseProcess]:
    """Processes that fill ``folder`` with shards 0 .. limit - 1; they end with their parent.

    Raises:
        OutputError: the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be made ({error.strerror}); choose another --output"
        ) from None
    context = get_context("spawn")
    processes = [
        context.Process(target=_work, args=(folder, seed, k, workers, limit), daemon=True)
        for k in range(workers)
    ]
    with deaf_to_interrupts():
        for process in processes:
            process.start()
    return processes


def wait_for_shards(folder: Path, count: int, workers: Sequence[BaseProcess]) -> None:
    """Blocks until ``count`` shards are there.

    Raises:
        PpdError: the workers ended before.
    """
    while True:
        alive = any(worker.is_alive() for worker in workers)
        if len(list(folder.glob("[!.]*.npz"))) >= count:
            return
        if not alive:
            raise PpdError(
                f"{folder}: the processes that render scenes have ended, see above why; run it "
                "again to go on"
            )
        time.sleep(0.5)


@dataclass
class OpenShard:
    """A shard that batches are being taken from.

    Attributes:
        order: of its scenes.
        used: how many of them are gone.
    """

    name: str
    order: list[int]
    used: int = 0


class ShardReader:
    """Endless batches from a folder that is still being filled: new shards first, then old ones."""

    def __init__(self, folder: Path, rng: np.random.Generator, pool: int = POOL) -> None:
        self.folder, self.rng, self.pool = folder, rng, pool
        self.seen: set[str] = set()
        self.open: list[OpenShard] = []
        self._arrays: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def batch(self, size: int) -> Samples:
        """``size`` scenes of one shape, from one of several open shards.

        Raises:
            UsageError: a shard holds fewer.
        """
        while True:
            while len(self.open) < self.pool:
                self.open.append(self._next())
            shard = self.open[int(self.rng.integers(len(self.open)))]
            if len(shard.order) < size:
                raise UsageError(
                    f"{shard.name} holds {len(shard.order)} scenes, fewer than a batch of {size}"
                )
            pick = shard.order[shard.used : shard.used + size]
            if len(pick) == size:
                shard.used += size
                rgb, depth = self._read(shard.name)
                return Samples(rgb[pick], decode_depth(depth[pick]))
            self.open.remove(shard)
            if all(other.name != shard.name for other in self.open):
                self._arrays.pop(shard.name, None)

    def state(self) -> str:
        """What the next batches depend on, beside the files."""
        return json.dumps(
            {
                "rng": self.rng.bit_generator.state,
                "seen": sorted(self.seen),
                "open": [asdict(shard) for shard in self.open],
            }
        )

    def restore(self, state: str) -> None:
        """Goes on where another reader of this folder was.

        Raises:
            ValueError, KeyError, TypeError, AttributeError, OverflowError: the text is no state.
        """
        known = json.loads(state)
        open_shards = [OpenShard(**shard) for shard in known["open"]]
        for shard in open_shards:
            if sorted(shard.order) != list(range(len(shard.order))) or type(shard.used) is not int:
                raise ValueError(shard)
            if PurePath(shard.name).name != shard.name or shard.used < 0:
                raise ValueError(shard)
        self.rng.bit_generator.state = known["rng"]
        self.seen, self.open = set(map(str, known["seen"])), open_shards

    def _next(self) -> OpenShard:
        names = sorted(p.name for p in self.folder.glob("[!.]*.npz"))
        fresh = [n for n in names if n not in self.seen]
        name = str(self.rng.choice(fresh or names))
        self.seen.add(name)
        count = len(self._read(name)[0])
        return OpenShard(name, self.rng.permutation(count).tolist())

    def _read(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        if name not in self._arrays:
            self._arrays[name] = read_shard(self.folder / name)
        return self._arrays[name]


def augment(samples: Samples, scale: float, rng: np.random.Generator, zoom: float = 0.6) -> Samples:
    """Random crops, flips and tints, brought to ``scale`` times the shape, sides multiples of 16.

    Colours are averaged over area, as a camera does; depth is picked, never mixed, so that edges
    stay exact. A crop changes the field of view, which the normalised target allows.

    Args:
        samples: scenes of one shape.
        scale: size of the result over the size of the input.
        rng: randomness.
        zoom: smallest side of a crop over the picture's.
    """
    n, height, width = samples.depth.shape
    h, w = (max(16, round(side * scale / 16) * 16) for side in (height, width))
    rgb, depth = np.empty((n, h, w, 3), np.uint8), np.empty((n, h, w), np.float32)
    for k in range(n):
        share = rng.uniform(zoom, 1) if rng.random() < 0.6 else 1.0
        ch, cw = int(height * share), int(width * share)
        y, x = int(rng.integers(height - ch + 1)), int(rng.integers(width - cw + 1))
        picture = samples.rgb[k, y : y + ch, x : x + cw]
        distance = samples.depth[k, y : y + ch, x : x + cw]
        if rng.random() < 0.5:
            picture, distance = picture[:, ::-1], distance[:, ::-1]
        rgb[k] = cv2.resize(np.ascontiguousarray(picture), (w, h), interpolation=cv2.INTER_AREA)
        rgb[k] = cv2.LUT(rgb[k], _tint(rng))
        rows = np.minimum((np.arange(h) + 0.5) * ch / h, ch - 1).astype(int)
        columns = np.minimum((np.arange(w) + 0.5) * cw / w, cw - 1).astype(int)
        depth[k] = distance[rows[:, None], columns[None]]
    return Samples(rgb, depth)


def _tint(rng: np.random.Generator) -> np.ndarray:
    """(1, 256, 3) uint8 tone curve a channel: brightness, contrast and colour."""
    level = np.linspace(0, 1, 256)[:, None]
    gain, gamma = np.exp(rng.normal(0, 0.08, 3)), np.exp(rng.normal(0, 0.15))
    curve = np.clip(level**gamma * gain, 0, 1)
    return (curve * 255 + 0.5).astype(np.uint8)[None]
