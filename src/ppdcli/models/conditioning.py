"""The adaLN vectors of every block, which depend on the timestep alone.

They do not depend on the image. One computation therefore serves all images of a run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppdcli.models.precision import without_autocast

FREQUENCIES = 128
MAX_PERIOD = 10_000.0


@dataclass(frozen=True)
class Condition:
    """The adaLN vectors of a network, float32.

    Attributes:
        timestep: The timesteps of the vectors, (N,) in [0, 1000]. N is 1 if a batch shares one.
        blocks: For each block (N, 6, D): shift, scale and gate of the attention, then of the MLP.
        last: Shift and scale of the last layer, (N, 2, D).
    """

    timestep: Tensor
    blocks: tuple[Tensor, ...]
    last: Tensor

    def split(self) -> list[Condition]:
        """Returns one ``Condition`` for each timestep."""
        return [
            Condition(
                self.timestep[k : k + 1],
                tuple(vectors[k : k + 1] for vectors in self.blocks),
                self.last[k : k + 1],
            )
            for k in range(len(self.timestep))
        ]


class TimestepEmbedding(nn.Module):
    """Maps timesteps (N,) in [0, 1000] to conditioning vectors c (N, D), float32."""

    computes_in_float32 = True
    frequency: Tensor | None = None  # of an exported graph, in which another exp would round

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(2 * FREQUENCIES, hidden_size), nn.SiLU(), nn.Linear(hidden_size, hidden_size)
        )

    @staticmethod
    def frequencies(device: torch.device) -> Tensor:
        """Returns the frequencies, (128,) float32, from 1 to about 1 / 10000."""
        k = torch.arange(FREQUENCIES, device=device, dtype=torch.float32)
        # Keep the order of these float32 operations: t = 1000 amplifies their rounding errors.
        return torch.exp(-math.log(MAX_PERIOD) * k / FREQUENCIES)

    @staticmethod
    def sinusoid(timestep: Tensor, frequency: Tensor | None = None) -> Tensor:
        """Returns [cos | sin] at the frequencies, or at given ones: (N,) -> (N, 256)."""
        if frequency is None:
            frequency = TimestepEmbedding.frequencies(timestep.device)
        angle = timestep.float()[:, None] * frequency
        return torch.cat((angle.cos(), angle.sin()), dim=-1)

    def forward(self, timestep: Tensor) -> Tensor:
        with without_autocast(timestep):
            return self.mlp(self.sinusoid(timestep, self.frequency))


class Modulation(nn.Sequential):
    """adaLN-Zero (DiT, arXiv 2212.09748): maps c (N, D) to (N, parts, D), float32."""

    computes_in_float32 = True

    def __init__(self, hidden_size: int, parts: int) -> None:
        super().__init__(nn.SiLU(), nn.Linear(hidden_size, parts * hidden_size))
        self.parts = parts

    def forward(self, c: Tensor) -> Tensor:
        with without_autocast(c):
            return super().forward(c).unflatten(-1, (self.parts, -1))


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Applies a LayerNorm whose affine part comes from c.

    Args:
        x: The tokens, (N, tokens, D).
        shift, scale: (N, D), or (1, D) if the batch shares its timestep.
    """
    if len(shift) == 1:  # as LayerNorm's own affine part: one pass over x instead of three
        return F.layer_norm(x, x.shape[-1:], weight=1 + scale[0], bias=shift[0], eps=1e-6)
    normalised = F.layer_norm(x, x.shape[-1:], eps=1e-6)
    return normalised * (1 + scale[:, None]) + shift[:, None]


def weights_state(network: nn.Module) -> tuple[tuple[int, int], ...] | None:
    """Returns a value that changes if a weight that a condition depends on is replaced or written.

    Returns None if changes cannot be detected: an optimiser can write to weights that require a
    gradient without leaving a trace, and weights made in inference mode have no version counter.
    """
    parts = (m for m in network.modules() if isinstance(m, (TimestepEmbedding, Modulation)))
    weights = [weight for part in parts for weight in part.parameters()]
    if any(weight.requires_grad or weight.is_inference() for weight in weights):
        return None
    return tuple((weight.data_ptr(), weight._version) for weight in weights)
