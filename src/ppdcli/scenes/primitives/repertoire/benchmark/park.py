"""A park, and a yard before a wall."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.benchmark.figures import person
from ppdcli.scenes.primitives.repertoire.benchmark.furniture import litter, table
from ppdcli.scenes.primitives.repertoire.benchmark.outdoors import outdoors
from ppdcli.scenes.primitives.repertoire.benchmark.plants import tree
from ppdcli.scenes.primitives.repertoire.benchmark.roadside import building, fence, pole, wires
from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.shapes import ELLIPSOID, Scene


def park(rng: Rng, paint: Painter) -> Scene:
    scene = outdoors(rng, paint, str(rng.choice(["green", "earth", "grey"], p=[0.6, 0.3, 0.1])))
    for _ in range(int(rng.integers(0, 4))):  # hills and hedges far off
        half = np.array([rng.uniform(10, 40), rng.uniform(1, 9), rng.uniform(4, 15)])
        spot = np.array([rng.uniform(-40, 40), 0.0, rng.uniform(30, 60)])
        scene.add(ELLIPSOID, spot, half, paint.material("green", 5, 0.1))
    near = rng.uniform(2.5, 6)
    for _ in range(int(rng.integers(2, 9))):
        z = near * np.exp(rng.uniform(0, 2.2))
        tree(scene, rng, paint, rng.uniform(-0.7, 0.7) * z, z)
    for _ in range(int(rng.integers(0, 4))):
        z = rng.uniform(2.5, 14)
        person(scene, rng, paint, rng.uniform(-0.5, 0.5) * z, z, rng.uniform(1.1, 1.95))
    if rng.random() < 0.4:
        z = rng.uniform(3, 12)
        a = np.array([-z * rng.uniform(0.3, 1), 0, z * rng.uniform(0.6, 1.4)])
        b = np.array([z * rng.uniform(0.3, 1), 0, z * rng.uniform(0.6, 1.4)])
        fence(scene, rng, paint, a, b)
    for _ in range(int(rng.integers(0, 6))):  # bushes and stones
        size, z = rng.uniform(0.1, 1.0), rng.uniform(2, 15)
        spot = np.array([rng.uniform(-0.7, 0.7) * z, size * 0.4, z])
        stuff = paint.material("green" if rng.random() < 0.6 else "earth", 0.6, 0.1)
        scene.add(ELLIPSOID, spot, size * rng.uniform(0.5, 1.3, 3), stuff)
    if rng.random() < 0.3:
        spot = np.array([rng.uniform(-12, 12), 2.5, rng.uniform(12, 40)])
        building(scene, rng, paint, spot, rng.uniform(2.2, 6, 3), rng.uniform(0, 3))
    if rng.random() < 0.3:
        wires(scene, rng, paint, 30)
    return scene


def yard(rng: Rng, paint: Painter) -> Scene:
    """Things at a few metres before a wall: benches, bars like those of bicycles, people."""
    scene = outdoors(rng, paint, str(rng.choice(["grey", "earth", "green"])), down=0.12)
    z = rng.uniform(3, 9)
    half = np.array([rng.uniform(5, 14), rng.uniform(1, 5), 0.4])
    wall = np.array([rng.normal(0, 2), half[1], z + 0.4])
    building(scene, rng, paint, wall, half, rng.normal(0, 0.3))
    for _ in range(int(rng.integers(1, 5))):
        d = rng.uniform(0.3, 0.95) * z
        table(scene, rng, paint, rng.uniform(-0.6, 0.6) * d, d, rng.uniform(0, 3), 0.0)
    for _ in range(int(rng.integers(0, 3))):
        d = rng.uniform(0.4, 0.95) * z
        person(scene, rng, paint, rng.uniform(-0.5, 0.5) * d, d, rng.uniform(1.1, 1.95))
    for _ in range(int(rng.integers(0, 4))):
        d = rng.uniform(0.4, 1.0) * z
        (pole if rng.random() < 0.6 else tree)(scene, rng, paint, rng.uniform(-0.7, 0.7) * d, d)
    litter(scene, rng, paint, int(rng.integers(0, 8)), z * 0.9, 0.5)
    if rng.random() < 0.3:
        a = np.array([-z * 0.8, 0, z * rng.uniform(0.3, 0.9)])
        fence(scene, rng, paint, a, a * [-1, 1, 1] + [0, 0, rng.normal(0, 0.5)])
    return scene
