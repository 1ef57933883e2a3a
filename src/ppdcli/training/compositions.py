"""Draws scenes the way photos look: a camera 1 to 2 m up and nearly level, ground below, sky or a
ceiling above, things standing on things; close-ups, and a pinch of plain clutter."""

from __future__ import annotations

import colorsys

import numpy as np

from ppdcli.training.shapes import (
    BLOB,
    BOX,
    CARD,
    ELLIPSOID,
    GRID,
    SOLID,
    Material,
    Scene,
    Shape,
    rotation,
)

Rng = np.random.Generator
MAX_SHAPES = 72
CLEARANCE = 0.05  # metres around the camera that no shape reaches into


def compose(seed: int, index: int, textures: int) -> Scene:
    """Scene number ``index`` of the endless series ``seed``.

    Args:
        seed: the series; training and evaluation use different ones.
        index: any non-negative number; the same pair gives the same scene.
        textures: how many textures the bank has.

    Returns:
        A scene with at most ``MAX_SHAPES`` shapes.
    """
    rng = np.random.default_rng([seed, index])
    painter = _Painter(rng, textures)
    kinds = (_street, _room, _park, _close_up, _yard, _clutter)
    scene = kinds[rng.choice(len(kinds), p=[0.22, 0.30, 0.16, 0.16, 0.12, 0.04])](rng, painter)
    # From inside, a solid cannot be seen, and its contents would float in the air.
    eye = np.array([0.0, scene.height, 0.0])
    shapes = [s for s in scene.shapes if not _surrounds(s, eye)]
    shapes.sort(key=lambda s: float(np.linalg.norm(s.center)))
    scene.shapes = shapes[:MAX_SHAPES]
    return scene


def _surrounds(shape: Shape, point: np.ndarray) -> bool:
    """Whether a point is in the box around a shape, or close to it."""
    half = shape.half * [1, 1, 0] if shape.kind == CARD else shape.half
    offset = shape.axes.T @ (point - shape.center)
    return bool((np.abs(offset) <= half + CLEARANCE).all())


def _around_camera(center: np.ndarray, half: np.ndarray, yaw: float) -> np.ndarray:
    """A room's centre, moved level as far as it takes for the camera to stand inside the walls."""
    axes = rotation(yaw)
    camera = -axes.T @ center
    camera[[0, 2]] = np.clip(camera[[0, 2]], -0.9 * half[[0, 2]], 0.9 * half[[0, 2]])
    return -axes @ camera


class _Painter:
    """Draws materials: natural, dull or loud colours on random textures."""

    def __init__(self, rng: Rng, textures: int) -> None:
        self.rng, self.textures = rng, textures
        self.warmth = rng.normal(0, 0.03)

    def color(self, kind: str = "any") -> np.ndarray:
        rng = self.rng
        if kind == "green":
            hsv = rng.uniform(0.14, 0.36), rng.uniform(0.2, 0.7), rng.uniform(0.15, 0.6)
        elif kind == "earth":
            hsv = rng.uniform(0.04, 0.13), rng.uniform(0.05, 0.5), rng.uniform(0.2, 0.75)
        elif kind == "grey":
            hsv = rng.random(), rng.uniform(0, 0.12), rng.uniform(0.12, 0.8)
        elif kind == "pale":
            hsv = rng.uniform(0.05, 0.6), rng.uniform(0, 0.2), rng.uniform(0.6, 0.97)
        elif kind == "wood":
            hsv = rng.uniform(0.03, 0.11), rng.uniform(0.3, 0.75), rng.uniform(0.2, 0.75)
        elif kind == "skin":
            hsv = rng.uniform(0.03, 0.08), rng.uniform(0.25, 0.6), rng.uniform(0.3, 0.9)
        else:
            hsv = rng.random(), rng.random() ** 1.5, rng.uniform(0.05, 0.95)
        rgb = np.array(colorsys.hsv_to_rgb(*hsv))
        return np.clip(rgb * (1 + np.array([1.0, 0.0, -1.0]) * self.warmth), 0.01, 1) ** 2.0

    def material(self, kind: str = "any", period: float = 1.0, plain: float = 0.3) -> Material:
        """``plain``: how likely the surface is nearly one colour."""
        rng = self.rng
        a = self.color(kind)
        b = self.color(kind) if rng.random() < 0.5 else a * rng.uniform(0.4, 1.0)
        if rng.random() < plain:
            b = a * rng.uniform(0.85, 1.0)
        return Material(
            a,
            b,
            int(rng.integers(self.textures)),
            int(rng.integers(self.textures)) // 2 * 2,
            period * float(np.exp(rng.normal(0, 0.5))),
            float(rng.uniform(0, 0.5)),
            float(max(0.0, rng.normal(-0.1, 0.3))),
        )


def _camera(rng: Rng, height: float, down: float) -> tuple[float, float, float, float]:
    """Height, pitch, roll and field of view; ``down`` is the mean pitch in radians."""
    pitch, roll = rng.normal(down, 0.09), rng.normal(0, 0.03)
    return height, float(pitch), float(roll), float(rng.uniform(35, 90))


def _outdoors(rng: Rng, paint: _Painter, ground: str, down: float = 0.06) -> Scene:
    """Ground, sky and sun: noon, evening, overcast or fog."""
    mood = rng.random()
    azimuth, elevation = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 1.4)
    sun = 900 * np.array(
        [
            np.cos(elevation) * np.sin(azimuth),
            np.sin(elevation),
            np.cos(elevation) * np.cos(azimuth),
        ]
    )
    overcast = mood < 0.35
    blue = np.array([0.25, 0.45, 0.85]) * rng.uniform(0.7, 1.3)
    grey = np.full(3, rng.uniform(0.5, 1.0))
    top = grey if overcast else blue
    horizon = np.clip(top + rng.uniform(0.1, 0.5), 0, 1.2)
    if mood > 0.85:
        horizon = horizon * np.array([1.1, 0.85, 0.65])
    ambient = rng.uniform(0.5, 0.9) if overcast else rng.uniform(0.2, 0.5)
    return Scene(
        *_camera(rng, float(np.clip(rng.normal(1.55, 0.5), 0.4, 4)), down),
        ground=paint.material(ground, rng.uniform(0.7, 4), plain=0.15),
        light=sun,
        light_color=np.array([1.0, 0.95, 0.85 - 0.3 * (mood > 0.85)])
        * (rng.uniform(0.1, 0.4) if overcast else rng.uniform(0.8, 1.6)),
        shadow=0.3 if overcast else float(rng.uniform(0.6, 0.95)),
        ambient=ambient * (0.5 + 0.5 * np.clip(top, 0, 1)),
        fog=float(rng.choice([0.0, 0.004, 0.015, 0.04], p=[0.5, 0.25, 0.17, 0.08])),
        sky=np.stack([horizon, top]),
        clouds=float(rng.random() * (0.2 if overcast else 1.0)),
    )


def _tree(scene: Scene, rng: Rng, paint: _Painter, x: float, z: float) -> None:
    height = rng.uniform(3, 11)
    trunk = rng.uniform(0.08, 0.25)
    lean = rng.normal(0, 0.04, 2) * height
    top = np.array([x + lean[0], height * 0.75, z + lean[1]])
    scene.rod((x, 0, z), top, trunk, paint.material("wood", 0.6), rng.uniform(0.3, 0.8))
    leaves = paint.material("green" if rng.random() < 0.75 else "earth", 1.2, plain=0.1)
    if rng.random() < 0.25:  # a conifer
        scene.rod(
            (x, height * 0.15, z),
            (x, height * 1.1, z),
            height * rng.uniform(0.15, 0.3),
            leaves,
            1.0,
        )
        return
    for _ in range(int(rng.integers(1, 4))):
        reach = height * rng.uniform(0.15, 0.33)
        center = top + rng.normal(0, 0.6, 3) * reach
        if rng.random() < 0.4:
            scene.add(ELLIPSOID, center, reach * rng.uniform(0.7, 1.1, 3), leaves)
        else:  # leaf-like cards: sky shows through
            for _ in range(2):
                axes = rotation(rng.normal(0, 0.7), rng.normal(0, 0.3))
                cut = (BLOB, rng.uniform(0.25, 0.6), float(rng.integers(paint.textures) // 2 * 2))
                offset = center + rng.normal(0, 0.3, 3) * reach
                scene.add(CARD, offset, (reach * 1.4, reach * 1.2, 1.0), leaves, axes, cut)
    for _ in range(int(rng.integers(0, 3))):
        tip = top + rng.normal(0, 1, 3) * height * 0.25
        scene.rod(top * [1, 0.8, 1] + [0, 0, 0], tip, trunk * 0.3, paint.material("wood"), 0.7)


def _person(scene: Scene, rng: Rng, paint: _Painter, x: float, z: float, size: float = 1.7) -> None:
    yaw = rng.uniform(0, 2 * np.pi)
    axes = rotation(yaw)
    side = axes[:, 0]
    cloth, legs, skin = (
        paint.material(period=0.3),
        paint.material(period=0.4),
        paint.material("skin"),
    )
    base = np.array([x, 0.0, z])
    scene.add(
        ELLIPSOID, base + [0, 0.93 * size, 0], np.array([0.05, 0.075, 0.06]) * size, skin, axes
    )
    hair = base + [0, 0.955 * size, 0] - axes[:, 2] * 0.012 * size
    scene.add(ELLIPSOID, hair, np.array([0.055, 0.065, 0.062]) * size, paint.material("wood"), axes)
    torso = np.array([0.115, 0.2, 0.075]) * size
    scene.add(ELLIPSOID, base + [0, 0.67 * size, 0], torso, cloth, axes)
    for sign in (-1, 1):
        foot = base + side * sign * rng.uniform(0.04, 0.12) * size
        scene.rod(foot, base + side * sign * 0.05 * size + [0, 0.52 * size, 0], 0.045 * size, legs)
        hand = (
            base
            + side * sign * rng.uniform(0.12, 0.3) * size
            + [0, rng.uniform(0.4, 0.8) * size, 0]
        )
        hand = hand + axes[:, 2] * rng.uniform(-0.1, 0.2) * size
        scene.rod(base + side * sign * 0.1 * size + [0, 0.78 * size, 0], hand, 0.025 * size, cloth)


def _car(scene: Scene, rng: Rng, paint: _Painter, x: float, z: float, yaw: float) -> None:
    axes = rotation(yaw)
    length, width, height = rng.uniform(1.7, 2.4), rng.uniform(0.75, 1.0), rng.uniform(0.3, 0.5)
    body, glass = paint.material(plain=0.9), paint.material("grey", plain=0.9)
    black = Material(np.full(3, 0.02), np.full(3, 0.03), 0, 0, 1.0)
    base = np.array([x, 0.0, z])
    scene.add(BOX, base + [0, 0.25 + height, 0], (width, height, length), body, axes)
    cabin = base + [0, 0.25 + 2 * height + 0.25, 0] - axes[:, 2] * length * rng.uniform(-0.1, 0.3)
    scene.add(BOX, cabin, (width * 0.88, 0.27, length * rng.uniform(0.4, 0.65)), glass, axes)
    scene.add(BOX, cabin + [0, 0.27, 0], (width * 0.85, 0.03, length * 0.42), body, axes)
    for a in (-1, 1):
        for b in (-0.62, 0.62):
            hub = base + axes[:, 0] * a * width * 0.85 + axes[:, 2] * b * length + [0, 0.32, 0]
            scene.rod(hub - axes[:, 0] * 0.12, hub + axes[:, 0] * 0.12, 0.32, black)


def _pole(scene: Scene, rng: Rng, paint: _Painter, x: float, z: float) -> None:
    high, radius = rng.uniform(2, 8), rng.uniform(0.015, 0.09)
    metal = paint.material("grey", plain=0.8)
    scene.rod((x, 0, z), (x, high, z), radius, metal, rng.uniform(0, 0.4))
    kind = rng.random()
    if kind < 0.35:  # a lamp's arm
        reach = np.array([rng.normal(0, 1.2), 0.2, rng.normal(0, 0.5)])
        scene.rod((x, high, z), np.array([x, high, z]) + reach, radius * 0.7, metal)
    elif kind < 0.7:  # a sign
        yaw = rng.normal(0, 0.4)
        half = (rng.uniform(0.15, 0.5), rng.uniform(0.15, 0.5), 0.015)
        scene.add(BOX, (x, high - 0.3, z - radius), half, paint.material(period=0.6), rotation(yaw))


def _wires(scene: Scene, rng: Rng, paint: _Painter, far: float) -> None:
    high, side = rng.uniform(3, 8), rng.choice([-1, 1]) * rng.uniform(0.5, 6)
    dark = paint.material("grey", plain=0.9)
    for k in range(int(rng.integers(1, 5))):
        start = (side - 8 * rng.random(), high + 0.3 * k, rng.uniform(2, 8))
        end = (side + 10 * rng.random(), high + rng.normal(0.3 * k, 0.4), rng.uniform(8, far))
        scene.rod(start, end, rng.uniform(0.006, 0.025), dark)


def _fence(scene: Scene, rng: Rng, paint: _Painter, start: np.ndarray, end: np.ndarray) -> None:
    """Posts with rails, or a see-through grid."""
    high = rng.uniform(0.6, 1.8)
    stuff = paint.material("wood" if rng.random() < 0.5 else "grey", 0.4)
    along = end - start
    length = float(np.linalg.norm(along))
    posts = int(np.clip(length / rng.uniform(1, 2.5), 2, 8))
    thick = rng.uniform(0.02, 0.07)
    for k in range(posts + 1):
        foot = start + along * k / posts
        scene.rod(foot, foot + [0, high, 0], thick, stuff)
    yaw = np.arctan2(-along[2], along[0])
    if rng.random() < 0.5:
        cut = (GRID, length / rng.uniform(0.08, 0.3), rng.uniform(0.08, 0.3))
        middle = (start + end) / 2 + [0, high / 2, 0]
        scene.add(CARD, middle, (length / 2, high / 2, 1), stuff, rotation(yaw), cut)
    else:
        for level in np.linspace(0.35, 1, int(rng.integers(2, 4))):
            up = np.array([0, high * level, 0])
            scene.rod(start + up, end + up, thick * 0.6, stuff)


def _building(
    scene: Scene, rng: Rng, paint: _Painter, center: np.ndarray, half: np.ndarray, yaw: float
) -> None:
    wall = paint.material(
        str(rng.choice(["earth", "grey", "pale", "any"])), rng.uniform(2, 6), 0.15
    )
    axes = rotation(yaw)
    scene.add(BOX, center, half, wall, axes)
    if rng.random() < 0.5:
        roof = paint.material("earth", 1.0)
        lift = np.array([0, half[1], 0])
        scene.add(BOX, center + lift, (half[0] * 1.06, 0.15, half[2] * 1.06), roof, axes)
    glass = paint.material("grey", 2.0, plain=0.6)
    facing = axes.T @ -center
    face = 0 if abs(facing[0]) / half[0] > abs(facing[2]) / half[2] else 2
    for _ in range(int(rng.integers(0, 4))):  # bays, doors, balconies that stand out of the wall
        local = rng.uniform(-0.8, 0.8, 3) * half
        local[face] = np.sign(facing[face]) * half[face]
        scene.add(BOX, center + axes @ local, rng.uniform(0.15, 0.9, 3), glass, axes)


def _street(rng: Rng, paint: _Painter) -> Scene:
    scene = _outdoors(rng, paint, "grey")
    turn = rng.normal(0, 0.25)
    axes = rotation(turn)
    width = rng.uniform(4, 11)
    for sign in (-1, 1):
        if rng.random() < 0.2:
            continue
        z, gap = rng.uniform(-6, 6), rng.random() < 0.3
        tall = rng.uniform(2.5, 12)
        for _ in range(int(rng.integers(2, 6))):
            half = np.array(
                [rng.uniform(2, 5), tall * rng.uniform(0.7, 1.3) / 2, rng.uniform(2, 8)]
            )
            local = np.array([sign * (width + half[0]), half[1], z + half[2]])
            _building(scene, rng, paint, axes @ local, half, turn)
            z += 2 * half[2] + (rng.uniform(0.5, 5) if gap else 0.0)
        if rng.random() < 0.6:  # kerb or pavement
            spot = axes @ np.array([sign * width * 0.85, 0.06, 20.0])
            scene.add(BOX, spot, (width * 0.15, 0.08, 40), paint.material("grey", 1.5), axes)
    if rng.random() < 0.6:  # what closes the street
        half = np.array([rng.uniform(5, 25), rng.uniform(1, 8), 2.0])
        spot = axes @ np.array([rng.normal(0, 5), 0, rng.uniform(20, 55)])
        spot[1] = half[1]
        stuff = paint.material("green" if rng.random() < 0.5 else "earth", 3, 0.1)
        scene.add(ELLIPSOID if rng.random() < 0.5 else BOX, spot, half, stuff, axes)
    for _ in range(int(rng.integers(0, 4))):
        spot = axes @ np.array([rng.choice([-1, 1]) * rng.uniform(0.3, 0.8) * width, 0, 0])
        spot = spot + axes[:, 2] * rng.uniform(4, 28)
        _car(
            scene, rng, paint, spot[0], spot[2], turn + rng.choice([0, np.pi]) + rng.normal(0, 0.1)
        )
    _passers_by(scene, rng, paint, axes, width)
    if rng.random() < 0.4:
        _wires(scene, rng, paint, 35)
    if rng.random() < 0.6:  # lane marks
        white = Material(np.full(3, 0.8), np.full(3, 0.7), 0, 0, 1.0)
        for k in range(int(rng.integers(2, 7))):
            spot = axes @ np.array([rng.normal(0, 0.1), 0.0, 3 + 6 * k])
            scene.add(BOX, spot, (0.07, 0.004, 1.3), white, axes)
    return scene


def _passers_by(scene: Scene, rng: Rng, paint: _Painter, axes: np.ndarray, width: float) -> None:
    for _ in range(int(rng.integers(0, 4))):
        spot = axes @ np.array([rng.uniform(-1, 1) * width, 0, rng.uniform(3, 20)])
        _person(scene, rng, paint, spot[0], spot[2], rng.uniform(1.2, 1.95))
    for _ in range(int(rng.integers(0, 5))):
        spot = axes @ np.array([rng.choice([-1, 1]) * width * 0.8, 0, rng.uniform(2, 30)])
        (_pole if rng.random() < 0.6 else _tree)(scene, rng, paint, spot[0], spot[2])


def _park(rng: Rng, paint: _Painter) -> Scene:
    scene = _outdoors(rng, paint, str(rng.choice(["green", "earth", "grey"], p=[0.6, 0.3, 0.1])))
    for _ in range(int(rng.integers(0, 4))):  # hills and hedges far off
        half = np.array([rng.uniform(10, 40), rng.uniform(1, 9), rng.uniform(4, 15)])
        spot = np.array([rng.uniform(-40, 40), 0.0, rng.uniform(30, 60)])
        scene.add(ELLIPSOID, spot, half, paint.material("green", 5, 0.1))
    near = rng.uniform(2.5, 6)
    for _ in range(int(rng.integers(2, 9))):
        z = near * np.exp(rng.uniform(0, 2.2))
        _tree(scene, rng, paint, rng.uniform(-0.7, 0.7) * z, z)
    for _ in range(int(rng.integers(0, 4))):
        z = rng.uniform(2.5, 14)
        _person(scene, rng, paint, rng.uniform(-0.5, 0.5) * z, z, rng.uniform(1.1, 1.95))
    if rng.random() < 0.4:
        z = rng.uniform(3, 12)
        a = np.array([-z * rng.uniform(0.3, 1), 0, z * rng.uniform(0.6, 1.4)])
        b = np.array([z * rng.uniform(0.3, 1), 0, z * rng.uniform(0.6, 1.4)])
        _fence(scene, rng, paint, a, b)
    for _ in range(int(rng.integers(0, 6))):  # bushes and stones
        size, z = rng.uniform(0.1, 1.0), rng.uniform(2, 15)
        spot = np.array([rng.uniform(-0.7, 0.7) * z, size * 0.4, z])
        stuff = paint.material("green" if rng.random() < 0.6 else "earth", 0.6, 0.1)
        scene.add(ELLIPSOID, spot, size * rng.uniform(0.5, 1.3, 3), stuff)
    if rng.random() < 0.3:
        spot = np.array([rng.uniform(-12, 12), 2.5, rng.uniform(12, 40)])
        _building(scene, rng, paint, spot, rng.uniform(2.2, 6, 3), rng.uniform(0, 3))
    if rng.random() < 0.3:
        _wires(scene, rng, paint, 30)
    return scene


def _yard(rng: Rng, paint: _Painter) -> Scene:
    """Something at a few metres before a wall: benches, bicycles' worth of bars, people."""
    scene = _outdoors(rng, paint, str(rng.choice(["grey", "earth", "green"])), down=0.12)
    z = rng.uniform(3, 9)
    half = np.array([rng.uniform(5, 14), rng.uniform(1, 5), 0.4])
    wall = np.array([rng.normal(0, 2), half[1], z + 0.4])
    _building(scene, rng, paint, wall, half, rng.normal(0, 0.3))
    for _ in range(int(rng.integers(1, 5))):
        d = rng.uniform(0.3, 0.95) * z
        _table(scene, rng, paint, rng.uniform(-0.6, 0.6) * d, d, rng.uniform(0, 3), 0.0)
    for _ in range(int(rng.integers(0, 3))):
        d = rng.uniform(0.4, 0.95) * z
        _person(scene, rng, paint, rng.uniform(-0.5, 0.5) * d, d, rng.uniform(1.1, 1.95))
    for _ in range(int(rng.integers(0, 4))):
        d = rng.uniform(0.4, 1.0) * z
        (_pole if rng.random() < 0.6 else _tree)(scene, rng, paint, rng.uniform(-0.7, 0.7) * d, d)
    _litter(scene, rng, paint, int(rng.integers(0, 8)), z * 0.9, 0.5)
    if rng.random() < 0.3:
        a = np.array([-z * 0.8, 0, z * rng.uniform(0.3, 0.9)])
        _fence(scene, rng, paint, a, a * [-1, 1, 1] + [0, 0, rng.normal(0, 0.5)])
    return scene


def _litter(scene: Scene, rng: Rng, paint: _Painter, count: int, far: float, size: float) -> None:
    """Boxes, balls, cans and cones that stand on the ground."""
    for _ in range(count):
        d = rng.uniform(0.35, 1.0) * far
        s = size * np.exp(rng.normal(-0.5, 0.5))
        half = s * rng.uniform(0.25, 1.0, 3)
        spot = np.array([rng.uniform(-0.6, 0.6) * d, half[1], d])
        _thing(scene, rng, paint, spot, half)


def _thing(scene: Scene, rng: Rng, paint: _Painter, center: np.ndarray, half: np.ndarray) -> None:
    """One upright object of random kind, its lowest point at ``center - half``."""
    stuff = paint.material(period=float(half.max()) * 2)
    kind = rng.random()
    if kind < 0.4:
        scene.add(BOX, center, half, stuff, rotation(rng.uniform(0, 3)))
    elif kind < 0.6:
        scene.add(ELLIPSOID, center, half, stuff, rotation(rng.uniform(0, 3)))
    elif kind < 0.85:
        up = np.array([0, half[1], 0])
        scene.rod(center - up, center + up, min(half[0], half[2]), stuff, rng.choice([0, 0.2, 0.5]))
    elif kind < 0.93:  # a plant: pot and leaves
        pot = half[1] * 0.4
        foot = center - [0, half[1], 0]
        scene.rod(foot, foot + [0, 2 * pot, 0], half[0] * 0.6, stuff)
        green = paint.material("green", float(half.max()), 0.1)
        for _ in range(3):
            cut = (BLOB, rng.uniform(0.2, 0.5), float(rng.integers(paint.textures) // 2 * 2))
            axes = rotation(rng.normal(0, 0.8), rng.normal(0, 0.4))
            spot = center + [0, half[1] * 0.5, 0] + rng.normal(0, 0.2, 3) * half
            scene.add(CARD, spot, (half[0] * 1.6, half[1] * 1.1, 1), green, axes, cut)
    else:  # a thin stand
        foot = center - [0, half[1], 0]
        scene.rod(foot, foot + [0, 0.02, 0], half[0], stuff)
        scene.rod(foot, center + [0, half[1], 0], half[0] * 0.12, stuff)


def _table(
    scene: Scene, rng: Rng, paint: _Painter, x: float, z: float, yaw: float, things: float = 0.7
) -> float:
    """A table, desk, bench or stool; returns the height of its top."""
    axes = rotation(yaw)
    wood = paint.material(str(rng.choice(["wood", "pale", "any"])), 1.0)
    high = rng.uniform(0.4, 1.0)
    half = np.array([rng.uniform(0.2, 0.9), rng.uniform(0.012, 0.04), rng.uniform(0.18, 0.5)])
    base = np.array([x, 0.0, z])
    scene.add(BOX, base + [0, high, 0], half, wood, axes)
    legs = wood if rng.random() < 0.5 else paint.material("grey")
    thick = rng.uniform(0.01, 0.035)
    for a in (-0.9, 0.9):
        for b in (-0.85, 0.85):
            foot = base + axes[:, 0] * a * half[0] + axes[:, 2] * b * half[2]
            scene.rod(foot, foot + [0, high, 0], thick, legs)
    if rng.random() < things:
        for _ in range(int(rng.integers(1, 5))):
            size = rng.uniform(0.03, 0.18, 3)
            spot = base + axes[:, 0] * rng.uniform(-0.8, 0.8) * half[0]
            spot = spot + axes[:, 2] * rng.uniform(-0.7, 0.7) * half[2]
            spot[1] = high + half[1] + size[1]
            _thing(scene, rng, paint, spot, size)
    return high


def _chair(scene: Scene, rng: Rng, paint: _Painter, x: float, z: float) -> None:
    yaw = rng.uniform(0, 6)
    axes = rotation(yaw)
    stuff = paint.material(period=0.5)
    legs = paint.material("grey" if rng.random() < 0.5 else "wood")
    base = np.array([x, 0.0, z])
    scene.add(BOX, base + [0, 0.45, 0], (0.22, rng.uniform(0.015, 0.06), 0.22), stuff, axes)
    back = base + [0, 0.72, 0] - axes[:, 2] * 0.21
    scene.add(BOX, back, (0.21, rng.uniform(0.1, 0.26), 0.02), stuff, axes)
    for a in (-0.19, 0.19):
        for b in (-0.19, 0.19):
            foot = base + axes[:, 0] * a + axes[:, 2] * b
            scene.rod(foot, foot + [0, 0.75 if b < 0 else 0.45, 0], 0.016, legs)


def _room(rng: Rng, paint: _Painter) -> Scene:
    half = np.array([rng.uniform(1.4, 4), rng.uniform(1.15, 1.8), rng.uniform(1.6, 5)])
    yaw = rng.normal(0, 0.4)
    back = rng.uniform(0.3, 0.9) * half[2]
    center = np.array([rng.uniform(-0.6, 0.6) * half[0], half[1], back])
    center = _around_camera(center, half, yaw)
    axes = rotation(yaw)
    lamp = center + np.array(
        [rng.uniform(-0.6, 0.6) * half[0], half[1] * rng.uniform(0.3, 0.95), 0]
    )
    lamp = lamp + axes[:, 2] * rng.uniform(-0.6, 0.6) * half[2]
    warm = np.array([1.0, rng.uniform(0.75, 1.0), rng.uniform(0.5, 1.0)])
    scene = Scene(
        *_camera(rng, float(np.clip(rng.normal(1.4, 0.3), 0.5, 2 * half[1] - 0.2)), 0.16),
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
        """A point of the room: u, w in -1..1 across and along, y metres above the floor."""
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
            thing = rng.uniform(0.06, 0.2, 3)
            _thing(scene, rng, paint, spot + [0, size[1] + thing[1], 0], thing)
    spots = [at(rng.uniform(-0.85, 0.85), rng.uniform(-0.2, 0.9)) for _ in range(8)]
    spots = [s for s in spots if s[2] > 0.9 or np.hypot(s[0], s[2]) > 1.1]
    for spot in spots[: int(rng.integers(2, 7))]:
        kind = rng.random()
        if kind < 0.35:
            _table(scene, rng, paint, spot[0], spot[2], yaw + rng.choice([0, np.pi / 2]))
        elif kind < 0.6:
            _chair(scene, rng, paint, spot[0], spot[2])
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
            _person(scene, rng, paint, spot[0], spot[2], rng.uniform(1.1, 1.9))
        else:
            size = rng.uniform(0.1, 0.35, 3)
            _thing(scene, rng, paint, spot + [0, size[1], 0], size)
    if rng.random() < 0.4:  # a hanging lamp
        spot = at(rng.uniform(-0.6, 0.6), rng.uniform(-0.1, 0.8), 2 * half[1])
        drop = rng.uniform(0.3, 1.0)
        scene.rod(spot, spot - [0, drop, 0], 0.008, paint.material("grey"))
        bulb = spot - np.array([0, drop, 0])
        scene.add(ELLIPSOID, bulb, rng.uniform(0.08, 0.25, 3), paint.material("pale"))
    return scene


def _close_up(rng: Rng, paint: _Painter) -> Scene:
    """Things on a table, or a creature or plant near the camera, before a wall or the open."""
    indoors = rng.random() < 0.6
    size = float(np.exp(rng.uniform(np.log(0.06), np.log(0.5))))
    if indoors:
        half = np.array([rng.uniform(2, 30), rng.uniform(4, 12), rng.uniform(6, 30)]) * size
        yaw = rng.normal(0, 0.4)
        center = np.array([0.0, half[1] * 0.95, half[2] * 0.6])
        scene = Scene(
            *_camera(rng, size * rng.uniform(1.2, 4), rng.uniform(0.05, 0.6)),
            ground=paint.material(str(rng.choice(["wood", "pale", "any"])), 8 * size),
            room=(_around_camera(center, half, yaw), half, yaw),
            walls=paint.material("any", 8 * size, plain=0.5),
            light=np.array([rng.normal(0, 8), rng.uniform(6, 11), rng.uniform(-4, 8)]) * size,
            light_color=np.array([1.0, 0.95, 0.85]) * rng.uniform(0.5, 1.5),
            lamp_reach=10 * size,
            shadow=float(rng.uniform(0.3, 0.9)),
            ambient=np.full(3, rng.uniform(0.2, 0.6)),
        )
    else:
        scene = _outdoors(rng, paint, str(rng.choice(["grey", "wood", "green"])))
        scene.height = size * rng.uniform(1.2, 4)
        scene.pitch = float(rng.normal(0.15, 0.15))
    if rng.random() < 0.35:  # a creature: body, head, limbs, ears
        z = size * rng.uniform(4, 7)
        _creature(scene, rng, paint, np.array([rng.uniform(-0.3, 0.3) * z, 0, z]), size * 2)
    for _ in range(int(rng.integers(2, 12))):
        half = size * np.exp(rng.normal(-0.3, 0.4)) * rng.uniform(0.3, 1.0, 3)
        z = size * rng.uniform(2.5, 13)
        _thing(scene, rng, paint, np.array([rng.uniform(-0.6, 0.6) * z, half[1], z]), half)
    for _ in range(int(rng.integers(0, 4))):  # pens, stalks, cables
        z = size * rng.uniform(3, 9)
        foot = np.array([rng.uniform(-0.6, 0.6) * z, 0.0, z])
        tip = foot + rng.normal(0, 1, 3) * size + [0, 2 * size, 0]
        scene.rod(foot, tip, size * rng.uniform(0.02, 0.08), paint.material())
    return scene


def _creature(scene: Scene, rng: Rng, paint: _Painter, foot: np.ndarray, size: float) -> None:
    fur = paint.material(str(rng.choice(["wood", "grey", "pale", "any"])), size * 0.5, 0.1)
    yaw = rng.uniform(0, 6)
    axes = rotation(yaw)
    front = axes[:, 2]
    body = foot + [0, size * 0.45, 0]
    scene.add(
        ELLIPSOID, body, np.array([0.25, 0.3, 0.45]) * size, fur, rotation(yaw, rng.normal(0, 0.4))
    )
    head = body + front * size * 0.35 + [0, size * rng.uniform(0.2, 0.45), 0]
    scene.add(ELLIPSOID, head, np.array([0.18, 0.18, 0.2]) * size, fur, axes)
    for sign in (-1, 1):
        ear = head + axes[:, 0] * sign * 0.1 * size + [0, size * 0.1, 0]
        scene.rod(ear, ear + [0, 0.18 * size, 0], 0.06 * size, fur, 1.0)
        for along in (-0.25, 0.25):
            hip = body + axes[:, 0] * sign * 0.15 * size + front * along * size
            scene.rod(hip * [1, 0, 1], hip, 0.07 * size, fur)
    tail = body - front * size * 0.4
    scene.rod(tail, tail - front * size * 0.3 + [0, size * 0.3, 0], 0.04 * size, fur)


def _clutter(rng: Rng, paint: _Painter) -> Scene:
    """Things flying about, in any attitude, so that no layout is taken for granted."""
    scene = _outdoors(rng, paint, "any", down=0.0)
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
