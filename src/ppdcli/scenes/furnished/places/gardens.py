"""Gardens, parks, squares and facades, with people near and far."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.furnished.camera import Camera
from ppdcli.scenes.furnished.places.daylight import set_daylight
from ppdcli.scenes.furnished.places.houses import house
from ppdcli.scenes.furnished.places.site import Place, Rng, Site, camera_roll
from ppdcli.scenes.furnished.places.terrain import Terrain


class OpenPlace(Place):
    """A garden, a park or a square, seen from a person's or a drone's height."""

    def __init__(self, site: Site, hard: bool, extent: float) -> None:
        super().__init__(site, hard)
        self.extent = extent

    def camera(self, rng: Rng, wide: bool) -> Camera:
        kind = rng.random()
        height = rng.uniform(1.2, 1.8) if kind < 0.7 else rng.uniform(0.35, 1.2)
        if kind > 0.92:
            height = rng.uniform(3, 15)
        for _ in range(12):
            eye = np.array([rng.normal(0, 3), height, rng.uniform(-2, self.extent * 0.3)])
            if self.site.is_free(eye[0], eye[2], 0.5):
                break
        ahead = [
            t
            for t in self.site.placements
            if 1.2 < t.place[2] - eye[2] < 25 and abs(t.place[0] - eye[0]) < t.place[2] - eye[2]
        ]
        target = eye + np.array([rng.normal(0, 2), 0, 10])
        if ahead and rng.random() < 0.6:
            target = ahead[int(rng.integers(len(ahead)))].place.copy()
        flat = max(float(np.hypot(*(target - eye)[[0, 2]])), 0.5)
        drop = rng.normal(-0.06, 0.08) if height < 2.5 else rng.uniform(-0.6, -0.2)
        if flat < 3 and height < 2.5:
            drop -= rng.uniform(0, 0.3)
        target[1] = eye[1] + drop * flat
        return Camera(eye, target, camera_roll(rng), float(rng.uniform(45, 85)))


def garden(site: Site) -> Place:
    """A garden or a park: lawn, paths, trees, bushes, seats, toys."""
    rng, shell, finishes = site.rng, site.shell, site.finishes
    extent = rng.uniform(12, 60)
    ground = Terrain(rng, 0.0)
    shell.quad(
        (-200, 0, -60),
        (400, 0, 0),
        (0, 0, 400),
        finishes.any_of("grass", "grass", "grass", "soil", "gravel"),
    )
    if rng.random() < 0.7:
        wide, x, slant = rng.uniform(0.6, 2), rng.normal(0, 3), rng.normal(0, 0.2)
        path = finishes.any_of("gravel", "paving", "soil", "concrete", "asphalt")
        shell.quad(
            (x - slant * 20 - wide, 0.012, -20), (2 * wide, 0, 0), (slant * 120, 0, 120), path
        )
    if rng.random() < 0.5:
        terrace = rng.uniform(2, 5), rng.uniform(2, 5)
        middle = np.array([rng.normal(0, 3), 0.02, rng.uniform(4, 9)])
        shell.box(
            middle, (terrace[0], 0.03, terrace[1]), finishes.any_of("paving", "planks", "tiles")
        )
        _seating(site, middle + [0, 0.03, 0], terrace)
    if rng.random() < 0.6:
        _building_behind(site, extent)
    _grow(site, ground, extent, int(rng.integers(2, 24)))
    _scatter(site, "container", int(rng.random() < 0.3), extent * 0.6, 0.3)
    _fence(site, extent)
    hard = set_daylight(site)
    site.finish()
    return OpenPlace(site, hard, extent)


def meadow(site: Site) -> Place:
    """Hilly ground: a meadow, the edge of a wood, a wood."""
    rng, finishes = site.rng, site.finishes
    extent = rng.uniform(15, 60)
    ground = Terrain(rng, float(rng.uniform(1, 9)))
    ground.build(site.shell, finishes.any_of("grass", "grass", "soil", "gravel"))
    if rng.random() < 0.6:
        path = finishes.any_of("gravel", "soil", "soil", "paving")
        ground.path(site.shell, path, rng.normal(0, 1.5), rng.normal(0, 0.3), rng.uniform(0.5, 1.6))
    _grow(site, ground, extent, int(rng.choice([4, 15, 45])))
    hard = set_daylight(site)
    site.finish()
    return OpenPlace(site, hard, extent)


def _grow(site: Site, ground: Terrain, extent: float, trees: int) -> None:
    rng = site.rng
    _plant_trees(site, extent, trees, ground)
    _scatter(site, "bush", int(rng.integers(2, 22)), extent, 0.6, ground)
    _scatter(site, "garden object", int(rng.integers(1, 10)), extent * 0.5, 0.5, ground)
    _scatter(site, "person", int(rng.integers(0, 5)), 14, 0.3, ground)
    other = str(rng.choice(["pet", "horse", "bench", "bike"]))
    _scatter(site, other, int(rng.integers(0, 3)), 12, 0.4, ground)


def square(site: Site) -> Place:
    """A paved square or yard between houses, with cafe tables, people, cars, bikes."""
    rng, shell, finishes = site.rng, site.shell, site.finishes
    extent = rng.uniform(10, 45)
    shell.quad(
        (-200, 0, -60),
        (400, 0, 0),
        (0, 0, 400),
        finishes.any_of("paving", "paving", "tiles", "concrete", "asphalt", "gravel"),
    )
    z = extent + rng.uniform(0, 5)
    x = -extent - 10
    while x < extent + 10:  # the row of houses at the end of the square
        half = rng.uniform(4, 9), rng.uniform(4, 8)
        _front(site, x + half[0], z + half[1], half)
        x += 2 * half[0] + rng.choice([0.02, 0.02, rng.uniform(1, 6)])
    for side in (-1, 1):
        at = rng.uniform(-5, 5)
        while at < extent - 8 and rng.random() < 0.85:
            half = rng.uniform(4, 8), rng.uniform(4, 9)
            place = side * (extent * 0.6 + 5 + half[0])
            site.claim(place, at + half[1], half)
            house(site, place, at + half[1], half, side)
            at += 2 * half[1] + rng.uniform(0, 4)
    for _ in range(int(rng.integers(0, 7))):
        spot = np.array([rng.uniform(-0.5, 0.5) * extent, 0, rng.uniform(3, extent * 0.8)])
        _seating(site, spot, (1.5, 1.5))
    _scatter(site, "person", int(rng.integers(1, 14)), extent * 0.9, 0.3)
    _scatter(site, "street object", int(rng.integers(0, 8)), extent * 0.8, 0.4)
    _scatter(site, "bike", int(rng.integers(0, 4)), extent * 0.6, 0.4)
    _scatter(site, "car", int(rng.integers(0, 4)), extent * 0.9, 0.5)
    _scatter(site, "bush", int(rng.integers(0, 6)), extent * 0.8, 0.4)
    _scatter(site, "street lamp", int(rng.integers(0, 5)), extent, 0.3)
    _plant_trees(site, extent, int(rng.integers(0, 8)))
    hard = set_daylight(site)
    site.finish()
    return OpenPlace(site, hard, extent)


def _front(site: Site, x: float, z: float, half: tuple[float, float]) -> None:
    """A house that faces the camera: a plain block with windows and doors."""
    rng, shell, finishes = site.rng, site.shell, site.finishes
    storeys, storey = int(rng.integers(2, 6)), rng.uniform(2.8, 3.5)
    height = storeys * storey
    wall = finishes.any_of("plaster", "plaster", "brick", "concrete")
    shell.box((x, height / 2, z), (half[0], height / 2, half[1]), wall)
    frame = finishes.plain(np.full(3, rng.choice([0.95, 0.85, 0.25])), 0.1)
    glass = finishes.plain(np.array([0.12, 0.15, 0.18]) * rng.uniform(0.5, 2), 0.9, 0.3)
    door = finishes.any_of("wood", "painted")
    face, count = z - half[1], max(1, int(2 * half[0] / rng.uniform(2.2, 3.4)))
    wide, high = rng.uniform(0.45, 0.8), rng.uniform(1.2, 1.9)
    entrance = int(rng.integers(count))
    site.claim(x, z, half)
    for level in range(storeys):
        for k in range(count):
            at = x - half[0] + (k + 0.5) * 2 * half[0] / count
            is_door = level == 0 and k == entrance
            tall = 2.2 if is_door else high
            middle = np.array([at, level * storey + (1.1 if is_door else 0.9 + high / 2), face])
            shell.box(middle, (wide + 0.09, tall / 2 + 0.09, 0.05), frame)
            shell.box(middle, (wide, tall / 2, 0.06), door if is_door else glass)
            if not is_door:
                shell.box(middle, (0.03, tall / 2, 0.07), frame)
    if rng.random() < 0.6:
        shell.box(
            (x, height + 0.2, z), (half[0] + 0.15, 0.2, half[1] + 0.15), finishes.draw("concrete")
        )
    else:
        top, tiles = height + half[1] * 0.6, finishes.draw("roof")
        shell.quad(
            (x - half[0], height, face - 0.3),
            (2 * half[0], 0, 0),
            (0, top - height, half[1]),
            tiles,
        )
        shell.quad(
            (x - half[0], height, z + half[1]),
            (2 * half[0], 0, 0),
            (0, top - height, -half[1]),
            tiles,
        )


def _building_behind(site: Site, extent: float) -> None:
    rng = site.rng
    half = rng.uniform(4, 9), rng.uniform(3, 6)
    x, z = rng.normal(0, 6), rng.uniform(8, max(extent, 14))
    _front(site, x, z + half[1], half)


def _seating(site: Site, spot: np.ndarray, half: tuple[float, float]) -> None:
    """A garden table with seats around it and sometimes a parasol."""
    rng = site.rng
    table = site.models.pick("garden table", rng)
    seat = site.models.pick("garden seat", rng, lambda e: e.size[2] < 1.0)
    if not site.claim(spot[0], spot[2], (min(half[0], 1.3), min(half[1], 1.3))):
        return
    if table is not None:
        placed = site.put(table, spot, site.turn(), 1.0, site.tint(0.5))
        site.put_on_top(placed, "dish", int(rng.integers(0, 4)))
    if seat is not None:
        tint = site.tint(0.5)
        for k in range(int(rng.integers(2, 5))):
            angle = k * np.pi / 2 + rng.normal(0, 0.2)
            off = rng.uniform(0.65, 0.9)
            place = spot + [np.sin(angle) * off, 0, np.cos(angle) * off]
            chair = site.put(seat, place, angle + np.pi + rng.normal(0, 0.2), 1.0, tint)
            sitter = site.models.pick("sitter", rng)
            if sitter is not None and rng.random() < 0.15:
                site.put(sitter, chair.local(0, 0.1), chair.angle)
    parasol = site.models.pick("parasol", rng)
    if parasol is not None and rng.random() < 0.4:
        site.put(parasol, spot, site.turn(), rng.uniform(1.0, 1.3), site.tint(0.8, 0.8))


def _plant_trees(site: Site, extent: float, count: int, ground: Terrain | None = None) -> None:
    rng = site.rng
    kinds = [site.models.pick("tree", rng) for _ in range(int(rng.integers(1, 4)))]
    for _ in range(count):
        number = kinds[int(rng.integers(len(kinds)))]
        if number is None:
            continue
        z = rng.uniform(5, extent + 20)
        x = rng.uniform(-1, 1) * (4 + z * 0.8)
        if site.claim(x, z, (0.5, 0.5)):
            y = 0.0 if ground is None else float(ground.height(x, z)) - 0.03
            site.put(number, (x, y, z), site.turn(), rng.uniform(0.5, 1.3), site.tint(0.7, 0.3))


def _scatter(
    site: Site,
    kind: str,
    count: int,
    extent: float,
    gap: float,
    ground: Terrain | None = None,
) -> None:
    rng = site.rng
    for _ in range(count):
        number = site.models.pick(kind, rng)
        if number is None:
            continue
        z = 2.0 + (extent - 2) * rng.random() ** 1.5
        x = rng.uniform(-1, 1) * (1.5 + z * 0.6)
        angle = site.turn()
        if site.claim(x, z, site.half(site.entry(number), angle), gap * 0.3):
            y = 0.0 if ground is None else float(ground.height(x, z)) - 0.01
            site.put(number, (x, y, z), angle, rng.uniform(0.93, 1.07), site.tint(0.5))


def _fence(site: Site, extent: float) -> None:
    rng, shell = site.rng, site.shell
    if rng.random() < 0.45:
        return
    z, high = rng.uniform(10, extent + 12), rng.uniform(0.8, 2.0)
    kind = rng.random()
    if kind < 0.4:
        finish = site.finishes.draw("grass")
        shell.box((0, high / 2, z), (60, high / 2, 0.4), finish)
    elif kind < 0.6:
        shell.box(
            (0, high / 2, z),
            (60, high / 2, 0.12),
            site.finishes.any_of("brick", "concrete", "plaster"),
        )
    else:
        finish = site.finishes.any_of("wood", "painted", "metal")
        for y in (0.3 * high, 0.85 * high):
            shell.box((0, y, z), (40, 0.04, 0.03), finish)
        step = rng.choice([0.15, 0.25, 2.0])
        for x in np.arange(-15 if step < 1 else -40, 15 if step < 1 else 40, step):
            shell.box((x, high / 2, z), (0.05, high / 2, 0.02), finish)
