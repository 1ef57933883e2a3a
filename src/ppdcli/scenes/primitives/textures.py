"""A bank of procedural, tileable grey textures with mip levels, made once from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppdcli.scenes.natural_textures import SIZE, natural_texture, noise

LEVELS = 7  # 128, 64, ..., 2
COUNT = 96  # textures in a bank; further ones are of natural kinds


@dataclass(frozen=True)
class TextureBank:
    """Textures as one flat table, so that a lookup needs only a few reads.

    Attributes:
        texels: float32 in [0, 1]: all textures at full size, then all at half size, and so on.
        count: Number of textures.
    """

    texels: np.ndarray
    count: int


def _bricks(rng: np.random.Generator) -> np.ndarray:
    rows = int(rng.choice([4, 8, 16]))
    columns = max(1, rows // int(rng.choice([1, 2, 4])))
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    row = np.floor(y * rows)
    shift = 0.5 * (row % 2) * (rng.random() < 0.7)
    column = np.floor(x * columns + shift) % columns
    joint = rng.uniform(0.04, 0.14)
    gap = ((y * rows) % 1 < joint) | ((x * columns + shift) % 1 < joint * columns / rows)
    tone = rng.random((rows, columns))[row.astype(int), column.astype(int)]
    body = 0.45 + 0.4 * tone + 0.25 * (noise(rng, 1.0) - 0.5)
    return np.where(gap, rng.choice([0.0, 1.0]), body)


def _windows(rng: np.random.Generator) -> np.ndarray:
    """A facade: rows of framed panes of varying darkness."""
    n = int(rng.choice([2, 3, 4]))
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE * n
    wide, high = rng.uniform(0.3, 0.7, 2)
    inside = (np.abs(x % 1 - 0.5) < wide / 2) & (np.abs(y % 1 - 0.5) < high / 2)
    frame = (np.abs(x % 1 - 0.5) < wide / 2 + 0.04) & (np.abs(y % 1 - 0.5) < high / 2 + 0.04)
    cross = inside & (np.abs(x % 1 - 0.5) < 0.02)
    tone = rng.random((n, n))[(y % n).astype(int), (x % n).astype(int)] * 0.3
    wall = 0.6 + 0.2 * (noise(rng, rng.uniform(0.6, 1.4)) - 0.5)
    return np.where(inside & ~cross, tone, np.where(frame, 1.0, wall))


def _stripes(rng: np.random.Generator) -> np.ndarray:
    a, b = rng.integers(0, 9, 2)
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    wave = np.sin(2 * np.pi * (a * x + max(b, 1) * y) + 2 * noise(rng, 1.8))
    return np.clip(0.5 + wave * rng.uniform(0.5, 3), 0, 1)


def _checks(rng: np.random.Generator) -> np.ndarray:
    n = int(rng.choice([2, 4, 8]))
    y, x = np.mgrid[0:SIZE, 0:SIZE] * n * 2 // SIZE
    return np.clip((x + y) % 2 * 0.8 + 0.2 * noise(rng, 1.0), 0, 1)


def _spots(rng: np.random.Generator) -> np.ndarray:
    """Leaves, gravel, blotches: noise with a soft threshold."""
    field = noise(rng, rng.uniform(0.5, 1.6))
    return np.clip((field - rng.uniform(0.3, 0.7)) * rng.uniform(3, 12) + 0.5, 0, 1)


def make_texture_bank(seed: int, count: int = COUNT) -> TextureBank:
    """Draws ``count`` textures: half plain noise with many spectra, half patterns with noise.

    Args:
        seed: The same seed gives the same bank. A smaller bank is the beginning of a larger one.
        count: Number of textures, at least 1.

    Returns:
        The bank.
    """
    rng = np.random.default_rng([seed, 17])
    patterns = (_bricks, _windows, _stripes, _checks, _spots, _spots)
    pictures = []
    for k in range(count):
        if k >= COUNT:
            picture = natural_texture(rng, k)
        elif k % 2:
            picture = patterns[k // 2 % len(patterns)](rng)
        else:
            stretch = float(rng.choice([1.0, 1.0, 1.0, 4.0, 12.0]))
            picture = noise(rng, rng.uniform(0.5, 2.0), stretch)
        pictures.append(np.clip(picture, 0, 1))
    level = np.stack(pictures).astype(np.float32)
    flat = []
    for _ in range(LEVELS):
        flat.append(level.reshape(-1))
        n = level.shape[1] // 2
        level = level.reshape(count, n, 2, n, 2).mean((2, 4))
    return TextureBank(np.concatenate(flat), count)
