"""Corridors and shop aisles: long walls with doors or full shelves, lamps in the ceiling."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.benchmark.furniture import chair
from ppdcli.scenes.primitives.repertoire.bodies import body
from ppdcli.scenes.primitives.repertoire.interior import empty_room
from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.repertoire.surfaces import glowing, surface, with_varied_cells
from ppdcli.scenes.primitives.repertoire.walls import Walls
from ppdcli.scenes.primitives.shapes import BOX, Lamp, Scene, rotation


def aisle(rng: Rng, paint: Painter) -> Scene:
    """A corridor or shop aisle: long walls with doors or full shelves, lamps in the ceiling."""
    half = np.array([rng.uniform(0.9, 3), rng.uniform(1.2, 2.2), rng.uniform(5, 20)])
    scene = empty_room(rng, paint, half, rng.normal(0, 0.12), 0.03)
    walls = Walls(scene)
    shop = rng.random() < 0.55
    for side in (1, 2):
        along = -0.9
        while along < 0.95:
            spot, axes = walls.wall(side, along, 0.22)
            if shop:
                size = np.array([rng.uniform(0.9, 1.6), min(rng.uniform(0.7, 1.2), half[1]), 0.2])
                _wares(scene, rng, paint, spot, size, axes)
                along += 2.1 * size[0] / half[2]
            else:
                door = surface(paint, "wood" if rng.random() < 0.5 else "paint", 1)
                face = spot + axes[:, 2] * 0.2
                if rng.random() < 0.8:
                    scene.add(BOX, face + [0, 1.05, 0], (0.5, 1.05, 0.05), door, axes)
                elif rng.random() < 0.5:
                    chair(scene, rng, paint, spot[0], spot[2])
                along += rng.uniform(1.5, 3.5) / half[2]
    for w in np.arange(-0.7, 1.0, rng.uniform(1.5, 3) / half[2] + 0.1):
        place = walls.floor(0.0, float(w)) + [0, 2 * half[1] - 0.02, 0]
        panel = glowing((1.0, 0.97, 0.9), rng.uniform(1.5, 5))
        scene.add(BOX, place, (0.15, 0.02, 0.6), panel, rotation(walls.yaw))
        if rng.random() < 0.5:
            scene.lamps.append(Lamp(place - [0, 0.3, 0], np.full(3, 0.15), 1.5))
    for _ in range(int(rng.integers(0, 4))):
        spot = walls.floor(rng.uniform(-0.6, 0.6), rng.uniform(-0.3, 0.9))
        if spot[2] > 1.5:
            body(scene, rng, paint, spot, rng.uniform(1.3, 1.9))
    if rng.random() < 0.5:
        scene.mirror = float(rng.uniform(0.03, 0.15))
        scene.ripples = 0.01
    return scene


def _wares(
    scene: Scene, rng: Rng, paint: Painter, foot: np.ndarray, half: np.ndarray, axes: np.ndarray
) -> None:
    """Places shelves in rows, each with one kind of packet."""
    metal = surface(paint, "metal", 1)
    levels = int(rng.integers(3, 6))
    gap = 2 * half[1] / levels
    scene.add(
        BOX, foot + [0, half[1], 0] + axes[:, 2] * 0.15, (half[0], half[1], 0.05), metal, axes
    )
    for k in range(levels):
        level = foot + [0, gap * k, 0]
        scene.add(BOX, level + [0, 0.02, 0], (half[0], 0.02, half[2]), metal, axes)
        goods = surface(paint, "paper", 0.3)
        goods = with_varied_cells(
            goods, rng.uniform(1, 4), rng.uniform(1, 4), rng.uniform(0.3, 0.9)
        )
        tall = gap * rng.uniform(0.3, 0.45)
        block = level + [0, 0.04 + tall, 0] + axes[:, 2] * rng.uniform(-0.05, 0.08)
        scene.add(BOX, block, (half[0] * rng.uniform(0.8, 0.98), tall, half[2] * 0.7), goods, axes)
        if rng.random() < 0.4:
            for x in np.linspace(-0.8, 0.8, 5):
                spot = level + axes @ np.array([x * half[0], 0.04 + tall, -half[2] * 0.8])
                scene.rod(spot - [0, tall, 0], spot + [0, tall * 0.7, 0], 0.05, goods, 0.2)
