"""Random variations of any scene: a tilted camera, another lens, other light."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.lens import Focus
from ppdcli.scenes.primitives.repertoire.painter import Rng
from ppdcli.scenes.primitives.shapes import Scene


def set_mood(scene: Scene, rng: Rng) -> None:
    """Varies camera, light and lens of a composed scene."""
    if rng.random() < 0.15:  # a tilted camera
        scene.roll += float(rng.normal(0, 0.15))
    if rng.random() < 0.15:  # looks up or down
        scene.pitch += float(rng.normal(0, 0.25))
    if rng.random() < 0.15:
        scene.fov = float(rng.uniform(20, 35) if rng.random() < 0.4 else rng.uniform(85, 105))
    if scene.room is None:  # avoid pictures of the sky alone
        scene.pitch = max(scene.pitch, -0.3 * float(np.radians(scene.fov)))
    if rng.random() < 0.7:
        scene.creases = float(rng.uniform(0.2, 1.0))
    if rng.random() < 0.15:  # soft, from everywhere
        scene.shadow *= 0.4
        scene.ambient = scene.ambient * 1.5
    elif rng.random() < 0.15:  # hard, from one side
        scene.ambient = scene.ambient * 0.4
    if scene.room is None and not scene.lamps and rng.random() < 0.1:  # low sun from the side
        side = rng.choice([-1.0, 1.0])
        scene.light = 900 * np.array([side, rng.uniform(0.1, 0.4), rng.uniform(-0.5, 0.8)])
        scene.light_color = scene.light_color * [1.2, 0.9, 0.6]
    if scene.focus is None and scene.height > 0.8 and rng.random() < 0.08:
        scene.focus = Focus(float(np.exp(rng.uniform(-0.5, 2))), float(rng.uniform(0.003, 0.012)))
