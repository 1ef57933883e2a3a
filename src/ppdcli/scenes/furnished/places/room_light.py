"""The light in a room: lamps, ambient light, and the sky outside the windows."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.furnished.places.walls import Walls
from ppdcli.scenes.furnished.scene import Sky, ball, sun


def light_room(walls: Walls, daylight: float) -> None:
    """Sets ambient light, lamps, and the sky outside the windows."""
    site, room, rng = walls.site, walls.room, walls.site.rng
    warm = np.array([1.0, rng.uniform(0.78, 0.95), rng.uniform(0.5, 0.85)])
    lamps = int(rng.integers(0, 3)) if daylight > 0.6 else int(rng.integers(1, 4))
    for k in range(lamps):
        x = rng.uniform(-0.3, 0.3) * room.width
        z = room.depth * ((k + rng.uniform(0.3, 0.7)) / lamps)
        number = site.models.pick("hanging lamp", rng, lambda e: e.size[1] < room.height - 1.9)
        y = room.height - 0.08
        if number is not None and rng.random() < 0.6:
            entry = site.entry(number)
            site.put(
                number, (x, room.height - entry.size[1] - 0.002, z), rng.choice([0, np.pi / 2])
            )
            y = room.height - entry.size[1] - 0.1
        power = warm * rng.uniform(0.6, 1.6) * (0.5 if daylight > 0.6 else 1.2)
        site.scene.lights.append(ball(np.array([x, max(y, 1.7), z]), power, 0.12))
    level = (0.10 + 0.14 * daylight) * rng.uniform(0.7, 1.4)
    tone = 0.5 * warm + 0.5 * np.array([0.92, 1.0, 1.05])
    bright = max(daylight, 0.04)
    site.scene.sky = Sky(
        outdoors=False,
        reach=float(rng.uniform(0.8, 2.0)),
        ambient=level * tone * 2.2,
        bounce=level * tone * rng.uniform(0.4, 0.9),
        low=np.array([0.8, 0.9, 1.0]) * bright * 1.2,
        high=np.array([0.4, 0.6, 1.0]) * bright,
        clouds=float(rng.uniform(0, 0.9)),
    )
    wall = next((k for k in range(4) if walls.holes[k]), None)
    if wall is not None and daylight > 0.6 and rng.random() < 0.6:
        # The sun shines in through a hole in the wall.
        side = rng.normal(0, 0.5) * room.along(wall)
        towards = -room.inward(wall) + side + [0, rng.uniform(0.4, 1.1), 0]
        site.scene.lights.append(
            sun(towards, np.array([3.0, 2.7, 2.2]) * rng.uniform(0.5, 1.4), 0.006)
        )
