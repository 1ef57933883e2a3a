"""Lived-in rooms and offices, lit by windows and lamps."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.benchmark.furniture import chair, table
from ppdcli.scenes.primitives.repertoire.benchmark.outdoors import camera
from ppdcli.scenes.primitives.repertoire.benchmark.room import around_camera
from ppdcli.scenes.primitives.repertoire.bodies import animal, body
from ppdcli.scenes.primitives.repertoire.foliage import potted_plant
from ppdcli.scenes.primitives.repertoire.indoor_things import (
    dishes,
    knick_knack,
    office_chair,
    rug,
    screen,
    seat,
    shelf,
    window,
)
from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.repertoire.surfaces import glowing, surface, with_varied_cells
from ppdcli.scenes.primitives.repertoire.walls import Walls
from ppdcli.scenes.primitives.shapes import BOX, ELLIPSOID, Lamp, Scene, rotation


def empty_room(rng: Rng, paint: Painter, half: np.ndarray, yaw: float, down: float = 0.12) -> Scene:
    """Returns floor, walls and light of a room; the camera is near its back wall."""
    center = np.array([rng.uniform(-0.5, 0.5) * half[0], half[1], rng.uniform(0.4, 0.85) * half[2]])
    center = around_camera(center, half, yaw)
    axes = rotation(yaw)
    by_window = rng.random() < 0.5
    lamp = center + axes @ (rng.uniform(-0.9, 0.9, 3) * half * [1, 0, 0.8])
    lamp[1] = half[1] * (rng.uniform(0.8, 1.4) if by_window else rng.uniform(1.6, 1.95))
    warm = np.array([0.9, 0.97, 1.1]) if by_window else np.array([1.0, rng.uniform(0.8, 1), 0.75])
    floor = str(rng.choice(["wood", "wood", "tiles", "cloth", "paving"]))
    scene = Scene(
        *camera(rng, float(np.clip(rng.normal(1.35, 0.3), 0.4, 2 * half[1] - 0.2)), down),
        ground=surface(paint, floor, rng.uniform(0.6, 1.6)),
        room=(center, half, yaw),
        walls=surface(paint, "plaster" if rng.random() < 0.85 else "paper", rng.uniform(0.5, 3)),
        light=lamp,
        light_color=warm * rng.uniform(0.4, 1.4),
        lamp_reach=float(half[2] * rng.uniform(0.7, 2)),
        shadow=float(rng.uniform(0.25, 0.8)),
        ambient=np.full(3, rng.uniform(0.15, 0.6)),
    )
    if floor in ("wood", "tiles", "paving") and rng.random() < 0.35:
        scene.mirror = float(rng.uniform(0.02, 0.12))
        scene.ripples = float(rng.uniform(0.0, 0.02))
    return scene


def home(rng: Rng, paint: Painter) -> Scene:
    """A living room, kitchen, bedroom or study, with everyday things lying around."""
    half = np.array([rng.uniform(1.6, 3.6), rng.uniform(1.2, 1.5), rng.uniform(1.8, 4)])
    yaw = rng.normal(0, 0.45)
    scene = empty_room(rng, paint, half, yaw)
    walls = Walls(scene)
    _openings(scene, rng, paint, walls)
    _along_walls(scene, rng, paint, walls)
    if rng.random() < 0.5:
        rug(scene, rng, paint, walls.floor(rng.uniform(-0.4, 0.4), rng.uniform(-0.2, 0.6)), yaw)
    spots = [walls.floor(rng.uniform(-0.8, 0.8), rng.uniform(-0.3, 0.8)) for _ in range(8)]
    spots = [s for s in spots if s[2] > 1.0 or np.hypot(s[0], s[2]) > 1.3]
    for spot in spots[: int(rng.integers(1, 5))]:
        kind = rng.random()
        turn = yaw + rng.choice([0, np.pi / 2, np.pi, -np.pi / 2])
        if kind < 0.3:
            high = table(scene, rng, paint, spot[0], spot[2], turn, 0.0)
            dishes(scene, rng, paint, spot + [0, high + 0.03, 0], 0.28, int(rng.integers(2, 7)))
            if rng.random() < 0.6:
                away = spot + rng.uniform(-0.8, 0.8, 3) * [1, 0, 1]
                chair(scene, rng, paint, away[0], away[2])
        elif kind < 0.5:
            seat(scene, rng, paint, spot, turn)
        elif kind < 0.62:
            office_chair(scene, rng, paint, spot)
        elif kind < 0.72:
            chair(scene, rng, paint, spot[0], spot[2])
        elif kind < 0.82:
            body(scene, rng, paint, spot, rng.uniform(1.2, 1.9))
        elif kind < 0.9:
            animal(scene, rng, paint, spot, rng.uniform(0.3, 0.8))
        else:
            potted_plant(scene, rng, paint, spot, rng.uniform(0.4, 1.3))
    for spot in spots[5:]:
        size = rng.uniform(0.04, 0.15, 3)
        knick_knack(scene, rng, paint, spot + [0, size[1], 0], size)
    _lamps(scene, rng, paint, walls)
    return scene


def _openings(scene: Scene, rng: Rng, paint: Painter, walls: Walls) -> None:
    """Adds windows, doors and pictures."""
    high = walls.half[1] * 2
    for _ in range(int(rng.integers(1, 6))):
        spot, axes = walls.wall(int(rng.integers(3)), rng.uniform(-0.8, 0.9), 0.01)
        kind = rng.random()
        if kind < 0.35:
            half = np.array([rng.uniform(0.3, 1.0), rng.uniform(0.35, 0.75), 0.0])
            window(scene, rng, paint, spot + [0, rng.uniform(1.3, 1.6), 0], half, axes)
        elif kind < 0.55:  # a door with its frame, and a handle
            wood = surface(paint, "wood" if rng.random() < 0.4 else "plaster", 1)
            scene.add(BOX, spot + [0, 1.0, 0], (0.45, 1.0, 0.03), wood, axes)
            for x in (-0.48, 0.48):
                scene.add(BOX, spot + axes[:, 0] * x + [0, 1.02, 0], (0.04, 1.04, 0.05), wood, axes)
            knob = spot + axes @ np.array([0.36, 1.0, -0.07])
            scene.add(ELLIPSOID, knob, (0.05, 0.02, 0.02), surface(paint, "metal", 0.1), axes)
        else:
            half = np.array([rng.uniform(0.12, 0.6), rng.uniform(0.12, 0.5)])
            place = spot + [0, rng.uniform(1.2, max(1.3, high - 0.7)), 0]
            scene.add(BOX, place, (*half, 0.015), surface(paint, "wood", 0.3), axes)
            picture = surface(paint, "paper", float(half.max()) * rng.uniform(0.5, 2))
            if rng.random() < 0.4:
                across, down, variety = rng.uniform([1, 1, 0.2], [4, 4, 0.8])
                picture = with_varied_cells(picture, across, down, variety)
            inner = place - axes[:, 2] * 0.013
            scene.add(BOX, inner, (*(half * 0.88), 0.004), picture, axes)


def _along_walls(scene: Scene, rng: Rng, paint: Painter, walls: Walls) -> None:
    """Adds shelves, cupboards, desks with screens, kitchen units."""
    for _ in range(int(rng.integers(1, 5))):
        deep = rng.uniform(0.14, 0.3)
        spot, axes = walls.wall(int(rng.integers(3)), rng.uniform(-0.7, 0.9), deep + 0.01)
        kind = rng.random()
        if kind < 0.35:
            half = np.array([rng.uniform(0.3, 0.9), rng.uniform(0.4, 1.05), deep])
            shelf(scene, rng, paint, spot, half, axes)
        elif kind < 0.6:  # a cupboard with doors and handles
            half = np.array([rng.uniform(0.3, 0.9), rng.uniform(0.35, 1.05), deep])
            wood = surface(paint, str(rng.choice(["wood", "paint", "plaster"])), 1)
            scene.add(BOX, spot + [0, half[1], 0], half, wood, axes)
            face = spot - axes[:, 2] * (half[2] + 0.005)
            for x in np.linspace(-0.5, 0.5, int(rng.integers(2, 4))) * half[0]:
                door = face + axes[:, 0] * x + [0, half[1], 0]
                size = (half[0] * 0.46, half[1] * 0.94, 0.008)
                scene.add(BOX, door, size, wood, axes)
                grip = door - axes[:, 2] * 0.02 + axes[:, 0] * half[0] * 0.15
                scene.rod(grip, grip + [0, 0.1, 0], 0.008, surface(paint, "metal", 0.1))
            dishes(scene, rng, paint, spot + [0, 2 * half[1], 0], deep * 0.8, 3)
        else:  # a desk or worktop
            high, long = rng.uniform(0.7, 0.95), rng.uniform(0.5, 1.2)
            wood = surface(paint, "wood" if rng.random() < 0.6 else "stone", 1)
            scene.add(BOX, spot + [0, high, 0], (long, 0.02, deep + 0.12), wood, axes)
            if rng.random() < 0.5:
                block = np.array([long * 0.35, high / 2 - 0.02, deep])
                side = spot + axes[:, 0] * long * 0.6 + [0, block[1], 0]
                scene.add(BOX, side, block, surface(paint, "wood", 1), axes)
            for x in (-0.95, 0.95):
                for z in (-0.9, 0.9):
                    leg = spot + axes @ np.array([x * long, 0, z * (deep + 0.1)])
                    scene.rod(leg, leg + [0, high, 0], 0.02, wood)
            top = spot + [0, high + 0.02, 0]
            for k in range(int(rng.integers(0, 3))):
                place = top + axes @ np.array([long * (0.7 * k - 0.4), 0, 0.05])
                turned = axes @ rotation(rng.normal(0, 0.3))
                screen(scene, rng, paint, place, turned, rng.uniform(0.35, 0.65))
            dishes(scene, rng, paint, top, min(deep, long), int(rng.integers(1, 6)))
            if rng.random() < 0.5:
                office_chair(scene, rng, paint, spot - axes[:, 2] * 0.65)


def _lamps(scene: Scene, rng: Rng, paint: Painter, walls: Walls) -> None:
    """Adds standing and hanging lamps, some of them on."""
    for _ in range(int(rng.integers(0, 3))):
        on = rng.random() < 0.6
        shade = glowing((1, 0.85, 0.6), rng.uniform(1, 5)) if on else surface(paint, "cloth", 0.3)
        metal = surface(paint, "metal", 0.3)
        spot = walls.floor(rng.uniform(-0.85, 0.85), rng.uniform(-0.1, 0.9))
        if spot[2] < 0.8:
            continue
        if rng.random() < 0.5:
            high = rng.uniform(1.2, 1.8)
            scene.rod(spot, spot + [0, high, 0], rng.uniform(0.008, 0.02), metal)
            scene.rod(spot, spot + [0, 0.02, 0], 0.15, metal)
            for _ in range(int(rng.integers(1, 4))):  # arms with bulbs
                bulb = spot + [0, high, 0] + rng.normal(0, 0.12, 3)
                scene.rod(spot + [0, high - 0.2, 0], bulb, 0.006, metal)
                scene.rod(bulb, bulb + [0, 0.12, 0], rng.uniform(0.05, 0.15), shade, 0.5)
            place = spot + [0, high + 0.05, 0]
        else:
            drop = rng.uniform(0.3, 0.9)
            top = spot + [0, 2 * walls.half[1], 0]
            scene.rod(top, top - [0, drop, 0], 0.006, metal)
            place = top - [0, drop, 0]
            wide = rng.uniform(0.1, 0.3)
            if rng.random() < 0.5:
                scene.add(ELLIPSOID, place, (wide, wide * 0.7, wide), shade)
            else:
                scene.rod(place - [0, 0.15, 0], place, wide, shade, 0.6)
        if on:
            warm = np.array([1.0, 0.75, 0.45]) * rng.uniform(0.2, 0.7)
            scene.lamps.append(Lamp(place - [0, 0.1, 0], warm, rng.uniform(0.5, 1.2)))
