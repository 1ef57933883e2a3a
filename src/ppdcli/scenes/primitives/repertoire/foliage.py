"""Plants with leaves: trees, bushes, hedges, grass, potted plants."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.repertoire.surfaces import surface
from ppdcli.scenes.primitives.shapes import (
    BLADES,
    BOX,
    CARD,
    ELLIPSOID,
    LEAFY,
    LEAVES,
    Scene,
    rotation,
)


def leafy_tree(
    scene: Scene, rng: Rng, paint: Painter, foot: np.ndarray, height: float, bare: bool = False
) -> None:
    """Adds a forked trunk and a crown of leafy skins with gaps; ``bare``: branches only."""
    bark, leaves = surface(paint, "bark", 0.5), surface(paint, "leaves", rng.uniform(0.4, 1.5))
    radius = height * rng.uniform(0.012, 0.035)
    fork = foot + [rng.normal(0, 0.03) * height, height * rng.uniform(0.2, 0.5), 0]
    scene.rod(foot, fork, radius, bark, 0.3)
    wide, tall = rng.uniform(0.12, 0.34), rng.uniform(0.12, 0.3)  # of the crown, per height
    middle = fork + [0, height * tall * 0.9, 0]
    clumps = int(rng.integers(4, 10))
    for k in range(clumps):
        out = rng.normal(0, 1, 3)
        out *= rng.uniform(0.5, 1.0) / np.linalg.norm(out)
        tip = middle + out * [wide * height, tall * height, wide * height]
        if k % 2 == 0 or bare:
            scene.rod(fork, tip, radius * rng.uniform(0.3, 0.7), bark, 0.7)
        if bare:
            for _ in range(3):
                twig = tip + rng.normal(0, 0.1, 3) * height + [0, 0.06 * height, 0]
                scene.rod((fork + tip) / 2, twig, radius * 0.2, bark, 0.8)
            continue
        half = height * wide * rng.uniform(0.3, 0.75) * rng.uniform(0.6, 1.3, 3)
        cells = float(np.clip(half.max() / rng.uniform(0.05, 0.16), 4, 36))
        turn = rotation(rng.uniform(0, 3), rng.normal(0, 0.4))
        scene.add(LEAFY, tip, half, leaves, turn, (cells, _cover(rng), 0.0))


def _cover(rng: Rng) -> float:
    return float(rng.uniform(0.35, 0.9))


def conifer(scene: Scene, rng: Rng, paint: Painter, foot: np.ndarray, height: float) -> None:
    """Adds tiers of drooping cones, or of leafy discs, around a trunk."""
    bark, needles = surface(paint, "bark", 0.5), surface(paint, "leaves", 0.8)
    scene.rod(foot, foot + [0, height, 0], height * 0.015, bark, 0.9)
    tiers = int(rng.integers(3, 7))
    wide, low = height * rng.uniform(0.13, 0.28), rng.uniform(0.05, 0.3)
    ragged = rng.random() < 0.7
    for k in range(tiers):
        level = low + (1 - low) * k / tiers
        reach = wide * (1.05 - level)
        if ragged:
            half = (reach, height * 0.9 / tiers, reach)
            cut = (float(rng.uniform(7, 14)), _cover(rng), 0.0)
            scene.add(LEAFY, foot + [0, height * level, 0], half, needles, None, cut)
        else:
            bottom = foot + [0, height * (level - 0.08), 0]
            scene.rod(bottom, bottom + [0, height * 1.7 / tiers, 0], reach, needles, 1.0)


def bush(scene: Scene, rng: Rng, paint: Painter, foot: np.ndarray, size: float) -> None:
    """Adds a few leafy skins around solid cores."""
    leaves = surface(paint, "leaves", 0.6)
    for _ in range(int(rng.integers(1, 5))):
        half = size * rng.uniform(0.4, 1.0, 3)
        center = foot + rng.normal(0, 0.5, 3) * size * [1, 0, 1] + [0, half[1] * 0.6, 0]
        scene.add(ELLIPSOID, center, half * 0.75, leaves)
        cells = float(np.clip(size / rng.uniform(0.04, 0.12), 4, 22))
        scene.add(LEAFY, center, half, leaves, None, (cells, _cover(rng), 0.0))


def hedge(
    scene: Scene, rng: Rng, paint: Painter, start: np.ndarray, end: np.ndarray, height: float
) -> None:
    """Adds a clipped hedge with leaves that protrude from its faces."""
    leaves = surface(paint, "leaves", 0.8)
    along = end - start
    length = float(np.linalg.norm(along))
    yaw = float(np.arctan2(-along[2], along[0]))
    middle, thick = (start + end) / 2, rng.uniform(0.2, 0.6)
    axes = rotation(yaw)
    center = middle + [0, height / 2, 0]
    scene.add(BOX, center, (length / 2, height / 2, thick), leaves, axes)
    cells = float(np.clip(length / 0.15, 6, 120))
    for side in (-1, 1):
        face = center + axes[:, 2] * side * (thick + 0.04)
        half = (length / 2 * 1.02, height / 2 * 1.05, 1)
        scene.add(CARD, face, half, leaves, axes, (LEAVES, cells, 0.8))


def grass(
    scene: Scene, rng: Rng, paint: Painter, center: np.ndarray, wide: float, high: float
) -> None:
    """Adds rows of blades, one behind the other."""
    blades = surface(paint, "lawn", 0.5)
    for _ in range(int(rng.integers(2, 6))):
        spot = center + np.array([rng.normal(0, 0.3) * wide, 0, rng.normal(0, 0.25) * wide])
        tall = high * rng.uniform(0.6, 1.2)
        count = float(np.clip(wide / high * rng.uniform(6, 22), 5, 160))
        axes = rotation(rng.normal(0, 0.4), rng.normal(0, 0.25))
        spot[1] = center[1] + tall * 0.9
        scene.add(CARD, spot, (wide, tall, 1), blades, axes, (BLADES, count, rng.uniform(0.3, 0.9)))


def potted_plant(scene: Scene, rng: Rng, paint: Painter, foot: np.ndarray, size: float) -> None:
    """Adds a pot or vase with stalks and leaves, or blossoms."""
    pot = surface(paint, str(rng.choice(["paint", "stone", "glass"])), 0.3)
    rim = foot + [0, size * rng.uniform(0.25, 0.4), 0]
    scene.rod(rim, foot, size * rng.uniform(0.12, 0.25), pot, rng.uniform(0, 0.4))
    leaves, stalk = surface(paint, "leaves", 0.3), surface(paint, "leaves", 0.2)
    loud = paint.material("bright", 0.2, plain=0.6)
    blossoms = rng.random() < 0.4
    for _ in range(int(rng.integers(4, 11))):
        tip = rim + rng.normal(0, 1, 3) * [0.3, 0.12, 0.3] * size + [0, size * 0.5, 0]
        scene.rod(rim, tip, size * 0.012, stalk)
        axes = rotation(rng.uniform(0, 6), rng.normal(0, 0.7), rng.normal(0, 0.7))
        if blossoms and rng.random() < 0.6:
            scene.add(ELLIPSOID, tip, size * rng.uniform(0.04, 0.1, 3), loud, axes)
        else:
            half = size * np.array([rng.uniform(0.03, 0.09), rng.uniform(0.1, 0.25), 0.008])
            scene.add(ELLIPSOID, tip, half, leaves, axes)
