"""Procedural, tileable grey pictures that resemble plants, weathered surfaces and fabrics."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.spatial import cKDTree

Rng = np.random.Generator
SIZE = 128


def noise(rng: np.random.Generator, slope: float, stretch: float = 1.0) -> np.ndarray:
    """Returns tileable 1/f^slope noise with values spread evenly over [0, 1]."""
    fy = np.fft.fftfreq(SIZE)[:, None] * stretch
    fx = np.fft.rfftfreq(SIZE)[None, :]
    radius = np.hypot(fx, fy)
    radius[0, 0] = 1.0
    spectrum = radius**-slope * np.exp(2j * np.pi * rng.random(radius.shape))
    spectrum[0, 0] = 0.0
    field = np.fft.irfft2(spectrum, (SIZE, SIZE))
    low, high = np.percentile(field, (1, 99))
    return np.clip((field - low) / (high - low), 0, 1)


def natural_texture(rng: Rng, number: int) -> np.ndarray:
    """Returns texture ``number`` of a bank. Even ones vary slowly; odd ones have a pattern.

    Args:
        rng: Source of randomness.
        number: Chooses the kind, in turn.

    Returns:
        (SIZE, SIZE) with values about 0 to 1.
    """
    return KINDS[_kind(number)](rng)


@cache
def numbers_of(names: tuple[str, ...], first: int, count: int) -> tuple[int, ...]:
    """Returns the numbers of the textures of these kinds in a bank.

    Args:
        names: Kinds, such as "foliage" (see ``_FIELDS`` and ``_PATTERNS``).
        first: Number of the first natural texture in the bank.
        count: Number of textures in the bank.
    """
    return tuple(k for k in range(first, count) if _kind(k) in names)


def _kind(number: int) -> str:
    names = _PATTERNS if number % 2 else _FIELDS
    return names[number // 2 % len(names)]


def _evenly(field: np.ndarray) -> np.ndarray:
    """Returns the same picture with its values spread over [0, 1]."""
    low, high = np.percentile(field, (1, 99))
    return np.clip((field - low) / max(high - low, 1e-6), 0, 1)


def _warped(rng: Rng) -> np.ndarray:
    """Noise stretched along swirls: marble, dirt, clouds, burl."""
    field = noise(rng, rng.uniform(0.9, 1.7))
    reach = rng.uniform(10, 60)
    y, x = np.mgrid[:SIZE, :SIZE]
    dy, dx = ((noise(rng, 1.8) - 0.5) * reach for _ in range(2))
    return field[(y + dy).astype(int) % SIZE, (x + dx).astype(int) % SIZE]


def _ridged(rng: Rng) -> np.ndarray:
    """Creases and veins: cracked ground, leather, rock, crumpled cloth."""
    total = np.zeros((SIZE, SIZE))
    for k in range(3):
        total += (1 - np.abs(2 * noise(rng, 1.9 - 0.3 * k) - 1)) ** rng.uniform(1, 4) / 1.7**k
    return _evenly(total)


def _streaks(rng: Rng) -> np.ndarray:
    """Long fibres: wood, brushed metal, hair, dry grass."""
    field = noise(rng, rng.uniform(0.5, 1.4), float(rng.choice([6.0, 15.0, 40.0])))
    y = np.arange(SIZE)[:, None]
    bend = ((noise(rng, 1.9) - 0.5) * rng.uniform(0, 30)).astype(int)
    field = field[(y + bend) % SIZE, np.arange(SIZE)[None]]
    return field if rng.random() < 0.5 else field.T


def _mottled(rng: Rng) -> np.ndarray:
    """Coarse patches with fine speckle on them: lawn, asphalt, plaster, fur."""
    share = rng.uniform(0.2, 0.7)
    return share * noise(rng, 1.8) + (1 - share) * noise(rng, rng.uniform(0.1, 0.6))


def _cells(rng: Rng) -> np.ndarray:
    """Pebbles, paving of broken stone, scales, foam: distances to scattered points."""
    points = rng.random((int(rng.choice([25, 60, 150, 400])), 2)) * SIZE
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    tree = cKDTree(points, boxsize=SIZE)
    distance, which = tree.query(np.stack([y, x], -1).reshape(-1, 2), k=2)
    gap = (distance[:, 1] - distance[:, 0]).reshape(SIZE, SIZE) / SIZE * len(points) ** 0.5
    tone = rng.random(len(points))[which[:, 0]].reshape(SIZE, SIZE)
    round_ = np.clip(gap * rng.uniform(1.5, 6), 0, 1)
    return round_ * (1 - rng.uniform(0.2, 0.8) * tone)


def _foliage(rng: Rng) -> np.ndarray:
    """Overlapping leaves: bright ellipses, each with a dark side, drawn in order."""
    picture = 0.15 * noise(rng, 1.0)
    long = rng.uniform(5, 14)
    narrow = rng.uniform(0.25, 0.8)
    for _ in range(int(6000 / long**1.5 / narrow**0.5)):
        cy, cx, angle = rng.random(3) * [SIZE, SIZE, np.pi]
        r = int(long) + 1
        rows, columns = np.arange(int(cy) - r, int(cy) + r), np.arange(int(cx) - r, int(cx) + r)
        dy, dx = rows[:, None] - cy, columns[None] - cx
        u = (dx * np.cos(angle) + dy * np.sin(angle)) / long
        v = (dy * np.cos(angle) - dx * np.sin(angle)) / (long * narrow)
        inside = u * u + v * v < 1
        tone = rng.uniform(0.3, 1) * (0.8 + 0.2 * v)
        spot = np.ix_(rows % SIZE, columns % SIZE)
        picture[spot] = np.where(inside, tone, picture[spot])
    return picture


def _planks(rng: Rng) -> np.ndarray:
    """Boards side by side, each with its own tone, grain and joints."""
    count = int(rng.choice([3, 5, 8, 12]))
    x = np.arange(SIZE) * count / SIZE
    board = x.astype(int)
    grain = noise(rng, 1.0, 12.0)
    shift = rng.integers(0, SIZE, count)[board]
    y = (np.arange(SIZE)[:, None] + shift) % SIZE
    tone = rng.uniform(0.35, 1, (count, 2))[board, (y * 2 // SIZE)]
    gap = (x % 1 < 0.05) | (y % (SIZE // 2) < 1.5)
    picture = tone * (0.7 + 0.5 * (grain[y, np.arange(SIZE)] - 0.5))
    picture = np.where(gap, 0.1, picture)
    return picture if rng.random() < 0.5 else picture.T


def _tiles(rng: Rng) -> np.ndarray:
    """Square tiles with joints, plain, speckled or in two tones."""
    n = int(rng.choice([2, 4, 8]))
    y, x = np.mgrid[:SIZE, :SIZE] * n / SIZE
    joint = rng.uniform(0.02, 0.08)
    gap = (y % 1 < joint) | (x % 1 < joint)
    spread = rng.uniform(0, 0.5)
    tone = 1 - spread * rng.random((n, n))[y.astype(int), x.astype(int)]
    return np.where(gap, rng.choice([0.0, 0.3, 1.0]), tone * (0.8 + 0.2 * noise(rng, 1.2)))


def _woven(rng: Rng) -> np.ndarray:
    """Cloth, baskets, knitting: threads over and under, in bands of tone."""
    n = int(rng.choice([8, 16, 32]))
    y, x = np.mgrid[:SIZE, :SIZE] * n / SIZE
    over = (y.astype(int) + x.astype(int)) % 2
    thread = np.where(over, np.sin(np.pi * (y % 1)), np.sin(np.pi * (x % 1)))
    bands = rng.random((2, n))
    tone = np.where(over, bands[0][y.astype(int)], bands[1][x.astype(int)])
    share = rng.uniform(0.1, 0.9)
    return thread * (1 - share) + share * tone


def _print(rng: Rng) -> np.ndarray:
    """A page or a sign: lines of words, a heading, a picture."""
    page = np.ones((SIZE, SIZE))
    line = int(rng.choice([4, 6, 10]))
    for top in range(6, SIZE - line, line):
        x = int(rng.integers(6, 12))
        while x < SIZE - 14:
            word = int(rng.integers(3, 14))
            page[top : top + line // 2, x : x + word] = rng.uniform(0, 0.3)
            x += word + 3
        if rng.random() < 0.1:
            page[top : top + line] = 1
    if rng.random() < 0.7:
        y, x = rng.integers(4, SIZE // 2, 2)
        h, w = rng.integers(20, SIZE // 2, 2)
        page[y : y + h, x : x + w] = noise(rng, 1.6)[:h, :w]
    return page


def _waves(rng: Rng) -> np.ndarray:
    """Ripples on sand or water: rows of slightly wavy crests."""
    y = np.mgrid[:SIZE, :SIZE][0] / SIZE
    phase = y * int(rng.integers(4, 16)) + rng.uniform(0.5, 3) * noise(rng, 1.9)
    crest = 0.5 + 0.5 * np.sin(2 * np.pi * phase)
    return crest ** rng.uniform(0.5, 3) * 0.8 + 0.2 * noise(rng, 0.7)


KINDS = {
    "warped": _warped,
    "ridged": _ridged,
    "streaks": _streaks,
    "mottled": _mottled,
    "cells": _cells,
    "foliage": _foliage,
    "planks": _planks,
    "tiles": _tiles,
    "woven": _woven,
    "print": _print,
    "waves": _waves,
}
_FIELDS = ("warped", "ridged", "streaks", "mottled")
_PATTERNS = (
    "foliage", "planks", "cells", "tiles", "mottled", "woven", "waves", "foliage", "print",
    "cells", "streaks",
)  # fmt: skip
