"""Furnished rooms: living rooms, bedrooms, kitchens, offices, bathrooms, corridors, halls."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.furnished.camera import Camera
from ppdcli.scenes.furnished.places.arranging import clutter, people
from ppdcli.scenes.furnished.places.plan import Room
from ppdcli.scenes.furnished.places.room_kinds import FURNISH
from ppdcli.scenes.furnished.places.room_light import light_room
from ppdcli.scenes.furnished.places.site import Place, Rng, Site, camera_roll
from ppdcli.scenes.furnished.places.walls import Walls

_KINDS = ("living", "bedroom", "kitchen", "office", "bathroom", "corridor", "hall")
_SHARES = (0.29, 0.18, 0.16, 0.15, 0.08, 0.05, 0.09)
_SIZES = {  # width, depth in metres
    "living": ((3.2, 6.5), (3.6, 7.5)),
    "bedroom": ((2.8, 5), (3, 5.5)),
    "kitchen": ((2.4, 5), (2.8, 6)),
    "office": ((2.6, 7), (3, 8)),
    "bathroom": ((1.7, 3.2), (2.0, 3.8)),
    "corridor": ((1.2, 2.4), (4.5, 12)),
    "hall": ((5, 10), (6, 14)),
}
_FLOORS = {
    "bathroom": ("tiles", "tiles", "concrete"),
    "kitchen": ("tiles", "planks", "wood"),
    "hall": ("planks", "tiles", "concrete", "carpet"),
}


class RoomPlace(Place):
    """A room. The camera stands on free floor."""

    def __init__(self, site: Site, room: Room, daylight: float) -> None:
        super().__init__(site, hard=False)
        self.room, self.daylight = room, daylight

    def camera(self, rng: Rng, wide: bool) -> Camera:
        room, kind = self.room, rng.random()
        height = rng.uniform(1.2, 1.75) if kind < 0.65 else rng.uniform(0.35, 1.2)
        if kind > 0.9:
            height = rng.uniform(1.7, room.height - 0.25)
        standing = [
            t for t in self.site.placements if t.entry.elevation == 0 and not t.entry.opening
        ]
        big = [t for t in standing if max(t.entry.size) > 0.3] or standing
        for margin in (0.35, 0.3, 0.2, 0.12, 0.05, 0.0):
            x = rng.uniform(-0.5, 0.5, 24) * (room.width - 0.4)
            z = rng.uniform(0, 1, 24) * (room.depth - 0.4) + 0.2
            free = [k for k in range(24) if self.site.is_free(x[k], z[k], margin)]
            if free:
                break
        else:
            free = [0]
        # A camera near a wall sees more of the room.
        k = max(free[:6], key=lambda j: abs(x[j]) / room.width + abs(z[j] / room.depth - 0.5))
        eye = np.array([x[k], height, z[k]])
        middle = np.array([0, 0, room.depth / 2])
        target = middle + [rng.normal(0, 0.15) * room.width, rng.uniform(0.5, 1.3),
                           rng.normal(0, 0.15) * room.depth]  # fmt: skip
        if big and rng.random() < 0.65:
            placed = big[int(rng.integers(len(big)))]
            place = placed.place + [0, placed.entry.size[1] * rng.uniform(0.3, 0.9), 0]
            if np.hypot(*(place - eye)[[0, 2]]) > 0.9:
                target = place
        flat = max(float(np.hypot(*(target - eye)[[0, 2]])), 0.3)
        # Photos rarely show only the ceiling or the floor.
        pitch = np.clip((target[1] - eye[1]) / flat, -0.8, 0.18) + rng.normal(0, 0.05)
        target[1] = eye[1] + pitch * flat
        return Camera(eye, target, camera_roll(rng), float(rng.uniform(48, 90)))


def room(site: Site) -> Place:
    """Builds a furnished room of a random kind."""
    rng = site.rng
    kind = str(rng.choice(_KINDS, p=_SHARES))
    (w0, w1), (d0, d1) = _SIZES[kind]
    plan = Room(rng.uniform(w0, w1), rng.uniform(d0, d1), rng.uniform(2.3, 3.0))
    if kind == "hall":
        plan = Room(plan.width, plan.depth, rng.uniform(2.6, 4.2))
    walls = Walls(site, plan)
    daylight = float(rng.choice([1.0, 0.5, 0.05], p=[0.6, 0.2, 0.2])) * rng.uniform(0.7, 1.4)
    walls.add_door(int(rng.integers(4)))
    if rng.random() < 0.3:
        walls.add_door(int(rng.integers(4)))
    if kind != "corridor" or rng.random() < 0.3:
        for _ in range(int(rng.integers(0, 2)) if kind == "bathroom" else int(rng.integers(1, 4))):
            walls.add_window(int(rng.integers(4)), 4 * daylight)
    FURNISH[kind](site, walls)
    for _ in range(int(rng.integers(1, 7))):
        walls.add_picture(int(rng.integers(4)))
    for _ in range(int(rng.integers(0, 3))):
        walls.add_hung(int(rng.integers(4)), str(rng.choice(["wall object", "wall lamp"])))
    for _ in range(int(rng.integers(0, 3))):
        walls.add_shelf(int(rng.integers(4)))
    people(site, plan, kind)
    clutter(site, plan, int(rng.integers(0, 9)))
    floors = _FLOORS.get(kind, ("planks", "planks", "wood", "carpet", "tiles"))
    finishes = site.finishes
    wall = finishes.any_of("plaster", "plaster", "plaster", "wallpaper")
    if kind in ("bathroom", "kitchen") and rng.random() < 0.5:
        wall = finishes.draw("tiles")
    ceiling = finishes.plain(np.full(3, rng.uniform(0.75, 0.97)), 0.0, 0.05)
    walls.build(wall, finishes.any_of(*floors), ceiling, daylight)
    light_room(walls, daylight)
    site.finish()
    return RoomPlace(site, plan, daylight)
