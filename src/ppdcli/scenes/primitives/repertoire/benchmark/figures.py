"""People and creatures as a few simple solids."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.shapes import ELLIPSOID, Scene, rotation


def person(scene: Scene, rng: Rng, paint: Painter, x: float, z: float, size: float = 1.7) -> None:
    yaw = rng.uniform(0, 2 * np.pi)
    axes = rotation(yaw)
    side = axes[:, 0]
    cloth, legs, skin = (
        paint.material(period=0.3),
        paint.material(period=0.4),
        paint.material("skin"),
    )
    base = np.array([x, 0.0, z])
    scene.add(
        ELLIPSOID, base + [0, 0.93 * size, 0], np.array([0.05, 0.075, 0.06]) * size, skin, axes
    )
    hair = base + [0, 0.955 * size, 0] - axes[:, 2] * 0.012 * size
    scene.add(ELLIPSOID, hair, np.array([0.055, 0.065, 0.062]) * size, paint.material("wood"), axes)
    torso = np.array([0.115, 0.2, 0.075]) * size
    scene.add(ELLIPSOID, base + [0, 0.67 * size, 0], torso, cloth, axes)
    for sign in (-1, 1):
        foot = base + side * sign * rng.uniform(0.04, 0.12) * size
        scene.rod(foot, base + side * sign * 0.05 * size + [0, 0.52 * size, 0], 0.045 * size, legs)
        hand = (
            base
            + side * sign * rng.uniform(0.12, 0.3) * size
            + [0, rng.uniform(0.4, 0.8) * size, 0]
        )
        hand = hand + axes[:, 2] * rng.uniform(-0.1, 0.2) * size
        scene.rod(base + side * sign * 0.1 * size + [0, 0.78 * size, 0], hand, 0.025 * size, cloth)


def creature(scene: Scene, rng: Rng, paint: Painter, foot: np.ndarray, size: float) -> None:
    fur = paint.material(str(rng.choice(["wood", "grey", "pale", "any"])), size * 0.5, 0.1)
    yaw = rng.uniform(0, 6)
    axes = rotation(yaw)
    front = axes[:, 2]
    body = foot + [0, size * 0.45, 0]
    scene.add(
        ELLIPSOID, body, np.array([0.25, 0.3, 0.45]) * size, fur, rotation(yaw, rng.normal(0, 0.4))
    )
    head = body + front * size * 0.35 + [0, size * rng.uniform(0.2, 0.45), 0]
    scene.add(ELLIPSOID, head, np.array([0.18, 0.18, 0.2]) * size, fur, axes)
    for sign in (-1, 1):
        ear = head + axes[:, 0] * sign * 0.1 * size + [0, size * 0.1, 0]
        scene.rod(ear, ear + [0, 0.18 * size, 0], 0.06 * size, fur, 1.0)
        for along in (-0.25, 0.25):
            hip = body + axes[:, 0] * sign * 0.15 * size + front * along * size
            scene.rod(hip * [1, 0, 1], hip, 0.07 * size, fur)
    tail = body - front * size * 0.4
    scene.rod(tail, tail - front * size * 0.3 + [0, size * 0.3, 0], 0.04 * size, fur)
