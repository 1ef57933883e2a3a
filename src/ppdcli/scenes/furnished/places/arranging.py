"""Arrangement of models in rooms: against walls, around tables, anywhere on the floor."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.furnished.places.plan import ANGLES, Room
from ppdcli.scenes.furnished.places.site import Placement, Site
from ppdcli.scenes.furnished.places.walls import Walls


def by_wall(
    site: Site, walls: Walls, kind: str, wall: int | None = None, gap: float = 0.03
) -> Placement | None:
    """Places a model with its back to a wall, if there is room for it."""
    rng, plan = site.rng, walls.room
    number = site.models.pick(kind, rng)
    if number is None:
        return None
    entry = site.entry(number)
    w, h, d = entry.size
    if h > plan.height - 0.05:
        return None
    for _ in range(6):
        k = int(rng.integers(4)) if wall is None else wall
        spare = plan.length(k) / 2 - w / 2 - 0.03
        if spare < 0:
            continue
        at = rng.uniform(-spare, spare)
        if rng.random() < 0.3:  # in a corner
            at = float(rng.choice([-spare, spare]))
        spot = plan.point(k, at, d / 2 + gap)
        half = site.half(entry, ANGLES[k])
        if abs(spot[0]) + half[0] > plan.width / 2 + 0.01 or not (
            half[1] - 0.01 < spot[2] < plan.depth - half[1] + 0.01
        ):
            continue
        if any(u[0] < at + w / 2 and at - w / 2 < u[1] and u[2] < h - 0.05 for u in walls.used[k]):
            continue
        if site.claim(spot[0], spot[2], half):
            walls.used[k].append((at - w / 2, at + w / 2, 0.0, h))
            angle = ANGLES[k] + (rng.normal(0, 0.015) if rng.random() < 0.5 else 0.0)
            return site.put(number, spot, angle, 1.0, site.tint())
    return None


def free_spot(
    site: Site, plan: Room, half: tuple[float, float], gap: float = 0.05
) -> np.ndarray | None:
    for _ in range(10):
        x = site.rng.uniform(-1, 1) * max(plan.width / 2 - half[0] - 0.1, 0)
        z = half[1] + 0.1 + site.rng.uniform(0, 1) * max(plan.depth - 2 * half[1] - 0.2, 0)
        if site.claim(x, z, half, gap):
            return np.array([x, 0.0, z])
    return None


def free(
    site: Site, plan: Room, kind: str, angle: float | None = None, gap: float = 0.05
) -> Placement | None:
    number = site.models.pick(kind, site.rng)
    if number is None or site.entry(number).size[1] > plan.height - 0.1:
        return None
    turn = site.turn() if angle is None else angle
    spot = free_spot(site, plan, site.half(site.entry(number), turn), gap)
    return None if spot is None else site.put(number, spot, turn, 1.0, site.tint())


def seats(site: Site, table: Placement, kind: str, share: float) -> None:
    """Places chairs around a table, facing it."""
    number = site.models.pick(kind, site.rng)
    if number is None:
        return
    rng, (w, _, d) = site.rng, table.entry.size
    cw, _, cd = site.entry(number).size
    tint = site.tint()
    places = []
    for side, length, off in ((0, w, d), (1, d, w), (2, w, d), (3, d, w)):
        count = int(length // (cw + 0.12))
        for k in range(count):
            along = (k + 0.5) * length / count - length / 2
            places.append((side, along, off / 2 + cd * rng.uniform(0.1, 0.45)))
    for side, along, off in places:
        if rng.random() > share:
            continue
        x, z = ((along, -off), (off, along), (along, off), (-off, along))[side]
        angle = table.angle + (0.0, -np.pi / 2, np.pi, np.pi / 2)[side]
        spot = table.local(x, z)
        half = site.half(site.entry(number), angle)
        if site.claim(spot[0], spot[2], (half[0] * 0.5, half[1] * 0.5), 0.0):
            chair = site.put(number, spot, angle + rng.normal(0, 0.15), 1.0, tint)
            if rng.random() < 0.06:
                sit(site, chair)


def sit(site: Site, chair: Placement) -> None:
    number = site.models.pick("sitter", site.rng)
    if number is not None:
        site.put(number, chair.local(0, 0.12), chair.angle)


def table_set(
    site: Site, plan: Room, kind: str, seat: str, on_top: str, count: int
) -> Placement | None:
    number = site.models.pick(kind, site.rng)
    if number is None:
        return None
    angle = float(site.rng.choice([0, np.pi / 2])) + site.rng.normal(0, 0.05)
    half = site.half(site.entry(number), angle)
    spot = free_spot(site, plan, half, 0.25)
    if spot is None:
        return None
    table = site.put(number, spot, angle, 1.0, site.tint())
    if seat:
        seats(site, table, seat, site.rng.uniform(0.5, 1))
    site.put_on_top(table, on_top, count)
    return table


def rug(site: Site, place: np.ndarray, plan: Room) -> None:
    rng = site.rng
    number = site.models.pick("rug", rng)
    w, d = rng.uniform(0.5, 1.3), rng.uniform(0.7, 1.6)
    x = float(np.clip(place[0], -plan.width / 2 + w + 0.05, plan.width / 2 - w - 0.05))
    z = float(np.clip(place[2], d + 0.05, plan.depth - d - 0.05))
    if 2 * w + 0.1 > plan.width or 2 * d + 0.1 > plan.depth:
        return
    if number is not None and rng.random() < 0.4:
        site.put(number, (x, 0.001, z), float(rng.choice([0, np.pi / 2])), 1.0, site.tint(0.6))
    else:
        site.shell.box(
            (x, 0.006, z),
            (w, 0.006, d),
            site.finishes.any_of("rug", "carpet", "fabric"),
            rng.normal(0, 0.05),
        )


def pull_up(site: Site, desk: Placement) -> None:
    """Places a chair in front of a desk."""
    number = site.models.pick("chair", site.rng)
    if number is None:
        return
    off = desk.entry.size[2] / 2 + site.entry(number).size[2] * site.rng.uniform(0.1, 0.6)
    spot = desk.local(site.rng.normal(0, 0.1), off)
    half = site.half(site.entry(number), desk.angle)
    if site.claim(spot[0], spot[2], (half[0] * 0.5, half[1] * 0.4), 0.0):
        chair = site.put(
            number, spot, desk.angle + np.pi + site.rng.normal(0, 0.3), 1.0, site.tint()
        )
        if site.rng.random() < 0.1:
            sit(site, chair)


def people(site: Site, plan: Room, kind: str) -> None:
    rng = site.rng
    count = int(rng.integers(1, 3)) if rng.random() < 0.35 else 0
    if kind == "hall":
        count = int(rng.integers(0, 5))
    for _ in range(count):
        free(site, plan, "person")
    if rng.random() < 0.08:
        free(site, plan, str(rng.choice(["pet", "floor sitter"])))


def clutter(site: Site, plan: Room, count: int) -> None:
    for _ in range(count):
        free(site, plan, str(site.rng.choice(["floor object", "floor object", "toy"])))
