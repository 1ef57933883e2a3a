"""Things near the lens, and things in mid-air."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.benchmark.figures import creature
from ppdcli.scenes.primitives.repertoire.benchmark.furniture import thing
from ppdcli.scenes.primitives.repertoire.benchmark.outdoors import camera, outdoors
from ppdcli.scenes.primitives.repertoire.benchmark.room import around_camera
from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.shapes import BLOB, CARD, SOLID, Scene, rotation


def close_up(rng: Rng, paint: Painter) -> Scene:
    """Things on a table, or a creature or plant near the camera, before a wall or outdoors."""
    indoors = rng.random() < 0.6
    size = float(np.exp(rng.uniform(np.log(0.06), np.log(0.5))))
    if indoors:
        half = np.array([rng.uniform(2, 30), rng.uniform(4, 12), rng.uniform(6, 30)]) * size
        yaw = rng.normal(0, 0.4)
        center = np.array([0.0, half[1] * 0.95, half[2] * 0.6])
        scene = Scene(
            *camera(rng, size * rng.uniform(1.2, 4), rng.uniform(0.05, 0.6)),
            ground=paint.material(str(rng.choice(["wood", "pale", "any"])), 8 * size),
            room=(around_camera(center, half, yaw), half, yaw),
            walls=paint.material("any", 8 * size, plain=0.5),
            light=np.array([rng.normal(0, 8), rng.uniform(6, 11), rng.uniform(-4, 8)]) * size,
            light_color=np.array([1.0, 0.95, 0.85]) * rng.uniform(0.5, 1.5),
            lamp_reach=10 * size,
            shadow=float(rng.uniform(0.3, 0.9)),
            ambient=np.full(3, rng.uniform(0.2, 0.6)),
        )
    else:
        scene = outdoors(rng, paint, str(rng.choice(["grey", "wood", "green"])))
        scene.height = size * rng.uniform(1.2, 4)
        scene.pitch = float(rng.normal(0.15, 0.15))
    if rng.random() < 0.35:  # a creature: body, head, limbs, ears
        z = size * rng.uniform(4, 7)
        creature(scene, rng, paint, np.array([rng.uniform(-0.3, 0.3) * z, 0, z]), size * 2)
    for _ in range(int(rng.integers(2, 12))):
        half = size * np.exp(rng.normal(-0.3, 0.4)) * rng.uniform(0.3, 1.0, 3)
        z = size * rng.uniform(2.5, 13)
        thing(scene, rng, paint, np.array([rng.uniform(-0.6, 0.6) * z, half[1], z]), half)
    for _ in range(int(rng.integers(0, 4))):  # pens, stalks, cables
        z = size * rng.uniform(3, 9)
        foot = np.array([rng.uniform(-0.6, 0.6) * z, 0.0, z])
        tip = foot + rng.normal(0, 1, 3) * size + [0, 2 * size, 0]
        scene.rod(foot, tip, size * rng.uniform(0.02, 0.08), paint.material())
    return scene


def clutter(rng: Rng, paint: Painter) -> Scene:
    """Things in mid-air at random angles, so that a model cannot rely on a usual layout."""
    scene = outdoors(rng, paint, "any", down=0.0)
    scene.height = float(rng.uniform(0.3, 3))
    for _ in range(int(rng.integers(8, 30))):
        z = rng.uniform(1.5, 14)
        spot = np.array([rng.uniform(-0.7, 0.7) * z, rng.uniform(0, 0.5 * z + 1), z])
        axes = rotation(*rng.uniform(0, 6, 3))
        half = np.exp(rng.normal(-1.2, 0.6)) * rng.uniform(0.2, 1.2, 3)
        kind = int(rng.integers(4))
        cut = (float(rng.choice([SOLID, BLOB])), rng.uniform(0.1, 0.5), 0.0)
        if kind == CARD:
            scene.add(CARD, spot, half * 1.5, paint.material(), axes, cut)
        else:
            scene.add(kind, spot, half, paint.material(), axes, (rng.uniform(0, 1), 0.0, 0.0))
    return scene
