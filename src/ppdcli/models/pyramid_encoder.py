"""ppd-tiny's semantics encoder: a pretrained image network with a small feature pyramid.

The image network was trained on photos. The pyramid learns depth from its features at four scales.
Its tokens prompt the diffusion transformer (paper section 3.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppdcli.models.efficientnet_lite import LITE2, EfficientNetLite, Stages, check_stages
from ppdcli.models.precision import without_autocast
from ppdcli.models.sizes import WIDEST, require_counts

DEPTH_FREQUENCIES = (1, 6)
COARSEST = 32  # largest stride of the image network; it would pad sides that are no multiples
TOKEN = 8  # side of a semantics token in pixels, equal to the transformer's coarse patch


@dataclass(frozen=True)
class PyramidEncoderConfig:
    """Sizes of the encoder.

    Attributes:
        stages: Stages of the image network, an EfficientNet-Lite; Lite2's by default.
        lateral: Channels of the pyramid.
        context: Channels of the coarsest level, which sees the whole picture.
        enlargement: Side of the encoder's input divided by that of the network's input. The encoder
            costs a fiftieth of the network, so it can work on a larger picture.
    """

    stages: Stages = LITE2
    lateral: int = 96
    context: int = 256
    enlargement: float = 1.0

    def __post_init__(self) -> None:
        check_stages(self.stages)
        require_counts(WIDEST, lateral=self.lateral, context=self.context)
        if not (isinstance(self.enlargement, int | float) and 0.25 <= self.enlargement <= 8):
            raise ValueError(f"enlargement must be from 0.25 to 8, not {self.enlargement!r}")

    @property
    def semantics_dim(self) -> int:
        """Width of a token: features at strides 8 and 4, and depth at stride 4 as angles."""
        fine = (TOKEN // 4) ** 2
        return self.lateral + fine * self.lateral + 2 * len(DEPTH_FREQUENCIES) * fine


class ConvNorm(nn.Sequential):
    """Convolution, batch norm, ReLU."""

    def __init__(self, c_in: int, c_out: int, kernel: int = 1) -> None:
        super().__init__(
            nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(c_out),
            nn.ReLU(inplace=True),
        )


class DepthHead(nn.Conv2d):
    """Maps features (N, C, h, w) to depth (N, 1, h, w), in float32 also under autocast."""

    computes_in_float32 = True

    def __init__(self, channels: int) -> None:
        super().__init__(channels, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        with without_autocast(x):
            return super().forward(x.float())


class PyramidEncoder(nn.Module):
    """Maps an image (N, 3, H, W) in [0, 1], H and W multiples of 16, to semantics tokens.

    Raises:
        ValueError: H or W is not a multiple of 16.
    """

    def __init__(self, config: PyramidEncoderConfig) -> None:
        super().__init__()
        self.config = config
        lateral = config.lateral
        self.backbone = EfficientNetLite(config.stages)
        channels = self.backbone.channels
        # The coarsest level also gets the average over the picture and its own row and column.
        self.context = ConvNorm(2 * channels[-1] + 2, config.context)
        widths = (*channels[:-1], config.context)
        self.laterals = nn.ModuleList(nn.Conv2d(c, lateral, 1) for c in widths)
        self.smooth = nn.ModuleList(ConvNorm(lateral, lateral, 3) for _ in widths)
        self.heads = nn.ModuleList(DepthHead(lateral) for _ in widths)

    def train(self, mode: bool = True) -> Self:
        """Sets the mode, but the norms of the image network keep the statistics of ImageNet."""
        super().train(mode)
        for module in self.backbone.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def pyramid(self, image: Tensor) -> list[Tensor]:
        """Returns features at strides 4, 8, 16 and 32, each (N, lateral, H/s, W/s)."""
        levels = self.backbone(image)
        levels[-1] = self.context(_with_place(levels[-1]))
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
        """Returns depth at strides 4, 8, 16, 32, for training: (N, 1, H/s, W/s), 0 near, 1 far."""
        return [head(x) for head, x in zip(self.heads, self.pyramid(image), strict=True)]

    def input_size(self, height: int, width: int) -> tuple[int, int]:
        """Returns the encoder's input size if the network's input is ``height`` x ``width``.

        It is the same size if ``enlargement`` is 1, else a size in multiples of 32.
        """
        scale = self.config.enlargement
        if scale == 1:
            return height, width
        high, wide = (max(1, round(side * scale / COARSEST)) * COARSEST for side in (height, width))
        return high, wide

    def forward(self, image: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """Returns the semantics tokens, (N, H/8 * W/8, semantics_dim), row-major, float32.

        Args:
            image: (N, 3, h, w) in [0, 1].
            size: (H, W) of the network's input; (h, w) if None.
        """
        height, width = size or (image.shape[-2], image.shape[-1])
        if height % 16 or width % 16:
            raise ValueError(f"image sides must be multiples of 16, not {(height, width)}")
        levels = self.pyramid(image)
        # Cas-DiT uses only the direction of a token, so every part gets a fixed length. Depth has
        # one as sines and cosines, which also keep its small differences visible.
        at_4, at_8 = (height // 4, width // 4), (height // 8, width // 8)
        depth = F.pixel_unshuffle(_resized(self.heads[0](levels[0]), at_4), TOKEN // 4)
        angle = torch.cat([depth * (math.pi / 2 * k) for k in DEPTH_FREQUENCIES], 1)
        fine = F.pixel_unshuffle(_resized(levels[0].float(), at_4), TOKEN // 4)
        coarse = _resized(levels[1].float(), at_8)
        parts = (coarse, fine, torch.cat([angle.sin(), angle.cos()], 1))
        return torch.cat([F.normalize(p, dim=1) for p in parts], 1).flatten(2).transpose(1, 2)


def _resized(x: Tensor, size: tuple[int, int]) -> Tensor:
    if x.shape[-2:] == size:
        return x
    return F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False)


def _with_place(x: Tensor) -> Tensor:
    """Joins features (N, C, h, w) with their average, row and column: (N, 2C + 2, h, w)."""
    n, c, h, w = x.shape
    rows, columns = _places(h, x).view(1, 1, h, 1), _places(w, x).view(1, 1, 1, w)
    average = x.mean((2, 3), keepdim=True).expand(n, c, h, w)
    return torch.cat([x, average, rows.expand(n, 1, h, w), columns.expand(n, 1, h, w)], 1)


def _places(count: int, like: Tensor) -> Tensor:
    """``count`` numbers from -1 to 1, with the device and dtype of ``like``."""
    if torch.compiler.is_exporting():  # an exporter turns linspace into a constant
        index = torch.arange(count, device=like.device, dtype=like.dtype)
        return index * (2 / index[-1].clamp(min=1)) - 1
    return torch.linspace(-1, 1, count, device=like.device, dtype=like.dtype)
