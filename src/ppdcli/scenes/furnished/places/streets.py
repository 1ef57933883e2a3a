"""Streets: lanes, kerbs, pavements, parked and moving cars, houses, people."""

from __future__ import annotations

import colorsys

import numpy as np

from ppdcli.scenes.furnished.camera import Camera
from ppdcli.scenes.furnished.places.daylight import set_daylight
from ppdcli.scenes.furnished.places.houses import house
from ppdcli.scenes.furnished.places.roadside import FAR, KERB, Layout, along_road
from ppdcli.scenes.furnished.places.site import Place, Rng, Site, camera_roll


class StreetPlace(Place):
    """A street, seen from a car, from the pavement or from a low flight."""

    def __init__(self, site: Site, layout: Layout, hard: bool) -> None:
        super().__init__(site, hard)
        self.layout = layout

    def camera(self, rng: Rng, wide: bool) -> Camera:
        layout, kind = self.layout, rng.random()
        if wide or kind < 0.5:  # from a car
            x, y, z = rng.normal(layout.road * 0.5, 0.4), rng.uniform(1.3, 1.9), rng.uniform(0, 25)
            turn, drop = rng.normal(0, 0.05), rng.normal(-0.03, 0.03)
            fov = rng.uniform(75, 92) if wide else rng.uniform(50, 90)
            if rng.random() < 0.12:
                turn = rng.choice([-1, 1]) * rng.uniform(0.3, 0.9)
        elif kind < 0.93:  # from the pavement
            side = rng.choice([-1, 1])
            x = side * (layout.kerb + rng.uniform(0.3, max(layout.pavement - 0.2, 0.4)))
            y, z = rng.uniform(1.35, 1.8) + KERB, rng.uniform(0, 40)
            turn = rng.normal(-side * 0.35, 0.45)
            drop, fov = rng.normal(-0.05, 0.08), rng.uniform(45, 80)
            if rng.random() < 0.15:
                y = rng.uniform(0.4, 1.0)
        else:  # from above
            x, y, z = rng.normal(0, 3), rng.uniform(4, 14), rng.uniform(0, 20)
            turn, drop, fov = rng.normal(0, 0.3), rng.uniform(-0.5, -0.15), rng.uniform(55, 85)
        eye = np.array([x, y, z])
        target = eye + 10 * np.array([np.sin(turn), drop, np.cos(turn)])
        return Camera(eye, target, camera_roll(rng) if not wide else 0.0, float(fov))


def street(site: Site) -> Place:
    """Builds a street with the objects along it."""
    rng = site.rng
    lanes = int(rng.choice([1, 2, 2, 3, 4]))
    layout = Layout(
        road=lanes * rng.uniform(2.7, 3.5) / 2 + 0.3,
        parking=rng.choice([0.0, 2.2], p=[0.35, 0.65]),
        pavement=rng.choice([0.0, rng.uniform(1.4, 3.5)], p=[0.15, 0.85]),
        verge=rng.choice([0.0, rng.uniform(0.8, 4)], p=[0.45, 0.55]),
    )
    built = float(rng.choice([0.95, 0.6, 0.15], p=[0.45, 0.35, 0.2]))
    _ground(site, layout, lanes)
    for side in (-1, 1):
        _parked(site, layout, side)
        _houses(site, layout, side, built)
        along_road(site, layout, side, built)
        _walkers(site, layout, side)
    _traffic(site, layout, lanes)
    hard = set_daylight(site)
    site.finish()
    return StreetPlace(site, layout, hard)


def _ground(site: Site, layout: Layout, lanes: int) -> None:
    rng, shell, finishes = site.rng, site.shell, site.finishes
    land = finishes.any_of("grass", "grass", "soil", "paving", "gravel")
    shell.quad((-150, -0.02, -40), (300, 0, 0), (0, 0, 400), land)
    road = finishes.any_of("asphalt", "asphalt", "asphalt", "concrete", "paving")
    shell.quad((-layout.kerb, 0, -40), (2 * layout.kerb, 0, 0), (0, 0, 400), road)
    white = finishes.plain(np.full(3, rng.uniform(0.7, 0.98)), 0.0, 0.5)
    dash, gap = rng.uniform(1.5, 4), rng.uniform(2, 6)
    for k in range(lanes + 1):
        x = -layout.road + 2 * layout.road * k / lanes
        outer = k in (0, lanes)
        if outer and layout.parking == 0 and rng.random() < 0.4:
            continue
        if outer or (k * 2 == lanes and rng.random() < 0.3):
            shell.quad((x - 0.06, 0.006, -20), (0.12, 0, 0), (0, 0, 200), white)
        else:
            for z in np.arange(-10, FAR, dash + gap):
                shell.quad((x - 0.06, 0.006, z), (0.12, 0, 0), (0, 0, dash), white)
    if rng.random() < 0.35:  # a crossing
        z = rng.uniform(8, 40)
        for x in np.arange(-layout.road + 0.3, layout.road - 0.3, 1.0):
            shell.quad((x, 0.008, z), (0.5, 0, 0), (0, 0, 3), white)
    kerb, pavement = (
        finishes.draw("concrete"),
        finishes.any_of("paving", "paving", "concrete", "tiles"),
    )
    verge = finishes.any_of("grass", "grass", "soil")
    for side in (-1, 1):
        if layout.pavement == 0:
            continue
        start = layout.kerb
        shell.box((side * (start + 0.07), KERB / 2, 150), (0.07, KERB / 2, 190), kerb)
        middle = start + 0.14 + (layout.pavement - 0.14) / 2
        shell.box(
            (side * middle, KERB / 2 - 0.005, 150),
            ((layout.pavement - 0.14) / 2, KERB / 2, 190),
            pavement,
        )
        if layout.verge > 0:
            middle = start + layout.pavement + layout.verge / 2
            shell.box(
                (side * middle, KERB / 2 - 0.01, 150), (layout.verge / 2, KERB / 2, 190), verge
            )


def paint_of_car(rng: Rng) -> np.ndarray:
    """Returns a random factor for a car's colours."""
    if rng.random() < 0.6:
        return np.full(3, rng.choice([0.15, 0.5, 0.8, 1.1, 1.3])) * rng.uniform(0.8, 1.2)
    rgb = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.3, 0.9), 1.0)
    return np.array(rgb) * rng.uniform(0.4, 1.3)


def _car(site: Site, x: float, z: float, angle: float, kinds: tuple[str, ...] = ("car",)) -> float:
    """Places a vehicle if there is room; returns its length."""
    number = site.models.pick(str(site.rng.choice(kinds)), site.rng)
    if number is None:
        return 4.5
    entry = site.entry(number)
    if site.claim(x, z, site.half(entry, angle), 0.1):
        tint = paint_of_car(site.rng) if site.rng.random() < 0.8 else None
        site.put(number, (x, 0, z), angle, 1.0, tint)
    return entry.size[2]


def _parked(site: Site, layout: Layout, side: int) -> None:
    rng = site.rng
    if layout.parking == 0 or rng.random() < 0.1:
        return
    dense, z = rng.uniform(0.3, 1), rng.uniform(2, 6)
    x = side * (layout.road + layout.parking / 2)
    while z < FAR * 0.8:
        if rng.random() < dense:
            kind = ("car", "car", "car", "car", "car", "car", "car", "car", "big vehicle", "bike")
            way = 0.0 if side > 0 else np.pi
            if rng.random() < 0.1:
                way += np.pi
            z += _car(site, x + rng.normal(0, 0.08), z, way + rng.normal(0, 0.02), kind)
            z += rng.uniform(0.5, 1.5)
        else:
            z += rng.uniform(3, 10)


def _traffic(site: Site, layout: Layout, lanes: int) -> None:
    rng = site.rng
    for _ in range(int(rng.integers(0, 7))):
        k = int(rng.integers(lanes))
        x = -layout.road + 2 * layout.road * (k + 0.5) / lanes
        way = 0.0 if x > -0.1 else np.pi
        z = 4 + 80 * rng.random() ** 1.6
        _car(
            site,
            x + rng.normal(0, 0.2),
            z + 6,
            way + rng.normal(0, 0.02),
            ("car", "car", "car", "car", "big vehicle", "bike"),
        )
    if rng.random() < 0.2:
        number = site.models.pick("person", rng)
        if number is not None:  # somebody crosses
            x, z = rng.uniform(-1, 1) * layout.road, rng.uniform(8, 25)
            if site.claim(x, z, (0.3, 0.3)):
                site.put(number, (x, 0, z), rng.choice([-1, 1]) * np.pi / 2, 1.0, site.tint())


def _houses(site: Site, layout: Layout, side: int, built: float) -> None:
    rng, z = site.rng, site.rng.uniform(-15, 2)
    row = rng.random() < 0.4  # wall to wall
    setback = rng.choice([0.2, rng.uniform(2, 9)])
    while z < FAR:
        half = rng.uniform(4, 8), rng.uniform(4, 11)
        if rng.random() < built:
            back = setback if row else setback + rng.uniform(0, 2)
            x = side * (layout.edge + back + half[0])
            site.claim(x, z + half[1], half, 0.3)
            house(site, x, z + half[1], half, side)
        z += 2 * half[1] + (0.02 if row else rng.uniform(1, 12))


def _walkers(site: Site, layout: Layout, side: int) -> None:
    rng = site.rng
    wide = max(layout.pavement, 0.8)
    for _ in range(int(rng.integers(0, 6))):
        number = site.models.pick(
            str(rng.choice(["person", "person", "person", "person", "pet"])), rng
        )
        if number is None:
            continue
        x = side * (layout.kerb + rng.uniform(0.4, wide))
        z = 4 + 40 * rng.random() ** 1.5
        if site.claim(x, z, (0.25, 0.25)):
            foot = KERB if layout.pavement > 0 else 0.0
            angle = rng.choice([0, np.pi]) + rng.normal(0, 0.3)
            site.put(number, (x, foot, z), angle, rng.uniform(0.93, 1.05), site.tint(0.6))
