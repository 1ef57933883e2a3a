"""DINOv2's ViT (arXiv 2304.07193), and semantics tokens from Depth Anything V2's copy of it."""

from __future__ import annotations

from typing import Any, Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
PATCH = 14
TABLE = 37  # side of the position table, made for pictures of 518 x 518
COARSE_PATCH = 16  # side of Cas-DiT's coarse patches in the released model
Variant = Literal["vits", "vitb", "vitl"]
TIMM_NAMES: dict[Variant, str] = {
    "vits": "vit_small_patch14_dinov2",
    "vitb": "vit_base_patch14_dinov2",
    "vitl": "vit_large_patch14_dinov2",
}


def coarse_grid(image: Tensor) -> tuple[int, int]:
    """Returns the rows and columns of the semantics tokens: one per 16 x 16 pixels.

    Raises:
        ValueError: A side of ``image`` (N, 3, H, W) is not a multiple of 16.
    """
    height, width = image.shape[-2:]
    if height % COARSE_PATCH or width % COARSE_PATCH:
        raise ValueError(
            f"height and width must be multiples of {COARSE_PATCH}: {height} x {width}"
        )
    return height // COARSE_PATCH, width // COARSE_PATCH


def vision_transformer(variant: Variant, **sizes: Any) -> Any:
    """Returns timm's ViT of that variant, without weights of a file.

    Args:
        variant: which one.
        sizes: sizes that differ from the variant's, as timm names them, such as ``depth``.
    """
    import timm  # here, because the import takes seconds

    return timm.create_model(
        TIMM_NAMES[variant],
        pretrained=False,
        img_size=PATCH * TABLE,
        dynamic_img_size=True,
        num_classes=0,
        **sizes,
    )


class DinoV2(nn.Module):
    """timm's ViT, with the position table resampled as in DINOv2's own code.

    Attributes:
        backbone: The ViT. Its state dict has DINOv2's key names.
    """

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self.backbone: Any = vision_transformer(variant)
        self._kept: tuple[object, Tensor] | None = None

    def _tokens(self, picture: Tensor) -> Tensor:
        """Returns the input of the first block: a class token, then the patches, row-major.

        Args:
            picture: Normalised pixels, (N, 3, 14 * rows, 14 * columns).

        Returns:
            (N, 1 + rows * columns, width).
        """
        vit = self.backbone
        patches = vit.patch_embed(picture)
        rows, columns = patches.shape[1:3]
        class_token = vit.cls_token.expand(len(patches), -1, -1)
        return torch.cat((class_token, patches.flatten(1, 2)), dim=1) + self.positions(
            rows, columns
        )

    def positions(self, rows: int, columns: int) -> Tensor:
        """Returns the position table for a grid: (1, 1 + rows * columns, width).

        DINOv2's own code resamples the table by scale factors that are 0.1 of a cell too large;
        timm resamples it to a size. The positions differ enough to change the tokens.
        """
        table: Tensor = self.backbone.pos_embed
        if torch.compiler.is_exporting():
            return positions_by_products(table, rows, columns)
        if rows == columns == TABLE:
            return table
        if table.requires_grad or table.is_inference():  # changes would leave no trace
            return _resampled(table, rows, columns)
        wanted = (rows, columns, table.data_ptr(), table._version)
        if self._kept is None or self._kept[0] != wanted:
            with torch.inference_mode(False):
                self._kept = wanted, _resampled(table, rows, columns)
        return self._kept[1]

    def _apply(self, *args: Any, **kwargs: Any) -> Self:
        # Every move or cast of the weights calls this; new weights can reuse the old addresses.
        self._kept = None
        return super()._apply(*args, **kwargs)


def _resampled(table: Tensor, rows: int, columns: int) -> Tensor:
    grid = table[:, 1:].unflatten(1, (TABLE, TABLE)).permute(0, 3, 1, 2)
    resampled = F.interpolate(
        grid,
        scale_factor=((rows + 0.1) / TABLE, (columns + 0.1) / TABLE),
        mode="bicubic",
        align_corners=False,
    )
    return torch.cat((table[:, :1], resampled.flatten(2).transpose(1, 2)), dim=1)


def positions_by_products(table: Tensor, rows: int, columns: int) -> Tensor:
    """``DinoV2.positions`` as matrix products, for symbolic rows and columns: an exporter turns the
    scale factors of an interpolation into constants, which are wrong at every other size.

    Args:
        table: (1, 1 + TABLE * TABLE, width).
        rows, columns: of the grid.

    Returns:
        (1, 1 + rows * columns, width).
    """
    grid = table[0, 1:].unflatten(0, (TABLE, TABLE))
    row = torch.arange(rows, device=table.device, dtype=torch.float32)
    column = torch.arange(columns, device=table.device, dtype=torch.float32)
    whole = ((row.sum() * 0 + rows == TABLE) & (column.sum() * 0 + columns == TABLE)).float()
    high = _cubic_weights(row, TABLE / (rows + 0.1 - 0.1 * whole))
    wide = _cubic_weights(column, TABLE / (columns + 0.1 - 0.1 * whole))
    resampled = torch.einsum("ri,cj,ijd->rcd", high, wide, grid)
    return torch.cat((table[:, :1], resampled.flatten(0, 1)[None]), dim=1)


def _cubic_weights(place: Tensor, step: Tensor) -> Tensor:
    """The bicubic kernel (a = -0.75) over the table's cells, (n, TABLE), for places (n,) on a grid
    whose cells are ``step`` cells of the table apart. Beyond the edges, the outermost cells count.
    """
    position = (place + 0.5) * step - 0.5
    cells = torch.arange(-2, TABLE + 2, device=place.device, dtype=torch.float32)
    distance = (position[:, None] - cells).abs()
    near = (1.25 * distance - 2.25) * distance * distance + 1
    far = ((-0.75 * distance + 3.75) * distance - 6) * distance + 3
    weights = near * (distance <= 1) + far * ((distance > 1) & (distance < 2))
    first, inside, last = weights.split([3, TABLE - 2, 3], dim=1)
    edges = (first.sum(1, keepdim=True), last.sum(1, keepdim=True))
    return torch.cat((edges[0], inside, edges[1]), dim=1)


class DinoV2Semantics(DinoV2):
    """Semantics tokens, one per 16 x 16 pixels.

    Attributes:
        dim: Width of a token: 384 (vits) or 1024 (vitl).
    """

    def __init__(self, variant: Literal["vits", "vitl"]) -> None:
        super().__init__(variant)
        self.dim: int = self.backbone.embed_dim

    def forward(self, image: Tensor) -> Tensor:
        """Returns the patch tokens after the final norm.

        Args:
            image: (N, 3, H, W) RGB in [0, 1]; H and W are multiples of 16.

        Returns:
            (N, H/16 * W/16, dim), row-major.

        Raises:
            ValueError: H or W is not a multiple of 16.
        """
        rows, columns = coarse_grid(image)
        mean = image.new_tensor(IMAGENET_MEAN).view(3, 1, 1)
        std = image.new_tensor(IMAGENET_STD).view(3, 1, 1)
        resized = F.interpolate(
            (image - mean) / std,
            size=(rows * PATCH, columns * PATCH),
            mode="bicubic",
            align_corners=False,
        )
        return self.backbone.norm(self.backbone.blocks(self._tokens(resized)))[:, 1:]
