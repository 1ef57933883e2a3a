"""Furniture of living rooms, bedrooms, kitchens, offices, bathrooms, corridors and halls."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ppdcli.scenes.furnished.places.arranging import (
    by_wall,
    free,
    pull_up,
    rug,
    seats,
    table_set,
)
from ppdcli.scenes.furnished.places.plan import ANGLES, BACK, FRONT, LEFT, RIGHT
from ppdcli.scenes.furnished.places.site import Site
from ppdcli.scenes.furnished.places.walls import Walls


def _living(site: Site, walls: Walls) -> None:
    rng, plan = site.rng, walls.room
    sofa = by_wall(site, walls, "sofa")
    if sofa is not None:
        number = site.models.pick("coffee table", rng)
        if number is not None:
            size = site.entry(number).size
            spot = sofa.local(0, sofa.entry.size[2] / 2 + size[2] / 2 + rng.uniform(0.3, 0.5))
            half = site.half(site.entry(number), sofa.angle)
            inside = (
                abs(spot[0]) + half[0] < plan.width / 2 and half[1] < spot[2] < plan.depth - half[1]
            )
            if inside and site.claim(spot[0], spot[2], half):
                table = site.put(number, spot, sofa.angle + rng.normal(0, 0.05))
                site.put_on_top(table, "desk object", int(rng.integers(0, 5)))
                if rng.random() < 0.7:
                    rug(site, spot, plan)
        if rng.random() < 0.15:
            lying = site.models.pick("floor sitter", rng)
            if lying is not None:
                site.put(
                    lying, sofa.local(0, 0.25) + [0, (sofa.entry.top or 0.45) - 0.02, 0], sofa.angle
                )
    stand = by_wall(site, walls, "sideboard")
    if stand is not None:
        tv = site.models.pick("tv", rng)
        if (
            tv is not None
            and stand.entry.top is not None
            and site.entry(tv).size[0] < stand.entry.size[0]
        ):
            site.put(tv, stand.local(0, 0) + [0, stand.entry.top, 0], stand.angle)
        else:
            site.put_on_top(stand, "desk object", 4)
    for kind, low, high in (
        ("armchair", 0, 4),
        ("shelf", 1, 4),
        ("big object", 0, 3),
        ("plant", 0, 4),
        ("sideboard", 0, 3),
        ("floor lamp", 0, 2),
    ):
        for _ in range(int(rng.integers(low, high))):
            placed = by_wall(site, walls, kind)
            if placed is not None and placed.entry.size[1] < 1.3 and kind in ("shelf", "sideboard"):
                site.put_on_top(
                    placed, str(rng.choice(["desk object", "small plant", "table lamp"])), 3
                )
    if rng.random() < 0.5:
        table_set(
            site,
            plan,
            "table",
            "chair",
            str(rng.choice(["dish", "desk object"])),
            int(rng.integers(0, 9)),
        )
    for _ in range(int(rng.integers(0, 2))):
        free(site, plan, "armchair")


def _bedroom(site: Site, walls: Walls) -> None:
    rng = site.rng
    bed = by_wall(site, walls, "bed")
    if bed is not None:
        for side in (-1, 1):
            number = site.models.pick("nightstand", rng)
            if number is None or rng.random() < 0.3:
                continue
            size = site.entry(number).size
            spot = bed.local(
                side * (bed.entry.size[0] / 2 + size[0] / 2 + 0.06),
                -bed.entry.size[2] / 2 + size[2] / 2,
            )
            half = site.half(site.entry(number), bed.angle)
            plan = walls.room
            inside = (
                abs(spot[0]) + half[0] < plan.width / 2 and half[1] < spot[2] < plan.depth - half[1]
            )
            if inside and site.claim(spot[0], spot[2], half, 0.0):
                stand = site.put(number, spot, bed.angle)
                site.put_on_top(stand, "table lamp", 1)
        if rng.random() < 0.15:
            number = site.models.pick("lying", rng)
            if number is not None and bed.entry.top is not None:
                site.put(number, bed.local(0, 0) + [0, bed.entry.top - 0.05, 0], bed.angle)
        elif bed.entry.top is not None and rng.random() < 0.5:
            site.put_on_top(bed, "toy", 2)
        if rng.random() < 0.5:
            rug(site, bed.local(0, bed.entry.size[2] / 2), walls.room)
    for kind, low, high in (
        ("wardrobe", 1, 3),
        ("desk", 0, 2),
        ("shelf", 0, 2),
        ("sideboard", 0, 3),
        ("armchair", 0, 2),
        ("child bed", 0, 2),
        ("plant", 0, 2),
        ("floor lamp", 0, 2),
        ("big object", 0, 3),
    ):
        for _ in range(int(rng.integers(low, high))):
            placed = by_wall(site, walls, kind)
            if placed is None:
                continue
            if kind == "desk":
                site.put_on_top(placed, "desk object", int(rng.integers(1, 7)))
                pull_up(site, placed)
            elif placed.entry.size[1] < 1.3 and kind in ("shelf", "sideboard"):
                site.put_on_top(placed, str(rng.choice(["toy", "desk object"])), 3)
    for _ in range(int(rng.integers(0, 4))):
        free(site, walls.room, "toy")


def _kitchen(site: Site, walls: Walls) -> None:
    rng, plan = site.rng, walls.room
    tint = site.tint(0.6)
    counter = site.finishes.any_of("wood", "concrete", "painted", "tiles")
    first = int(rng.integers(4))
    for wall in (first, (first + 1) % 4)[: int(rng.integers(1, 3))]:
        half = plan.length(wall) / 2
        x = -half + rng.uniform(0.05, 0.8) + (0.7 if wall != first else 0)
        for _ in range(int(rng.integers(3, 9))):
            number = site.models.pick("lower cabinet", rng)
            if number is None:
                break
            entry = site.entry(number)
            w, h, d = entry.size
            if x + w > half - 0.05:
                break
            spot = plan.point(wall, x + w / 2, 0.32)
            blocked = any(u[0] < x + w and x < u[1] and u[2] < 0.9 for u in walls.used[wall])
            box = site.half(entry, ANGLES[wall])
            if not blocked and site.claim(spot[0], spot[2], (box[0] - 0.02, box[1] - 0.02), 0.0):
                walls.used[wall].append((x, x + w, 0.0, 1.4))
                foot = plan.point(wall, x + w / 2, d / 2 + 0.01)
                placed = site.put(number, foot, ANGLES[wall], 1.0, tint)
                top = entry.top if entry.top is not None and entry.top > 0.6 else None
                if top is not None and h < 0.95:
                    middle = plan.point(wall, x + w / 2, 0.31) + [0, h + 0.02, 0]
                    slab = (w / 2, 0.02, 0.31) if wall in (BACK, FRONT) else (0.31, 0.02, w / 2)
                    site.shell.box(middle, slab, counter)
                    site.put_on_top(placed, "kitchen object", int(rng.integers(0, 3)), h + 0.04)
                if rng.random() < 0.7:
                    upper = site.models.pick("upper cabinet", rng)
                    if upper is not None:
                        size, y = site.entry(upper).size, site.entry(upper).elevation
                        fits = y + size[1] < plan.height and not any(
                            u[0] < x + w and x < u[1] and u[3] > 1.4 for u in walls.used[wall]
                        )
                        if fits and size[0] < w + 0.02:
                            foot = plan.point(wall, x + w / 2, size[2] / 2 + 0.01)
                            site.put(upper, foot + [0, y, 0], ANGLES[wall], 1.0, tint)
            x += w + 0.002
    by_wall(site, walls, "fridge")
    if rng.random() < 0.75:
        seat = str(rng.choice(["chair", "chair", "stool"]))
        kind = "table" if seat == "chair" else "bar table"
        table_set(site, plan, kind, seat, "dish", int(rng.integers(2, 12)))
    for kind in ("sideboard", "shelf", "plant"):
        if rng.random() < 0.3:
            other = by_wall(site, walls, kind)
            if other is not None and other.entry.size[1] < 1.3:
                site.put_on_top(other, "kitchen object", 3)


def _office(site: Site, walls: Walls) -> None:
    rng = site.rng
    for _ in range(int(rng.integers(2, 7))):
        desk = by_wall(site, walls, "desk")
        if desk is not None:
            site.put_on_top(desk, "desk object", int(rng.integers(2, 9)))
            pull_up(site, desk)
    if rng.random() < 0.5:
        count = int(rng.integers(1, 8))
        table = table_set(site, walls.room, "table", "chair", "desk object", count)
        if table is not None and rng.random() < 0.3:
            rug(site, table.place, walls.room)
    for kind, low, high in (
        ("shelf", 1, 4),
        ("sideboard", 0, 3),
        ("plant", 0, 4),
        ("big object", 0, 3),
        ("sofa", 0, 2),
        ("floor lamp", 0, 2),
    ):
        for _ in range(int(rng.integers(low, high))):
            placed = by_wall(site, walls, kind)
            if placed is not None and placed.entry.size[1] < 1.3 and kind in ("shelf", "sideboard"):
                site.put_on_top(placed, "desk object", 3)


def _bathroom(site: Site, walls: Walls) -> None:
    rng = site.rng
    for kind in ("bath", "washbasin", "toilet"):
        placed = by_wall(site, walls, kind, gap=0.01)
        if placed is not None and kind == "washbasin":
            site.put_on_top(placed, "bath object", 3)
    for _ in range(2):
        walls.add_hung(int(rng.integers(4)), "hung washbasin")
    for kind in ("bath floor", "toilet", "sideboard", "stool", "plant"):
        if rng.random() < 0.4:
            placed = by_wall(site, walls, kind)
            if placed is not None and kind == "sideboard":
                site.put_on_top(placed, "bath object", 4)
    mat = site.models.pick("mat", rng)
    if mat is not None and rng.random() < 0.5:
        site.put(
            mat,
            (rng.uniform(-0.3, 0.3), 0.001, walls.room.depth * rng.uniform(0.3, 0.7)),
            site.turn(),
            1.0,
            site.tint(0.8),
        )


def _corridor(site: Site, walls: Walls) -> None:
    rng = site.rng
    for _ in range(int(rng.integers(2, 6))):
        walls.add_door(int(rng.choice([LEFT, RIGHT, BACK])))
    for _ in range(int(rng.integers(0, 5))):
        kind = str(
            rng.choice(["sideboard", "plant", "chair", "shelf", "floor object", "big object"])
        )
        by_wall(site, walls, kind, int(rng.choice([LEFT, RIGHT])))
    if rng.random() < 0.3:
        rug(site, np.array([0, 0, walls.room.depth / 2]), walls.room)


def _hall(site: Site, walls: Walls) -> None:
    """A cafe, a classroom, a workshop or a shop, with many objects of a kind."""
    rng, plan = site.rng, walls.room
    use = str(rng.choice(["cafe", "class", "gym", "store"]))
    if use in ("cafe", "class"):
        number = site.models.pick("table", rng, lambda e: e.size[0] < 1.7)
        if number is not None:
            w, _, d = site.entry(number).size
            step = rng.uniform(1.0, 1.6)
            for x in np.arange(
                -plan.width / 2 + w / 2 + 0.7, plan.width / 2 - w / 2 - 0.5, w + step
            ):
                for z in np.arange(d / 2 + 1.0, plan.depth - d / 2 - 0.6, d + step):
                    if rng.random() < 0.85 and site.claim(x, z, (w / 2, d / 2), 0.02):
                        table = site.put(number, (x, 0, z), rng.normal(0, 0.03))
                        seats(site, table, "chair", rng.uniform(0.4, 0.9))
                        if rng.random() < 0.6:
                            site.put_on_top(table, "dish" if use == "cafe" else "desk object", 4)
    kind = {"gym": "big object", "store": "shelf"}.get(use, "sideboard")
    for _ in range(int(rng.integers(3, 9))):
        placed = by_wall(site, walls, kind) if rng.random() < 0.6 else free(site, plan, kind)
        if placed is not None and placed.entry.size[1] < 1.4:
            site.put_on_top(placed, "desk object", 4)
    for _ in range(int(rng.integers(0, 4))):
        by_wall(site, walls, "plant")


FURNISH: dict[str, Callable[[Site, Walls], None]] = {
    "living": _living,
    "bedroom": _bedroom,
    "kitchen": _kitchen,
    "office": _office,
    "bathroom": _bathroom,
    "corridor": _corridor,
    "hall": _hall,
}
