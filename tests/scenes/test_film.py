"""Development: a picture comes out that a camera could have made."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.scenes.film import develop
from ppdcli.scenes.primitives.compositions import compose
from ppdcli.scenes.primitives.render import render
from ppdcli.scenes.primitives.textures import make_texture_bank


def ramp(height: int = 40, width: int = 60) -> np.ndarray:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([x / width, y / height, np.full_like(x, 0.3)], -1)


@pytest.mark.parametrize("shape", [(40, 60), (33, 47), (5, 3)])
def test_a_picture_is_8_bits_of_the_same_size(shape: tuple[int, int]) -> None:
    for seed in range(12):
        picture = develop(ramp(*shape), np.random.default_rng(seed))
        assert picture.dtype == np.uint8 and picture.shape == (*shape, 3)


def test_the_generator_decides_and_the_light_is_left_alone() -> None:
    light = ramp()
    once, again, other = (develop(light, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert (once != other).mean() > 0.5
    np.testing.assert_array_equal(light, ramp())


def test_the_amount_of_light_does_not_matter() -> None:
    """The exposure follows it."""
    for seed in range(12):
        a, b = (develop(ramp() * k, np.random.default_rng(seed)) for k in (1, 50))
        assert abs(float(a.mean()) - float(b.mean())) < 3


def test_brighter_stays_brighter_and_red_stays_red() -> None:
    light = np.full((40, 60, 3), 0.1, np.float32)
    light[:, 15:] = [0.9, 0.3, 0.3]
    for seed in range(40):
        picture = develop(light, np.random.default_rng(seed)).astype(float)
        dark, red = picture[:, :12].mean((0, 1)), picture[:, 18:].mean((0, 1))
        assert red.sum() > dark.sum() and red[0] > red[1] and red[0] > red[2]


@pytest.mark.parametrize("level", [0.0, 1e-6, 1e6])
def test_extreme_light_is_developed_too(level: float) -> None:
    light = np.full((16, 16, 3), level, np.float32)
    light[4, 4] = 1e5
    with np.errstate(all="raise", under="ignore"):
        for seed in range(12):
            assert develop(light, np.random.default_rng(seed)).shape == (16, 16, 3)


def test_hardly_any_scene_comes_out_black_or_white() -> None:
    bank = make_texture_bank(1, count=6)
    means, spreads = [], []
    for k in range(100):
        light, _ = render(compose(13, k, bank.count), 48, 64, bank)
        picture = develop(light, np.random.default_rng(k))
        means.append(picture.mean())
        spreads.append(picture.std())
    outside = (np.array(means) < 15) | (np.array(means) > 240)
    assert outside.mean() < 0.01
    assert 90 < np.mean(means) < 180
    assert np.mean(np.array(spreads) < 10) < 0.02
