"""Things in rooms: shelves with books, curtains, windows, screens, rugs, dishes."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.repertoire.surfaces import glowing, surface, with_varied_cells
from ppdcli.scenes.primitives.shapes import (
    BOX,
    CARD,
    CONE,
    ELLIPSOID,
    GRID,
    Material,
    Scene,
    rotation,
)


def shelf(
    scene: Scene, rng: Rng, paint: Painter, foot: np.ndarray, half: np.ndarray, axes: np.ndarray
) -> None:
    """Adds an open shelf full of books and small things; its front faces against the third axis."""
    wood = surface(paint, str(rng.choice(["wood", "wood", "paint", "metal"])), 1)
    boards = int(np.clip(half[1] * 2 / rng.uniform(0.28, 0.45), 2, 6))
    center = foot + [0, half[1], 0]
    scene.add(BOX, center + axes[:, 2] * half[2], (half[0], half[1], 0.01), wood, axes)
    for side in (-1, 1):
        scene.add(BOX, center + axes[:, 0] * side * half[0], (0.012, half[1], half[2]), wood, axes)
    gap = 2 * half[1] / boards
    for k in range(boards + 1):
        level = foot + [0, gap * k, 0]
        scene.add(BOX, level, (half[0], 0.012, half[2]), wood, axes)
        if k == boards:
            break
        kind = rng.random()
        if kind < 0.55:
            _books(scene, rng, paint, level, half, gap, axes)
        elif kind < 0.9:
            for _ in range(int(rng.integers(1, 5))):
                size = rng.uniform(0.15, 0.42, 3) * gap
                spot = level + axes[:, 0] * rng.uniform(-0.85, 0.85) * half[0] + [0, size[1], 0]
                knick_knack(scene, rng, paint, spot, size)


def _books(
    scene: Scene,
    rng: Rng,
    paint: Painter,
    level: np.ndarray,
    half: np.ndarray,
    gap: float,
    axes: np.ndarray,
) -> None:
    """Adds blocks of books with colourful spines; some blocks are lower, one book leans."""
    left = -half[0] * 0.95
    while left < half[0] * 0.8:
        wide = rng.uniform(0.1, 0.4) * half[0] * 2
        right = min(left + wide, half[0] * 0.95)
        size = np.array([(right - left) / 2, gap * rng.uniform(0.28, 0.45), half[2] * 0.7])
        spines = with_varied_cells(
            surface(paint, "cloth", 0.3), 0.3 / rng.uniform(0.02, 0.05), 0.5, 0.9
        )
        spot = level + axes[:, 0] * (left + right) / 2 + [0, size[1], 0]
        scene.add(BOX, spot, size, spines, axes)
        left = right + (rng.uniform(0.05, 0.4) * half[0] if rng.random() < 0.4 else 0.0)


def knick_knack(
    scene: Scene, rng: Rng, paint: Painter, center: np.ndarray, half: np.ndarray
) -> None:
    """Adds a small thing at ``center - half``: box, bottle, cup, bowl, ball, frame, toy."""
    stuff = surface(paint, str(rng.choice(["paint", "paper", "cloth", "stone", "glass", "wood"])),
                    float(half.max()) * 2)  # fmt: skip
    kind = int(rng.integers(8))
    up = np.array([0.0, half[1], 0.0])
    radius = float(min(half[0], half[2]))
    axes = rotation(rng.uniform(0, 3))
    if kind <= 1:
        scene.add(BOX, center, half, stuff, axes)
    elif kind == 2:  # a bottle
        scene.rod(center - up, center + up * 0.2, radius * 0.7, stuff)
        scene.rod(center + up * 0.2, center + up * 0.5, radius * 0.7, stuff, 0.65)
        scene.rod(center + up * 0.5, center + up, radius * 0.25, stuff)
    elif kind == 3:  # a cup with a handle
        scene.rod(center + up * 0.6, center - up, radius * 0.8, stuff, rng.uniform(0, 0.4))
        dark = Material(stuff.color_a * 0.3, stuff.color_b * 0.3, 0, 0, 1.0)
        scene.rod(center + up * 0.6, center + up * 0.62, radius * 0.7, dark)
        ear = center - up * 0.2 + axes[:, 0] * radius * 0.9
        scene.add(ELLIPSOID, ear, (radius * 0.3, half[1] * 0.4, radius * 0.1), stuff, axes)
    elif kind == 4:  # a bowl of things
        scene.rod(center - up * 0.2, center - up, radius, stuff, 0.5)
        loud = paint.material("any", 0.1, plain=0.7)
        for _ in range(4):
            spot = center + rng.normal(0, 0.35, 3) * half * [1, 0, 1]
            scene.add(ELLIPSOID, spot, np.full(3, radius * 0.4), loud)
    elif kind == 5:
        scene.add(ELLIPSOID, center, half, stuff, axes)
    elif kind == 6:  # a picture that leans back
        lean = axes @ rotation(0, -0.2)
        scene.add(BOX, center, (half[0], half[1], 0.008), surface(paint, "wood", 0.3), lean)
        inside = surface(paint, "paper", float(half.max()) * 2)
        face = center - lean[:, 2] * 0.008
        scene.add(BOX, face, (half[0] * 0.85, half[1] * 0.85, 0.004), inside, lean)
    else:  # a figure
        scene.rod(center - up, center, radius * 0.6, stuff, 0.3)
        scene.add(ELLIPSOID, center + up * 0.2, half * [0.6, 0.5, 0.5], stuff)
        scene.add(ELLIPSOID, center + up * 0.75, np.full(3, radius * 0.4), stuff)


def window(
    scene: Scene, rng: Rng, paint: Painter, center: np.ndarray, half: np.ndarray, axes: np.ndarray
) -> None:
    """Adds a bright window in a wall, with bars, a sill and sometimes curtains or blinds."""
    outside = surface(paint, "leaves" if rng.random() < 0.5 else "plaster", 3)
    sky = glowing(outside.color_a * 0.3 + 0.6, rng.uniform(0.8, 4))
    scene.add(BOX, center, (half[0], half[1], 0.01), sky, axes)
    frame = surface(paint, "plaster" if rng.random() < 0.6 else "wood", 1)
    bars = int(rng.integers(1, 4))
    for k in range(bars + 1):
        x = half[0] * (2 * k / bars - 1)
        scene.add(BOX, center + axes[:, 0] * x, (0.025, half[1] + 0.03, 0.04), frame, axes)
    for y in (-half[1], half[1] * rng.choice([0.0, 0.3, 1.0]), half[1]):
        scene.add(BOX, center + [0, y, 0], (half[0], 0.025, 0.04), frame, axes)
    scene.add(BOX, center - [0, half[1] + 0.03, 0], (half[0] * 1.1, 0.02, 0.13), frame, axes)
    kind = rng.random()
    if kind < 0.45:
        _curtains(scene, rng, paint, center, half, axes)
    elif kind < 0.6:  # blinds
        slats = surface(paint, "plaster", 1)
        low = rng.uniform(0.2, 1.0)
        count = float(half[1] * low * 2 / 0.05)
        cut = (GRID, count * 5, 0.6)
        middle = center + [0, half[1] * (1 - low), 0] - axes[:, 2] * 0.07
        scene.add(CARD, middle, (half[0] * 1.02, half[1] * low, 1), slats, axes, cut)


def _curtains(
    scene: Scene, rng: Rng, paint: Painter, center: np.ndarray, half: np.ndarray, axes: np.ndarray
) -> None:
    """Adds folds of cloth that hang from a rod at both sides."""
    cloth = surface(paint, "cloth", 0.6)
    top, drop = half[1] + 0.12, half[1] * rng.uniform(2.0, 2.9)
    near = center - axes[:, 2] * 0.1
    scene.rod(near + axes[:, 0] * half[0] * 1.5 + [0, top, 0],
              near - axes[:, 0] * half[0] * 1.5 + [0, top, 0], 0.012, cloth)  # fmt: skip
    fold = rng.uniform(0.04, 0.09)
    for side in (-1, 1):
        edge = half[0] * rng.uniform(0.5, 0.95)
        count = int(np.clip((half[0] * 1.35 - edge) / fold / 1.5, 2, 6))
        for k in range(count):
            x = side * (edge + 1.5 * fold * k)
            middle = near + axes[:, 0] * x + [0, top - drop / 2, 0]
            scene.add(CONE, middle, (fold, drop / 2, fold * 0.8), cloth, axes)


def screen(
    scene: Scene, rng: Rng, paint: Painter, foot: np.ndarray, axes: np.ndarray, size: float
) -> None:
    """Adds a monitor on its stand; its face looks against the third axis."""
    case = surface(paint, "glass" if rng.random() < 0.7 else "plaster", 0.5)
    high = size * 0.3
    scene.add(BOX, foot + [0, 0.01, 0], (size * 0.25, 0.01, size * 0.16), case, axes)
    scene.rod(foot, foot + [0, high + 0.1, 0] + axes[:, 2] * 0.02, 0.02, case)
    middle = foot + [0, high + size * 0.2, 0]
    scene.add(BOX, middle, (size / 2, size * 0.29, 0.015), case, axes)
    shows = surface(paint, "paper", size)
    if rng.random() < 0.5:
        shows = Material(shows.color_a, shows.color_b, shows.texture, 0, size, 0.0, 0.5,
                         rng.uniform(0.3, 1.5))  # fmt: skip
    else:
        shows = surface(paint, "glass", size)
    face = middle - axes[:, 2] * 0.016
    scene.add(BOX, face, (size * 0.47, size * 0.265, 0.004), shows, axes)


def rug(scene: Scene, rng: Rng, paint: Painter, center: np.ndarray, yaw: float) -> None:
    """Adds a thin, patterned carpet."""
    cloth = surface(paint, "cloth", rng.uniform(0.3, 1.5))
    if rng.random() < 0.5:
        cloth = with_varied_cells(cloth, 3, 3, rng.uniform(0.2, 0.7))
    half = (rng.uniform(0.5, 1.6), 0.006, rng.uniform(0.4, 1.2))
    if rng.random() < 0.2:
        scene.add(CONE, center, (half[0], 0.006, half[0]), cloth)
    else:
        scene.add(BOX, center, half, cloth, rotation(yaw))


def dishes(
    scene: Scene, rng: Rng, paint: Painter, top: np.ndarray, reach: float, count: int
) -> None:
    """Adds plates with food, papers, books, cutlery and cups to a table at ``top``."""
    for _ in range(count):
        spot = top + np.array([rng.uniform(-1, 1), 0, rng.uniform(-1, 1)]) * reach
        axes = rotation(rng.uniform(0, 6))
        kind = int(rng.integers(7))
        if kind == 0:  # a plate with food
            china = surface(paint, "plaster", 0.3)
            r = rng.uniform(0.07, 0.15)
            scene.rod(spot + [0, 0.012, 0], spot, r, china, 0.3)
            for _ in range(int(rng.integers(0, 6))):
                bite = spot + rng.normal(0, 0.3, 3) * r * [1, 0, 1] + [0, 0.02, 0]
                food = paint.material(str(rng.choice(["earth", "green", "any"])), 0.05, plain=0.2)
                scene.add(ELLIPSOID, bite, rng.uniform(0.1, 0.4, 3) * r * [1, 0.5, 1], food, axes)
        elif kind == 1:  # papers
            half = np.array([rng.uniform(0.07, 0.16), 0.002, rng.uniform(0.1, 0.2)])
            scene.add(BOX, spot + [0, 0.003, 0], half, surface(paint, "paper", 0.3), axes)
        elif kind == 2:  # books
            y = 0.0
            for _ in range(int(rng.integers(1, 5))):
                half = np.array([rng.uniform(0.06, 0.12), rng.uniform(0.006, 0.03), 0.13])
                turn = axes @ rotation(rng.normal(0, 0.15))
                cover = surface(paint, str(rng.choice(["cloth", "paper", "paint"])), 0.3)
                scene.add(BOX, spot + [0, y + half[1], 0], half, cover, turn)
                y += 2 * half[1]
        elif kind == 3:  # pens, cutlery
            for _ in range(int(rng.integers(1, 4))):
                start = spot + rng.normal(0, 0.03, 3) * [1, 0, 1] + [0, 0.006, 0]
                long = rng.uniform(0.05, 0.09)
                stick = surface(paint, str(rng.choice(["metal", "paint"])), 0.1)
                scene.rod(start - axes[:, 0] * long, start + axes[:, 0] * long, 0.005, stick)
        elif kind == 4:  # a keyboard, a phone, a remote control
            half = np.array([rng.uniform(0.04, 0.22), 0.008, rng.uniform(0.03, 0.08)])
            keys = with_varied_cells(surface(paint, "glass", 0.1), 5, 5, rng.uniform(0, 0.3))
            scene.add(BOX, spot + [0, 0.008, 0], half, keys, axes)
        else:
            size = rng.uniform(0.03, 0.12, 3)
            knick_knack(scene, rng, paint, spot + [0, size[1], 0], size)


def seat(scene: Scene, rng: Rng, paint: Painter, foot: np.ndarray, yaw: float) -> None:
    """Adds an armchair, sofa or bed with cushions and a blanket."""
    cloth, turn = surface(paint, "cloth", 0.8), rotation(yaw)
    wide, high, deep = rng.uniform(0.4, 1.1), rng.uniform(0.17, 0.25), rng.uniform(0.4, 1.0)
    scene.add(BOX, foot + [0, high, 0], (wide, high, deep), cloth, turn)
    back = foot + [0, 2 * high, 0] + turn[:, 2] * deep
    scene.add(BOX, back, (wide, high * rng.uniform(1.2, 2), 0.12), cloth, turn)
    scene.rod(back + turn[:, 0] * wide + [0, high * 1.5, 0],
              back - turn[:, 0] * wide + [0, high * 1.5, 0], 0.13, cloth)  # fmt: skip
    if rng.random() < 0.6:
        for side in (-1, 1):
            arm = foot + turn[:, 0] * side * wide + [0, high * 1.4, 0]
            scene.add(BOX, arm, (0.1, high * 1.4, deep), cloth, turn)
            scene.rod(arm - turn[:, 2] * deep + [0, high * 1.4, 0],
                      arm + turn[:, 2] * deep + [0, high * 1.4, 0], 0.1, cloth)  # fmt: skip
    for _ in range(int(rng.integers(0, 4))):
        spot = foot + turn @ np.array([rng.uniform(-0.7, 0.7) * wide, 2.5 * high, deep * 0.6])
        axes = turn @ rotation(rng.normal(0, 0.5), rng.normal(-0.4, 0.2))
        scene.add(ELLIPSOID, spot, (0.22, 0.18, 0.09), surface(paint, "cloth", 0.4), axes)
    if rng.random() < 0.4:  # a blanket
        spot = foot + turn @ np.array([rng.uniform(-0.5, 0.5) * wide, 2 * high + 0.01, 0])
        scene.add(BOX, spot, (wide * 0.4, 0.02, deep * 1.02), surface(paint, "cloth", 0.3), turn)


def office_chair(scene: Scene, rng: Rng, paint: Painter, foot: np.ndarray) -> None:
    """Adds a seat on a column with five feet on castors, a back, sometimes arms and a coat."""
    yaw = rng.uniform(0, 6)
    axes = rotation(yaw)
    cloth, metal = surface(paint, "cloth", 0.5), surface(paint, "metal", 0.3)
    high = rng.uniform(0.42, 0.52)
    scene.rod(foot + [0, 0.08, 0], foot + [0, high, 0], 0.03, metal)
    for k in range(5):
        angle = yaw + k * 2 * np.pi / 5
        tip = foot + np.array([np.sin(angle) * 0.3, 0.06, np.cos(angle) * 0.3])
        scene.rod(foot + [0, 0.1, 0], tip, 0.022, metal)
        scene.add(ELLIPSOID, tip - [0, 0.03, 0], (0.03, 0.03, 0.03), metal)
    scene.add(ELLIPSOID, foot + [0, high + 0.04, 0], (0.26, 0.06, 0.26), cloth, axes)
    back = foot + [0, high + 0.42, 0] - axes[:, 2] * 0.24
    lean = axes @ rotation(0, 0.12)
    scene.add(BOX, back, (0.22, 0.28, 0.035), cloth, lean)
    scene.add(ELLIPSOID, back + [0, 0.26, 0], (0.22, 0.09, 0.05), cloth, lean)
    if rng.random() < 0.5:
        for side in (-1, 1):
            elbow = foot + axes[:, 0] * side * 0.28 + [0, high + 0.22, 0]
            scene.add(BOX, elbow, (0.03, 0.015, 0.14), metal, axes)
            scene.rod(elbow, elbow - [0, 0.2, 0], 0.015, metal)
    if rng.random() < 0.35:  # a coat over the back
        coat = surface(paint, "cloth", 0.3)
        scene.add(ELLIPSOID, back + [0, 0.1, 0], (0.27, 0.28, 0.1), coat, lean)
        scene.add(ELLIPSOID, back - [0, 0.15, 0], (0.2, 0.3, 0.08), coat, axes @ rotation(0.3))
