"""The ``synthetic`` set: rendered scenes that training never uses.

Equal numbers give equal scenes on every machine that was tested. Depth is the same bit for bit,
even with a processor's vector extensions switched off. Colours differ at most in a few pixels of
100,000, and by a few levels of 255 (tests/evaluation/test_synthetic.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ppdcli.evaluation.frames import BenchmarkImage, Frame
from ppdcli.geometry.camera import Camera
from ppdcli.photo import Photo
from ppdcli.scenes.primitives.compositions import BENCHMARK, compose
from ppdcli.scenes.primitives.render import focal_length
from ppdcli.scenes.primitives.series import make_samples
from ppdcli.scenes.primitives.textures import COUNT as TEXTURES
from ppdcli.scenes.samples import SKY_DEPTH

SEED = 20_001  # of the scenes; training uses seeds below recipe.SEEDS
BANK = 90_001  # of the textures
SHAPE = (384, 512)  # like photos, larger than the working size of small models
COUNT = 200  # default size of the set
FACTS = (
    "rendered scenes at fixed seeds with textures of their own, 512x384; exact depth",
    "valid: nearer than the sky",
)


def entries(count: int) -> list[BenchmarkImage]:
    """Returns the first ``count`` scenes."""
    return [BenchmarkImage(f"synthetic {k}", lambda k=k: _frame(k)) for k in range(count)]  # type: ignore[misc]


def scenes(count: int) -> Iterator[tuple[Photo, np.ndarray]]:
    """Yields photos and their true depth (H, W) in metres."""
    for k in range(count):
        yield _scene(k)


def camera_of(number: int, height: int, width: int) -> Camera:
    """Returns the camera that a scene was rendered with, for a grid of the set's shape."""
    focal = focal_length(compose(SEED, number, TEXTURES, BENCHMARK).fov, height, width)
    return Camera(focal, focal, (width - 1) / 2, (height - 1) / 2, width, height)


def finer_depth(number: int, factor: int) -> np.ndarray:
    """Returns the true depth of a scene with more pixels: (factor H, factor W) metres.

    For an odd factor, pixel (u, v) of the set's shape has its centre at that of pixel
    (factor u + factor // 2, factor v + factor // 2).
    """
    shape = (SHAPE[0] * factor, SHAPE[1] * factor)
    return make_samples(SEED, number, 1, shape, BANK, BENCHMARK).depth[0]


def _scene(number: int) -> tuple[Photo, np.ndarray]:
    samples = make_samples(SEED, number, 1, SHAPE, BANK, BENCHMARK)
    return Photo(samples.rgb[0], f"synthetic {number}"), samples.depth[0]


def _frame(number: int) -> Frame:
    photo, depth = _scene(number)
    return Frame(photo, depth, depth < SKY_DEPTH, camera_of(number, *depth.shape))
