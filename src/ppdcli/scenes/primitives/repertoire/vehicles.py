"""Cars, vans and lorries, bicycles, boats."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.repertoire.surfaces import glowing, surface
from ppdcli.scenes.primitives.shapes import BOX, CARD, CONE, ELLIPSOID, Material, Scene, rotation

BLACK = Material(np.full(3, 0.015), np.full(3, 0.03), 0, 0, 1.0)


def sedan(
    scene: Scene, rng: Rng, paint: Painter, spot: np.ndarray, yaw: float, lit: bool = False
) -> None:
    """Adds a rounded car with sloping windows, lights, plate and wheels; ``lit``: lights on."""
    axes = rotation(yaw)
    body, glass = surface(paint, "paint", 2), surface(paint, "glass", 2)
    long, wide = rng.uniform(1.8, 2.4), rng.uniform(0.8, 0.95)
    waist, roof = rng.uniform(0.85, 1.05), rng.uniform(1.35, 1.75)
    back = rng.uniform(-1.0, -0.75) if rng.random() < 0.5 else rng.uniform(-0.6, -0.4)

    def at(x: float, y: float, z: float) -> np.ndarray:
        return spot + axes @ np.array([x * wide, y, z * long])

    scene.add(
        BOX, at(0, (0.25 + waist) / 2, 0), (wide, (waist - 0.25) / 2, long * 0.93), body, axes
    )
    for end in (-0.9, 0.9):  # rounded front and rear
        scene.add(ELLIPSOID, at(0, 0.55, end), (wide * 0.97, 0.36, long * 0.12), body, axes)
    front = 0.15
    scene.add(
        BOX,
        at(0, (waist + roof) / 2, (front + back) / 2),
        (wide * 0.83, (roof - waist) / 2, long * (front - back) / 2),
        glass,
        axes,
    )
    scene.add(
        BOX,
        at(0, roof, (front + back) / 2),
        (wide * 0.8, 0.03, long * (front - back) / 2 * 0.97),
        body,
        axes,
    )
    for z, slope in ((front, -1), (back, 1)):  # windscreen and rear window
        rise = roof - waist
        tilt = rotation(yaw) @ rotation(0, slope * 0.6)
        scene.add(
            CARD, at(0, (waist + roof) / 2, z + 0.06), (wide * 0.8, rise * 0.62, 1), glass, tilt
        )
    for side in (-1, 1):
        for z in (0.13, (front + back) / 2, back + 0.05):  # pillars
            scene.rod(at(side * 0.84, waist, z), at(side * 0.8, roof, z - 0.02), 0.035, body)
        scene.add(ELLIPSOID, at(side * 1.08, waist + 0.05, 0.15), (0.1, 0.08, 0.05), body, axes)
        for z in (-0.62, 0.62):
            hub = at(side * 0.9, 0.32, z)
            scene.rod(hub - axes[:, 0] * 0.11, hub + axes[:, 0] * 0.11, 0.32, BLACK)
            rim = surface(paint, "metal", 0.3)
            scene.rod(hub - axes[:, 0] * 0.12, hub + axes[:, 0] * 0.12, 0.19, rim)
        for z, color in ((0.985, (1.0, 0.95, 0.85)), (-0.985, (0.7, 0.02, 0.02))):
            light = glowing(color, 6.0 if lit else 0.1)
            scene.add(ELLIPSOID, at(side * 0.72, 0.68, z), (0.13, 0.07, 0.06), light, axes)
    plate = Material(np.full(3, 0.8), np.full(3, 0.6), 0, 0, 1.0)
    for z in (-1.02, 1.02):
        scene.add(BOX, at(0, 0.5, z), (0.26, 0.06, 0.01), plate, axes)


def lorry(scene: Scene, rng: Rng, paint: Painter, spot: np.ndarray, yaw: float) -> None:
    """Adds a van, bus or lorry: a tall box on wheels, with windows or a load."""
    axes = rotation(yaw)
    long, wide, high = rng.uniform(2.3, 6), rng.uniform(0.95, 1.25), rng.uniform(1.0, 1.6)
    body, glass = surface(paint, "paint", 3), surface(paint, "glass", 2)
    middle = spot + [0, 0.4 + high, 0]
    scene.add(BOX, middle, (wide, high, long), body, axes)
    for end in (-1, 1):
        pane = middle + axes[:, 2] * end * long + [0, high * 0.35, 0]
        scene.add(BOX, pane, (wide * 0.85, high * 0.35, 0.03), glass, axes)
    if rng.random() < 0.5:  # side windows
        for side in (-1, 1):
            pane = middle + axes[:, 0] * side * wide + [0, high * 0.4, 0]
            scene.add(BOX, pane, (0.02, high * 0.3, long * 0.9), glass, axes)
    for x in (-0.9, 0.9):
        for z in (-0.7, 0.7):
            hub = spot + axes[:, 0] * x * wide + axes[:, 2] * z * long + [0, 0.45, 0]
            scene.rod(hub - axes[:, 0] * 0.15, hub + axes[:, 0] * 0.15, 0.45, BLACK)


def bicycle(scene: Scene, rng: Rng, paint: Painter, spot: np.ndarray, yaw: float) -> None:
    """Adds two wheels with rims and spokes as rods, a frame, a saddle, handlebars."""
    axes = rotation(yaw, 0, rng.normal(0, 0.08))
    frame = surface(paint, "paint", 0.5)

    def at(y: float, z: float, x: float = 0.0) -> np.ndarray:
        return spot + axes @ np.array([x, y, z])

    for z in (-0.52, 0.52):
        rim = [
            at(0.34 + 0.33 * np.sin(a), z + 0.33 * np.cos(a)) for a in np.linspace(0, 2 * np.pi, 11)
        ]
        for a, b in pairwise(rim):
            scene.rod(a, b, 0.016, BLACK)
        for k in (0, 2, 4):
            scene.rod(rim[k], rim[k + 5], 0.004, surface(paint, "metal", 0.2))
    for a, b in (
        (at(0.34, -0.52), at(0.33, -0.08)), (at(0.33, -0.08), at(0.85, -0.2)),
        (at(0.34, -0.52), at(0.75, -0.17)), (at(0.33, -0.08), at(0.75, 0.36)),
        (at(0.75, -0.17), at(0.8, 0.36)), (at(0.34, 0.52), at(1.0, 0.33)),
        (at(1.0, 0.33, -0.28), at(1.0, 0.33, 0.28)),
    ):  # fmt: skip
        scene.rod(a, b, 0.017, frame)
    scene.add(ELLIPSOID, at(0.9, -0.21), (0.08, 0.03, 0.14), BLACK, axes)


def boat(scene: Scene, rng: Rng, paint: Painter, spot: np.ndarray, size: float) -> None:
    """Adds a hull on the water, sometimes with a cabin or a mast and a sail."""
    yaw = rng.uniform(0, 6)
    axes = rotation(yaw)
    hull = surface(paint, "paint", 2)
    scene.add(ELLIPSOID, spot, np.array([0.16, 0.14, 0.5]) * size, hull, axes)
    kind = rng.random()
    if kind < 0.4:
        half = np.array([0.1, 0.1, rng.uniform(0.1, 0.25)]) * size
        scene.add(BOX, spot + [0, 0.18 * size, 0], half, surface(paint, "plaster", 1), axes)
    elif kind < 0.85:
        top = spot + [0, rng.uniform(0.7, 1.4) * size, 0]
        scene.rod(spot, top, 0.012 * size, surface(paint, "wood", 1))
        if rng.random() < 0.6:
            sail = paint.material("white" if rng.random() < 0.7 else "any", plain=0.9)
            center = (spot + top) / 2 + axes[:, 2] * 0.14 * size + [0, 0.05 * size, 0]
            turned = np.stack([axes[:, 2], axes[:, 1], -axes[:, 0]], 1)
            high = (top[1] - spot[1]) * 0.45
            scene.add(CONE, center, (0.2 * size, high, 0.004 * size), sail, turned, (1.0, 0.0, 0.0))
