"""Tables seen from above."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.foliage import potted_plant
from ppdcli.scenes.primitives.repertoire.indoor_things import (
    dishes,
    screen,
)
from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.repertoire.surfaces import surface
from ppdcli.scenes.primitives.shapes import CARD, ELLIPSOID, GRID, Scene, rotation


def tabletop(rng: Rng, paint: Painter) -> Scene:
    """A table seen from close above: meals, desks, workbenches."""
    size = rng.uniform(0.25, 0.7)
    pitch = rng.uniform(0.35, 1.5)
    scene = Scene(
        float(size * rng.uniform(0.8, 1.7)),
        float(pitch),
        float(rng.normal(0, 0.12)),
        float(rng.uniform(35, 75)),
        ground=surface(paint, str(rng.choice(["wood", "wood", "cloth", "plaster", "stone"])), 0.5),
        room=(np.array([0.0, 2.4, 1.0]), np.array([3.0, 2.4, 4.0]), rng.normal(0, 0.3)),
        walls=surface(paint, "plaster", 1.5),
        light=np.array([rng.normal(0, 1), rng.uniform(1, 2), rng.uniform(-0.5, 2)]),
        light_color=np.array([1.0, 0.95, 0.85]) * rng.uniform(0.5, 1.4),
        lamp_reach=float(rng.uniform(1, 3)),
        shadow=float(rng.uniform(0.3, 0.8)),
        ambient=np.full(3, rng.uniform(0.25, 0.6)),
    )
    ahead = scene.height / np.tan(pitch) if pitch < 1.45 else 0.05
    top = np.array([0.0, 0.0, min(ahead, 1.5)])
    reach = scene.height / np.sin(pitch) * 0.6
    dishes(scene, rng, paint, top, reach, int(rng.integers(4, 14)))
    if rng.random() < 0.3:
        spot = top + rng.uniform(-0.5, 0.5, 3) * [reach, 0, reach]
        potted_plant(scene, rng, paint, spot, rng.uniform(0.2, 0.4))
    if rng.random() < 0.3:
        screen(scene, rng, paint, top + [0, 0, reach * 0.6], rotation(rng.normal(0, 0.3)), 0.5)
    if rng.random() < 0.3:  # hands
        skin, sleeve = surface(paint, "skin", 0.2), surface(paint, "cloth", 0.2)
        for side in (-1, 1):
            hand = top + np.array([side * rng.uniform(0.05, 0.2), 0.035, -0.1 * rng.random()])
            scene.add(ELLIPSOID, hand, (0.045, 0.025, 0.07), skin, rotation(-side * 0.5))
            for k in range(4):
                tip = hand + np.array([0.02 * (k - 1.5), 0.0, 0.11])
                scene.rod(hand + [0.018 * (k - 1.5), 0, 0.04], tip, 0.009, skin)
            elbow = hand + [side * 0.12, 0.03, -0.3]
            scene.rod(elbow, hand, 0.05, sleeve, 0.3)
    if rng.random() < 0.2:  # a rack of wires
        flat, metal = rotation(0.3, np.pi / 2), surface(paint, "metal", 1)
        half = (reach * 0.5, reach * 0.4, 1)
        scene.add(CARD, top + [0, 0.02, 0], half, metal, flat, (GRID, 20.0, 0.12))
    return scene
