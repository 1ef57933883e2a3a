"""Close-ups of flowers before a blurred background."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.lens import Focus
from ppdcli.scenes.primitives.repertoire.foliage import bush, grass, potted_plant
from ppdcli.scenes.primitives.repertoire.landscapes import landscape_base
from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.repertoire.surfaces import surface
from ppdcli.scenes.primitives.shapes import ELLIPSOID, Scene, rotation


def blossom(rng: Rng, paint: Painter) -> Scene:
    """A flower, fruit or mushroom that fills much of the picture, before a blurred background."""
    size = float(np.exp(rng.uniform(np.log(0.03), np.log(0.12))))
    distance = size * rng.uniform(2.5, 7)
    scene = landscape_base(rng, paint, str(rng.choice(["lawn", "soil", "leaves"])), 0.0)
    scene.height = float(rng.uniform(0.15, 0.8))
    scene.pitch = float(rng.normal(0.15, 0.2))
    ahead = np.array([0.0, scene.height - distance * np.tan(scene.pitch), distance])
    for k in range(int(rng.integers(1, 4))):
        aside = rng.normal(0, 0.06 + 0.35 * (k > 0), 3) * distance * [1, 0.6, 0.5 * (k > 0)]
        _flower(scene, rng, paint, ahead + aside, size * rng.uniform(0.6, 1.1))
    for _ in range(int(rng.integers(2, 7))):
        spot = ahead * [1, 0, 1] + rng.normal(0, 1, 3) * [1, 0, 1] * distance
        spot[2] = distance * rng.uniform(1.1, 6)
        if rng.random() < 0.5:
            potted_plant(scene, rng, paint, spot, scene.height * rng.uniform(0.7, 1.6))
        else:
            bush(scene, rng, paint, spot, scene.height * rng.uniform(0.5, 1.5))
    high = scene.height * rng.uniform(0.2, 0.6)
    grass(scene, rng, paint, np.array([0, 0, distance * 2.5]), distance * 2, high)
    if rng.random() < 0.8:
        scene.focus = Focus(distance, float(rng.uniform(0.008, 0.05)))
    return scene


def _flower(scene: Scene, rng: Rng, paint: Painter, center: np.ndarray, size: float) -> None:
    """Adds petals in rings on a stalk, facing the camera and a little up."""
    petal = paint.material("bright" if rng.random() < 0.7 else "pale", size * 0.3, plain=0.7)
    heart = paint.material("earth", size * 0.2)
    face = rotation(np.pi + rng.normal(0, 0.5), -rng.uniform(0, 0.8))
    scene.rod(center - [0, center[1], 0], center, size * 0.05, surface(paint, "leaves", 0.1))
    rings = int(rng.integers(1, 5))
    for ring in range(rings):
        count = int(rng.integers(5, 13))
        open_ = 0.35 + 0.6 * (rings - ring) / rings
        for k in range(count):
            turn = rotation(0, 0, 2 * np.pi * (k + 0.5 * (ring % 2)) / count)
            fold = face @ turn @ rotation(0, -(1 - open_) * 1.2)
            half = size * open_ * np.array([0.9 / count + 0.06, 0.28, 0.03])
            middle = center + fold[:, 1] * half[1] * 1.3 + face[:, 2] * size * 0.05 * ring
            scene.add(ELLIPSOID, middle, half, petal, fold)
    scene.add(ELLIPSOID, center + face[:, 2] * size * 0.05, np.full(3, size * 0.13), heart, face)
