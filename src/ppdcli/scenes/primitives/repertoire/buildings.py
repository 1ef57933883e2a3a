"""Houses with windows, ledges, roofs, columns; towers; skylines and ridges far away."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.natural_textures import SIZE
from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.repertoire.surfaces import glowing, surface, with_varied_cells
from ppdcli.scenes.primitives.shapes import (
    BOX,
    CARD,
    CONE,
    ELLIPSOID,
    RIDGE,
    Material,
    Scene,
    rotation,
)


def house(
    scene: Scene,
    rng: Rng,
    paint: Painter,
    foot: np.ndarray,
    half: np.ndarray,
    yaw: float,
    night: bool = False,
) -> None:
    """Adds a building on ``foot`` of plaster, brick or glass. The face towards the camera has rows
    of windows with ledges and sometimes a shop front; the roof is flat or pitched."""
    axes = rotation(yaw)
    wall = surface(paint, str(rng.choice(["plaster", "plaster", "stone", "paving", "wood"])), 3)
    center = foot + [0, half[1], 0]
    scene.add(BOX, center, half, wall, axes)
    local = axes.T @ -foot
    face = 0 if abs(local[0]) - half[0] > abs(local[2]) - half[2] else 2
    outwards = axes[:, face] * (1.0 if local[face] > 0 else -1.0)
    along = axes[:, 2 - face]
    width = half[2 - face]
    turned = np.stack([along, axes[:, 1], np.cross(along, axes[:, 1])], 1)
    _windows(scene, rng, paint, foot + outwards * half[face], turned, width, half[1] * 2, night)
    if rng.random() < 0.5:
        _pitched_roof(scene, rng, paint, center + [0, half[1], 0], half, axes)
    else:
        ledge = surface(paint, "stone", 1)
        scene.add(BOX, center + [0, half[1], 0], half * [1.04, 0, 1.04] + [0, 0.2, 0], ledge, axes)
        if rng.random() < 0.4:
            size = rng.uniform(0.4, 1.5, 3)
            spot = center + axes @ (rng.uniform(-0.7, 0.7, 3) * half * [1, 0, 1])
            scene.add(BOX, spot + [0, half[1] + size[1], 0], size, surface(paint, "metal", 1), axes)


def _windows(
    scene: Scene,
    rng: Rng,
    paint: Painter,
    middle: np.ndarray,
    axes: np.ndarray,
    width: float,
    height: float,
    night: bool,
) -> None:
    """Adds bands of windows: each row is one box in the wall, divided by protruding piers."""
    glass, frame = surface(paint, "glass", 2), surface(paint, "plaster", 1)
    storey = rng.uniform(2.6, 4)
    rows = int(np.clip(height / storey, 1, 6))
    tall = rng.uniform(0.16, 0.32) * storey
    single = rng.random() < 0.75
    for row in range(rows):
        up = np.array([0, (row + 0.55) * height / rows, 0])
        if night:
            shine = glowing((1.0, 0.8, 0.5), rng.uniform(0.3, 2) * (rng.random() < 0.6))
            glass = with_varied_cells(shine, 0.3, 0.3, rng.uniform(0, 0.6))
        if single:
            count = int(np.clip(width / rng.uniform(0.9, 2.2), 1, 6))
            broad = width / count * rng.uniform(0.35, 0.7)
            for k in range(count):
                spot = middle + axes[:, 0] * width * ((2 * k + 1) / count - 1) + up
                scene.add(BOX, spot, (broad, tall, 0.03), glass, axes)
                scene.add(BOX, spot - [0, tall, 0], (broad * 1.15, 0.07, 0.16), frame, axes)
        else:
            scene.add(BOX, middle + up, (width * 0.96, tall, 0.02), glass, axes)
    if not single:
        piers = int(np.clip(width / rng.uniform(0.8, 2), 2, 8))
        for k in range(piers + 1):
            spot = middle + axes[:, 0] * width * (2 * k / piers - 1) * 0.96 + [0, height / 2, 0]
            scene.add(BOX, spot, (0.12, height / 2, 0.08), frame, axes)
    if rng.random() < 0.4:  # a door or shop front
        broad, high = rng.uniform(0.5, 2.5), rng.uniform(1.0, 1.3)
        spot = middle + axes[:, 0] * rng.uniform(-0.7, 0.7) * width + [0, high, 0]
        door = paint.material("any", 1.0) if rng.random() < 0.5 else glass
        scene.add(BOX, spot, (broad, high, 0.06), door, axes)
        if rng.random() < 0.5:  # an awning or sign over it
            scene.add(
                BOX, spot + [0, high + 0.3, 0], (broad * 1.2, 0.15, 0.5), paint.material(), axes
            )


def _pitched_roof(
    scene: Scene, rng: Rng, paint: Painter, top: np.ndarray, half: np.ndarray, axes: np.ndarray
) -> None:
    """Adds two slabs that lean on each other above the long side."""
    tiles = surface(paint, str(rng.choice(["paving", "stone", "tiles"])), 1.5)
    slope = rng.uniform(0.4, 0.9)
    run = half[2] * 1.12
    long = run / np.cos(slope) / 2
    for sign in (-1, 1):
        tilt = axes @ rotation(0, sign * slope)
        middle = top + axes[:, 2] * sign * run / 2 + [0, run * np.tan(slope) / 2 - 0.1, 0]
        scene.add(BOX, middle, (half[0] * 1.06, 0.09, long * 1.02), tiles, tilt)
    if rng.random() < 0.6:  # a chimney
        spot = top + axes[:, 0] * rng.uniform(-0.7, 0.7) * half[0]
        scene.add(BOX, spot + [0, run * np.tan(slope), 0], (0.35, 0.8, 0.35), tiles, axes)


def colonnade(
    scene: Scene, rng: Rng, paint: Painter, start: np.ndarray, end: np.ndarray, height: float
) -> None:
    """Adds columns that carry a beam: temples, arcades, porches."""
    stone = surface(paint, "stone", 2)
    count = int(rng.integers(3, 9))
    thick = height * rng.uniform(0.04, 0.09)
    for k in range(count):
        foot = start + (end - start) * k / (count - 1)
        scene.rod(foot, foot + [0, height, 0], thick, stone, 0.15)
        for y in (0.05, height):
            scene.add(BOX, foot + [0, y, 0], (thick * 1.4, thick * 0.4, thick * 1.4), stone)
    along = end - start
    yaw = float(np.arctan2(-along[2], along[0]))
    middle = (start + end) / 2 + [0, height * 1.08, 0]
    half = (float(np.linalg.norm(along)) / 2 + thick, height * 0.08, thick * 1.6)
    scene.add(BOX, middle, half, stone, rotation(yaw))


def tower(scene: Scene, rng: Rng, paint: Painter, foot: np.ndarray, width: float) -> None:
    """Adds storeys that get smaller, each with a projecting roof: pagodas, steeples, minarets."""
    wall, roof = surface(paint, "stone", 2), paint.material("any", 1.0)
    yaw, y = rng.uniform(0, 3), 0.0
    storey = width * rng.uniform(0.5, 1.6)
    round_ = rng.random() < 0.4
    for _ in range(int(rng.integers(2, 6))):
        half = np.array([width / 2, storey / 2, width / 2])
        kind = CONE if round_ else BOX
        scene.add(kind, foot + [0, y + storey / 2, 0], half, wall, rotation(yaw))
        y += storey
        eave = foot + [0, y, 0]
        scene.rod(eave, eave + [0, storey * 0.3, 0], width * rng.uniform(0.6, 0.85), roof, 0.6)
        for k in range(6):  # posts under the eaves
            angle = yaw + k * np.pi / 3
            out = np.array([np.sin(angle), 0, np.cos(angle)]) * width * 0.56
            scene.rod(eave + out - [0, storey * 0.6, 0], eave + out, width * 0.02, roof)
        width, storey = width * rng.uniform(0.7, 0.95), storey * rng.uniform(0.75, 1)
    scene.rod(foot + [0, y, 0], foot + [0, y + storey * 1.3, 0], width * 0.5, roof, 1.0)


def statue(scene: Scene, rng: Rng, paint: Painter, foot: np.ndarray) -> None:
    """Adds a pedestal with steps, and a figure or an obelisk on it."""
    stone = surface(paint, "stone", 1)
    wide, y = rng.uniform(0.6, 2), 0.0
    for k in range(int(rng.integers(1, 4))):
        half = np.array([wide * (1.5 - 0.3 * k), 0.12, wide * (1.5 - 0.3 * k)])
        scene.add(BOX, foot + [0, y + 0.12, 0], half, stone)
        y += 0.24
    high = rng.uniform(0.6, 2)
    scene.add(BOX, foot + [0, y + high, 0], (wide * 0.5, high, wide * 0.5), stone)
    y += 2 * high
    if rng.random() < 0.4:
        scene.rod(foot + [0, y, 0], foot + [0, y + 6 * wide, 0], wide * 0.4, stone, 0.7)
        return
    size = rng.uniform(1.5, 3)
    bronze = surface(paint, "metal", 1)
    for level, part in (
        (0.3, (0.1, 0.32, 0.09)),
        (0.7, (0.15, 0.2, 0.1)),
        (0.98, (0.07, 0.09, 0.08)),
    ):
        scene.add(ELLIPSOID, foot + [0, y + level * size, 0], np.array(part) * size, bronze)
    arm = foot + [0, y + 0.8 * size, 0]
    scene.rod(arm, arm + rng.normal(0, 0.25, 3) * size, 0.04 * size, bronze)


def ridge(
    scene: Scene,
    rng: Rng,
    paint: Painter,
    distance: float,
    height: float,
    kind: str,
) -> None:
    """Adds a silhouette across the view: "hills", "forest", or a "city" of flat roofs."""
    name = {"hills": "rock" if rng.random() < 0.4 else "lawn", "forest": "leaves"}.get(
        kind, "stone"
    )
    stuff = surface(paint, name, distance * rng.uniform(0.1, 0.4))
    yaw = rng.normal(0, 0.25)
    half = (distance * rng.uniform(1.2, 2.5), height / 2, 1)
    # Rows of an even-numbered texture, which is plain noise.
    row = float(int(rng.integers(paint.textures)) // 2 * 2 * SIZE + int(rng.integers(SIZE)))
    span = {"hills": rng.uniform(0.1, 0.4), "forest": rng.uniform(0.6, 1.0)}.get(kind, -0.3)
    if kind == "city":
        stuff = with_varied_cells(stuff, 3, 6, 0.3)
    center = np.array([rng.normal(0, 0.2) * distance, height / 2, distance])
    scene.add(CARD, center, half, stuff, rotation(yaw), (RIDGE, row, float(span)))
    if kind == "forest":  # no sky between the trunks
        low = np.array([1, 0.4, 1])
        scene.add(CARD, center * low + [0, 0, 0.5], np.array(half) * low, stuff, rotation(yaw))


def lane_marks(scene: Scene, axes: np.ndarray, x: float, far: float, dashed: bool) -> None:
    """Adds a painted line along a road whose third axis is its direction."""
    white = Material(np.full(3, 0.75), np.full(3, 0.6), 0, 0, 1.0)
    if not dashed:
        scene.add(BOX, axes @ np.array([x, 0, far / 2]), (0.07, 0.004, far / 2), white, axes)
        return
    for z in np.arange(3, min(far, 40), 6.5):
        scene.add(BOX, axes @ np.array([x, 0, z]), (0.07, 0.004, 1.4), white, axes)
