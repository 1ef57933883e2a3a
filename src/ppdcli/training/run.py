"""``ppd train`` from start to end: scenes, encoder, transformer, the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from ppdcli.models.cas_dit import CasDiT, CasDiTConfig
from ppdcli.models.tiny_encoder import TinyEncoder, TinyEncoderConfig
from ppdcli.training.export import export
from ppdcli.training.loop import train
from ppdcli.training.recipe import Recipe
from ppdcli.training.shards import SCENES_PER_SHARD, start_workers
from ppdcli.training.stages import encoder_loss, flow_loss


def run(
    recipe: Recipe,
    folder: Path,
    device: torch.device,
    workers: int,
    shards: int,
    say: Callable[[str], None],
) -> Path:
    """Trains what the recipe describes; called again, it goes on where it was stopped.

    Args:
        recipe: what to train, and how long.
        folder: for scenes, checkpoints and the result.
        device: where to train.
        workers: processes that render meanwhile.
        shards: how many shards of 128 scenes to render at most, about 32 MB each.
        say: called with lines for the user.

    Returns:
        The file, ``ppd.safetensors`` in ``folder``: load it with --model ppd-tiny --checkpoint.
    """
    scenes = folder / "scenes"
    start_workers(scenes, recipe.seed, workers, shards)
    say(f"up to {shards * SCENES_PER_SHARD} scenes go to {scenes}, {workers} processes render")

    def report(stage: str, total: int) -> Callable[[dict[str, float]], None]:
        def line(d: dict[str, float]) -> None:
            left = (total - d["samples"]) / max(d["rate"], 1e-9) / 60
            say(
                f"{stage}: {d['samples']:.0f} of {total} samples, loss {d['loss']:.4f}, "
                f"{d['rate']:.1f} a second, {left:.0f} min left"
            )

        return line

    torch.manual_seed(recipe.seed)
    encoder = TinyEncoder(TinyEncoderConfig(**recipe.encoder.model))
    encoder.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    trained_encoder = train(
        encoder,
        recipe.encoder,
        encoder_loss,
        scenes,
        folder / "encoder.ckpt",
        recipe.seed,
        report("encoder", recipe.encoder.samples),
    )
    sizes = {"semantics_dim": encoder.config.semantics_dim, **recipe.diffusion.model}
    network = CasDiT(CasDiTConfig(**sizes)).to(device)
    trained_network = train(
        network,
        recipe.diffusion,
        flow_loss(trained_encoder, recipe.diffusion.noise_only),
        scenes,
        folder / "diffusion.ckpt",
        recipe.seed + 1,
        report("diffusion", recipe.diffusion.samples),
    )
    path = folder / "ppd.safetensors"
    export(path, trained_network, trained_encoder, recipe.card)
    return path
