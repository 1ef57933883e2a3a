"""Rendered scenes on disk. Worker processes write shards while the training reads them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path

import cv2
import numpy as np

from ppdcli.errors import InputError, OutputError
from ppdcli.files.atomic import atomic_path
from ppdcli.files.npy import Header, read_array
from ppdcli.processes import ignoring_interrupts
from ppdcli.scenes.furnished.models.library import open_library
from ppdcli.scenes.furnished.series import Furnished
from ppdcli.scenes.primitives.compositions import TRAINING
from ppdcli.scenes.primitives.series import make_samples
from ppdcli.scenes.samples import SKY_DEPTH
from ppdcli.training.recipe import FURNISHED

SCENES_PER_SHARD = 64
SUFFIX = ".scenes.npy"
# Rendered sizes (height, width): mostly 4:3, then portrait, wide, panorama. There are few, because
# a card's convolutions take several seconds to prepare for each.
SHAPES = ((240, 320), (320, 240), (208, 352), (144, 480))
SHAPE_WEIGHTS = (0.46, 0.2, 0.16, 0.18)
MOST_BYTES = 1 << 30  # largest size of a shard; ours have 25 MB
BANKS = 40  # sets of textures; each shard of primitives uses the next one


def encode_depth(depth: np.ndarray) -> np.ndarray:
    """Converts metres to uint16, in even steps of log(depth + 1) up to the sky."""
    return np.round(np.log1p(depth) * (65535 / np.log1p(SKY_DEPTH))).astype(np.uint16)


def decode_depth(code: np.ndarray) -> np.ndarray:
    """Converts the code of ``encode_depth`` to metres; depth + 1 is exact to within 0.004 %."""
    return np.expm1(code.astype(np.float32) * np.float32(np.log1p(SKY_DEPTH) / 65535))


def write_shard(
    folder: Path, seed: int, number: int, kinds: dict[str, float], furnished: Furnished | None
) -> None:
    """Renders shard ``number`` of the series ``seed`` into ``folder``; never leaves a partial file.

    The file is an array (scenes, H, W, 5) of uint8: red, green, blue, and the two bytes of the
    depth code, the low one first.

    Args:
        kinds: Kinds of scenes (``recipe.KINDS``) and the share of each.
        furnished: Renders the furnished scenes; None if there are none.
    """
    rng = np.random.default_rng([seed, number, 2])
    shape = SHAPES[rng.choice(len(SHAPES), p=SHAPE_WEIGHTS)]
    shares = np.array(list(kinds.values()))
    kind = list(kinds)[rng.choice(len(kinds), p=shares / shares.sum())]
    first = number * SCENES_PER_SHARD
    if kind == FURNISHED and furnished is not None:
        samples = furnished.samples(seed, first, SCENES_PER_SHARD, shape)
    else:
        bank = 1 + (seed * 1000 + number) % BANKS
        samples = make_samples(seed, first, SCENES_PER_SHARD, shape, bank, TRAINING)
    code = encode_depth(samples.depth)
    scenes = np.concatenate(
        [
            samples.rgb,
            (code & 255).astype(np.uint8)[..., None],
            (code >> 8).astype(np.uint8)[..., None],
        ],
        axis=-1,
    )
    with (
        atomic_path(folder / f"{number:06d}{SUFFIX}", follow=False) as partial,
        partial.open("wb") as file,
    ):
        np.save(file, scenes)


def read_shard(path: Path) -> np.ndarray:
    """Returns the array of a shard; see ``write_shard``.

    Raises:
        InputError: The file is damaged, or is not a shard.
    """

    def require(header: Header) -> None:
        planes = header.shape[3:]
        if header.dtype != np.uint8 or planes != (5,) or header.bytes > MOST_BYTES:
            raise InputError(f"{path}: holds {header.describe()} instead of scenes; remove it")

    return read_array(path, require)


def shard_number(name: str) -> int:
    """Returns the number in a shard's name; -1 for any other name."""
    stem = name.removesuffix(SUFFIX)
    return int(stem) if stem.isdecimal() else -1


@dataclass(frozen=True)
class RenderSettings:
    """Settings of the rendering processes.

    Attributes:
        folder: Folder for the shards.
        seed: Seed of the series.
        kinds: Kinds of scenes and the share of each.
        first: Number of the first shard.
        most: Largest number of shards in the folder. The processes wait when it is reached.
        furniture: File or folder of the furniture models; None for where the package puts them.
    """

    folder: Path
    seed: int
    kinds: dict[str, float]
    first: int
    most: int
    furniture: Path | None = None


def render_shards(settings: RenderSettings, worker: int, workers: int) -> None:
    """Renders every ``workers``-th shard, from number ``first + worker``; ends with its parent.

    It runs in a process of its own.

    Raises:
        SystemExit: A shard cannot be written.
    """
    if hasattr(os, "nice"):  # not on Windows
        os.nice(5)
    cv2.setNumThreads(1)
    training = parent_process()
    wants = settings.kinds.get(FURNISHED, 0) > 0
    furnished = Furnished(open_library(settings.furniture)) if wants else None
    number = settings.first + worker
    while training is None or training.is_alive():
        if sum(1 for _ in settings.folder.glob(f"[!.]*{SUFFIX}")) >= settings.most:
            time.sleep(0.5)
            continue
        if not (settings.folder / f"{number:06d}{SUFFIX}").exists():
            try:
                write_shard(settings.folder, settings.seed, number, settings.kinds, furnished)
            except OutputError as error:
                raise SystemExit(f"error: {error}") from None
        number += workers


def start_workers(settings: RenderSettings, workers: int) -> Sequence[BaseProcess]:
    """Starts processes that fill a folder with shards. They end with their parent process.

    Raises:
        OutputError: The folder cannot be created.
    """
    try:
        settings.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{settings.folder}: cannot be made ({error.strerror}); choose another --output"
        ) from None
    context = get_context("spawn")
    processes = [
        context.Process(target=render_shards, args=(settings, k, workers), daemon=True)
        for k in range(workers)
    ]
    with ignoring_interrupts():
        for process in processes:
            process.start()
    return processes
