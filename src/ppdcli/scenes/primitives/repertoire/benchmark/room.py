"""A furnished room."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.benchmark.figures import person
from ppdcli.scenes.primitives.repertoire.benchmark.furniture import chair, table, thing
from ppdcli.scenes.primitives.repertoire.benchmark.outdoors import camera
from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.shapes import BOX, ELLIPSOID, Material, Scene, rotation


def around_camera(center: np.ndarray, half: np.ndarray, yaw: float) -> np.ndarray:
    """Returns a room's centre, moved horizontally until the camera is inside the walls."""
    axes = rotation(yaw)
    eye = -axes.T @ center
    eye[[0, 2]] = np.clip(eye[[0, 2]], -0.9 * half[[0, 2]], 0.9 * half[[0, 2]])
    return -axes @ eye


def room(rng: Rng, paint: Painter) -> Scene:
    half = np.array([rng.uniform(1.4, 4), rng.uniform(1.15, 1.8), rng.uniform(1.6, 5)])
    yaw = rng.normal(0, 0.4)
    back = rng.uniform(0.3, 0.9) * half[2]
    center = np.array([rng.uniform(-0.6, 0.6) * half[0], half[1], back])
    center = around_camera(center, half, yaw)
    axes = rotation(yaw)
    lamp = center + np.array(
        [rng.uniform(-0.6, 0.6) * half[0], half[1] * rng.uniform(0.3, 0.95), 0]
    )
    lamp = lamp + axes[:, 2] * rng.uniform(-0.6, 0.6) * half[2]
    warm = np.array([1.0, rng.uniform(0.75, 1.0), rng.uniform(0.5, 1.0)])
    scene = Scene(
        *camera(rng, float(np.clip(rng.normal(1.4, 0.3), 0.5, 2 * half[1] - 0.2)), 0.16),
        ground=paint.material(str(rng.choice(["wood", "grey", "any"])), 1.0, plain=0.2),
        room=(center, half, yaw),
        walls=paint.material("pale" if rng.random() < 0.7 else "any", 1.5, plain=0.75),
        light=lamp,
        light_color=warm * rng.uniform(0.4, 1.5),
        lamp_reach=float(rng.uniform(1.5, 5)),
        shadow=float(rng.uniform(0.3, 0.9)),
        ambient=np.full(3, rng.uniform(0.15, 0.6)),
    )

    def at(u: float, w: float, y: float = 0.0) -> np.ndarray:
        """Returns a point: u, w in -1..1 across and along the room, y metres above the floor."""
        spot = center + axes[:, 0] * u * half[0] + axes[:, 2] * w * half[2]
        spot[1] = y
        return spot

    for _ in range(int(rng.integers(1, 7))):  # pictures, doors, windows on the walls
        side = rng.integers(3)
        size = np.array([rng.uniform(0.15, 0.8), rng.uniform(0.15, 1.0), 0.02])
        y = rng.uniform(0.8, 2 * half[1] - 0.3)
        along = rng.uniform(-0.8, 0.9)
        spot = at(along, 0.995, y) if side == 0 else at(0.995 * (2 * side - 3), along, y)
        stuff = paint.material(period=float(size.max()) * 2, plain=0.1)
        if rng.random() < 0.25:
            stuff = Material(
                stuff.color_a, stuff.color_b, stuff.texture, stuff.grain, 1.0, glow=1.5
            )
        scene.add(BOX, spot, size, stuff, rotation(yaw + (side > 0) * np.pi / 2))
    for _ in range(int(rng.integers(0, 4))):  # cupboards and shelves at the walls
        size = np.array([rng.uniform(0.2, 0.7), rng.uniform(0.3, 1.1), rng.uniform(0.15, 0.4)])
        side = rng.integers(3)
        along = rng.uniform(-0.8, 0.9)
        inset = 1 - size[2] / half[2 if side == 0 else 0]
        spot = (
            at(along, inset, size[1]) if side == 0 else at(inset * (2 * side - 3), along, size[1])
        )
        stuff = paint.material(str(rng.choice(["wood", "pale", "any"])))
        scene.add(BOX, spot, size, stuff, rotation(yaw + (side > 0) * np.pi / 2))
        if rng.random() < 0.6:
            small = rng.uniform(0.06, 0.2, 3)
            thing(scene, rng, paint, spot + [0, size[1] + small[1], 0], small)
    spots = [at(rng.uniform(-0.85, 0.85), rng.uniform(-0.2, 0.9)) for _ in range(8)]
    spots = [s for s in spots if s[2] > 0.9 or np.hypot(s[0], s[2]) > 1.1]
    for spot in spots[: int(rng.integers(2, 7))]:
        kind = rng.random()
        if kind < 0.35:
            table(scene, rng, paint, spot[0], spot[2], yaw + rng.choice([0, np.pi / 2]))
        elif kind < 0.6:
            chair(scene, rng, paint, spot[0], spot[2])
        elif kind < 0.75:  # sofa, bed
            size = np.array([rng.uniform(0.4, 1.0), rng.uniform(0.15, 0.25), rng.uniform(0.4, 0.9)])
            stuff, turn = paint.material(period=0.8), rotation(yaw)
            scene.add(BOX, spot + [0, size[1], 0], size, stuff, turn)
            rest = spot + [0, 2.2 * size[1], 0] + axes[:, 2] * size[2]
            scene.add(BOX, rest, (size[0], size[1] * 1.6, 0.1), stuff, turn)
            cushion = spot + [0, 2.3 * size[1], 0]
            scene.add(ELLIPSOID, cushion, (0.2, 0.12, 0.15), paint.material(period=0.3))
        elif kind < 0.85:  # floor lamp
            metal = paint.material("grey")
            high = rng.uniform(1.2, 1.9)
            scene.rod(spot, spot + [0, high, 0], rng.uniform(0.008, 0.02), metal)
            shade = paint.material("pale")
            scene.rod(spot + [0, high, 0], spot + [0, high + 0.3, 0], 0.2, shade, 0.5)
        elif kind < 0.93:
            person(scene, rng, paint, spot[0], spot[2], rng.uniform(1.1, 1.9))
        else:
            size = rng.uniform(0.1, 0.35, 3)
            thing(scene, rng, paint, spot + [0, size[1], 0], size)
    if rng.random() < 0.4:  # a hanging lamp
        spot = at(rng.uniform(-0.6, 0.6), rng.uniform(-0.1, 0.8), 2 * half[1])
        drop = rng.uniform(0.3, 1.0)
        scene.rod(spot, spot - [0, drop, 0], 0.008, paint.material("grey"))
        bulb = spot - np.array([0, drop, 0])
        scene.add(ELLIPSOID, bulb, rng.uniform(0.08, 0.25, 3), paint.material("pale"))
    return scene
