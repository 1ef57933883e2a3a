"""The networks during training, and the file from which a stopped training resumes."""

from __future__ import annotations

import copy
import errno
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import nn

from ppdcli.checkpoints.layouts import read_pickle
from ppdcli.errors import CheckpointError, UsageError
from ppdcli.files.atomic import atomic_path
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.pyramid_encoder import PyramidEncoder
from ppdcli.training.recipe import BACKBONE, DIFFUSION, PYRAMID, Rate

Network = TypeVar("Network", bound=nn.Module)


class Averaged(Generic[Network]):
    """Exponential moving average of a network's weights and buffers (EMA)."""

    def __init__(self, network: Network) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, network: Network, step: int, decay: float) -> None:
        """Moves the average towards the network, faster in the first steps."""
        decay = min(decay, (1 + step) / (10 + step))
        mine = [t for t in self.network.state_dict().values() if t.is_floating_point()]
        theirs = [t for t in network.state_dict().values() if t.is_floating_point()]
        torch._foreach_lerp_(mine, theirs, 1 - decay)


class TrainingState:
    """Both networks, their averages and optimizers, and the progress of the training.

    Attributes:
        used: Seconds of training.
        steps: Number of steps of each part.
        samples: Number of pictures that each part has learned from.
        next_shard: Number of the first shard of scenes that has not been read.
    """

    def __init__(
        self,
        encoder: PyramidEncoder,
        network: CasDiT,
        rates: dict[str, Rate],
        device: torch.device,
    ) -> None:
        self.encoder = encoder.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network = network.to(device)
        self.average_encoder = Averaged(self.encoder)
        self.average_network = Averaged(self.network)
        self.rates = rates
        fused = device.type == "cuda"
        self.optimizers = {
            part: torch.optim.AdamW(
                list(self.parameters(part)),
                rate.highest,
                betas=(0.9, 0.99),
                weight_decay=rate.weight_decay,
                fused=fused,
            )
            for part, rate in rates.items()
        }
        self.used = 0.0
        self.steps = dict.fromkeys(rates, 0)
        self.samples = dict.fromkeys(rates, 0)
        self.next_shard = 0

    def parameters(self, part: str) -> Iterable[nn.Parameter]:
        """Returns the weights of a part."""
        if part == DIFFUSION:
            return self.network.parameters()
        backbone = part == BACKBONE
        named = self.encoder.named_parameters()
        return (p for name, p in named if name.startswith("backbone.") == backbone)

    def prepare(self, trains: Iterable[str]) -> None:
        """Enables training of these parts and freezes all others."""
        parts = set(trains)
        for part in (PYRAMID, BACKBONE, DIFFUSION):
            for parameter in self.parameters(part):
                parameter.requires_grad_(part in parts)
        self.encoder.train(DIFFUSION not in parts)
        self.network.train(DIFFUSION in parts)

    def save(self, path: Path) -> None:
        """Writes everything to a temporary file and renames it to ``path``.

        Raises:
            OutputError: The file cannot be written (NoRoomError if the disk is full). The previous
                file is kept.
        """
        state = {
            **{name: module.state_dict() for name, module in self._modules().items()},
            "optimizers": {part: o.state_dict() for part, o in self.optimizers.items()},
            "used": self.used,
            "steps": self.steps,
            "samples": self.samples,
            "next_shard": self.next_shard,
        }
        with atomic_path(path, follow=False) as temporary, temporary.open("wb") as file:
            try:
                torch.save(state, file)
            except RuntimeError as error:  # PyTorch's writer raises it after the stream has failed
                cause = error.__context__
                raise (
                    cause if isinstance(cause, OSError) else OSError(errno.EIO, str(error))
                ) from error

    def load(self, path: Path) -> None:
        """Restores what ``save`` wrote.

        Raises:
            UsageError: The file is damaged, not a training state, or of other networks.
        """
        state = _read(path)
        try:
            for name, module in self._modules().items():
                module.load_state_dict(state[name])
            for part, optimizer in self.optimizers.items():
                optimizer.load_state_dict(state["optimizers"][part])
            self.used = float(state["used"])
            self.steps = {part: int(state["steps"][part]) for part in self.rates}
            self.samples = {part: int(state["samples"][part]) for part in self.rates}
            self.next_shard = int(state["next_shard"])
        except Exception:  # a file with other contents can raise any exception
            raise UsageError(
                f"{path}: belongs to networks of other sizes; use the recipe that made it, or "
                "choose another --output"
            ) from None

    def _modules(self) -> dict[str, nn.Module]:
        return {
            "encoder": self.encoder,
            "network": self.network,
            "average_encoder": self.average_encoder.network,
            "average_network": self.average_network.network,
        }


def _read(path: Path) -> dict[str, Any]:
    with suppress(CheckpointError):
        state = read_pickle(path, mapped=False)
        if isinstance(state, dict):
            return state
    raise UsageError(
        f"{path}: not a training state, or damaged; remove it to begin again, or choose another "
        "--output"
    )
