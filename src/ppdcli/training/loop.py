"""The training loop. It runs the phases of a recipe by the clock, on any device."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ppdcli.devices import lacks_memory
from ppdcli.errors import PpdError
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.pyramid_encoder import PyramidEncoder
from ppdcli.processes import StopRequest
from ppdcli.training.augment import crop, tint
from ppdcli.training.clock import Clock, current_phase, learning_rate
from ppdcli.training.pool import ScenePool
from ppdcli.training.recipe import BACKBONE, DIFFUSION, PYRAMID, Phase, Recipe
from ppdcli.training.stages import encoder_loss, flow_loss
from ppdcli.training.state import TrainingState
from ppdcli.training.targets import log_depth_target

SAVE_EVERY = 120.0  # seconds
REPORT_EVERY = 15.0
FEED_EVERY = 4  # steps between searches for a new shard
LARGEST_GRADIENT = 1.0  # norm


@dataclass(frozen=True)
class Standing:
    """The progress of a training, for the user.

    Attributes:
        phase: Number of the running phase, from 1.
        phases: Number of phases.
        trains: The parts that learn in this phase.
        share: Share of the whole time that is used, 0 to 1.
        minutes_left: Minutes until the end.
        loss: Mean loss since the last report.
        rate: Pictures per second since the last report.
        scenes: Number of scenes in memory.
    """

    phase: int
    phases: int
    trains: tuple[str, ...]
    share: float
    minutes_left: float
    loss: float
    rate: float
    scenes: int


class Watcher(Protocol):
    """Gets reports and networks while a training runs."""

    def report(self, standing: Standing) -> None:
        """Called every few seconds."""

    def check(self, encoder: PyramidEncoder, network: CasDiT | None) -> None:
        """Called regularly with the averaged networks; None before the transformer has learned."""

    def keep(self, encoder: PyramidEncoder, network: CasDiT) -> None:
        """Called at every save in a diffusion phase, with the averaged networks: a usable model."""


class Trainer:
    """Trains both networks of a recipe until the time is used up.

    Args:
        recipe: The training recipe.
        state: The networks, on their device.
        pool: The scenes.
        clock: The training time.
        file: File for the state. It is saved every two minutes, at the end, and at a stop.
        watcher: Gets reports and networks.
        stop: A request to stop early.
        say: Called with lines for the user.
        check_every: Seconds between checks.
    """

    def __init__(
        self,
        recipe: Recipe,
        state: TrainingState,
        pool: ScenePool,
        clock: Clock,
        file: Path,
        watcher: Watcher,
        stop: StopRequest,
        say: Callable[[str], None],
        check_every: float = 600.0,
    ) -> None:
        self.recipe, self.state, self.pool, self.clock = recipe, state, pool, clock
        self.file, self.watcher, self.stop, self.say = file, watcher, stop, say
        self.check_every = check_every
        self.device = next(state.network.parameters()).device
        self.rng = np.random.default_rng([recipe.seed, 3, sum(state.steps.values())])
        self.batch_limit = 1 << 30
        self._flow_loss = flow_loss(
            state.average_encoder.network, recipe.noise_only, state.network.config.time_shift
        )

    def run(self) -> None:
        """Trains until the time is used up or a stop is requested; saves in both cases.

        Raises:
            PpdError: Memory is too small even for single pictures, or the training has diverged.
            OutputError: The state cannot be saved.
        """
        torch.manual_seed(int(self.rng.integers(1 << 62)))
        phases = self.recipe.phases
        try:
            while not self.stop.requested:
                number = current_phase(phases, self.clock.share)
                if number is None:
                    break
                self._run_phase(number)
        finally:
            self._save(DIFFUSION if self.state.steps.get(DIFFUSION) else None)

    def _run_phase(self, number: int) -> None:
        phase, phases = self.recipe.phases[number], self.recipe.phases
        diffusion = DIFFUSION in phase.trains
        self.state.prepare(phase.trains)
        saved = reported = time.monotonic()
        checked = saved
        losses: list[Tensor] = []
        seen = steps = 0
        self.clock.skip()
        while not self.stop.requested and current_phase(phases, self.clock.share) == number:
            if steps % FEED_EVERY == 0:
                self.pool.feed(1)
            on_card = self.device.type != "cpu"
            size = min(phase.gpu_batch if on_card else phase.batch, self.batch_limit)
            loss = self._step(phase, size)
            if loss is None:
                self.clock.skip()
                continue
            losses.append(loss)
            seen, steps = seen + size, steps + 1
            self.clock.tick()
            self.state.used = self.clock.used
            now = time.monotonic()
            if now - reported > REPORT_EVERY:
                self._report(number, losses, seen / (now - reported))
                losses, seen, reported = [], 0, time.monotonic()
            if now - saved > SAVE_EVERY:
                self._save(DIFFUSION if diffusion else None)
                saved = time.monotonic()
            if now - checked > self.check_every:
                self._check(diffusion)
                checked = time.monotonic()
        self._check(diffusion)

    def _step(self, phase: Phase, size: int) -> Tensor | None:
        """Runs one step. Returns None if there are no scenes or memory did not suffice."""
        scenes = self.pool.batch(size)
        if scenes is None:
            if self.pool.feed(8) == 0:
                time.sleep(0.2)
            return None
        try:
            area = phase.areas[self.rng.integers(len(phase.areas))]
            image, depth = crop(*scenes, area, self.rng)
            latent = log_depth_target(depth, torch.ones_like(depth, dtype=torch.bool))
            image = tint(image, self.rng).contiguous(memory_format=torch.channels_last)
            loss = self._learn(phase, image, latent)
        except RuntimeError as error:
            if not lacks_memory(error) or size == 1:
                raise
            self.batch_limit = size // 2
            torch.cuda.empty_cache()
            self.say(f"memory is short: batches of {self.batch_limit} from now on")
            return None
        for part in phase.trains:
            self.state.samples[part] += size
        return loss

    def _learn(self, phase: Phase, image: Tensor, latent: Tensor) -> Tensor:
        state, recipe = self.state, self.recipe
        optimizers = []
        for part in phase.trains:
            optimizer, rate = state.optimizers[part], recipe.rates[part]
            steps = state.steps[part]
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(rate, recipe.phases, part, self.clock.share, steps)
            optimizer.zero_grad(set_to_none=True)
            optimizers.append(optimizer)
        diffusion = DIFFUSION in phase.trains
        network: nn.Module = state.network if diffusion else state.encoder
        if diffusion:
            loss = self._flow_loss(network, image, latent, phase)
        else:
            loss = encoder_loss(state.encoder, image, latent, phase)
        loss.backward()
        learning = [p for p in network.parameters() if p.requires_grad]
        nn.utils.clip_grad_norm_(learning, LARGEST_GRADIENT)
        for optimizer in optimizers:
            optimizer.step()
        for part in phase.trains:
            state.steps[part] += 1
        if diffusion:
            decay = recipe.rates[DIFFUSION].ema
            state.average_network.update(state.network, state.steps[DIFFUSION], decay)
        else:
            part = PYRAMID if PYRAMID in phase.trains else BACKBONE
            decay = recipe.rates[part].ema
            state.average_encoder.update(state.encoder, state.steps[part], decay)
        return loss.detach()

    def _report(self, number: int, losses: list[Tensor], rate: float) -> None:
        phases, clock = self.recipe.phases, self.clock
        loss = torch.stack(losses).mean().item()
        if not np.isfinite(loss):
            raise PpdError(
                "the training has diverged (its loss is not a number); lower the rates in the "
                "recipe and start again in another --output"
            )
        self.watcher.report(
            Standing(
                number + 1,
                len(phases),
                phases[number].trains,
                clock.share,
                (clock.total - clock.used) / 60,
                loss,
                rate,
                self.pool.count,
            )
        )

    def _save(self, part: str | None) -> None:
        self.state.next_shard = max(self.state.next_shard, self.pool.next_shard)
        self.state.save(self.file)
        if part == DIFFUSION:
            self.watcher.keep(
                self.state.average_encoder.network, self.state.average_network.network
            )

    def _check(self, diffusion: bool) -> None:
        state = self.state
        network = state.average_network.network if diffusion else None
        self.watcher.check(state.average_encoder.network, network)
        self.clock.skip()
