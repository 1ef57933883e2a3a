"""Pictures of scenes: effects touch the colours, never the depth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ppdcli.scenes.film import develop
from ppdcli.scenes.primitives.compositions import BENCHMARK, TRAINING, compose
from ppdcli.scenes.primitives.picture import take
from ppdcli.scenes.primitives.render import render
from ppdcli.scenes.primitives.textures import make_texture_bank

BANK = make_texture_bank(1, count=6)
H, W = 36, 48
RNG = np.random.default_rng


def test_a_benchmark_scene_is_rendered_and_developed_and_no_more() -> None:
    for k in range(20):
        scene = compose(14, k, BANK.count, BENCHMARK)
        light, depth = render(scene, H, W, BANK)
        picture, found = take(scene, H, W, BANK, RNG(k), worn=False)
        np.testing.assert_array_equal(found, depth)
        np.testing.assert_array_equal(picture, develop(light, RNG(k)))


def test_effects_leave_the_depth_alone() -> None:
    changed = 0
    for k in range(60):
        scene = compose(14, k, BANK.count, TRAINING)
        depth = render(scene, H, W, BANK)[1]
        bare = replace(scene, creases=0, glare=0, mirror=0, lamps=[], focus=None)
        picture, found = take(scene, H, W, BANK, RNG(k), worn=False)
        plain, _ = take(bare, H, W, BANK, RNG(k), worn=False)
        np.testing.assert_array_equal(found, depth)
        changed += bool((picture != plain).any())
    assert changed > 30


def test_worn_pictures_differ_and_their_depth_does_not() -> None:
    scene = compose(14, 3, BANK.count, TRAINING)
    (new, depth), (worn, same) = (take(scene, H, W, BANK, RNG(2), w) for w in (False, True))
    np.testing.assert_array_equal(depth, same)
    assert (new != worn).any() and worn.shape == new.shape
