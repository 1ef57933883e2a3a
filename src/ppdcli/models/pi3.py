"""Semantics tokens of Pi3 (arXiv 2507.13347), which sees all frames of a window together.

PPVD takes the tokens of Pi3's decoder. Pi3's heads for points, confidence and cameras are not
built.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppdcli.models.dinov2 import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    PATCH,
    TABLE,
    coarse_grid,
    vision_transformer,
)
from ppdcli.models.dit import Attention, Mlp
from ppdcli.models.rope import rotary_table
from ppdcli.models.sizes import DEEPEST, WIDEST, require_counts

ENCODER_REGISTERS = 4
DECODER_REGISTERS = 5


@dataclass(frozen=True)
class Pi3Config:
    """Sizes of the used part of Pi3; the defaults are those of the released model.

    Attributes:
        width: Width of a token.
        num_heads: Attention heads.
        encoder_depth: Blocks of the encoder.
        decoder_depth: Blocks of the decoder, an even number.
    """

    width: int = 1024
    num_heads: int = 16
    encoder_depth: int = 24
    decoder_depth: int = 36

    def __post_init__(self) -> None:
        require_counts(WIDEST, width=self.width, num_heads=self.num_heads)
        require_counts(DEEPEST, encoder_depth=self.encoder_depth, decoder_depth=self.decoder_depth)
        if self.width % (4 * self.num_heads):
            raise ValueError(
                f"width {self.width} does not split into {self.num_heads} heads of a multiple of "
                "4 channels, which the 2-D rotary embedding needs"
            )
        if self.decoder_depth % 2:
            raise ValueError(f"decoder_depth must be even; it is {self.decoder_depth}")


class LayerScale(nn.Module):
    """Multiplies every channel of (..., D) by a factor."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


class DecoderBlock(nn.Module):
    """Attention with rotary embedding, then an MLP with the exact GELU; both scaled and added."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, num_heads)
        self.ls1 = LayerScale(width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, 4 * width, gelu="none")
        self.ls2 = LayerScale(width)

    def forward(self, x: Tensor, table: Tensor) -> Tensor:
        x = x + self.ls1(self.attn(self.norm1(x), table))
        return x + self.ls2(self.mlp(self.norm2(x)))


class Pi3Semantics(nn.Module):
    """Maps the frames of a window to semantics tokens, one per 16 x 16 pixels of each frame.

    A frame's tokens depend on the other frames, but not on their order.

    Attributes:
        dim: Width of a semantics token, twice that of Pi3's own.
    """

    image_mean: Tensor
    image_std: Tensor

    def __init__(self, config: Pi3Config) -> None:
        super().__init__()
        self.config = config
        self.dim = 2 * config.width
        self.register_token = nn.Parameter(torch.zeros(1, 1, DECODER_REGISTERS, config.width))
        self.register_buffer("image_mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("image_std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))
        self.encoder: Any = vision_transformer(
            "vitl", embed_dim=config.width, depth=config.encoder_depth, num_heads=config.num_heads
        )
        registers = torch.zeros(1, ENCODER_REGISTERS, config.width)
        self.encoder.register_tokens = nn.Parameter(registers)
        self.decoder = nn.ModuleList(
            DecoderBlock(config.width, config.num_heads) for _ in range(config.decoder_depth)
        )

    def forward(self, frames: Tensor) -> Tensor:
        """Returns the outputs of the decoder's last two blocks, side by side.

        Args:
            frames: (N, 3, H, W) RGB in [0, 1], all frames of the window; H and W are multiples of
                16.

        Returns:
            (N, H/16 * W/16, dim), row-major.

        Raises:
            ValueError: H or W is not a multiple of 16.
        """
        rows, columns = coarse_grid(frames)
        size = (rows * PATCH, columns * PATCH)
        resized = F.interpolate(frames, size=size, mode="bilinear", align_corners=False)
        patches = self.encode((resized - self.image_mean) / self.image_std)
        tokens = torch.cat((self.register_token[0].expand(len(patches), -1, -1), patches), dim=1)
        of_frame = self._table(rows, columns)
        of_window = of_frame.repeat(1, len(frames), 1, 1)
        last = tokens
        for k, block in enumerate(self.decoder):
            last = tokens
            if k % 2 == 0:
                tokens = block(tokens, of_frame)
            else:
                together = tokens.flatten(0, 1)[None]
                tokens = block(together, of_window)[0].unflatten(0, tokens.shape[:2])
        return torch.cat((last, tokens), dim=-1)[:, DECODER_REGISTERS:]

    def encode(self, picture: Tensor) -> Tensor:
        """Returns DINOv2's patch tokens of each frame after the final norm.

        Args:
            picture: Normalised pixels, (N, 3, 14 * rows, 14 * columns).

        Returns:
            (N, rows * columns, width), row-major.
        """
        vit = self.encoder
        patches = vit.patch_embed(picture)
        rows, columns = patches.shape[1:3]
        count = len(patches)
        table = resampled_positions(vit.pos_embed, rows, columns)
        registers = vit.register_tokens.expand(count, -1, -1)
        class_token = (vit.cls_token + table[:, :1]).expand(count, -1, -1)
        tokens = torch.cat((class_token, registers, patches.flatten(1, 2) + table[:, 1:]), dim=1)
        return vit.norm(vit.blocks(tokens))[:, 1 + ENCODER_REGISTERS :]

    def _table(self, rows: int, columns: int) -> Tensor:
        """The rotary table of a frame: registers at (0, 0), patches from (1, 1) on."""
        head_dim = self.config.width // self.config.num_heads
        device = self.register_token.device
        table = rotary_table(rows + 1, columns + 1, head_dim, device)
        patches = table.unflatten(1, (rows + 1, columns + 1))[:, 1:, 1:].flatten(1, 2)
        return torch.cat((table[:, :1].expand(-1, DECODER_REGISTERS, -1, -1), patches), dim=1)


def resampled_positions(table: Tensor, rows: int, columns: int) -> Tensor:
    """Returns the encoder's table of positions for a grid of patches.

    It is resampled to the size of the grid by a bicubic kernel (a = -0.5) that widens where the
    grid is coarser than the table. Depth Anything V2 has another rule (``DinoV2.positions``).

    Args:
        table: (1, 1 + 37 * 37, width): of the class token, then of the patches.
        rows, columns: The grid.

    Returns:
        (1, 1 + rows * columns, width).
    """
    if rows == columns == TABLE:
        return table
    grid = table[:, 1:].unflatten(1, (TABLE, TABLE)).permute(0, 3, 1, 2)
    resampled = F.interpolate(
        grid, size=(rows, columns), mode="bicubic", align_corners=False, antialias=True
    )
    return torch.cat((table[:, :1], resampled.flatten(2).transpose(1, 2)), dim=1)
