"""MoGe-2 (arXiv 2507.02546): metric depth, mask and camera of a photo, and semantics tokens.

The key names are those of the released files. DINOv2's mask token, ``encoder.backbone.mask_token``,
is left out, because only training needs it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppdcli.geometry.focal import half_extents, recover_focal_shift
from ppdcli.models.dinov2 import IMAGENET_MEAN, IMAGENET_STD, PATCH, DinoV2, coarse_grid
from ppdcli.models.moge2_blocks import ConvStack, ScaleHead, view_plane
from ppdcli.models.moge2_config import BACKBONES, LEVELS, EncoderConfig, MoGe2Config, StackConfig


class MoGe2Encoder(DinoV2):
    """DINOv2's ViT; the outputs of some blocks are normalised, projected and summed."""

    image_mean: Tensor
    image_std: Tensor

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__(config.backbone.variant)
        self.config = config
        self.output_projections = nn.ModuleList(
            nn.Conv2d(config.backbone.width, config.dim_out, 1) for _ in config.blocks
        )
        self.register_buffer("image_mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("image_std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))

    def forward(self, image: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor]:
        """Returns the features on a grid of tokens, for an image of any size.

        Args:
            image: (N, 3, H, W) RGB in [0, 1].
            rows: Rows of the grid.
            columns: Columns of the grid.

        Returns:
            (N, dim_out, rows, columns), and the class token of the last block that is used,
            (N, width).
        """
        resized = F.interpolate(
            image,
            (rows * PATCH, columns * PATCH),
            mode="bilinear",
            align_corners=False,
            antialias=True,
        )
        x = self._tokens((resized - self.image_mean) / self.image_std)
        normed = []
        for number, block in enumerate(self.backbone.blocks[: self.config.blocks[-1] + 1]):
            x = block(x)
            if number in self.config.blocks:
                normed.append(self.backbone.norm(x))
        grids = [tokens[:, 1:].mT.unflatten(2, (rows, columns)) for tokens in normed]
        projected = [
            project(grid).float()  # also under autocast: the semantics tokens are float32
            for project, grid in zip(self.output_projections, grids, strict=True)
        ]
        return torch.stack(projected).sum(dim=0), normed[-1][:, 0]

    def semantics(self, image: Tensor) -> Tensor:
        """Returns the semantics tokens: (N, 3, H, W) -> (N, H/16 * W/16, dim_out), row-major.

        Raises:
            ValueError: H or W is not a multiple of 16.
        """
        features, _ = self(image, *coarse_grid(image))
        return features.flatten(2).mT


class MoGe2Semantics(nn.Module):
    """MoGe-2's encoder as semantics encoder: one token per 16 x 16 pixels.

    Attributes:
        encoder: The encoder. It can be shared with a whole ``MoGe2``.
        dim: Width of a token; 1024 in the released ViT-L.
    """

    def __init__(self, encoder: MoGe2Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.dim = encoder.config.dim_out

    def forward(self, image: Tensor) -> Tensor:
        """Maps (N, 3, H, W) RGB in [0, 1], sides multiples of 16, to (N, H/16 * W/16, dim)."""
        return self.encoder.semantics(image)


def released_semantics() -> MoGe2Semantics:
    """Returns an encoder of the size that the released MoGe-2 ViT-L file states."""
    config = EncoderConfig(BACKBONES["dinov2_vitl14"], (5, 11, 17, 23), dim_out=1024)
    return MoGe2Semantics(MoGe2Encoder(config))


@dataclass(frozen=True)
class MoGe2Output:
    """Output of the network for N images, float32. A value is None if the network lacks its head.

    Attributes:
        points: (N, H, W, 3), x right, y down, z forward. z is up to a shift, all up to a scale.
        normal: Unit vectors, (N, H, W, 3).
        mask: Probability that a pixel has a depth (the sky has none), (N, H, W).
        metric_scale: Metres per unit of ``points``, (N,).
    """

    points: Tensor | None
    normal: Tensor | None
    mask: Tensor | None
    metric_scale: Tensor | None


@dataclass(frozen=True)
class MoGe2Prediction:
    """Geometry of N images.

    Attributes:
        depth: (N, H, W) float32, metres along the optical axis; inf outside ``mask``.
        mask: (N, H, W) bool, true where a pixel has a depth.
        intrinsics: (N, 3, 3) float32; fx and cx in image widths, fy and cy in image heights.
    """

    depth: Tensor
    mask: Tensor
    intrinsics: Tensor


class MoGe2(nn.Module):
    """The network that a file's configuration describes."""

    def __init__(self, config: MoGe2Config) -> None:
        super().__init__()
        self.config = config
        self.encoder = MoGe2Encoder(config.encoder)
        self.neck = ConvStack(config.neck)

        def head(stack: StackConfig | None) -> ConvStack | None:
            return None if stack is None else ConvStack(stack)

        self.points_head = head(config.points_head)
        self.normal_head = head(config.normal_head)
        self.mask_head = head(config.mask_head)
        self.scale_head = None if config.scale_head is None else ScaleHead(config.scale_head)

    def semantics(self, image: Tensor) -> Tensor:
        """Returns the semantics tokens; see ``MoGe2Encoder.semantics``."""
        return self.encoder.semantics(image)

    def forward(self, image: Tensor, num_tokens: int) -> MoGe2Output:
        """Returns the output of all heads.

        Args:
            image: (N, 3, H, W) RGB in [0, 1], of any size.
            num_tokens: Approximate number of tokens. Their grid has the aspect of the image.
        """
        return self._predict(image, num_tokens, self.normal_head)

    @torch.inference_mode()
    def infer(
        self, image: Tensor, num_tokens: int | None = None, fov_x: float | None = None
    ) -> MoGe2Prediction:
        """Returns metric depth and camera intrinsics.

        Args:
            image: (N, 3, H, W) RGB in [0, 1], of any size.
            num_tokens: See ``forward``. None for the largest number used in training, MoGe's
                resolution level 9.
            fov_x: The horizontal field of view in degrees, if it is known.

        Raises:
            InputError: The points of an image fit no plausible camera.
            ValueError: The network has no points head or no scale head, which metric depth needs.
        """
        if num_tokens is None:
            num_tokens = self.config.num_tokens_range[1]
        output = self._predict(image, num_tokens, normal_head=None)
        points, scale = output.points, output.metric_scale
        if points is None or scale is None:
            raise ValueError("metric depth needs a points head and a scale head")
        span_x, span_y = half_extents(*image.shape[-2:])
        focal = None if fov_x is None else span_x / math.tan(math.radians(fov_x) / 2)
        likely = torch.ones_like(points[..., 0]) if output.mask is None else output.mask
        mask = likely > 0.5
        cameras = [
            recover_focal_shift(one.cpu().numpy(), valid.cpu().numpy(), focal)
            for one, valid in zip(points, mask, strict=True)
        ]
        focals, shifts = points.new_tensor(cameras).unbind(dim=1)
        depth = points[..., 2] + shifts[:, None, None]
        mask = mask & (depth > 0)
        intrinsics = points.new_zeros(len(points), 3, 3)
        intrinsics[:, 0, 0], intrinsics[:, 1, 1] = focals / (2 * span_x), focals / (2 * span_y)
        intrinsics[:, :2, 2], intrinsics[:, 2, 2] = 0.5, 1
        metres = torch.where(mask, depth * scale[:, None, None], torch.inf)
        return MoGe2Prediction(metres, mask, intrinsics)

    def _predict(
        self, image: Tensor, num_tokens: int, normal_head: ConvStack | None
    ) -> MoGe2Output:
        height, width = image.shape[-2:]
        aspect = width / height
        rows = max(1, int((num_tokens / aspect) ** 0.5))
        columns = max(1, int((num_tokens * aspect) ** 0.5))
        features, class_token = self.encoder(image, rows, columns)
        planes = [
            view_plane(rows << level, columns << level, aspect, image).expand(
                len(image), -1, -1, -1
            )
            for level in range(LEVELS)
        ]
        levels = self.neck([torch.cat((features, planes[0]), dim=1), *planes[1:]])

        def read(head: ConvStack | None) -> Tensor | None:
            if head is None:
                return None
            finest = head(levels)[-1]
            resized = F.interpolate(finest, (height, width), mode="bilinear", align_corners=False)
            return resized.permute(0, 2, 3, 1)

        points, normal, logit = read(self.points_head), read(normal_head), read(self.mask_head)
        log_scale = None if self.scale_head is None else self.scale_head(class_token)
        return MoGe2Output(
            None if points is None else self._remapped(points),
            None if normal is None else F.normalize(normal, dim=-1),
            None if logit is None else logit[..., 0].sigmoid(),
            None if log_scale is None else log_scale[:, 0].exp(),
        )

    def _remapped(self, points: Tensor) -> Tensor:
        if self.config.remap_output == "linear":
            return points
        slopes, log_z = points.split((2, 1), dim=-1)
        z = log_z.exp()
        return torch.cat((slopes * z, z), dim=-1)
