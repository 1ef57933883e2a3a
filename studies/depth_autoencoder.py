"""A learned 8x convolutional autoencoder of depth, which shows its cost at depth edges.

It represents the VAE of latent diffusion: four latent channels at an eighth of the size.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

WIDTHS = (32, 64, 96, 128)  # channels at full size, 1/2, 1/4 and 1/8
LATENT = 4  # channels, as in Stable Diffusion's VAE


def _convolution(c_in: int, c_out: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, stride, 1), nn.GroupNorm(8, c_out), nn.SiLU(inplace=True)
    )


class DepthAutoencoder(nn.Module):
    """Maps (N, 1, H, W) to (N, 4, H/8, W/8) and back; H and W are multiples of 8."""

    def __init__(self) -> None:
        super().__init__()
        down: list[nn.Module] = [_convolution(1, WIDTHS[0])]
        up: list[nn.Module] = [nn.Conv2d(LATENT, WIDTHS[-1], 1)]
        for fine, coarse in pairwise(WIDTHS):
            down += [_convolution(fine, coarse, stride=2), _convolution(coarse, coarse)]
        for coarse, fine in pairwise(reversed(WIDTHS)):
            up += [_convolution(coarse, coarse), nn.Upsample(scale_factor=2)]
            up += [_convolution(coarse, fine)]
        self.encoder = nn.Sequential(*down, nn.Conv2d(WIDTHS[-1], LATENT, 1))
        self.decoder = nn.Sequential(*up, nn.Conv2d(WIDTHS[0], 1, 3, padding=1))

    def forward(self, latent: Tensor) -> Tensor:
        return self.decoder(self.encoder(latent))
