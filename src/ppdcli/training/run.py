"""``ppd train`` from start to end: scenes, encoder, transformer, the file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import torch

from ppdcli.errors import UsageError
from ppdcli.models.cas_dit import CasDiT, CasDiTConfig
from ppdcli.models.tiny_encoder import TinyEncoder, TinyEncoderConfig
from ppdcli.training.export import export
from ppdcli.training.loop import train
from ppdcli.training.recipe import Recipe
from ppdcli.training.shards import POOL, SCENES_PER_SHARD, start_workers, wait_for_shards
from ppdcli.training.stages import encoder_loss, flow_loss
from ppdcli.wording import counted

StageReport = Callable[[str, int, dict[str, float]], None]


class Checks(Protocol):
    """Scores networks that are still in training."""

    def encoder(self, encoder: TinyEncoder) -> str: ...

    def diffusion(self, encoder: TinyEncoder, network: CasDiT) -> str: ...


def run(
    recipe: Recipe,
    folder: Path,
    device: torch.device,
    workers: int,
    shards: int,
    say: Callable[[str], None],
    report: StageReport,
    checks: Checks,
) -> Path:
    """Trains what the recipe describes; called again, it goes on where it was stopped.

    Args:
        recipe: what to train, and how long.
        folder: for scenes, checkpoints and the result.
        device: where to train.
        workers: processes that render meanwhile.
        shards: how many shards of 128 scenes to render at most, about 32 MB each.
        say: called with lines for the user.
        report: called now and then with a stage, its number of samples and how it stands (see
            ``loop.train``).
        checks: tell how good the networks are so far, in a line.

    Returns:
        The file, ``ppd.safetensors`` in ``folder``: load it with --model ppd-tiny --checkpoint.

    Raises:
        UsageError: the recipe's models cannot be built, or the folder holds those of another one.
        OutputError: the folder or the file cannot be written.
        PpdError: no scenes are rendered.
    """
    networks = _networks(recipe)
    scenes = folder / "scenes"
    renderers = start_workers(scenes, recipe.seed, workers, shards)
    at_work = counted(workers, "process")
    say(f"up to {shards * SCENES_PER_SHARD} scenes go to {scenes}, rendered by {at_work}")
    try:
        wait_for_shards(scenes, min(POOL, shards), renderers)
        return _train(recipe, networks, folder, scenes, device, say, report, checks)
    finally:
        for renderer in renderers:
            renderer.terminate()
            renderer.join()


def _networks(recipe: Recipe) -> tuple[TinyEncoder, CasDiT]:
    """Both networks, untrained, and known to fit: not only after the first one's hours."""
    try:
        torch.manual_seed(recipe.seed)
        encoder = TinyEncoder(TinyEncoderConfig(**recipe.encoder.model)).eval()
        sizes = {"semantics_dim": encoder.config.semantics_dim, **recipe.diffusion.model}
        network = CasDiT(CasDiTConfig(**sizes))
        with torch.no_grad():
            tokens = encoder(torch.zeros(1, 3, 32, 32))
            network(torch.zeros(1, 4, 32, 32), tokens, torch.zeros(1))
    except (TypeError, ValueError, IndexError, RuntimeError) as error:
        raise UsageError(f"the recipe's models cannot be built: {error}") from None
    return encoder, network


def _train(
    recipe: Recipe,
    networks: tuple[TinyEncoder, CasDiT],
    folder: Path,
    scenes: Path,
    device: torch.device,
    say: Callable[[str], None],
    report: StageReport,
    checks: Checks,
) -> Path:
    encoder, network = networks
    encoder.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    trained_encoder = train(
        encoder,
        recipe.encoder,
        encoder_loss,
        scenes,
        folder / "encoder.ckpt",
        recipe.seed,
        partial(report, "encoder", recipe.encoder.samples),
        lambda averaged: say(checks.encoder(averaged)),
    )
    trained_network = train(
        network.to(device),
        recipe.diffusion,
        flow_loss(trained_encoder, recipe.diffusion.noise_only, network.config.time_shift),
        scenes,
        folder / "diffusion.ckpt",
        recipe.seed + 1,
        partial(report, "diffusion", recipe.diffusion.samples),
        lambda averaged: say(checks.diffusion(trained_encoder, averaged)),
    )
    path = folder / "ppd.safetensors"
    export(path, trained_network, trained_encoder, recipe.card)
    return path
