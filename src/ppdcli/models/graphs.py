"""The two parts of a model that are exported as graphs: the encoder, and a step of the network.

Weights that are float16 are computed with in float16; inputs and outputs stay float32.
"""

from __future__ import annotations

from torch import Tensor, nn

from ppdcli.models.dit import DiT
from ppdcli.models.half_products import ByWeights


class EncoderGraph(nn.Module):
    """Semantics tokens of one photo."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, image: Tensor) -> Tensor:
        """Maps (1, 3, H, W) RGB in [0, 1] to (1, tokens, width), float32."""
        with ByWeights():
            return self.encoder(image).float()


class ResizedEncoderGraph(EncoderGraph):
    """Semantics tokens by an encoder that sees the photo at a size of its own."""

    def forward(self, view: Tensor, image: Tensor) -> Tensor:  # type: ignore[override]
        """Like ``EncoderGraph``.

        Args:
            view: (1, 3, h, w), the photo at the encoder's size.
            image: (1, 3, H, W); only its size counts.
        """
        with ByWeights():
            return self.encoder(view, (image.shape[-2], image.shape[-1])).float()


class StepGraph(nn.Module):
    """The velocity at one timestep."""

    def __init__(self, network: DiT) -> None:
        super().__init__()
        self.network = network
        times = network.t_embedder
        times.frequency = times.frequencies(next(times.parameters()).device)

    def forward(self, x_t: Tensor, image: Tensor, tokens: Tensor, timestep: Tensor) -> Tensor:
        """Returns x_T - x_0, (1, 1, H, W), float32.

        Args:
            x_t: (1, 1, H, W); at the first step it is the noise.
            image: (1, 3, H, W) RGB in [0, 1].
            tokens: the encoder's.
            timestep: (1,) in [0, 1000], float32.
        """
        with ByWeights():
            prepared = self.network.prepare(image - 0.5, tokens)
            return self.network.velocity(x_t, prepared, self.network.condition(timestep))
