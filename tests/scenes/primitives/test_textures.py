"""The texture bank and its lookup."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from ppdcli.scenes.natural_textures import SIZE
from ppdcli.scenes.primitives.render import texel
from ppdcli.scenes.primitives.textures import COUNT as NATURAL  # the first of the natural kinds
from ppdcli.scenes.primitives.textures import LEVELS, TextureBank, make_texture_bank

COUNT = 12


@pytest.fixture(scope="module")
def bank() -> TextureBank:
    return make_texture_bank(3, COUNT)


def levels(bank: TextureBank) -> list[np.ndarray]:
    """(count, size, size) a mip level."""
    out, start = [], 0
    for level in range(LEVELS):
        size = SIZE >> level
        out.append(bank.texels[start : start + COUNT * size * size].reshape(COUNT, size, size))
        start += out[-1].size
    assert start == bank.texels.size
    return out


def test_values_are_float32_between_0_and_1(bank: TextureBank) -> None:
    assert bank.texels.dtype == np.float32 and bank.count == COUNT
    assert bank.texels.min() >= 0 and bank.texels.max() <= 1


def test_every_texture_has_contrast(bank: TextureBank) -> None:
    assert levels(bank)[0].std((1, 2)).min() > 0.03


def test_a_mip_level_averages_the_one_before(bank: TextureBank) -> None:
    mips = levels(bank)
    for fine, coarse in pairwise(mips):
        mean = (
            fine[:, ::2, ::2] + fine[:, 1::2, ::2] + fine[:, ::2, 1::2] + fine[:, 1::2, 1::2]
        ) / 4
        np.testing.assert_allclose(coarse, mean, atol=1e-6)
    np.testing.assert_allclose(mips[-1].mean((1, 2)), mips[0].mean((1, 2)), atol=1e-5)


def test_noise_has_no_seam_where_tiles_meet(bank: TextureBank) -> None:
    noise = levels(bank)[0][::2]  # the even ones are plain noise
    for axis in (1, 2):
        inner = np.abs(np.diff(noise, axis=axis)).mean((1, 2))
        first, last = np.take(noise, 0, axis), np.take(noise, -1, axis)
        assert (np.abs(first - last).mean(1) < 1.5 * inner + 0.01).all()


def test_the_seed_decides() -> None:
    once, again, other = (make_texture_bank(seed, 4).texels for seed in (5, 5, 6))
    np.testing.assert_array_equal(once, again)
    assert (once != other).mean() > 0.5


def test_a_small_bank_is_the_beginning_of_a_large_one() -> None:
    small, large = make_texture_bank(5).texels, make_texture_bank(5, NATURAL + 6).texels
    full = SIZE * SIZE * NATURAL
    np.testing.assert_array_equal(small[:full], large[:full])


def lookup(bank: TextureBank, texture: int, u: float, v: float, footprint: float) -> float:
    """Bilinear, between texel centres, with wrap-around; the mip level nearest to the footprint."""
    level = round(math.log2(footprint * SIZE) + 1e-9)
    picture = levels(bank)[min(max(level, 0), LEVELS - 1)][texture].astype(float)
    size = len(picture)
    x, y = u * size - 0.5, v * size - 0.5
    columns, rows = np.floor(x) + [0, 1], np.floor(y) + [0, 1]
    across = np.array([1 - (x - columns[0]), x - columns[0]])
    down = np.array([1 - (y - rows[0]), y - rows[0]])
    block = picture[np.ix_((rows % size).astype(int), (columns % size).astype(int))]
    return float(down @ block @ across)


def test_the_compiled_lookup_is_a_bilinear_one(bank: TextureBank) -> None:
    rng = np.random.default_rng(1)
    for _ in range(300):
        texture, (u, v) = int(rng.integers(COUNT)), rng.uniform(-3, 3, 2)
        footprint = float(np.exp(rng.uniform(np.log(1e-4), np.log(4))))
        found = texel(bank.texels, COUNT, texture, u, v, footprint)
        assert found == pytest.approx(lookup(bank, texture, u, v, footprint), abs=1e-5)


def test_the_compiled_lookup_repeats_every_tile(bank: TextureBank) -> None:
    for u, v in ((0.001, 0.4), (0.999, 0.5), (0.25, 0.002)):
        here = texel(bank.texels, COUNT, 3, u, v, 0.01)
        for du, dv in ((1, 0), (-4, 0), (0, 7), (-2, -2)):
            there = texel(bank.texels, COUNT, 3, u + du, v + dv, 0.01)
            assert there == pytest.approx(here, abs=1e-4)
    # Across the border it is continuous.
    left, right = (texel(bank.texels, COUNT, 2, u, 0.3, 0.01) for u in (1 - 1e-7, 1 + 1e-7))
    assert left == pytest.approx(right, abs=1e-3)
