"""Dusk and night, and the lamps of streets."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.repertoire.surfaces import glowing, surface
from ppdcli.scenes.primitives.shapes import ELLIPSOID, Lamp, Scene


def nightfall(scene: Scene, rng: Rng) -> None:
    """Sets dusk or night: a dark sky, so that lamps give most of the light."""
    blue = np.array([0.3, 0.4, 0.8]) * rng.uniform(0.01, 0.25)
    scene.sky = np.stack([blue * [1.6, 1.2, 0.9] + 0.01, blue * 0.4])
    scene.clouds = 0.0
    scene.ambient = blue * 0.5 + rng.uniform(0.01, 0.06)
    scene.light_color = np.array([0.5, 0.6, 1.0]) * rng.uniform(0.0, 0.08)
    scene.glare, scene.fog = 0.0, 0.0


def street_lamp(scene: Scene, rng: Rng, paint: Painter, foot: np.ndarray, on: bool) -> None:
    high = rng.uniform(3, 7)
    metal = surface(paint, "metal", 1)
    scene.rod(foot, foot + [0, high, 0], rng.uniform(0.03, 0.08), metal, 0.3)
    arm = foot + np.array([-np.sign(foot[0]) * rng.uniform(0, 1.5), high + 0.2, 0])
    scene.rod(foot + [0, high, 0], arm, 0.035, metal)
    color = np.array([1.0, rng.uniform(0.65, 1.0), rng.uniform(0.3, 0.9)])
    scene.add(ELLIPSOID, arm, (0.2, 0.1, 0.2), glowing(color, 12.0 if on else 0.3))
    if on:
        scene.lamps.append(Lamp(arm - [0, 0.3, 0], color * rng.uniform(1, 4), rng.uniform(1.5, 4)))
