"""A street between buildings."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.benchmark.figures import person
from ppdcli.scenes.primitives.repertoire.benchmark.outdoors import outdoors
from ppdcli.scenes.primitives.repertoire.benchmark.plants import tree
from ppdcli.scenes.primitives.repertoire.benchmark.roadside import building, car, pole, wires
from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.shapes import BOX, ELLIPSOID, Material, Scene, rotation


def street(rng: Rng, paint: Painter) -> Scene:
    scene = outdoors(rng, paint, "grey")
    turn = rng.normal(0, 0.25)
    axes = rotation(turn)
    width = rng.uniform(4, 11)
    for sign in (-1, 1):
        if rng.random() < 0.2:
            continue
        z, gap = rng.uniform(-6, 6), rng.random() < 0.3
        tall = rng.uniform(2.5, 12)
        for _ in range(int(rng.integers(2, 6))):
            half = np.array(
                [rng.uniform(2, 5), tall * rng.uniform(0.7, 1.3) / 2, rng.uniform(2, 8)]
            )
            local = np.array([sign * (width + half[0]), half[1], z + half[2]])
            building(scene, rng, paint, axes @ local, half, turn)
            z += 2 * half[2] + (rng.uniform(0.5, 5) if gap else 0.0)
        if rng.random() < 0.6:  # kerb or pavement
            spot = axes @ np.array([sign * width * 0.85, 0.06, 20.0])
            scene.add(BOX, spot, (width * 0.15, 0.08, 40), paint.material("grey", 1.5), axes)
    if rng.random() < 0.6:  # the end of the street
        half = np.array([rng.uniform(5, 25), rng.uniform(1, 8), 2.0])
        spot = axes @ np.array([rng.normal(0, 5), 0, rng.uniform(20, 55)])
        spot[1] = half[1]
        stuff = paint.material("green" if rng.random() < 0.5 else "earth", 3, 0.1)
        scene.add(ELLIPSOID if rng.random() < 0.5 else BOX, spot, half, stuff, axes)
    for _ in range(int(rng.integers(0, 4))):
        spot = axes @ np.array([rng.choice([-1, 1]) * rng.uniform(0.3, 0.8) * width, 0, 0])
        spot = spot + axes[:, 2] * rng.uniform(4, 28)
        car(scene, rng, paint, spot[0], spot[2], turn + rng.choice([0, np.pi]) + rng.normal(0, 0.1))
    passers_by(scene, rng, paint, axes, width)
    if rng.random() < 0.4:
        wires(scene, rng, paint, 35)
    if rng.random() < 0.6:  # lane marks
        white = Material(np.full(3, 0.8), np.full(3, 0.7), 0, 0, 1.0)
        for k in range(int(rng.integers(2, 7))):
            spot = axes @ np.array([rng.normal(0, 0.1), 0.0, 3 + 6 * k])
            scene.add(BOX, spot, (0.07, 0.004, 1.3), white, axes)
    return scene


def passers_by(scene: Scene, rng: Rng, paint: Painter, axes: np.ndarray, width: float) -> None:
    for _ in range(int(rng.integers(0, 4))):
        spot = axes @ np.array([rng.uniform(-1, 1) * width, 0, rng.uniform(3, 20)])
        person(scene, rng, paint, spot[0], spot[2], rng.uniform(1.2, 1.95))
    for _ in range(int(rng.integers(0, 5))):
        spot = axes @ np.array([rng.choice([-1, 1]) * width * 0.8, 0, rng.uniform(2, 30)])
        (pole if rng.random() < 0.6 else tree)(scene, rng, paint, spot[0], spot[2])
