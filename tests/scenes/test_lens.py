"""The lens: what is in focus stays, what is not spreads, and light goes the right way."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.scenes.lens import Focus, bloom, refocus

H, W = 48, 64


def halves(near: float, far: float) -> tuple[np.ndarray, np.ndarray]:
    """White and near on the left, black and far on the right."""
    left = np.broadcast_to(np.arange(W) < W // 2, (H, W))
    light = np.repeat(left[..., None], 3, 2).astype(np.float32)
    return light, np.where(left, near, far).astype(np.float32)


def test_what_is_in_focus_stays_and_what_is_behind_takes_no_light_from_it() -> None:
    light, depth = halves(2.0, 50.0)
    soft = refocus(light, depth, Focus(2.0, 0.05))
    np.testing.assert_allclose(soft, light, atol=1e-5)


def test_a_texture_behind_is_blurred_within_itself() -> None:
    light, depth = halves(2.0, 50.0)
    right = depth == 50
    light[right] = np.random.default_rng(0).random((right.sum(), 1), np.float32)
    soft = refocus(light, depth, Focus(2.0, 0.05))
    np.testing.assert_array_equal(soft[~right], light[~right])
    assert soft[right].std() < 0.3 * light[right].std()
    assert soft[right].mean() == pytest.approx(light[right].mean(), abs=0.05)


def test_what_is_before_the_focus_spreads_over_what_is_behind() -> None:
    light, depth = halves(1.0, 4.0)
    soft = refocus(light, depth, Focus(4.0, 0.02))
    line = soft[H // 2, :, 0]
    assert (np.diff(line) <= 1e-5).all()
    assert 0.1 < line[W // 2 + 1] < 0.5 and line[-1] < 0.01 and line[0] > 0.99


def test_blur_grows_with_the_distance_from_the_focus() -> None:
    noise = np.random.default_rng(0).random((H, W, 1)).astype(np.float32).repeat(3, 2)
    spread = [
        refocus(noise, np.full((H, W), z, np.float32), Focus(3.0, 0.03)).std()
        for z in (3.0, 4.0, 8.0, 70.0)
    ]
    assert spread == sorted(spread, reverse=True) and spread[-1] < 0.5 * spread[0]


@pytest.mark.parametrize("distance", [0.1, 1.0, 10.0])
def test_an_even_picture_stays_even_whatever_the_depth(distance: float) -> None:
    depth = np.exp(np.random.default_rng(1).uniform(-2, 4, (H, W))).astype(np.float32)
    light = np.full((H, W, 3), 0.4, np.float32)
    soft = refocus(light, depth, Focus(distance, 0.02))
    np.testing.assert_allclose(soft, 0.4, rtol=1e-3)
    assert (light == np.float32(0.4)).all()


def test_a_bright_spot_glows_over_its_surroundings_and_nothing_gets_darker() -> None:
    light = np.full((H, W, 3), 0.1, np.float32)
    light[20:26, 30:36] = 30.0
    glow = bloom(light, 0.5)
    assert (glow >= light - 1e-6).all()
    assert glow[23, 38, 0] > glow[23, 44, 0] > light[0, 0, 0]
