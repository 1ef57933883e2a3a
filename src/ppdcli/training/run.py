"""The whole of ``ppd train``: scenes, encoder, transformer, result file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from ppdcli.checkpoints.assemble import assemble
from ppdcli.devices import free_memory
from ppdcli.errors import PpdError, UsageError
from ppdcli.machine import physical_memory
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.efficientnet_lite import LITE2
from ppdcli.models.pyramid_encoder import PyramidEncoder, PyramidEncoderConfig
from ppdcli.processes import StopRequest, noting_stops
from ppdcli.scenes.furnished.embree import load_embree
from ppdcli.scenes.furnished.models.library import open_library
from ppdcli.training.clock import Clock
from ppdcli.training.export import export
from ppdcli.training.loop import Standing, Trainer
from ppdcli.training.pool import ScenePool
from ppdcli.training.pretrained import load_imagenet_weights
from ppdcli.training.recipe import FURNISHED, PRIMITIVES, Recipe
from ppdcli.training.shards import SCENES_PER_SHARD, RenderSettings, start_workers
from ppdcli.training.state import TrainingState

RESULT = "ppd.safetensors"
STATE = "training.ckpt"
FIRST_SHARDS = 4  # shards that must exist before the training starts
SHARE_OF_MEMORY = 0.4  # for scenes
FALLBACK_MEMORY = 8 << 30  # if the system does not report its memory
MOST_MEMORY = {"cpu": 6 << 30, "cuda": 40 << 30, "mps": 4 << 30}
EVERY = 20  # checks in a training, but not closer or farther apart than these seconds
CHECK_LIMITS = (60.0, 900.0)


@dataclass(frozen=True)
class TrainingRequest:
    """The settings of a ``ppd train`` run.

    Attributes:
        folder: Folder for scenes, state and result.
        minutes: Total duration of the training; None for the recipe's.
        device: The training device.
        workers: Number of processes that render at the same time.
        scenes: Largest number of scenes on disk.
        furniture: File or folder of the furniture models; None for where the package puts them.
        pretrained: File of ImageNet weights; None for the one in the installed package.
        start: A trained model to start from, instead of those weights.
    """

    folder: Path
    minutes: float | None
    device: torch.device
    workers: int
    scenes: int
    furniture: Path | None = None
    pretrained: Path | None = None
    start: Path | None = None


class Checks(Protocol):
    """Scores networks during the training. Each call returns a line for the user."""

    def encoder(self, encoder: PyramidEncoder) -> str: ...

    def diffusion(self, encoder: PyramidEncoder, network: CasDiT) -> str: ...


class _Watcher:
    def __init__(
        self,
        file: Path,
        card: dict[str, str],
        say: Callable[[str], None],
        report: Callable[[Standing], None],
        checks: Checks,
    ) -> None:
        self.file, self.card, self.say, self.report, self.checks = file, card, say, report, checks

    def check(self, encoder: PyramidEncoder, network: CasDiT | None) -> None:
        if network is None:
            self.say(self.checks.encoder(encoder))
        else:
            self.say(self.checks.diffusion(encoder, network))

    def keep(self, encoder: PyramidEncoder, network: CasDiT) -> None:
        export(self.file, network, encoder, self.card)


def run(
    recipe: Recipe,
    request: TrainingRequest,
    say: Callable[[str], None],
    report: Callable[[Standing], None],
    checks: Checks,
) -> Path | None:
    """Trains what the recipe describes. A second call resumes the training.

    Args:
        recipe: The training recipe.
        request: Folder, duration, device and other settings.
        say: Called with lines for the user.
        report: Called every few seconds.
        checks: Scores the networks so far, in one line.

    Returns:
        The file ``ppd.safetensors`` in the folder; load it with --model ppd-tiny --checkpoint.
        None if the transformer had no time to learn.

    Raises:
        UsageError: The recipe's models cannot be built, the folder holds those of another recipe,
            or the pretrained weights are missing.
        OutputError: The folder or a file cannot be written.
        PpdError: No scenes are rendered, or the training has diverged.
        KeyboardInterrupt: The training was stopped, and everything is saved.
    """
    folder, device = request.folder, request.device
    state = _state(recipe, request)
    clock = Clock(60 * (request.minutes or recipe.minutes), state.used)
    settings = RenderSettings(
        folder / "scenes",
        recipe.seed,
        _kinds(recipe.scenes, request.furniture, say),
        state.next_shard,
        max(request.scenes // SCENES_PER_SHARD, FIRST_SHARDS),
        request.furniture,
    )
    rng = np.random.default_rng([recipe.seed, 5, state.next_shard])
    pool = ScenePool(settings.folder, device, _pool_size(device), rng, say, settings.most)
    watcher = _Watcher(folder / RESULT, recipe.card, say, report, checks)
    check_every = float(np.clip(clock.total / EVERY, *CHECK_LIMITS))
    with noting_stops() as stop, _rendering(settings, request.workers) as renderers:
        say(f"scenes are rendered to {settings.folder}")
        _wait_for_scenes(pool, settings, renderers, stop)
        if device.type == "cuda":
            torch.set_float32_matmul_precision("high")
            for block in state.network.blocks:
                block.compile(dynamic=True)
        trainer = Trainer(
            recipe, state, pool, clock, folder / STATE, watcher, stop, say, check_every
        )
        trainer.run()
        if stop.requested:
            raise KeyboardInterrupt
    return folder / RESULT if (folder / RESULT).exists() else None


def _state(recipe: Recipe, request: TrainingRequest) -> TrainingState:
    """Loads the saved networks or creates new ones, and checks first that they fit each other."""
    torch.manual_seed(recipe.seed)
    try:
        encoder = PyramidEncoder(PyramidEncoderConfig(**recipe.encoder)).eval()
        sizes = {"semantics_dim": encoder.config.semantics_dim, **recipe.diffusion}
        network = CasDiT(CasDiTConfig(**sizes))
        with torch.no_grad():
            tokens = encoder(torch.zeros(1, 3, 32, 32))
            network(torch.zeros(1, 4, 32, 32), tokens, torch.zeros(1))
    except (TypeError, ValueError, IndexError, RuntimeError) as error:
        raise UsageError(f"the recipe's models cannot be built: {error}") from None
    saved = request.folder / STATE
    if not saved.exists() and request.start is not None:
        _start_from(request.start, encoder, network)
    elif not saved.exists() and [list(stage) for stage in encoder.config.stages] == [
        list(stage) for stage in LITE2
    ]:
        load_imagenet_weights(encoder.backbone, request.pretrained)
    state = TrainingState(encoder, network, recipe.rates, request.device)
    if saved.exists():
        state.load(saved)
    return state


def _start_from(path: Path, encoder: PyramidEncoder, network: CasDiT) -> None:
    model = assemble("tiny", path, None)
    try:
        encoder.load_state_dict(model.encoder.state_dict())
        network.load_state_dict(model.network.state_dict())
    except RuntimeError:
        raise UsageError(
            f"{path}: holds networks of other sizes than the recipe's; start from another file"
        ) from None


def _kinds(
    wanted: dict[str, float], furniture: Path | None, say: Callable[[str], None]
) -> dict[str, float]:
    """Returns the kinds of scenes that can be rendered; raises if given furniture is missing."""
    if not wanted.get(FURNISHED):
        return wanted
    say("opening the furniture models; packing them the first time takes minutes")
    try:
        load_embree()
        open_library(furniture)
    except PpdError as error:
        if furniture is not None:
            raise
        say(f"no furnished scenes, only scenes of simple shapes: {error}")
        return {PRIMITIVES: 1.0}
    return wanted


def _pool_size(device: torch.device) -> int:
    free = free_memory(device) or physical_memory() or FALLBACK_MEMORY
    return int(min(SHARE_OF_MEMORY * free, MOST_MEMORY[device.type]))


@contextmanager
def _rendering(settings: RenderSettings, workers: int) -> Iterator[Sequence[BaseProcess]]:
    processes = start_workers(settings, workers)
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _wait_for_scenes(
    pool: ScenePool, settings: RenderSettings, renderers: Sequence[BaseProcess], stop: StopRequest
) -> None:
    """Waits until there are a few scenes to learn from.

    Raises:
        PpdError: The rendering processes have ended before.
    """
    while not stop.requested and pool.count < FIRST_SHARDS * SCENES_PER_SHARD:
        if pool.feed(8):
            continue
        if not any(process.is_alive() for process in renderers):
            raise PpdError(
                f"{settings.folder}: the processes that render scenes have ended, see above; run "
                "it again to resume"
            )
        time.sleep(0.5)
