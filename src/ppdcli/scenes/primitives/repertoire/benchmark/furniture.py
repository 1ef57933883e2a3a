"""Tables, chairs and the things that stand on them."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.shapes import BLOB, BOX, CARD, ELLIPSOID, Scene, rotation


def litter(scene: Scene, rng: Rng, paint: Painter, count: int, far: float, size: float) -> None:
    """Places boxes, balls, cans and cones on the ground."""
    for _ in range(count):
        d = rng.uniform(0.35, 1.0) * far
        s = size * np.exp(rng.normal(-0.5, 0.5))
        half = s * rng.uniform(0.25, 1.0, 3)
        spot = np.array([rng.uniform(-0.6, 0.6) * d, half[1], d])
        thing(scene, rng, paint, spot, half)


def thing(scene: Scene, rng: Rng, paint: Painter, center: np.ndarray, half: np.ndarray) -> None:
    """Adds one upright object of random kind, its lowest point at ``center - half``."""
    stuff = paint.material(period=float(half.max()) * 2)
    kind = rng.random()
    if kind < 0.4:
        scene.add(BOX, center, half, stuff, rotation(rng.uniform(0, 3)))
    elif kind < 0.6:
        scene.add(ELLIPSOID, center, half, stuff, rotation(rng.uniform(0, 3)))
    elif kind < 0.85:
        up = np.array([0, half[1], 0])
        scene.rod(center - up, center + up, min(half[0], half[2]), stuff, rng.choice([0, 0.2, 0.5]))
    elif kind < 0.93:  # a plant: pot and leaves
        pot = half[1] * 0.4
        foot = center - [0, half[1], 0]
        scene.rod(foot, foot + [0, 2 * pot, 0], half[0] * 0.6, stuff)
        green = paint.material("green", float(half.max()), 0.1)
        for _ in range(3):
            cut = (BLOB, rng.uniform(0.2, 0.5), float(rng.integers(paint.textures) // 2 * 2))
            axes = rotation(rng.normal(0, 0.8), rng.normal(0, 0.4))
            spot = center + [0, half[1] * 0.5, 0] + rng.normal(0, 0.2, 3) * half
            scene.add(CARD, spot, (half[0] * 1.6, half[1] * 1.1, 1), green, axes, cut)
    else:  # a thin stand
        foot = center - [0, half[1], 0]
        scene.rod(foot, foot + [0, 0.02, 0], half[0], stuff)
        scene.rod(foot, center + [0, half[1], 0], half[0] * 0.12, stuff)


def table(
    scene: Scene, rng: Rng, paint: Painter, x: float, z: float, yaw: float, things: float = 0.7
) -> float:
    """Adds a table, desk, bench or stool; returns the height of its top."""
    axes = rotation(yaw)
    wood = paint.material(str(rng.choice(["wood", "pale", "any"])), 1.0)
    high = rng.uniform(0.4, 1.0)
    half = np.array([rng.uniform(0.2, 0.9), rng.uniform(0.012, 0.04), rng.uniform(0.18, 0.5)])
    base = np.array([x, 0.0, z])
    scene.add(BOX, base + [0, high, 0], half, wood, axes)
    legs = wood if rng.random() < 0.5 else paint.material("grey")
    thick = rng.uniform(0.01, 0.035)
    for a in (-0.9, 0.9):
        for b in (-0.85, 0.85):
            foot = base + axes[:, 0] * a * half[0] + axes[:, 2] * b * half[2]
            scene.rod(foot, foot + [0, high, 0], thick, legs)
    if rng.random() < things:
        for _ in range(int(rng.integers(1, 5))):
            size = rng.uniform(0.03, 0.18, 3)
            spot = base + axes[:, 0] * rng.uniform(-0.8, 0.8) * half[0]
            spot = spot + axes[:, 2] * rng.uniform(-0.7, 0.7) * half[2]
            spot[1] = high + half[1] + size[1]
            thing(scene, rng, paint, spot, size)
    return high


def chair(scene: Scene, rng: Rng, paint: Painter, x: float, z: float) -> None:
    yaw = rng.uniform(0, 6)
    axes = rotation(yaw)
    stuff = paint.material(period=0.5)
    legs = paint.material("grey" if rng.random() < 0.5 else "wood")
    base = np.array([x, 0.0, z])
    scene.add(BOX, base + [0, 0.45, 0], (0.22, rng.uniform(0.015, 0.06), 0.22), stuff, axes)
    back = base + [0, 0.72, 0] - axes[:, 2] * 0.21
    scene.add(BOX, back, (0.21, rng.uniform(0.1, 0.26), 0.02), stuff, axes)
    for a in (-0.19, 0.19):
        for b in (-0.19, 0.19):
            foot = base + axes[:, 0] * a + axes[:, 2] * b
            scene.rod(foot, foot + [0, 0.75 if b < 0 else 0.45, 0], 0.016, legs)
