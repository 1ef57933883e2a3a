"""Squares with monuments and people, terraces with tables."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.benchmark.furniture import chair, table
from ppdcli.scenes.primitives.repertoire.bodies import body, crowd
from ppdcli.scenes.primitives.repertoire.buildings import (
    colonnade,
    house,
    ridge,
    statue,
    tower,
)
from ppdcli.scenes.primitives.repertoire.foliage import bush, grass, hedge, leafy_tree, potted_plant
from ppdcli.scenes.primitives.repertoire.landscapes import landscape_base
from ppdcli.scenes.primitives.repertoire.night import nightfall, street_lamp
from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.repertoire.surfaces import surface
from ppdcli.scenes.primitives.repertoire.vehicles import bicycle, sedan
from ppdcli.scenes.primitives.shapes import Scene, rotation


def square(rng: Rng, paint: Painter) -> Scene:
    """Houses around a square, with a monument, trees, benches, bicycles and people."""
    scene = landscape_base(rng, paint, str(rng.choice(["paving", "paving", "road", "lawn"])), 0.0)
    night = bool(rng.random() < 0.18)
    if night:
        nightfall(scene, rng)
    elif rng.random() < 0.12:  # after rain
        scene.mirror, scene.ripples = float(rng.uniform(0.05, 0.2)), 0.03
    far = rng.uniform(9, 40)
    x = -far * rng.uniform(0.8, 1.4)
    tall = rng.uniform(2.5, 9)
    while x < far * 1.1:
        half = np.array([rng.uniform(2.5, 8), tall * rng.uniform(0.7, 1.3), rng.uniform(3, 6)])
        spot = np.array([x + half[0], 0, far + half[2] + rng.normal(0, 1)])
        house(scene, rng, paint, spot, half, rng.normal(0, 0.06), night)
        x += 2 * half[0] + (rng.uniform(1, 6) if rng.random() < 0.25 else 0)
    for side in (-1, 1):
        if rng.random() < 0.6:  # a house at the side, seen at a grazing angle
            half = np.array([rng.uniform(2, 5), tall * rng.uniform(0.6, 1.3), far * 0.35])
            spot = np.array([side * (far * rng.uniform(0.25, 0.6) + half[0]), 0, far * 0.5])
            house(scene, rng, paint, spot, half, rng.normal(0, 0.1), night)
    kind = rng.random()
    middle = np.array([rng.normal(0, 0.2) * far, 0, far * rng.uniform(0.35, 0.8)])
    if kind < 0.3:
        statue(scene, rng, paint, middle)
    elif kind < 0.5:
        tower(scene, rng, paint, middle, rng.uniform(0.12, 0.3) * far)
    elif kind < 0.65:
        reach = np.array([far * rng.uniform(0.2, 0.5), 0, 0])
        turn = rotation(rng.normal(0, 0.3))
        colonnade(
            scene, rng, paint, middle - turn @ reach, middle + turn @ reach, rng.uniform(3, 7)
        )
    for _ in range(int(rng.integers(0, 7))):
        z = far * rng.uniform(0.15, 0.95)
        spot = np.array([rng.uniform(-0.6, 0.6) * z, 0, z])
        kind = rng.random()
        if kind < 0.3:
            leafy_tree(scene, rng, paint, spot, rng.uniform(2.5, 8), bool(rng.random() < 0.2))
        elif kind < 0.5:
            street_lamp(scene, rng, paint, spot, night)
        elif kind < 0.65:
            sedan(scene, rng, paint, spot, rng.uniform(0, 6), False)
        elif kind < 0.8:
            bicycle(scene, rng, paint, spot, rng.uniform(0, 6))
        else:
            potted_plant(scene, rng, paint, spot, rng.uniform(0.6, 1.6))
    for _ in range(int(rng.integers(0, 4))):
        z = rng.uniform(2, 9)
        spot = np.array([rng.uniform(-0.5, 0.5) * z, 0, z])
        body(scene, rng, paint, spot, rng.uniform(1.2, 1.9))
    crowd(scene, rng, paint, int(rng.integers(0, 16)), 5, max(far * 0.9, 6), 0.5)
    return scene


def terrace(rng: Rng, paint: Painter) -> Scene:
    """Tables and chairs before a house or in a garden, people sitting, plants around."""
    scene = landscape_base(rng, paint, str(rng.choice(["paving", "wood", "lawn", "road"])), 0.1)
    far = rng.uniform(4, 10)
    if rng.random() < 0.7:
        half = np.array([rng.uniform(5, 10), rng.uniform(2, 5), 2.0])
        house(scene, rng, paint, np.array([rng.normal(0, 2), 0, far + 2]), half, rng.normal(0, 0.2))
    else:
        a, b = np.array([-far, 0, far]), np.array([far, 0, far * rng.uniform(0.8, 1.3)])
        hedge(scene, rng, paint, a, b, rng.uniform(1, 2.5))
        ridge(scene, rng, paint, rng.uniform(30, 60), rng.uniform(3, 10), "forest")
    for _ in range(int(rng.integers(2, 6))):
        z = far * rng.uniform(0.3, 0.95)
        x = rng.uniform(-0.6, 0.6) * z
        table(scene, rng, paint, x, z, rng.uniform(0, 3))
        for _ in range(int(rng.integers(0, 3))):
            away = np.array([x, 0, z]) + rng.normal(0, 0.7, 3) * [1, 0, 1]
            if away[2] < 1:
                continue
            chair(scene, rng, paint, away[0], away[2])
            if rng.random() < 0.4:
                body(scene, rng, paint, away, rng.uniform(1.5, 1.9), 0.45)
        if rng.random() < 0.25:  # a parasol
            foot = np.array([x, 0, z])
            scene.rod(foot, foot + [0, 2.4, 0], 0.025, surface(paint, "wood", 1))
            cloth = paint.material(period=1.0)
            scene.rod(foot + [0, 2.0, 0], foot + [0, 2.5, 0], rng.uniform(1, 1.8), cloth, 1.0)
    for _ in range(int(rng.integers(1, 6))):
        z = far * rng.uniform(0.3, 1.0)
        spot = np.array([rng.uniform(-0.7, 0.7) * z, 0, z])
        if rng.random() < 0.6:
            potted_plant(scene, rng, paint, spot, rng.uniform(0.5, 1.5))
        elif rng.random() < 0.5:
            bush(scene, rng, paint, spot, rng.uniform(0.3, 0.9))
        else:
            bicycle(scene, rng, paint, spot, rng.uniform(0, 6))
    if rng.random() < 0.4:
        grass(scene, rng, paint, np.array([0, 0, far * 0.8]), far * 0.5, rng.uniform(0.1, 0.4))
    return scene
