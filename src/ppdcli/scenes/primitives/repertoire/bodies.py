"""People in many postures, busts for portraits, crowds, and animals."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.repertoire.surfaces import surface
from ppdcli.scenes.primitives.shapes import BOX, CONE, ELLIPSOID, Material, Scene, rotation


def head(
    scene: Scene, rng: Rng, paint: Painter, center: np.ndarray, axes: np.ndarray, size: float
) -> None:
    """Adds a head ``size`` high with face, hair or a hat; it looks along the third axis."""
    skin, hair = surface(paint, "skin", size), surface(paint, "fur", size * 0.7)
    half = size / 2 * np.array([rng.uniform(0.66, 0.78), 1.0, rng.uniform(0.78, 0.9)])

    def at(x: float, y: float, z: float) -> np.ndarray:
        return center + axes @ (np.array([x, y, z]) * half)

    scene.add(ELLIPSOID, center, half, skin, axes)
    scene.add(ELLIPSOID, at(0, -0.12, 0.97), half * [0.16, 0.2, 0.2], skin, axes)  # nose
    dark = Material(np.full(3, 0.03), np.full(3, 0.06), 0, 0, 1.0)
    white = Material(np.full(3, 0.7), np.full(3, 0.6), 0, 0, 1.0)
    lips = Material(skin.color_a * [0.8, 0.45, 0.45], skin.color_b * [0.8, 0.5, 0.5], 0, 0, 1.0)
    for side in (-0.38, 0.38):
        scene.add(ELLIPSOID, at(side, 0.12, 0.84), half * [0.16, 0.07, 0.1], white, axes)
        scene.add(ELLIPSOID, at(side, 0.12, 0.9), half * [0.08, 0.07, 0.08], dark, axes)
        scene.add(ELLIPSOID, at(side, 0.28, 0.87), half * [0.22, 0.035, 0.08], hair, axes)
        scene.add(ELLIPSOID, at(side * 2.6, -0.02, 0), half * [0.1, 0.2, 0.15], skin, axes)
    scene.add(ELLIPSOID, at(0, -0.52, 0.82), half * [0.28, 0.06, 0.1], lips, axes)
    style = rng.random()
    if style < 0.1:
        return
    if style < 0.3:  # a hat or cap
        cloth = surface(paint, "cloth", size)
        crown = at(0, 0.75, 0)
        scene.rod(crown, crown + axes[:, 1] * size * 0.35, half[0] * 1.05, cloth, 0.3)
        brim = half * [1.6, 0.05, 1.6] if rng.random() < 0.5 else half * [1.0, 0.05, 1.7]
        scene.add(ELLIPSOID, crown, brim, cloth, axes)
        return
    scene.add(ELLIPSOID, at(0, 0.22, -0.2), half * [1.08, 0.95, 0.98], hair, axes)
    if style < 0.65:  # long
        low = rng.uniform(-1.4, -0.4)
        scene.add(ELLIPSOID, at(0, low / 2, -0.45), half * [1.1, 1.1 - low / 2, 0.65], hair, axes)
    if rng.random() < 0.15:  # a beard
        scene.add(ELLIPSOID, at(0, -0.75, 0.35), half * [0.7, 0.45, 0.6], hair, axes)


def bust(scene: Scene, rng: Rng, paint: Painter, spot: np.ndarray, yaw: float) -> None:
    """Adds head, neck, shoulders, chest and arms, the chin at ``spot``, turned by ``yaw``."""
    tilt = rotation(yaw, rng.normal(0, 0.15), rng.normal(0, 0.12))
    skin, cloth = surface(paint, "skin", 0.3), surface(paint, "cloth", 0.4)
    size = rng.uniform(0.21, 0.26)
    head(scene, rng, paint, spot + tilt[:, 1] * size * 0.5, tilt, size)
    scene.rod(spot - [0, 0.13, 0], spot + tilt[:, 1] * 0.07, 0.058, skin)
    axes = rotation(yaw + rng.normal(0, 0.3))
    wide = rng.uniform(0.17, 0.25)
    chest = spot - [0, 0.36, 0]
    scene.add(ELLIPSOID, chest, (wide * 0.95, 0.28, rng.uniform(0.1, 0.16)), cloth, axes)
    scene.add(ELLIPSOID, spot - [0, 0.17, 0], (wide, 0.07, 0.075), cloth, axes)
    waist, legs = chest - [0, 0.3, 0], surface(paint, "cloth", 0.5)
    scene.add(ELLIPSOID, waist, (wide * 0.85, 0.25, 0.13), cloth, axes)
    for side in (-0.4, 0.4):
        hip = waist + axes[:, 0] * side * wide
        scene.rod(hip * [1, 0, 1], hip, 0.1, legs)
    for side in (-1, 1):
        shoulder = spot - [0, 0.19, 0] + axes[:, 0] * side * wide
        scene.add(ELLIPSOID, shoulder, (0.075, 0.085, 0.08), cloth, axes)
        elbow = shoulder + axes @ np.array([side * rng.uniform(0, 0.2), -0.26, rng.normal(0, 0.12)])
        _limb(scene, shoulder, elbow, 0.05, cloth)
        reach = np.array([-side * rng.uniform(0, 0.25), rng.uniform(-0.22, 0.25), 0.15])
        hand = elbow + axes @ reach
        _limb(scene, elbow, hand, 0.04, cloth if rng.random() < 0.6 else skin)
        scene.add(ELLIPSOID, hand, (0.04, 0.05, 0.035), skin, axes)
    if rng.random() < 0.25:  # something held or worn on the chest
        thing = paint.material(period=0.2)
        half = (rng.uniform(0.03, 0.15), rng.uniform(0.03, 0.15), 0.01)
        scene.add(BOX, chest + axes @ np.array([0, 0.05, 0.2]), half, thing, axes)


def _limb(scene: Scene, start: np.ndarray, end: np.ndarray, radius: float, stuff: Material) -> None:
    scene.rod(start, end, radius, stuff, 0.25)
    scene.add(ELLIPSOID, end, np.full(3, radius * 0.82), stuff)


def body(
    scene: Scene,
    rng: Rng,
    paint: Painter,
    foot: np.ndarray,
    size: float = 1.7,
    seat: float | None = None,
) -> None:
    """Adds a whole person: standing, walking, or sitting ``seat`` metres above ``foot``."""
    yaw = rng.uniform(0, 2 * np.pi)
    axes = rotation(yaw)
    side, front = axes[:, 0], axes[:, 2]
    cloth, below = surface(paint, "cloth", 0.4), surface(paint, "cloth", 0.5)
    skin = surface(paint, "skin", 0.3)
    shoe = paint.material("grey", plain=0.9)
    hip_height = 0.5 * size if seat is None else seat + 0.05 * size
    hip = foot + [0, hip_height, 0]
    lean = front * rng.normal(0.02, 0.05) * size
    neck = hip + [0, 0.32 * size, 0] + lean
    broad = rng.uniform(0.85, 1.25)
    chest = hip * 0.45 + neck * 0.55
    scene.add(ELLIPSOID, chest, np.array([0.1 * broad, 0.19, 0.075]) * size, cloth, axes)
    scene.add(ELLIPSOID, hip, np.array([0.09 * broad, 0.09, 0.08]) * size, below, axes)
    scene.add(
        ELLIPSOID, neck - [0, 0.02 * size, 0], np.array([0.12, 0.04, 0.05]) * size, cloth, axes
    )
    scene.rod(neck - [0, 0.02, 0], neck + [0, 0.05 * size, 0], 0.03 * size, skin)
    turn = rotation(yaw + rng.normal(0, 0.4), rng.normal(0.1, 0.15), rng.normal(0, 0.08))
    skull = neck + [0, 0.105 * size, 0]
    scene.add(ELLIPSOID, skull, np.array([0.043, 0.065, 0.053]) * size, skin, turn)
    hair = surface(paint, "fur", 0.2)
    scene.add(
        ELLIPSOID,
        skull + turn @ np.array([0, 0.014, -0.012]) * size,
        np.array([0.047, 0.062, 0.053]) * size,
        hair,
        turn,
    )
    stride = rng.uniform(0, 0.16) if rng.random() < 0.5 else 0.03
    for sign in (-1, 1):
        thigh = hip + side * sign * 0.05 * size
        if seat is None:
            ankle = foot + side * sign * 0.05 * size + front * sign * stride * size
            ankle = ankle + [0, 0.03 * size, 0]
            knee = (thigh + ankle) / 2 + front * rng.uniform(0.01, 0.05) * size
        else:
            knee = thigh + front * 0.25 * size + side * sign * rng.uniform(0, 0.06) * size
            ankle = knee * [1, 0, 1] + foot * [0, 1, 0] + [0, 0.04 * size, 0]
        _limb(scene, thigh, knee, 0.052 * size, below)
        _limb(scene, knee, ankle, 0.04 * size, below)
        toe = ankle + front * 0.04 * size - [0, 0.012 * size, 0]
        scene.add(ELLIPSOID, toe, np.array([0.028, 0.02, 0.07]) * size, shoe, axes)
        shoulder = neck + side * sign * 0.115 * broad * size - [0, 0.025 * size, 0]
        out = np.array([sign * rng.uniform(0, 0.1), -0.17, rng.normal(0, 0.06)])
        elbow = shoulder + axes @ out * size
        reach = np.array([-sign * rng.uniform(-0.03, 0.1), rng.uniform(-0.15, 0.1), 0.08])
        hand = elbow + axes @ reach * size
        _limb(scene, shoulder, elbow, 0.03 * size, cloth)
        _limb(scene, elbow, hand, 0.024 * size, cloth if rng.random() < 0.5 else skin)
    if seat is None and rng.random() < 0.25:  # a skirt or coat
        hem = hip - [0, rng.uniform(0.1, 0.35) * size, 0]
        scene.rod(hem, hip + [0, 0.06 * size, 0], 0.13 * size, below, 0.45)
    if rng.random() < 0.25:  # a bag
        spot = hip + side * 0.14 * size + [0, rng.uniform(-0.1, 0.2) * size, 0]
        half = np.array([0.03, rng.uniform(0.05, 0.12), 0.08]) * size
        scene.add(BOX, spot, half, paint.material(period=0.3), axes)


def crowd(
    scene: Scene, rng: Rng, paint: Painter, count: int, near: float, far: float, spread: float
) -> None:
    """Adds distant figures of three solids each, up to ``spread`` metres aside per metre ahead."""
    for _ in range(count):
        z = near * np.exp(rng.uniform(0, np.log(far / near)))
        x, tall = rng.uniform(-spread, spread) * z, rng.uniform(1.4, 1.9)
        foot = np.array([x, 0.0, z])
        legs = paint.material("dark" if rng.random() < 0.5 else "any", plain=0.8)
        axes = rotation(rng.uniform(0, 3))
        scene.rod(foot, foot + [0, 0.52 * tall, 0], 0.08 * tall, legs)
        torso = foot + [0, 0.67 * tall, 0]
        half = np.array([0.14, 0.19, 0.08]) * tall
        scene.add(ELLIPSOID, torso, half, paint.material(plain=0.7), axes)
        skin = surface(paint, "skin" if rng.random() < 0.7 else "fur", 0.2)
        scene.add(ELLIPSOID, foot + [0, 0.93 * tall, 0], np.full(3, 0.06) * tall, skin)


def animal(scene: Scene, rng: Rng, paint: Painter, foot: np.ndarray, size: float) -> None:
    """Adds a four-legged animal ``size`` long that stands, sits or lies: dog, cat, horse, cow."""
    fur = surface(paint, "fur", size * rng.uniform(0.3, 1.0))
    other = surface(paint, "fur", size * 0.5)
    yaw = rng.uniform(0, 2 * np.pi)
    axes = rotation(yaw)
    leg = rng.uniform(0.2, 0.65) * size
    thick = rng.uniform(0.14, 0.24) * size
    pose = rng.random()
    pitch = 0.0
    if pose < 0.3:  # sits
        pitch, leg = -rng.uniform(0.5, 0.9), leg * 0.55
    elif pose < 0.45:  # lies
        leg *= 0.12
    trunk = rotation(yaw, pitch)
    middle = foot + [0, leg + thick * 0.8 + 0.3 * size * np.sin(-pitch), 0]
    chest = middle + trunk[:, 2] * 0.25 * size
    rump = middle - trunk[:, 2] * 0.25 * size
    scene.rod(rump, chest, thick * 0.95, fur)
    scene.add(ELLIPSOID, chest, thick * np.array([1.0, 1.1, 1.0]), fur, trunk)
    scene.add(ELLIPSOID, rump, thick * np.array([1.0, 1.05, 1.1]), fur, trunk)
    lift = rng.uniform(0.0, 0.4) * size
    skull = chest + axes[:, 2] * rng.uniform(0.15, 0.3) * size + [0, lift, 0]
    scene.rod(chest, skull, thick * 0.62, fur, 0.2)
    gaze = rotation(yaw + rng.normal(0, 0.6), rng.normal(0.15, 0.2))
    r = thick * rng.uniform(0.55, 0.85)
    scene.add(ELLIPSOID, skull, r * np.array([0.85, 0.85, 1.0]), fur, gaze)
    snout = skull + gaze @ np.array([0, -0.25, 1.0]) * r
    long = rng.uniform(0.35, 0.8)
    scene.add(ELLIPSOID, snout, r * np.array([0.42, 0.4, long]), other, gaze)
    dark = Material(np.full(3, 0.02), np.full(3, 0.04), 0, 0, 1.0, 0.0, 1.0)
    scene.add(ELLIPSOID, snout + gaze @ np.array([0, 0.12, long]) * r, np.full(3, 0.15) * r, dark)
    droop = rng.random() < 0.4
    for sign in (-1, 1):
        eye = skull + gaze @ np.array([0.45 * sign, 0.25, 0.75]) * r
        scene.add(ELLIPSOID, eye, np.full(3, 0.13) * r, dark)
        ear = skull + gaze @ np.array([0.6 * sign, 0.55, 0]) * r
        if droop:
            scene.add(ELLIPSOID, ear - gaze[:, 1] * 0.4 * r, r * np.array([0.2, 0.6, 0.4]), other)
        else:
            scene.rod(ear, ear + gaze @ np.array([0.25 * sign, 0.9, 0]) * r, 0.3 * r, other, 1.0)
        for at_chest in (True, False):
            hip = (chest if at_chest else rump) + axes[:, 0] * sign * thick * 0.6
            paw = hip * [1, 0, 1] + foot * [0, 1, 0] + axes[:, 2] * rng.normal(0, 0.06) * size
            if hip[1] - foot[1] > 0.05 * size:
                scene.rod(hip, paw, thick * rng.uniform(0.25, 0.42), fur, 0.4)
            scene.add(
                ELLIPSOID, paw + [0, thick * 0.15, 0], thick * np.array([0.3, 0.16, 0.4]), fur, axes
            )
    tail = rump - trunk[:, 2] * thick
    end = tail - trunk[:, 2] * rng.uniform(0.1, 0.4) * size + [0, rng.normal(0, 0.2) * size, 0]
    end[1] = max(end[1], foot[1] + 0.03 * size)
    scene.rod(tail, end, thick * 0.22, fur, 0.5)


def bird(scene: Scene, rng: Rng, paint: Painter, foot: np.ndarray, size: float) -> None:
    """Adds a bird on two thin legs."""
    feathers, wing = (paint.material(str(rng.choice(["grey", "any", "wood"])), size) for _ in "ab")
    yaw = rng.uniform(0, 6)
    axes = rotation(yaw, -rng.uniform(0.2, 0.8))
    middle = foot + [0, size * rng.uniform(0.4, 0.7), 0]
    scene.add(ELLIPSOID, middle, np.array([0.2, 0.22, 0.42]) * size, feathers, axes)
    scene.add(ELLIPSOID, middle + axes @ np.array([0, 0.08, -0.1]) * size,
              np.array([0.23, 0.14, 0.4]) * size, wing, axes)  # fmt: skip
    skull = middle + axes @ np.array([0, 0.14, 0.42]) * size
    scene.add(ELLIPSOID, skull, np.full(3, 0.15) * size, feathers)
    beak = rotation(yaw)[:, 2]
    scene.rod(skull, skull + beak * 0.32 * size, 0.05 * size, paint.material("earth"), 1.0)
    tail = middle - axes[:, 2] * 0.4 * size
    scene.add(CONE, tail - axes[:, 2] * 0.2 * size, np.array([0.1, 0.02, 0.25]) * size, wing, axes)
    for side in (-0.08, 0.08):
        hip = middle + axes[:, 0] * side * size
        scene.rod(hip, hip * [1, 0, 1] + foot * [0, 1, 0], 0.015 * size, paint.material("earth"))
