"""Semantics tokens from Depth Anything V2's image encoder, a DINOv2 ViT (arXiv 2304.07193)."""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
PATCH = 14
TABLE = 37  # the position table is TABLE x TABLE, for pictures of 518 x 518
COARSE_PATCH = 16  # side of Cas-DiT's coarse patches in the released model
TIMM_NAMES = {"vits": "vit_small_patch14_dinov2", "vitl": "vit_large_patch14_dinov2"}


class DinoV2Semantics(nn.Module):
    """One token per 16 x 16 pixels.

    Attributes:
        dim: width of a token: 384 (vits) or 1024 (vitl).
        backbone: timm's ViT; its state dict has DINOv2's key names.
    """

    def __init__(self, variant: Literal["vits", "vitl"]) -> None:
        super().__init__()
        import timm  # takes seconds

        backbone: Any = timm.create_model(
            TIMM_NAMES[variant],
            pretrained=False,
            img_size=PATCH * TABLE,
            dynamic_img_size=True,
            num_classes=0,
        )
        self.backbone = backbone
        self.dim: int = backbone.embed_dim

    def forward(self, image: Tensor) -> Tensor:
        """The patch tokens after the final norm.

        Args:
            image: (N, 3, H, W) RGB in [0, 1]; H and W are multiples of 16.

        Returns:
            (N, H/16 * W/16, dim), row-major.

        Raises:
            ValueError: if H or W is not a multiple of 16.
        """
        height, width = image.shape[-2:]
        if height % COARSE_PATCH or width % COARSE_PATCH:
            raise ValueError(
                f"height and width must be multiples of {COARSE_PATCH}: {height} x {width}"
            )
        rows, columns = height // COARSE_PATCH, width // COARSE_PATCH
        mean = image.new_tensor(IMAGENET_MEAN).view(3, 1, 1)
        std = image.new_tensor(IMAGENET_STD).view(3, 1, 1)
        resized = F.interpolate(
            (image - mean) / std,
            size=(rows * PATCH, columns * PATCH),
            mode="bicubic",
            align_corners=False,
        )
        vit = self.backbone
        patches = vit.patch_embed(resized).flatten(1, 2)
        class_token = vit.cls_token.expand(len(patches), -1, -1)
        tokens = torch.cat((class_token, patches), dim=1) + self._positions(rows, columns)
        return vit.norm(vit.blocks(tokens))[:, 1:]

    def _positions(self, rows: int, columns: int) -> Tensor:
        """The position table for a grid: (1, 1 + rows * columns, dim).

        DINOv2's own code resamples the table by these scale factors, 0.1 of a cell too large, and
        not by size as timm does: the positions differ visibly, so the tokens would.
        """
        table: Tensor = self.backbone.pos_embed
        if rows == columns == TABLE:
            return table
        grid = table[:, 1:].unflatten(1, (TABLE, TABLE)).permute(0, 3, 1, 2)
        resampled = F.interpolate(
            grid,
            scale_factor=((rows + 0.1) / TABLE, (columns + 0.1) / TABLE),
            mode="bicubic",
            align_corners=False,
        )
        return torch.cat((table[:, :1], resampled.flatten(2).transpose(1, 2)), dim=1)
