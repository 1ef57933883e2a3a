"""One to three people, or animals, before a background."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.lens import Focus
from ppdcli.scenes.primitives.repertoire.bodies import animal, bird, body, bust
from ppdcli.scenes.primitives.repertoire.buildings import house
from ppdcli.scenes.primitives.repertoire.foliage import bush, grass, hedge, leafy_tree
from ppdcli.scenes.primitives.repertoire.indoor_things import shelf, window
from ppdcli.scenes.primitives.repertoire.interior import empty_room
from ppdcli.scenes.primitives.repertoire.landscapes import landscape_base
from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.shapes import Scene, rotation


def _backdrop(rng: Rng, paint: Painter, far: float) -> Scene:
    """A room or outdoors, with a few things at least ``far`` metres away."""
    if rng.random() < 0.45:
        half = np.array([rng.uniform(1.5, 4), rng.uniform(1.2, 2), rng.uniform(1.5, 5)])
        scene = empty_room(rng, paint, half, rng.normal(0, 0.3), 0.02)
        assert scene.room is not None
        center, half, yaw = scene.room
        axes = rotation(yaw)
        for u in rng.uniform(-0.8, 0.8, int(rng.integers(0, 3))):
            wall = center + axes[:, 0] * u * half[0] + axes[:, 2] * (half[2] - 0.25)
            if rng.random() < 0.5:
                size = np.array([0.6, rng.uniform(0.5, 1.1), 0.2])
                shelf(scene, rng, paint, wall * [1, 0, 1], size, axes)
            else:
                spot = wall * [1, 0, 1] + axes[:, 2] * 0.24 + [0, 1.5, 0]
                window(scene, rng, paint, spot, np.array([0.6, 0.6, 0]), axes)
        return scene
    scene = landscape_base(rng, paint, str(rng.choice(["lawn", "paving", "sand", "soil"])), 0.02)
    for _ in range(int(rng.integers(1, 5))):
        z = far * np.exp(rng.uniform(0.3, 2))
        spot = np.array([rng.uniform(-0.7, 0.7) * z, 0, z])
        kind = rng.random()
        if kind < 0.35:
            leafy_tree(scene, rng, paint, spot, rng.uniform(2.5, 9))
        elif kind < 0.6:
            bush(scene, rng, paint, spot, rng.uniform(0.5, 2))
        elif kind < 0.75:
            hedge(scene, rng, paint, spot - [z, 0, 0], spot + [z, 0, 0.0], rng.uniform(0.8, 2.5))
        else:
            half = np.array([rng.uniform(3, 9), rng.uniform(2, 5), 2.0])
            house(scene, rng, paint, spot + [0, 0, 3], half, rng.normal(0, 0.3))
    return scene


def portrait(rng: Rng, paint: Painter) -> Scene:
    """Faces and upper bodies, or whole figures, in the middle of the picture."""
    distance = float(np.exp(rng.uniform(np.log(0.5), np.log(2.5))))
    scene = _backdrop(rng, paint, distance * 2)
    chin = scene.height + rng.normal(-0.05, 0.08)
    count = int(rng.choice([1, 2, 3], p=[0.65, 0.25, 0.1]))
    for k in range(count):
        z = distance * rng.uniform(0.9, 1.3)
        x = (k - (count - 1) / 2) * rng.uniform(0.35, 0.6) + rng.normal(0, 0.1) * z
        if distance > 1.6 and rng.random() < 0.4:
            body(scene, rng, paint, np.array([x, 0.0, z * 1.3]), rng.uniform(1.4, 1.9))
        else:
            away = np.pi + rng.normal(0, 0.6) if rng.random() < 0.85 else rng.normal(0, 0.6)
            bust(scene, rng, paint, np.array([x, chin - rng.uniform(0, 0.1) * k, z]), away)
    scene.pitch = float(rng.normal(0.04, 0.08))
    if rng.random() < 0.5:
        scene.focus = Focus(distance, float(rng.uniform(0.004, 0.02)))
    return scene


def wildlife(rng: Rng, paint: Painter) -> Scene:
    """Cats, dogs, cattle, birds: near the lens, or a herd on a meadow."""
    size = float(rng.choice([0.35, 0.7, 1.6], p=[0.35, 0.4, 0.25]) * rng.uniform(0.7, 1.3))
    distance = size * float(np.exp(rng.uniform(np.log(1.3), np.log(6))))
    scene = _backdrop(rng, paint, distance * 1.5)
    scene.height = float(max(0.15, size * rng.uniform(0.5, 1.6)))
    if scene.room is not None:
        scene.height = min(scene.height, 1.6)
    scene.pitch = float(np.arctan2(scene.height - size * 0.4, distance) + rng.normal(0, 0.06))
    for k in range(int(rng.choice([1, 2, 5], p=[0.65, 0.2, 0.15]))):
        z = distance * (1 + 0.6 * k * rng.random())
        spot = np.array([rng.uniform(-0.25, 0.25) * z * (1 + k), 0.0, z])
        if rng.random() < 0.85:
            animal(scene, rng, paint, spot, size)
        else:
            bird(scene, rng, paint, spot, size * 0.6)
    if scene.room is None and rng.random() < 0.6:
        spot = np.array([0.0, 0.0, distance * rng.uniform(0.5, 1.2)])
        grass(scene, rng, paint, spot, distance * 0.6, size * rng.uniform(0.05, 0.2))
    if rng.random() < 0.4:
        scene.focus = Focus(distance, float(rng.uniform(0.003, 0.018)))
    return scene
