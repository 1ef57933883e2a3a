"""Tables, desks, counters and floors with objects on them, seen from close and from above."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.furnished.camera import Camera
from ppdcli.scenes.furnished.places.plan import Room
from ppdcli.scenes.furnished.places.room_light import light_room
from ppdcli.scenes.furnished.places.site import Place, Rng, Site, camera_roll
from ppdcli.scenes.furnished.places.walls import Walls
from ppdcli.scenes.furnished.scene import ball

_KINDS = {  # kind of the objects, and its share
    "dish": 0.25,
    "desk object": 0.3,
    "kitchen object": 0.15,
    "tool": 0.1,
    "toy": 0.12,
    "bath object": 0.08,
}


class TablePlace(Place):
    """A surface with objects, seen from a hand-held camera, a robot's head or its arm."""

    def __init__(self, site: Site, middle: np.ndarray, half: tuple[float, float]) -> None:
        super().__init__(site)
        self.middle, self.half = middle, half

    def camera(self, rng: Rng, wide: bool) -> Camera:
        kind, angle = rng.random(), rng.normal(0, 0.5)
        aim = self.middle + [rng.normal(0, 0.3) * self.half[0], rng.uniform(0, 0.1),
                             rng.normal(0, 0.3) * self.half[1]]  # fmt: skip
        if kind < 0.25:  # from above
            steep, away = rng.uniform(1.0, 1.5), rng.uniform(0.45, 1.1)
        elif kind < 0.8:  # from the edge
            steep, away = rng.uniform(0.35, 1.0), rng.uniform(0.45, 1.4)
        else:  # from the height of the objects
            steep, away = rng.uniform(0.1, 0.35), rng.uniform(0.4, 0.9)
        flat = away * np.cos(steep)
        eye = aim + [flat * np.sin(angle), away * np.sin(steep), -flat * np.cos(angle)]
        eye[1] = max(eye[1], self.middle[1] + 0.08)
        return Camera(
            eye, aim + [0, rng.normal(0, 0.05), 0], camera_roll(rng), float(rng.uniform(42, 75))
        )


def tabletop(site: Site) -> Place:
    """Builds a table, or a floor area, with the room behind it."""
    rng = site.rng
    plan = Room(rng.uniform(3, 6), rng.uniform(3.5, 7), rng.uniform(2.4, 3))
    walls = Walls(site, plan)
    daylight = float(rng.choice([1.0, 0.4, 0.05], p=[0.55, 0.2, 0.25]))
    for _ in range(int(rng.integers(0, 3))):
        walls.add_window(int(rng.integers(4)), 4 * daylight)
    z = rng.uniform(1.3, 2.0)
    number = site.models.pick("table", rng) if rng.random() < 0.5 else None
    by_wall = rng.random() < 0.4
    if number is not None:
        entry = site.entry(number)
        height, half = entry.top or entry.size[1], (entry.size[0] / 2, entry.size[2] / 2)
        z = plan.depth - half[1] - rng.uniform(0, 0.05) if by_wall else z
        site.claim(0, z, half)
        site.put(number, (0, 0, z), 0.0, 1.0, site.tint())
    elif rng.random() < 0.2:
        height, half = 0.0, (1.0, 1.0)
    else:
        height, half = rng.uniform(0.4, 0.95), (rng.uniform(0.35, 1.1), rng.uniform(0.3, 0.6))
        z = plan.depth - half[1] - rng.uniform(0, 0.05) if by_wall else z
        site.claim(0, z, half)
        top = site.finishes.any_of(
            "wood", "planks", "painted", "concrete", "metal", "fabric", "tiles"
        )
        site.shell.box((0, height - 0.02, z), (half[0], 0.02, half[1]), top)
        legs = site.finishes.any_of("wood", "metal")
        for x in (-1, 1):
            for s in (-1, 1):
                foot = np.array([x * (half[0] - 0.05), 0, z + s * (half[1] - 0.05)])
                site.shell.post(foot, foot + [0, height - 0.04, 0], 0.025, legs)
    middle = np.array([0, height, z])
    if height > 0 and rng.random() < 0.25:  # a cloth, a mat, a sheet of paper
        finish = site.finishes.any_of("fabric", "rug", "paper")
        site.shell.box(middle + [0, 0.003, 0], (half[0] * rng.uniform(0.3, 0.95), 0.003,
                       half[1] * rng.uniform(0.3, 0.95)), finish, rng.normal(0, 0.1))  # fmt: skip
    if by_wall and rng.random() < 0.6:
        _screens(site, middle, half)
    _spread(site, middle, half)
    if plan.depth - z - half[1] > 0.5:
        _behind(site, walls, z + half[1])
    finishes = site.finishes
    walls.build(
        finishes.any_of("plaster", "plaster", "wallpaper", "tiles"),
        finishes.any_of("planks", "wood", "carpet", "tiles", "concrete"),
        finishes.plain(np.full(3, rng.uniform(0.75, 0.97)), 0.0, 0.05),
        daylight,
    )
    light_room(walls, daylight)
    if rng.random() < 0.5:
        place = middle + [rng.uniform(-1.2, 1.2), rng.uniform(0.6, 1.5), rng.uniform(-0.8, 0.8)]
        warm = np.array([1.0, rng.uniform(0.8, 1), rng.uniform(0.55, 0.95)])
        site.scene.lights.append(ball(place, warm * rng.uniform(0.3, 1.0), 0.06))
    site.finish()
    return TablePlace(site, middle, half)


def _spread(site: Site, middle: np.ndarray, half: tuple[float, float]) -> None:
    """Places objects side by side, sometimes one on another."""
    rng = site.rng
    kinds = rng.choice(list(_KINDS), size=2, p=list(_KINDS.values()))
    spots: list[tuple[float, float, float]] = []
    for _ in range(int(rng.integers(4, 20))):
        number = site.models.pick(str(rng.choice(kinds)), rng)
        if number is None:
            continue
        size = site.entry(number).size
        r = 0.5 * float(np.hypot(size[0], size[2]))
        if r > min(half):
            continue
        for _ in range(6):
            x, z = (rng.uniform(-1, 1) * (h - r) for h in half)
            if all(np.hypot(x - a, z - b) > 0.8 * (r + c) for a, b, c in spots):
                spots.append((x, z, r))
                placed = site.put(number, middle + [x, 0, z], site.turn(), 1.0, site.tint(0.3))
                top = placed.entry.top
                if top is not None and size[1] < 0.08 and r > 0.08 and rng.random() < 0.4:
                    site.put_on_top(placed, "dish", 1)
                break
    if rng.random() < 0.4:
        for _ in range(int(rng.integers(1, 6))):  # books, boxes and sheets
            box = np.array(
                [rng.uniform(0.04, 0.15), rng.uniform(0.002, 0.06), rng.uniform(0.05, 0.16)]
            )
            x, z = (rng.uniform(-1, 1) * max(h - 0.2, 0) for h in half)
            if all(np.hypot(x - a, z - b) > 0.15 + c for a, b, c in spots):
                spots.append((x, z, 0.15))
                finish = site.finishes.any_of("painted", "paper", "art", "wood")
                site.shell.box(middle + [x, box[1], z], box, finish, site.turn(), whole=True)


def _screens(site: Site, middle: np.ndarray, half: tuple[float, float]) -> None:
    """Places screens or lamps along the back of a desk."""
    rng, x = site.rng, -half[0]
    while x < half[0]:
        number = site.models.pick(str(rng.choice(["tv", "tv", "table lamp"])), rng)
        if number is not None and rng.random() < 0.6:
            width, _, depth = site.entry(number).size
            if x + width > half[0]:
                return
            spot = middle + [x + width / 2, 0, half[1] - depth * rng.uniform(0.6, 1.2)]
            site.put(number, spot, np.pi + rng.normal(0, 0.3), 1.0)
            x += width
        x += rng.uniform(0.05, 0.4)


def _behind(site: Site, walls: Walls, start: float) -> None:
    rng, plan = site.rng, walls.room
    for _ in range(int(rng.integers(0, 6))):
        kind = str(rng.choice(["shelf", "sofa", "chair", "sideboard", "plant", "person", "armchair",
                               "wardrobe", "floor lamp", "lower cabinet"]))  # fmt: skip
        number = site.models.pick(kind, rng)
        if number is None or site.entry(number).size[1] > plan.height - 0.1:
            continue
        entry = site.entry(number)
        angle = np.pi + rng.normal(0, 0.1)
        half = site.half(entry, angle)
        x = rng.uniform(-1, 1) * max(plan.width / 2 - half[0] - 0.05, 0)
        z = (
            plan.depth - half[1] - 0.03
            if rng.random() < 0.6
            else rng.uniform(start + 0.4, plan.depth)
        )
        if z + half[1] < plan.depth and z - half[1] > start and site.claim(x, z, half):
            site.put(number, (x, 0, z), angle, 1.0, site.tint())
    for wall in range(4):
        if rng.random() < 0.5:
            walls.add_picture(wall)
    if rng.random() < 0.3:
        walls.add_shelf(0)
