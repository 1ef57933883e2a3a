"""MoGe-2 (arXiv 2507.02546): metric depth, validity and camera of a photo, and semantics tokens.

Key names are the released files'; only DINOv2's mask token, ``encoder.backbone.mask_token``, which
nothing but its training needs, has no place here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ppdcli.geometry.focal import recover_focal_shift, spans
from ppdcli.models.dinov2 import IMAGENET_MEAN, IMAGENET_STD, PATCH, DinoV2, coarse_grid
from ppdcli.models.moge2_blocks import ConvStack, ScaleHead, view_plane
from ppdcli.models.moge2_config import BACKBONES, LEVELS, EncoderConfig, MoGe2Config, StackConfig


class MoGe2Encoder(DinoV2):
    """Some blocks of DINOv2's ViT, each through the final norm and a projection, summed."""

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
        """Features on a grid of tokens, whatever the image's size.

        Args:
            image: (N, 3, H, W) RGB in [0, 1].
            rows: of tokens.
            columns: of tokens.

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
            project(grid).float()  # under autocast too: what prompts Cas-DiT is float32
            for project, grid in zip(self.output_projections, grids, strict=True)
        ]
        return torch.stack(projected).sum(dim=0), normed[-1][:, 0]

    def semantics(self, image: Tensor) -> Tensor:
        """What prompts Cas-DiT: (N, 3, H, W) -> (N, H/16 * W/16, dim_out), row-major.

        Raises:
            ValueError: if H or W is not a multiple of 16.
        """
        features, _ = self(image, *coarse_grid(image))
        return features.flatten(2).mT


class MoGe2Semantics(nn.Module):
    """MoGe-2 as far as it prompts Cas-DiT: one token per 16 x 16 pixels.

    Attributes:
        encoder: may be the one of a whole ``MoGe2``.
        dim: width of a token; 1024 in the released ViT-L.
    """

    def __init__(self, encoder: MoGe2Encoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.dim = encoder.config.dim_out

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in [0, 1], sides multiples of 16 -> (N, H/16 * W/16, dim)."""
        return self.encoder.semantics(image)


def released_semantics() -> MoGe2Semantics:
    """The encoder with the sizes of the released MoGe-2 ViT-L, whose own file states them."""
    config = EncoderConfig(BACKBONES["dinov2_vitl14"], (5, 11, 17, 23), dim_out=1024)
    return MoGe2Semantics(MoGe2Encoder(config))


@dataclass(frozen=True)
class MoGe2Output:
    """What the network says of N images; None where it has no such head. All float32.

    Attributes:
        points: (N, H, W, 3), x right, y down, z forward; z up to a shift, all up to a scale.
        normal: (N, H, W, 3), of unit length.
        mask: (N, H, W), the probability that a pixel has a depth (the sky has none).
        metric_scale: (N,), metres per unit of ``points``.
    """

    points: Tensor | None
    normal: Tensor | None
    mask: Tensor | None
    metric_scale: Tensor | None


@dataclass(frozen=True)
class MoGe2Prediction:
    """Geometry of N images.

    Attributes:
        depth: (N, H, W) float32 metres along the optical axis; inf outside ``mask``.
        mask: (N, H, W) bool, where there is depth.
        intrinsics: (N, 3, 3) float32; fx and cx in widths, fy and cy in heights of the image.
    """

    depth: Tensor
    mask: Tensor
    intrinsics: Tensor


class MoGe2(nn.Module):
    """The network as a file's configuration states it."""

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
        """Tokens that prompt Cas-DiT: see ``MoGe2Encoder.semantics``."""
        return self.encoder.semantics(image)

    def forward(self, image: Tensor, num_tokens: int) -> MoGe2Output:
        """All that the heads say.

        Args:
            image: (N, 3, H, W) RGB in [0, 1], of any size.
            num_tokens: about how many tokens the image is seen as; their grid has its shape.
        """
        return self._predict(image, num_tokens, self.normal_head)

    @torch.inference_mode()
    def infer(
        self, image: Tensor, num_tokens: int | None = None, fov_x: float | None = None
    ) -> MoGe2Prediction:
        """Metric depth and the camera.

        Args:
            image: (N, 3, H, W) RGB in [0, 1], of any size.
            num_tokens: see ``forward``; None for the most that the network was trained with,
                MoGe's resolution level 9.
            fov_x: the horizontal field of view in degrees, where it is known.

        Raises:
            InputError: an image's points fit no plausible camera.
            ValueError: the network has no points or no scale head, so it cannot tell metres.
        """
        if num_tokens is None:
            num_tokens = self.config.num_tokens_range[1]
        output = self._predict(image, num_tokens, normal_head=None)
        points, scale = output.points, output.metric_scale
        if points is None or scale is None:
            raise ValueError("metric depth needs a points head and a scale head")
        span_x, span_y = spans(*image.shape[-2:])
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
