"""Light outdoors: sun, cloud, dusk, night, haze."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.furnished.places.site import Site
from ppdcli.scenes.furnished.scene import Sky, sun


def set_daylight(site: Site) -> bool:
    """Draws weather and time of day; returns whether shadows have hard edges."""
    rng, scene = site.rng, site.scene
    kind = rng.random()
    ground = np.array([0.9, 0.88, 0.8])
    if kind < 0.55:  # sunny
        low = np.array([0.72, 0.85, 1.0]) * rng.uniform(0.9, 1.1)
        high = np.array([0.18, 0.38, 0.85]) * rng.uniform(0.7, 1.3)
        up = rng.uniform(0.25, 1.6)
        power = np.array([1.0, 0.94, 0.84]) * rng.uniform(1.4, 3.2)
        clouds, spread = rng.choice([0.0, rng.uniform(0.2, 0.8)]), 0.003
        dim = 1.0
    elif kind < 0.85:  # overcast
        low = np.array([0.9, 0.95, 1.0]) * rng.uniform(0.85, 1.1)
        high = np.array([0.75, 0.8, 0.88]) * rng.uniform(0.7, 1.1)
        up, power = rng.uniform(0.8, 2), np.full(3, rng.uniform(0, 0.5))
        clouds, spread, dim = rng.uniform(0.3, 1), 0.15, 1.0
    else:  # dusk
        low = np.array([1.0, rng.uniform(0.55, 0.8), rng.uniform(0.3, 0.7)])
        high = np.array([0.25, 0.32, 0.55]) * rng.uniform(0.5, 1.2)
        up = rng.uniform(0.06, 0.25)
        power = np.array([1.0, 0.65, 0.35]) * rng.uniform(0.6, 2.0)
        clouds, spread, dim = rng.uniform(0, 0.8), 0.01, 0.7
    angle = rng.uniform(0, 2 * np.pi)
    towards = np.array([np.cos(angle), up, np.sin(angle)])
    scene.lights.append(sun(towards, power, spread))
    fog = 0.0
    if rng.random() < 0.5:
        fog = 1 / rng.uniform(150, 900)
    if rng.random() < 0.06:
        fog = 1 / rng.uniform(30, 90)
    scene.sky = Sky(
        outdoors=True,
        reach=float(rng.uniform(4, 12)),
        ambient=np.full(3, rng.uniform(0.5, 0.9)) * dim,
        bounce=ground * rng.uniform(0.06, 0.16) * dim,
        low=low,
        high=high,
        clouds=float(clouds),
        fog=fog,
        glare=float(rng.uniform(0, 0.4) if kind < 0.55 or kind > 0.85 else 0.0),
    )
    return bool(kind < 0.55)
