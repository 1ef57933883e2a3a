"""ppd-tiny's semantics encoder: a small convolutional network that learns depth from scratch.

It plays the role of the foundation model (paper section 3.2): trained first, on direct depth, then
frozen; its tokens prompt the diffusion transformer. A convolutional one, because it learns from
little several times faster than a ViT.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppdcli.models.sizes import DEEPEST, WIDEST, require_counts, require_lists

DEPTH_FREQUENCIES = (1, 6)
STRIDES = (4, 8, 16, 32)  # of the levels that the pyramid has


@dataclass(frozen=True)
class TinyEncoderConfig:
    """Sizes of the encoder.

    Attributes:
        widths: channels at strides 2, 4, 8, 16 and 32.
        depths: residual blocks at strides 4, 8, 16 and 32.
        lateral: channels of the top-down pyramid.
        token: side of a semantics token in pixels, 8 or 16: the transformer's coarse patch.
    """

    widths: tuple[int, ...] = (24, 32, 64, 128, 224)
    depths: tuple[int, ...] = (1, 3, 6, 4)
    lateral: int = 64
    token: int = 16

    def __post_init__(self) -> None:
        require_lists(WIDEST, len(STRIDES) + 1, widths=self.widths)
        require_lists(DEEPEST, len(STRIDES), depths=self.depths)
        require_counts(WIDEST, lateral=self.lateral)
        if self.token not in (8, 16):
            raise ValueError(f"token must be 8 or 16 pixels, not {self.token}")

    @property
    def semantics_dim(self) -> int:
        """Width of a semantics token: the pyramid at its stride and at half of it, and depth at
        stride 4."""
        depths = (self.token // 4) ** 2
        return self.lateral + 4 * self.lateral + 2 * len(DEPTH_FREQUENCIES) * depths


class ConvNorm(nn.Sequential):
    """Convolution and batch norm, then ReLU unless told otherwise."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        act: bool = True,
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(c_out),
        ]
        super().__init__(*layers, *([nn.ReLU(inplace=True)] if act else []))


class Residual(nn.Module):
    """Depthwise 5x5, then an inverted bottleneck of pointwise layers, plus the input."""

    def __init__(self, channels: int, expand: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ConvNorm(channels, channels, 5, groups=channels, act=False),
            ConvNorm(channels, expand * channels),
            ConvNorm(expand * channels, channels, act=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Descend(nn.Module):
    """Half the size, more channels: depthwise 5x5 with stride 2 inside an inverted bottleneck."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        inner = 3 * c_in
        self.body = nn.Sequential(
            ConvNorm(c_in, inner),
            ConvNorm(inner, inner, 5, stride=2, groups=inner),
            ConvNorm(inner, c_out, act=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class TinyEncoder(nn.Module):
    """Image (N, 3, H, W) in [0, 1], H and W multiples of 16 -> semantics tokens.

    Raises:
        ValueError: H or W is not a multiple of 16.
    """

    def __init__(self, config: TinyEncoderConfig) -> None:
        super().__init__()
        self.config = config
        w, lateral = config.widths, config.lateral
        self.stem = ConvNorm(3, w[0], 3, stride=2)
        self.stages = nn.ModuleList()
        for k, blocks in enumerate(config.depths):
            first = ConvNorm(w[0], w[1], 3, stride=2) if k == 0 else Descend(w[k], w[k + 1])
            self.stages.append(nn.Sequential(first, *(Residual(w[k + 1]) for _ in range(blocks))))
        # The coarsest level also knows the whole picture's average and its own row and column.
        self.context = ConvNorm(2 * w[-1] + 2, w[-1])
        self.laterals = nn.ModuleList(nn.Conv2d(c, lateral, 1) for c in w[1:])
        self.smooth = nn.ModuleList(ConvNorm(lateral, lateral, 3) for _ in w[1:])
        self.heads = nn.ModuleList(nn.Conv2d(lateral, 1, 3, padding=1) for _ in w[1:])

    def pyramid(self, image: Tensor) -> list[Tensor]:
        """Features at strides 4, 8, 16 and 32, each (N, lateral, H/s, W/s)."""
        x = self.stem(image * 4 - 2)
        levels = []
        for stage in self.stages:
            x = stage(x)
            levels.append(x)
        n, c, h, w = x.shape
        rows = torch.linspace(-1, 1, h, device=x.device, dtype=x.dtype).view(1, 1, h, 1)
        columns = torch.linspace(-1, 1, w, device=x.device, dtype=x.dtype).view(1, 1, 1, w)
        overall = x.mean((2, 3), keepdim=True).expand(n, c, h, w)
        place = torch.cat([rows.expand(n, 1, h, w), columns.expand(n, 1, h, w)], 1)
        levels[-1] = self.context(torch.cat([x, overall, place], 1))
        out: list[Tensor] = []
        for level, lateral, smooth in zip(
            reversed(levels), reversed(self.laterals), reversed(self.smooth), strict=True
        ):
            y = lateral(level)
            if out:
                y = y + F.interpolate(out[-1], size=y.shape[-2:], mode="nearest")
            out.append(smooth(y))
        return out[::-1]

    def depths(self, image: Tensor) -> list[Tensor]:
        """Depth at strides 4, 8, 16 and 32 for training: (N, 1, H/s, W/s), 0 near and 1 far."""
        return [head(x) for head, x in zip(self.heads, self.pyramid(image), strict=True)]

    def forward(self, image: Tensor) -> Tensor:
        """Semantics tokens (N, H/token * W/token, semantics_dim), row-major."""
        if image.shape[-2] % 16 or image.shape[-1] % 16:
            raise ValueError(f"image sides must be multiples of 16, not {tuple(image.shape[-2:])}")
        levels = self.pyramid(image)  # strides 4, 8, 16, 32
        own = (4, 8, 16).index(self.config.token)
        depth = F.pixel_unshuffle(self.heads[0](levels[0]), self.config.token // 4)
        # Cas-DiT keeps only a token's direction, so every part has a fixed length of its own; as
        # sines and cosines depth has one, and its small differences still show.
        angle = torch.cat([depth * (math.pi / 2 * k) for k in DEPTH_FREQUENCIES], 1)
        half = F.pixel_unshuffle(levels[own - 1], 2)
        parts = (levels[own], half, torch.cat([angle.sin(), angle.cos()], 1))
        return torch.cat([F.normalize(p, dim=1) for p in parts], 1).flatten(2).transpose(1, 2)
