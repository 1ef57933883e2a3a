"""MoGe-2's neck and heads: stacks of convolutions over five levels, each twice as fine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from ppdcli.models.moge2_config import StackConfig
from ppdcli.models.precision import without_autocast


def view_plane(rows: int, columns: int, aspect: float, like: Tensor) -> Tensor:
    """Returns the view coordinates of a grid's cells: (1, 2, rows, columns), u right, v down.

    (0, 0) is the centre of the image; its corners are at distance 1.

    Args:
        rows: Rows of the grid.
        columns: Columns of the grid.
        aspect: Width / height of the *image*; the grid's own aspect only approximates it.
        like: A tensor of the wanted device and dtype.
    """
    diagonal = math.hypot(aspect, 1)

    def axis(span: float, count: int) -> Tensor:
        end = span * (count - 1) / count
        return torch.linspace(-end, end, count, device=like.device, dtype=like.dtype)

    v, u = torch.meshgrid(axis(1 / diagonal, rows), axis(aspect / diagonal, columns), indexing="ij")
    return torch.stack((u, v))[None]


def conv3x3(c_in: int, c_out: int) -> nn.Conv2d:
    return nn.Conv2d(c_in, c_out, 3, padding=1, padding_mode="replicate")


def normalisation(kind: str, channels: int) -> nn.Module:
    if kind == "none":
        return nn.Identity()
    return nn.GroupNorm(channels // 32 if kind == "group_norm" else 1, channels)


class ResidualBlock(nn.Module):
    """Two times norm, ReLU and a 3x3 convolution, plus the input."""

    def __init__(self, channels: int, config: StackConfig) -> None:
        super().__init__()
        hidden = config.hidden_factor * channels
        self.layers = nn.Sequential(
            normalisation(config.in_norm, channels),
            nn.ReLU(),
            conv3x3(channels, hidden),
            normalisation(config.hidden_norm, hidden),
            nn.ReLU(),
            conv3x3(hidden, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def resampler(kind: str, c_in: int, c_out: int) -> nn.Sequential:
    """Returns layers that map (N, c_in, H, W) to (N, c_out, 2H, 2W)."""
    if kind == "conv_transpose":
        return nn.Sequential(nn.ConvTranspose2d(c_in, c_out, 2, stride=2), conv3x3(c_out, c_out))
    enlarge = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
    return nn.Sequential(enlarge, conv3x3(c_in, c_out))


class Output(nn.Conv2d):
    """The 1x1 convolution to the output of a level, in float32 also under autocast.

    The output is the logarithm of a depth: the 8 bits of bfloat16 would show as steps.
    """

    computes_in_float32 = True

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__(c_in, c_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        with without_autocast(x):
            return super().forward(x.float())


class ConvStack(nn.Module):
    """Maps features of five levels to features of five levels, from coarse to fine."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        widths = config.dim_res_blocks
        self.input_blocks = nn.ModuleList(
            nn.Identity() if c_in is None else nn.Conv2d(c_in, width, 1)
            for c_in, width in zip(config.dim_in, widths, strict=True)
        )
        self.res_blocks = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(width, config) for _ in range(count)))
            for width, count in zip(widths, config.num_res_blocks, strict=True)
        )
        self.resamplers = nn.ModuleList(
            resampler(kind, coarse, fine)
            for kind, coarse, fine in zip(config.resamplers, widths[:-1], widths[1:], strict=True)
        )
        self.output_blocks = nn.ModuleList(
            nn.Identity() if c_out is None else Output(width, c_out)
            for c_out, width in zip(config.dim_out, widths, strict=True)
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Level i of the input is (N, inputs[i], 2^i rows, 2^i columns); the output is alike."""
        x = self.res_blocks[0](self.input_blocks[0](features[0]))
        outputs = [self.output_blocks[0](x)]
        for level, enlarge in enumerate(self.resamplers, start=1):
            x = enlarge(x) + self.input_blocks[level](features[level])
            x = self.res_blocks[level](x)
            outputs.append(self.output_blocks[level](x))
        return outputs


class ScaleHead(nn.Sequential):
    """Maps the class token (N, dims[0]) to the logarithm of the metric scale (N, 1), float32."""

    computes_in_float32 = True

    def __init__(self, dims: Sequence[int]) -> None:
        layers: list[nn.Module] = []
        for c_in, c_out in pairwise(dims):
            layers += [nn.Linear(c_in, c_out), nn.ReLU()]
        super().__init__(*layers[:-1])

    def forward(self, class_token: Tensor) -> Tensor:
        with without_autocast(class_token):
            return super().forward(class_token.float())
