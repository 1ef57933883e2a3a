"""Landscapes: mountains, lakes and the sea, beaches, meadows, forests."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.benchmark.outdoors import outdoors
from ppdcli.scenes.primitives.repertoire.benchmark.roadside import fence, wires
from ppdcli.scenes.primitives.repertoire.bodies import animal, body, crowd
from ppdcli.scenes.primitives.repertoire.buildings import house, ridge, tower
from ppdcli.scenes.primitives.repertoire.foliage import bush, conifer, grass, leafy_tree
from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.repertoire.surfaces import surface
from ppdcli.scenes.primitives.repertoire.vehicles import boat
from ppdcli.scenes.primitives.shapes import BOX, CARD, ELLIPSOID, LEAVES, Scene, rotation


def landscape_base(rng: Rng, paint: Painter, ground: str, down: float) -> Scene:
    """Outdoors on a named ground; the sun can be in front of the camera."""
    scene = outdoors(rng, paint, "grey", down)
    scene.ground = surface(paint, ground, rng.uniform(0.8, 5))
    scene.ambient = scene.ambient * rng.uniform(1.0, 1.6)
    if rng.random() < 0.12:  # against the light
        height, aside = rng.uniform(0.05, 0.5), rng.normal(0, 0.4)
        scene.light = 900 * np.array([aside, height, 1.0])
        scene.glare = float(rng.uniform(0.3, 1.5))
        scene.light_color = scene.light_color * [1.1, 0.9, 0.7]
        scene.ambient = scene.ambient * 1.3
    if rng.random() < 0.85:
        scene.fog = float(rng.choice([0.0, 0.002, 0.005, 0.01], p=[0.5, 0.25, 0.15, 0.1]))
    return scene


def _water(scene: Scene, rng: Rng, paint: Painter) -> None:
    scene.ground = surface(paint, "water", rng.uniform(1, 6))
    scene.mirror = float(rng.uniform(0.05, 0.35))
    scene.ripples = float(rng.choice([0.0, 0.01, 0.04, 0.1]))


def _backdrop(scene: Scene, rng: Rng, paint: Painter) -> None:
    """Adds one to four silhouettes in the haze, each farther and higher than the last."""
    scene.fog = max(scene.fog, float(rng.choice([0.0, 0.006, 0.012, 0.02])))
    distance = rng.uniform(28, 45)
    for _ in range(int(rng.integers(1, 4))):
        kind = str(rng.choice(["hills", "hills", "forest", "city"]))
        high = distance * rng.uniform(0.06, 0.5 if kind == "hills" else 0.2)
        ridge(scene, rng, paint, distance, high, kind)
        distance = min(distance * rng.uniform(1.15, 1.5), 72.0)


def shore(rng: Rng, paint: Painter) -> Scene:
    """Sea or lake behind a beach, a quay or a bank; boats, people, birds' eye views."""
    scene = landscape_base(rng, paint, "sand", 0.03)
    _water(scene, rng, paint)
    scene.height = float(rng.choice([1.6, 1.6, 3.0, 8.0]) * rng.uniform(0.8, 1.2))
    if rng.random() < 0.6:
        _backdrop(scene, rng, paint)
    land = min(scene.height * rng.uniform(2, 8), 30.0)
    bank = str(rng.choice(["sand", "lawn", "paving", "rock"]))
    shallow = surface(paint, bank, 2)
    if rng.random() < 0.75:  # land before the water
        yaw = rng.normal(0, 0.15)
        center = rotation(yaw) @ np.array([0, 0.0, land / 2 - 10])
        scene.add(BOX, center, (60, 0.05, land / 2 + 10), shallow, rotation(yaw))
        crowd(scene, rng, paint, int(rng.integers(0, 9)), 6, max(land, 9), 0.6)
        if rng.random() < 0.4:
            z = land * rng.uniform(0.5, 0.9)
            fence(scene, rng, paint, np.array([-z, 0.05, z]), np.array([z, 0.05, z]))
    for _ in range(int(rng.integers(0, 5))):
        z = rng.uniform(max(land, 6), 45)
        boat(scene, rng, paint, np.array([rng.uniform(-0.6, 0.6) * z, 0.1, z]), rng.uniform(2, 8))
    for _ in range(int(rng.integers(0, 6))):  # rocks
        z = rng.uniform(3, 20)
        half = rng.uniform(0.2, 1.2, 3)
        spot = np.array([rng.uniform(-0.8, 0.8) * z, 0.1, z])
        scene.add(ELLIPSOID, spot, half, surface(paint, "rock", 1), rotation(rng.uniform(0, 3)))
    if rng.random() < 0.2:  # something in the sky
        spot = np.array([rng.normal(0, 8), rng.uniform(6, 15), rng.uniform(15, 40)])
        scene.add(ELLIPSOID, spot, (1.5, 0.35, 0.5), paint.material(), rotation(0, 0, rng.normal()))
    return scene


def mountains(rng: Rng, paint: Painter) -> Scene:
    """A meadow, moor or snowfield before hills."""
    ground = str(rng.choice(["lawn", "lawn", "soil", "rock", "snow", "sand"]))
    scene = landscape_base(rng, paint, ground, 0.02)
    scene.height = float(rng.choice([1.6, 3.0, 8.0, 15.0], p=[0.5, 0.2, 0.2, 0.1]))
    _backdrop(scene, rng, paint)
    for _ in range(int(rng.integers(0, 5))):  # swells of the ground
        z = rng.uniform(8, 40)
        half = np.array([rng.uniform(5, 30), rng.uniform(0.3, 0.12 * z), rng.uniform(3, 12)])
        spot = np.array([rng.uniform(-1, 1) * z, -0.1, z + half[2]])
        scene.add(ELLIPSOID, spot, half, surface(paint, ground, 3))
    for _ in range(int(rng.integers(0, 9))):
        z = 5 * np.exp(rng.uniform(0, 2.2))
        spot = np.array([rng.uniform(-0.8, 0.8) * z, 0, z])
        kind = rng.random()
        if kind < 0.35:
            conifer(scene, rng, paint, spot, rng.uniform(3, 12))
        elif kind < 0.6:
            leafy_tree(scene, rng, paint, spot, rng.uniform(3, 9), bool(rng.random() < 0.2))
        elif kind < 0.8:
            half = rng.uniform(0.2, 1.3, 3)
            scene.add(ELLIPSOID, spot, half, surface(paint, "rock", 1), rotation(rng.uniform(0, 3)))
        else:
            animal(scene, rng, paint, spot, rng.uniform(1, 2.2))
    if rng.random() < 0.4:
        z = rng.uniform(4, 14)
        a, b = np.array([-z, 0, z * rng.uniform(0.5, 1.3)]), np.array([z, 0, z])
        fence(scene, rng, paint, a, b)
    if rng.random() < 0.4:
        spot = np.array([rng.uniform(-10, 10), 0.0, rng.uniform(14, 45)])
        half = np.array([rng.uniform(2, 6), rng.uniform(1.2, 3), rng.uniform(2, 4)])
        house(scene, rng, paint, spot, half, rng.uniform(0, 3))
    if rng.random() < 0.2:
        spot = np.array([rng.uniform(-8, 8), 0.0, rng.uniform(12, 30)])
        tower(scene, rng, paint, spot, rng.uniform(2, 6))
    if rng.random() < 0.5 and scene.height < 4:
        near = np.array([0.0, 0.0, rng.uniform(1.5, 4)])
        grass(scene, rng, paint, near, near[2], rng.uniform(0.1, 0.6))
    if rng.random() < 0.3:
        z = rng.uniform(3, 9)
        spot = np.array([rng.uniform(-0.4, 0.4) * z, 0.0, z])
        body(scene, rng, paint, spot, rng.uniform(1.4, 1.9))
    if rng.random() < 0.2:
        wires(scene, rng, paint, 35)
    return scene


def forest(rng: Rng, paint: Painter) -> Scene:
    """Among trees: trunks, leaves against the sky, undergrowth, a path."""
    ground = str(rng.choice(["soil", "leaves", "lawn", "snow"], p=[0.4, 0.3, 0.25, 0.05]))
    scene = landscape_base(rng, paint, ground, -0.02)
    scene.ambient = scene.ambient * rng.uniform(0.5, 1.2)
    if rng.random() < 0.5:
        path = surface(paint, str(rng.choice(["soil", "sand", "road"])), 1.5)
        yaw = rng.normal(0, 0.25)
        spot = rotation(yaw) @ np.array([rng.normal(0, 0.5), 0.0, 18])
        scene.add(BOX, spot, (rng.uniform(0.6, 1.8), 0.01, 20), path, rotation(yaw))
    tall = rng.uniform(5, 14)
    pines = rng.random() < 0.35
    bare = rng.random() < 0.2
    for _ in range(int(rng.integers(5, 14))):
        z = rng.uniform(2.5, 6) * np.exp(rng.uniform(0, 1.8))
        spot = np.array([rng.uniform(-0.9, 0.9) * z, 0, z])
        if abs(spot[0]) < 0.8:
            continue
        kind = rng.random()
        if kind < 0.3:  # a trunk that extends beyond the picture
            lean = rng.normal(0, 0.05, 2) * tall
            top = spot + [lean[0], tall * 1.5, lean[1]]
            scene.rod(spot, top, rng.uniform(0.06, 0.35), surface(paint, "bark", 0.6), 0.4)
        elif pines:
            conifer(scene, rng, paint, spot, tall * rng.uniform(0.4, 1.2))
        else:
            leafy_tree(scene, rng, paint, spot, tall * rng.uniform(0.4, 1.2), bare)
    for _ in range(int(rng.integers(0, 6))):
        z = rng.uniform(2, 14)
        bush(scene, rng, paint, np.array([rng.uniform(-0.8, 0.8) * z, 0, z]), rng.uniform(0.2, 1.2))
    if rng.random() < 0.5:
        spot = np.array([0.0, 0.0, rng.uniform(1.5, 4)])
        grass(scene, rng, paint, spot, spot[2], rng.uniform(0.05, 0.4))
    ridge(scene, rng, paint, rng.uniform(25, 50), rng.uniform(3, 14), "forest")
    if rng.random() < 0.4:  # twigs near the lens, above
        stuff = surface(paint, "leaves", 0.5)
        for _ in range(int(rng.integers(1, 4))):
            z = rng.uniform(1.2, 4)
            spot = np.array(
                [rng.uniform(-0.6, 0.6) * z, scene.height + rng.uniform(0.2, 0.6) * z, z]
            )
            cut = (LEAVES, float(rng.uniform(4, 12)), float(rng.uniform(0.2, 0.7)))
            axes = rotation(rng.normal(0, 0.5), rng.normal(0, 0.5))
            scene.add(CARD, spot, (z * 0.35, z * 0.25, 1), stuff, axes, cut)
    for _ in range(int(rng.integers(0, 3))):
        z = rng.uniform(3, 12)
        spot = np.array([rng.uniform(-0.4, 0.4) * z, 0.0, z])
        body(scene, rng, paint, spot, rng.uniform(1.2, 1.9))
    return scene
