"""What the network makes of a timestep alone: the vectors of every block's adaLN.

They depend on no image, so that one computation serves all images of a run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FREQUENCIES = 128
MAX_PERIOD = 10_000.0


@dataclass(frozen=True)
class Condition:
    """A network's adaLN vectors, float32.

    Attributes:
        timestep: (N,) in [0, 1000], what they belong to; N is 1 where a batch shares its timestep.
        blocks: of each block (N, 6, D): shift, scale and gate of the attention, then of the MLP.
        last: (N, 2, D), shift and scale of the last layer.
    """

    timestep: Tensor
    blocks: tuple[Tensor, ...]
    last: Tensor

    def apart(self) -> list[Condition]:
        """One for each of the timesteps."""
        return [
            Condition(
                self.timestep[k : k + 1],
                tuple(vectors[k : k + 1] for vectors in self.blocks),
                self.last[k : k + 1],
            )
            for k in range(len(self.timestep))
        ]


class TimestepEmbedding(nn.Module):
    """Timesteps (N,) in [0, 1000] -> conditioning vectors c (N, D), float32."""

    computes_in_float32 = True

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(2 * FREQUENCIES, hidden_size), nn.SiLU(), nn.Linear(hidden_size, hidden_size)
        )

    @staticmethod
    def sinusoid(timestep: Tensor) -> Tensor:
        """[cos | sin] at 128 frequencies from 1 down towards 1 / 10000: (N,) -> (N, 256)."""
        k = torch.arange(FREQUENCIES, device=timestep.device, dtype=torch.float32)
        # The order of these float32 operations matters: t = 1000 enlarges their rounding errors.
        frequency = torch.exp(-math.log(MAX_PERIOD) * k / FREQUENCIES)
        angle = timestep.float()[:, None] * frequency
        return torch.cat((angle.cos(), angle.sin()), dim=-1)

    def forward(self, timestep: Tensor) -> Tensor:
        with torch.autocast(timestep.device.type, enabled=False):
            return self.mlp(self.sinusoid(timestep))


class Modulation(nn.Sequential):
    """adaLN-Zero (DiT, arXiv 2212.09748): c (N, D) -> ``parts`` vectors (N, parts, D), float32."""

    computes_in_float32 = True

    def __init__(self, hidden_size: int, parts: int) -> None:
        super().__init__(nn.SiLU(), nn.Linear(hidden_size, parts * hidden_size))
        self.parts = parts

    def forward(self, c: Tensor) -> Tensor:
        with torch.autocast(c.device.type, enabled=False):
            return super().forward(c).unflatten(-1, (self.parts, -1))


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """LayerNorm without an affine part of its own; c gives it.

    Args:
        x: (N, tokens, D).
        shift, scale: (N, D), or (1, D) where the batch shares its timestep.
    """
    if len(shift) == 1:  # LayerNorm's own affine part takes that: one pass over x instead of three
        return F.layer_norm(x, x.shape[-1:], weight=1 + scale[0], bias=shift[0], eps=1e-6)
    normalised = F.layer_norm(x, x.shape[-1:], eps=1e-6)
    return normalised * (1 + scale[:, None]) + shift[:, None]


def weights_state(network: nn.Module) -> tuple[tuple[int, int], ...] | None:
    """Equal as long as no weight that a condition depends on was replaced or written to.

    None where that cannot be told: an optimiser may write without leaving a trace to weights that
    require a gradient, and weights made in inference mode count nothing at all.
    """
    parts = (m for m in network.modules() if isinstance(m, (TimestepEmbedding, Modulation)))
    weights = [weight for part in parts for weight in part.parameters()]
    if any(weight.requires_grad or weight.is_inference() for weight in weights):
        return None
    return tuple((weight.data_ptr(), weight._version) for weight in weights)
