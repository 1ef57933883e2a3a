"""The whole model: semantics encoder, then the flow from noise to depth (paper figure 2)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.flow import euler_sample


def draw_noise(height: int, width: int, seed: int) -> Tensor:
    """x_T of one image, (1, 1, H, W) float32, drawn on the CPU: the same on every device."""
    generator = torch.Generator("cpu").manual_seed(seed)
    return torch.randn((1, 1, height, width), generator=generator, dtype=torch.float32)


class PixelPerfectDepth(nn.Module):
    """Image and noise in, relative depth out."""

    def __init__(self, network: CasDiT, encoder: nn.Module) -> None:
        super().__init__()
        self.network, self.encoder = network, encoder

    @torch.inference_mode()
    def forward(
        self,
        image: Tensor,
        noise: Tensor,
        steps: int,
        on_step: Callable[[int], None] | None = None,
    ) -> Tensor:
        """Samples the depth of a batch: ``encode``, then ``sample``.

        Args:
            image: (N, 3, H, W) RGB in [0, 1]; H and W are multiples of 16.
            noise: (N, 1, H, W) float32, standard normal.
            steps: Euler steps.
            on_step: called with the number of steps done, after each.

        Returns:
            (N, 1, H, W) float32, x_0 + 0.5: about [0, 1], 0 near, 1 far, affine in log(depth + 1).
        """
        return self.sample(image, self.encode(image), noise, steps, on_step)

    @torch.inference_mode()
    def encode(self, image: Tensor) -> Tensor:
        """The semantics prompt of a batch, needed once whatever the number of steps."""
        return self.encoder(image)

    @torch.inference_mode()
    def sample(
        self,
        image: Tensor,
        semantics: Tensor,
        noise: Tensor,
        steps: int,
        on_step: Callable[[int], None] | None = None,
    ) -> Tensor:
        """From noise to depth, as ``forward`` does, with the prompt that ``encode`` gave."""
        condition = image - 0.5

        def velocity(x_t: Tensor, t: Tensor) -> Tensor:
            return self.network(torch.cat((x_t, condition), dim=1), semantics, t)

        return euler_sample(velocity, noise, steps, on_step) + 0.5
