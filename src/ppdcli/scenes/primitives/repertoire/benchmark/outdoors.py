"""The outdoors base: ground, sky, sun and a camera, without things."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.shapes import Scene


def camera(rng: Rng, height: float, down: float) -> tuple[float, float, float, float]:
    """Returns height, pitch, roll and field of view; ``down`` is the mean pitch in radians."""
    pitch, roll = rng.normal(down, 0.09), rng.normal(0, 0.03)
    return height, float(pitch), float(roll), float(rng.uniform(35, 90))


def outdoors(rng: Rng, paint: Painter, ground: str, down: float = 0.06) -> Scene:
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
        *camera(rng, float(np.clip(rng.normal(1.55, 0.5), 0.4, 4)), down),
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
