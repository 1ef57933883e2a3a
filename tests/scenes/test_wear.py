"""Wear: pictures change, but nothing in them moves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ppdcli.scenes import wear as module
from ppdcli.scenes.wear import wear

RNG = np.random.default_rng
KINDS = [change for _, change in module.KINDS]


def ramp(height: int = 48, width: int = 64) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, np.full_like(x, 90)], -1).astype(np.uint8)


@pytest.mark.parametrize("shape", [(48, 64), (33, 47), (5, 3), (1, 1)])
def test_a_picture_stays_8_bits_of_the_same_size(shape: tuple[int, int]) -> None:
    for seed in range(40):
        picture = wear(ramp(*shape), RNG(seed))
        assert picture.dtype == np.uint8 and picture.shape == (*shape, 3)


def test_some_pictures_stay_as_they_are_and_some_change_a_lot() -> None:
    change = [np.abs(wear(ramp(), RNG(seed)).astype(int) - ramp()).mean() for seed in range(200)]
    assert 0.35 < np.mean(np.array(change) == 0) < 0.75
    assert np.mean(np.array(change) > 10) > 0.1


def test_the_generator_decides_and_the_input_is_left_alone() -> None:
    picture = ramp()
    for seed in range(20):
        np.testing.assert_array_equal(wear(picture, RNG(seed)), wear(picture, RNG(seed)))
    np.testing.assert_array_equal(picture, ramp())


@pytest.mark.parametrize("change", KINDS, ids=lambda c: c.__name__)
def test_every_kind_changes_a_picture_and_leaves_edges_in_place(
    change: Callable[[np.ndarray, np.random.Generator], np.ndarray],
) -> None:
    picture = np.full((48, 64, 3), 0.2, np.float32)
    picture[20:, 30:] = [0.7, 0.8, 0.6]
    picture += RNG(0).normal(0, 0.01, picture.shape).astype(np.float32)
    differences = []
    for seed in range(10):
        changed = change(picture.copy(), RNG(seed))
        assert changed.shape == picture.shape and np.isfinite(changed).all()
        differences.append(np.abs(changed - picture).mean())
        grey = changed.mean(-1)
        # The middle of the rise is where it was, to a pixel.
        for line, place in ((grey[28:44].mean(0), 30), (grey[:, 38:60].mean(1), 20)):
            rise = np.diff(line[place - 8 : place + 8])
            assert rise.sum() > 0.05
            assert rise @ np.arange(-7, 8) / rise.sum() == pytest.approx(0, abs=1)
    assert np.mean(differences) > 1e-4
