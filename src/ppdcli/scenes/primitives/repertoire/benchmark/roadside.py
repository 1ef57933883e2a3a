"""Things along a street: cars, poles, wires, fences, buildings."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.shapes import BOX, CARD, GRID, Material, Scene, rotation


def car(scene: Scene, rng: Rng, paint: Painter, x: float, z: float, yaw: float) -> None:
    axes = rotation(yaw)
    length, width, height = rng.uniform(1.7, 2.4), rng.uniform(0.75, 1.0), rng.uniform(0.3, 0.5)
    body, glass = paint.material(plain=0.9), paint.material("grey", plain=0.9)
    black = Material(np.full(3, 0.02), np.full(3, 0.03), 0, 0, 1.0)
    base = np.array([x, 0.0, z])
    scene.add(BOX, base + [0, 0.25 + height, 0], (width, height, length), body, axes)
    cabin = base + [0, 0.25 + 2 * height + 0.25, 0] - axes[:, 2] * length * rng.uniform(-0.1, 0.3)
    scene.add(BOX, cabin, (width * 0.88, 0.27, length * rng.uniform(0.4, 0.65)), glass, axes)
    scene.add(BOX, cabin + [0, 0.27, 0], (width * 0.85, 0.03, length * 0.42), body, axes)
    for a in (-1, 1):
        for b in (-0.62, 0.62):
            hub = base + axes[:, 0] * a * width * 0.85 + axes[:, 2] * b * length + [0, 0.32, 0]
            scene.rod(hub - axes[:, 0] * 0.12, hub + axes[:, 0] * 0.12, 0.32, black)


def pole(scene: Scene, rng: Rng, paint: Painter, x: float, z: float) -> None:
    high, radius = rng.uniform(2, 8), rng.uniform(0.015, 0.09)
    metal = paint.material("grey", plain=0.8)
    scene.rod((x, 0, z), (x, high, z), radius, metal, rng.uniform(0, 0.4))
    kind = rng.random()
    if kind < 0.35:  # a lamp's arm
        reach = np.array([rng.normal(0, 1.2), 0.2, rng.normal(0, 0.5)])
        scene.rod((x, high, z), np.array([x, high, z]) + reach, radius * 0.7, metal)
    elif kind < 0.7:  # a sign
        yaw = rng.normal(0, 0.4)
        half = (rng.uniform(0.15, 0.5), rng.uniform(0.15, 0.5), 0.015)
        scene.add(BOX, (x, high - 0.3, z - radius), half, paint.material(period=0.6), rotation(yaw))


def wires(scene: Scene, rng: Rng, paint: Painter, far: float) -> None:
    high, side = rng.uniform(3, 8), rng.choice([-1, 1]) * rng.uniform(0.5, 6)
    dark = paint.material("grey", plain=0.9)
    for k in range(int(rng.integers(1, 5))):
        start = (side - 8 * rng.random(), high + 0.3 * k, rng.uniform(2, 8))
        end = (side + 10 * rng.random(), high + rng.normal(0.3 * k, 0.4), rng.uniform(8, far))
        scene.rod(start, end, rng.uniform(0.006, 0.025), dark)


def fence(scene: Scene, rng: Rng, paint: Painter, start: np.ndarray, end: np.ndarray) -> None:
    """Posts with rails, or a see-through grid."""
    high = rng.uniform(0.6, 1.8)
    stuff = paint.material("wood" if rng.random() < 0.5 else "grey", 0.4)
    along = end - start
    length = float(np.linalg.norm(along))
    posts = int(np.clip(length / rng.uniform(1, 2.5), 2, 8))
    thick = rng.uniform(0.02, 0.07)
    for k in range(posts + 1):
        foot = start + along * k / posts
        scene.rod(foot, foot + [0, high, 0], thick, stuff)
    yaw = np.arctan2(-along[2], along[0])
    if rng.random() < 0.5:
        cut = (GRID, length / rng.uniform(0.08, 0.3), rng.uniform(0.08, 0.3))
        middle = (start + end) / 2 + [0, high / 2, 0]
        scene.add(CARD, middle, (length / 2, high / 2, 1), stuff, rotation(yaw), cut)
    else:
        for level in np.linspace(0.35, 1, int(rng.integers(2, 4))):
            up = np.array([0, high * level, 0])
            scene.rod(start + up, end + up, thick * 0.6, stuff)


def building(
    scene: Scene, rng: Rng, paint: Painter, center: np.ndarray, half: np.ndarray, yaw: float
) -> None:
    wall = paint.material(
        str(rng.choice(["earth", "grey", "pale", "any"])), rng.uniform(2, 6), 0.15
    )
    axes = rotation(yaw)
    scene.add(BOX, center, half, wall, axes)
    if rng.random() < 0.5:
        roof = paint.material("earth", 1.0)
        lift = np.array([0, half[1], 0])
        scene.add(BOX, center + lift, (half[0] * 1.06, 0.15, half[2] * 1.06), roof, axes)
    glass = paint.material("grey", 2.0, plain=0.6)
    facing = axes.T @ -center
    face = 0 if abs(facing[0]) / half[0] > abs(facing[2]) / half[2] else 2
    for _ in range(int(rng.integers(0, 4))):  # bays, doors, balconies that protrude
        local = rng.uniform(-0.8, 0.8, 3) * half
        local[face] = np.sign(facing[face]) * half[face]
        scene.add(BOX, center + axes @ local, rng.uniform(0.15, 0.9, 3), glass, axes)
