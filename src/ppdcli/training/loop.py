"""The training loop that both stages share: schedule, averaged weights, checkpoints, resume."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ppdcli.errors import UsageError
from ppdcli.training.recipe import Phase, Stage
from ppdcli.training.shards import Samples, ShardReader, augment
from ppdcli.training.state import damaged, read_state, write_state
from ppdcli.training.targets import log_depth_target

Network = TypeVar("Network", bound=nn.Module)
Loss = Callable[[Network, Tensor, Tensor, Phase], Tensor]
Report = Callable[[dict[str, float]], None]
SAVE_EVERY = 120.0  # seconds
CHECK_EVERY = 600.0


class Averaged(Generic[Network]):
    """Exponential moving average of a network's weights and buffers (EMA)."""

    def __init__(self, network: Network, decay: float) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: Network, step: int) -> None:
        """Moves towards the network; faster at first, when little has been averaged."""
        decay = min(self.decay, (1 + step) / (10 + step))
        mine = [t for t in self.network.state_dict().values() if t.is_floating_point()]
        theirs = [t for t in network.state_dict().values() if t.is_floating_point()]
        torch._foreach_lerp_(mine, theirs, 1 - decay)


def learning_rate(stage: Stage, step: int, done: int) -> float:
    """The rate of step ``step``, 0 the first, after ``done`` samples: warm-up, then as planned."""
    cosine = 0.5 * (1 + math.cos(math.pi * done / stage.samples))
    share = 1.0 if stage.schedule == "constant" else max(cosine, 0.01)
    return stage.learning_rate * share * min(1.0, (step + 1) / max(stage.warmup, 1))


def tensors(samples: Samples, device: torch.device) -> tuple[Tensor, Tensor]:
    """Image (N, 3, H, W) in [0, 1] and latent x_0 (N, 1, H, W) of a batch."""
    image = torch.from_numpy(samples.rgb).to(device).permute(0, 3, 1, 2).float() / 255
    depth = torch.from_numpy(samples.depth).to(device)[:, None]
    latent = log_depth_target(depth, torch.ones_like(depth, dtype=torch.bool))
    return image.contiguous(memory_format=torch.channels_last), latent


def train(
    network: Network,
    stage: Stage,
    loss: Loss[Network],
    shards: Path,
    checkpoint: Path,
    seed: int,
    report: Report,
    check: Callable[[Network], None] = lambda network: None,
    report_every: float = 30.0,
) -> Network:
    """Trains until the stage's samples are used up; goes on from ``checkpoint`` if there is one.

    Stopped and gone on, it comes to the same weights, bit for bit, if the folder holds the same
    shards meanwhile and the machine computes alike.

    Args:
        network: on its device already.
        stage: how.
        loss: (network, image, latent, phase) -> scalar.
        shards: folder of rendered scenes, which may still be filling.
        checkpoint: where the state is kept; written beside and renamed, every two minutes.
        seed: of the order and the augmentation of the samples.
        report: called now and then with ``samples``, ``loss``, ``rate``, ``learning_rate``.
        check: called with the averaged network every ten minutes, and at the end.
        report_every: seconds between reports.

    Returns:
        The averaged network, in eval mode.

    Raises:
        UsageError: the checkpoint is of another network, or damaged.
        OutputError: the checkpoint cannot be written.
    """
    device = next(network.parameters()).device
    optimizer = torch.optim.AdamW(
        network.parameters(), stage.learning_rate, weight_decay=stage.weight_decay
    )
    average = Averaged(network, stage.ema)
    reader = ShardReader(shards, np.random.default_rng([seed, 3]))
    done = step = 0
    if checkpoint.exists():
        state = read_state(checkpoint, stage.samples)
        try:
            network.load_state_dict(state["network"])
            average.network.load_state_dict(state["average"])
            optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError):
            raise UsageError(
                f"{checkpoint}: is of a network of other sizes; go on with the recipe that it was "
                "made by, or choose another --output"
            ) from None
        except Exception:  # tables of other things than it was given raise anything
            raise damaged(checkpoint) from None
        done, step = state["done"], state["step"]
        try:
            reader.restore(state["reader"])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise damaged(checkpoint) from None

    def save() -> None:
        state = {
            "network": network.state_dict(),
            "average": average.network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "done": done,
            "step": step,
            "reader": reader.state(),
        }
        write_state(checkpoint, state)

    network.train()
    end_of_phase = 0
    saved = reported = checked = time.monotonic()
    started_at = done
    losses: list[float] = []
    reported_at = done
    for phase in stage.phases:
        end_of_phase += phase.samples
        while done < end_of_phase:
            # Every step has randomness of its own, so that a run that was stopped goes on as if
            # it had not been.
            rng = np.random.default_rng([seed, step, 4])
            torch.manual_seed(int(rng.integers(1 << 62)))
            samples = augment(reader.batch(phase.batch), phase.scale, rng)
            image, latent = tensors(samples, device)
            rate = learning_rate(stage, step, done)
            for group in optimizer.param_groups:
                group["lr"] = rate
            value = loss(network, image, latent, phase)
            optimizer.zero_grad(set_to_none=True)
            value.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            step, done = step + 1, done + phase.batch
            average.update(network, step)
            losses.append(float(value.detach()))
            now = time.monotonic()
            if now - reported > report_every:
                speed = (done - reported_at) / (now - reported)
                mean = float(np.mean(losses))
                report({"samples": done, "loss": mean, "rate": speed, "learning_rate": rate})
                losses, reported, reported_at = [], now, done
            if now - saved > SAVE_EVERY:
                save()
                saved = now
            if now - checked > CHECK_EVERY:
                check(average.network)
                checked = time.monotonic()
    save()
    if done > started_at:
        check(average.network)
    return average.network
