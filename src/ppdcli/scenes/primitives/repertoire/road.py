"""Roads with traffic, by day and night."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.benchmark.roadside import fence, pole, wires
from ppdcli.scenes.primitives.repertoire.bodies import crowd
from ppdcli.scenes.primitives.repertoire.buildings import (
    house,
    lane_marks,
    ridge,
)
from ppdcli.scenes.primitives.repertoire.foliage import bush, hedge, leafy_tree
from ppdcli.scenes.primitives.repertoire.landscapes import landscape_base
from ppdcli.scenes.primitives.repertoire.night import nightfall, street_lamp
from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.repertoire.surfaces import surface
from ppdcli.scenes.primitives.repertoire.vehicles import lorry, sedan
from ppdcli.scenes.primitives.shapes import BOX, Scene, rotation


def road(rng: Rng, paint: Painter) -> Scene:
    """A view from a car or a kerb: lanes, traffic, barriers, signs, trees or houses along it."""
    scene = landscape_base(rng, paint, str(rng.choice(["lawn", "soil", "paving"])), 0.0)
    night = bool(rng.random() < 0.15)
    if night:
        nightfall(scene, rng)
    scene.height = float(rng.uniform(1.1, 2.2))
    turn = rng.normal(0, 0.12)
    axes = rotation(turn)
    lanes, lane = int(rng.integers(1, 5)), rng.uniform(2.8, 3.8)
    offset = rng.uniform(-0.5, 0.5) * lane * lanes
    wide = lanes * lane / 2
    asphalt = surface(paint, "road", rng.uniform(2, 8))
    middle = axes @ np.array([offset, 0, 0])
    scene.add(BOX, middle + axes[:, 2] * 30, (wide, 0.01, 45), asphalt, axes)
    if night and rng.random() < 0.4:  # wet
        scene.mirror, scene.ripples = float(rng.uniform(0.1, 0.3)), 0.05
    for k in range(lanes + 1):
        lane_marks(scene, axes, offset + (k - lanes / 2) * lane * 0.97, 60, 0 < k < lanes)
    for _ in range(int(rng.integers(0, 7))):
        k = int(rng.integers(lanes))
        x = offset + (k - (lanes - 1) / 2) * lane
        spot = axes @ np.array([x + rng.normal(0, 0.2), 0.01, 4 * np.exp(rng.uniform(0.2, 2.3))])
        way = turn + (np.pi if x < 0 else 0) + rng.normal(0, 0.03)
        if rng.random() < 0.8:
            sedan(scene, rng, paint, spot, way, night)
        else:
            lorry(scene, rng, paint, spot, way)
    for side in (-1, 1):
        edge = offset + side * (wide + rng.uniform(0.4, 1.5))
        kind = rng.random()
        start, end = axes @ np.array([edge, 0, 2.0]), axes @ np.array([edge, 0, 50.0])
        if kind < 0.3:  # a guard rail
            metal = surface(paint, "metal", 2)
            scene.add(BOX, (start + end) / 2 + [0, 0.65, 0], (0.03, 0.15, 24), metal, axes)
            for z in np.arange(2, 40, 4.0):
                post = axes @ np.array([edge + side * 0.08, 0, z])
                scene.rod(post, post + [0, 0.75, 0], 0.05, metal)
        elif kind < 0.45:
            hedge(scene, rng, paint, start, end, rng.uniform(0.8, 3))
        elif kind < 0.6:
            fence(scene, rng, paint, start, end)
        z, row = rng.uniform(3, 10), rng.random()
        while z < 45:
            x = edge + side * rng.uniform(1, 6)
            spot = axes @ np.array([x, 0, z])
            if row < 0.45:
                leafy_tree(scene, rng, paint, spot, rng.uniform(3, 10))
                z += rng.uniform(4, 16)
            elif row < 0.8:
                half = np.array([rng.uniform(3, 7), rng.uniform(2, 6), rng.uniform(3, 8)])
                spot = axes @ np.array([x + side * half[0], 0, z + half[2]])
                house(scene, rng, paint, spot, half, turn, night)
                z += 2 * half[2] + rng.uniform(0, 8)
            else:
                bush(scene, rng, paint, spot, rng.uniform(0.5, 2.5))
                z += rng.uniform(4, 14)
        for _ in range(int(rng.integers(0, 4))):
            spot = axes @ np.array([edge, 0, rng.uniform(4, 35)])
            if rng.random() < 0.5:
                street_lamp(scene, rng, paint, spot, night)
            else:
                pole(scene, rng, paint, spot[0], spot[2])
    if rng.random() < 0.15:  # a gantry with signs
        z = rng.uniform(10, 30)
        metal = surface(paint, "metal", 1)
        for side in (-1, 1):
            post = axes @ np.array([offset + side * (wide + 1), 0, z])
            scene.rod(post, post + [0, 5.6, 0], 0.12, metal)
        bar = axes @ np.array([offset, 5.4, z])
        scene.add(BOX, bar, (wide + 1, 0.1, 0.1), metal, axes)
        sign = bar + axes[:, 0] * rng.uniform(-0.5, 0.5) * wide
        scene.add(BOX, sign, (1.6, 0.8, 0.05), surface(paint, "paper", 2), axes)
    ridge(scene, rng, paint, rng.uniform(45, 70), rng.uniform(2, 12),
          str(rng.choice(["hills", "forest", "city"])))  # fmt: skip
    crowd(scene, rng, paint, int(rng.integers(0, 4)), 6, 30, 0.5)
    if rng.random() < 0.3:
        wires(scene, rng, paint, 40)
    return scene
