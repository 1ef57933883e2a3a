"""Random crops and colour changes, on the training device."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

CROPPED = 0.65  # share of batches that are cropped
SMALLEST_CROP = 0.5  # smallest side of a crop divided by the picture's side
MULTIPLE = 16  # both sides of a batch are multiples of it


def working_sides(height: int, width: int, area: int) -> tuple[int, int]:
    """Returns sides with about ``area`` pixels and a picture's aspect ratio, multiples of 16."""
    scale = math.sqrt(area / (height * width))
    return (
        max(MULTIPLE, round(height * scale / MULTIPLE) * MULTIPLE),
        max(MULTIPLE, round(width * scale / MULTIPLE) * MULTIPLE),
    )


def crop(rgb: Tensor, depth: Tensor, area: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Crops, mirrors and resizes a batch.

    Colours are averaged. Depths are taken from single pixels, so edges stay exact. A crop changes
    the field of view, which is fine because the target is normalised.

    Args:
        rgb: (n, H, W, 3) uint8.
        depth: (n, H, W) metres.
        area: Number of pixels of the result.

    Returns:
        Image (n, 3, h, w) in [0, 1] and depth (n, 1, h, w), h and w multiples of 16.
    """
    n, height, width = depth.shape
    share = rng.uniform(SMALLEST_CROP, 1) if rng.random() < CROPPED else 1.0
    ch, cw = int(height * share), int(width * share)
    tops = rng.integers(0, height - ch + 1, n)
    lefts = rng.integers(0, width - cw + 1, n)
    corners = list(zip(tops.tolist(), lefts.tolist(), strict=True))
    pieces = torch.stack([rgb[k, y : y + ch, x : x + cw] for k, (y, x) in enumerate(corners)])
    depths = torch.stack([depth[k, y : y + ch, x : x + cw] for k, (y, x) in enumerate(corners)])
    h, w = working_sides(height, width, area)
    image = pieces.permute(0, 3, 1, 2).float() / 255
    image = F.interpolate(image, size=(h, w), mode="bilinear", antialias=True, align_corners=False)
    rows = ((torch.arange(h, device=rgb.device) + 0.5) * (ch / h)).long().clamp(max=ch - 1)
    columns = ((torch.arange(w, device=rgb.device) + 0.5) * (cw / w)).long().clamp(max=cw - 1)
    target = depths[:, rows][:, :, columns][:, None]
    if rng.random() < 0.5:
        image, target = image.flip(-1), target.flip(-1)
    return image, target


def tint(image: Tensor, rng: np.random.Generator) -> Tensor:
    """Changes colours as cameras, light and bad copies do, differently for each picture.

    Args:
        image: (n, 3, h, w) in [0, 1].

    Returns:
        The same shape and range.
    """
    n, device = len(image), image.device

    def draw(values: np.ndarray) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)).to(device).view(n, -1, 1, 1)

    def chance(share: float) -> np.ndarray:
        return rng.random(n) < share

    image = image.clamp(1e-4, 1) ** draw(np.exp(rng.normal(0, 0.25, n)))
    grey = image.mean(1, keepdim=True)
    saturation = rng.uniform(0.3, 1.4, n) * ~chance(0.07)
    image = grey + (image - grey) * draw(saturation)
    image = image * draw(np.exp(rng.normal(0, 0.12, (n, 3))))
    middle = image.mean((1, 2, 3), keepdim=True)
    image = middle + (image - middle) * draw(rng.uniform(0.65, 1.3, n))
    image = image + draw(rng.normal(0, 0.06, n))
    if rng.random() < 0.3:
        image = _coarser(image, rng) * draw(mask := chance(0.5)) + image * draw(~mask)
    if rng.random() < 0.3:
        amount = draw(rng.uniform(0, 0.07, n) * chance(0.6))
        noise = torch.randn(image.shape, device=device)
        image = image + noise * amount
    return image.clamp(0, 1)


def _coarser(image: Tensor, rng: np.random.Generator) -> Tensor:
    """Removes the finest detail of the pictures, like a poor lens or an enlarged photo."""
    scale = rng.uniform(0.4, 0.9)
    h, w = image.shape[-2:]
    small = F.interpolate(
        image, size=(int(h * scale), int(w * scale)), mode="bilinear", antialias=True
    )
    return F.interpolate(small, size=(h, w), mode="bilinear", align_corners=False)
