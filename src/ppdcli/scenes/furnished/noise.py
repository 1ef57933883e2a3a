"""Grey noise pictures common to all scenes: clouds and the grain of surfaces."""

from __future__ import annotations

from functools import cache

import numpy as np

from ppdcli.scenes.furnished.parts import Texels, stack_levels
from ppdcli.scenes.natural_textures import noise

CLOUDS = 0
GRAINS = 8  # pictures after the clouds
_SLOPES = (1.7, 0.6, 0.9, 1.1, 1.3, 0.8, 1.0, 1.2, 1.4)


@cache
def noise_levels() -> Texels:
    """Returns clouds, then grains from rough to soft, with their mip levels."""
    rng = np.random.default_rng(5)
    pictures = []
    for slope in _SLOPES:
        grey = (noise(rng, slope) * 255).astype(np.uint8)
        pictures.append(np.dstack([grey, grey, grey, np.full_like(grey, 255)]))
    return stack_levels(pictures)
