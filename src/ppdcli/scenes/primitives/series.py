"""Series of pictures of scenes of simple shapes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ppdcli.scenes.primitives.compositions import BENCHMARK, Repertoire, compose
from ppdcli.scenes.primitives.picture import take
from ppdcli.scenes.primitives.textures import make_texture_bank
from ppdcli.scenes.samples import Samples

texture_bank = lru_cache(maxsize=1)(make_texture_bank)  # keeps one bank, because it has 8 MB


def make_samples(
    seed: int,
    first: int,
    count: int,
    shape: tuple[int, int],
    bank: int,
    repertoire: Repertoire = BENCHMARK,
) -> Samples:
    """Takes pictures of ``count`` scenes. Equal arguments give equal pictures.

    Args:
        seed, first: The series, and the number of its first scene.
        count: Number of scenes.
        shape: (height, width).
        bank: Number of the set of textures.
        repertoire: The families of scenes; by default those of the evaluation.
    """
    textures = texture_bank(bank, repertoire.textures)
    rgb = np.empty((count, *shape, 3), np.uint8)
    depth = np.empty((count, *shape), np.float32)
    for k in range(count):
        scene = compose(seed, first + k, textures.count, repertoire)
        rng = np.random.default_rng([seed, first + k, 1])
        rgb[k], depth[k] = take(scene, *shape, textures, rng, repertoire.varied)
    return Samples(rgb, depth)
