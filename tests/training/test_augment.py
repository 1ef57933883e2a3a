"""Crops keep colour and depth together; tints keep shape and range."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from ppdcli.training.augment import crop, tint, working_sides


def scenes(count: int = 4, height: int = 60, width: int = 80) -> tuple[Tensor, Tensor]:
    """Pictures in blocks of 10 pixels whose brightness is their depth, each of its own value."""
    generator = torch.Generator().manual_seed(0)
    blocks = torch.randint(20, 250, (count, height // 10, width // 10), generator=generator)
    grey = blocks.repeat_interleave(10, 1).repeat_interleave(10, 2).to(torch.uint8)
    return grey[..., None].expand(-1, -1, -1, 3).contiguous(), grey.float() / 255


@pytest.mark.parametrize(
    ("height", "width", "area", "sides"),
    [
        (240, 320, 256 * 192, (192, 256)),
        (320, 240, 256 * 192, (256, 192)),
        (144, 480, 192 * 256, (128, 400)),
        (8, 2000, 256, (16, 256)),
    ],
)
def test_working_sides_keep_the_shape(
    height: int, width: int, area: int, sides: tuple[int, int]
) -> None:
    found = working_sides(height, width, area)
    assert all(side % 16 == 0 for side in found)
    assert found[0] == sides[0] and abs(found[1] - sides[1]) <= 16


@pytest.mark.parametrize("seed", range(8))
def test_colour_and_depth_stay_together(seed: int) -> None:
    rng = np.random.default_rng(seed)
    image, depth = crop(*scenes(), 64 * 48, rng)
    assert image.shape[0] == 4 and image.shape[2:] == depth.shape[2:]
    assert image.shape[1] == 3 and depth.shape[1] == 1 and image.dtype == torch.float32
    # Inside a block both are the same value; near a block's border colours mix and depths do not.
    apart = (image.mean(1, keepdim=True) - depth).abs()
    assert apart.median() < 1e-3 and apart.mean() < 0.1
    known = scenes()[1].unique()
    assert torch.isin(depth, known).all()


def test_crops_differ_within_a_batch_and_some_are_mirrored() -> None:
    rgb, depth = scenes(1)
    rgb, depth = rgb.expand(8, -1, -1, -1), depth.expand(8, -1, -1)
    pictures = [crop(rgb, depth, 64 * 48, np.random.default_rng(seed))[1] for seed in range(24)]
    assert any(len({item.sum().item() for item in picture}) > 1 for picture in pictures)
    whole = [p[0] for p in pictures if torch.equal(p[0], p[1])]
    assert any(torch.equal(w, whole[0].flip(-1)) for w in whole[1:])


def test_tints_differ_and_stay_in_range() -> None:
    image = torch.rand((6, 3, 24, 32), generator=torch.Generator().manual_seed(0))
    for seed in range(10):
        found = tint(image.clone(), np.random.default_rng(seed))
        assert found.shape == image.shape and found.isfinite().all()
        assert found.min() >= 0 and found.max() <= 1
        shifts = (found - image).mean((1, 2, 3))
        assert shifts.std() > 1e-3


def test_equal_randomness_gives_equal_batches() -> None:
    first, second = (crop(*scenes(), 64 * 48, np.random.default_rng(3)) for _ in range(2))
    assert torch.equal(first[0], second[0]) and torch.equal(first[1], second[1])
