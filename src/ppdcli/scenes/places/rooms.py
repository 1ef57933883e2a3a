"""Furnished rooms: living rooms, bedrooms, kitchens, offices, bathrooms, corridors, halls."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.camera import Camera
from ppdcli.scenes.places.site import Place, Rng, Site, Thing, hold
from ppdcli.scenes.places.walls import ANGLES, BACK, FRONT, LEFT, RIGHT, Room, Walls

_KINDS = ("living", "bedroom", "kitchen", "office", "bathroom", "corridor", "hall")
_OFTEN = (0.29, 0.18, 0.16, 0.15, 0.08, 0.05, 0.09)
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
    """A room, taken from where there is floor to stand on."""

    def __init__(self, site: Site, room: Room, daylight: float) -> None:
        super().__init__(site, hard=False)
        self.room, self.daylight = room, daylight

    def camera(self, rng: Rng, wide: bool) -> Camera:
        room, kind = self.room, rng.random()
        height = rng.uniform(1.2, 1.75) if kind < 0.65 else rng.uniform(0.35, 1.2)
        if kind > 0.9:
            height = rng.uniform(1.7, room.height - 0.25)
        big = [t for t in self.site.things if max(t.entry.size) > 0.3] or self.site.things
        for margin in (0.35, 0.3, 0.2, 0.12, 0.05, 0.0):
            x = rng.uniform(-0.5, 0.5, 24) * (room.width - 0.4)
            z = rng.uniform(0, 1, 24) * (room.depth - 0.4) + 0.2
            free = [k for k in range(24) if self.site.is_free(x[k], z[k], margin)]
            if free:
                break
        else:
            free = [0]
        # Near a wall more of the room is in the picture.
        k = max(free[:6], key=lambda j: abs(x[j]) / room.width + abs(z[j] / room.depth - 0.5))
        eye = np.array([x[k], height, z[k]])
        middle = np.array([0, 0, room.depth / 2])
        target = middle + [rng.normal(0, 0.15) * room.width, rng.uniform(0.5, 1.3),
                           rng.normal(0, 0.15) * room.depth]  # fmt: skip
        if big and rng.random() < 0.65:
            thing = big[int(rng.integers(len(big)))]
            place = thing.place + [0, thing.entry.size[1] * rng.uniform(0.3, 0.9), 0]
            if np.hypot(*(place - eye)[[0, 2]]) > 0.9:
                target = place
        flat = max(float(np.hypot(*(target - eye)[[0, 2]])), 0.3)
        # Nobody points a camera at the ceiling or at their feet.
        pitch = np.clip((target[1] - eye[1]) / flat, -0.8, 0.18) + rng.normal(0, 0.05)
        target[1] = eye[1] + pitch * flat
        return Camera(eye, target, hold(rng), float(rng.uniform(48, 90)))


def room(site: Site) -> Place:
    """Any furnished room."""
    rng = site.rng
    kind = str(rng.choice(_KINDS, p=_OFTEN))
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
    _FURNISH[kind](site, walls)
    for _ in range(int(rng.integers(0, 5))):
        walls.add_picture(int(rng.integers(4)))
    for _ in range(int(rng.integers(0, 3))):
        walls.add_hung(int(rng.integers(4)), str(rng.choice(["wall thing", "wall lamp"])))
    if rng.random() < 0.35:
        walls.add_shelf(int(rng.integers(4)))
    _people(site, plan, kind)
    _clutter(site, plan, int(rng.integers(0, 6)))
    floors = _FLOORS.get(kind, ("planks", "planks", "wood", "carpet", "tiles"))
    finishes = site.finishes
    wall = finishes.any_of("plaster", "plaster", "plaster", "wallpaper")
    if kind in ("bathroom", "kitchen") and rng.random() < 0.5:
        wall = finishes.draw("tiles")
    ceiling = finishes.plain(np.full(3, rng.uniform(0.75, 0.97)), 0.0, 0.05)
    walls.build(wall, finishes.any_of(*floors), ceiling, daylight)
    walls.light(daylight)
    site.finish()
    return RoomPlace(site, plan, daylight)


def _by_wall(site: Site, walls: Walls, role: str, wall: int | None = None,
             gap: float = 0.03) -> Thing | None:  # fmt: skip
    """Stands a model with its back to a wall where there is room for it."""
    rng, plan = site.rng, walls.room
    number = site.cast.pick(role, rng)
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
        if site.take(spot[0], spot[2], half):
            walls.used[k].append((at - w / 2, at + w / 2, 0.0, h))
            angle = ANGLES[k] + (rng.normal(0, 0.015) if rng.random() < 0.5 else 0.0)
            return site.put(number, spot, angle, 1.0, site.tint())
    return None


def _free_spot(
    site: Site, plan: Room, half: tuple[float, float], gap: float = 0.05
) -> np.ndarray | None:
    for _ in range(10):
        x = site.rng.uniform(-1, 1) * max(plan.width / 2 - half[0] - 0.1, 0)
        z = half[1] + 0.1 + site.rng.uniform(0, 1) * max(plan.depth - 2 * half[1] - 0.2, 0)
        if site.take(x, z, half, gap):
            return np.array([x, 0.0, z])
    return None


def _free(site: Site, plan: Room, role: str, angle: float | None = None,
          gap: float = 0.05) -> Thing | None:  # fmt: skip
    number = site.cast.pick(role, site.rng)
    if number is None or site.entry(number).size[1] > plan.height - 0.1:
        return None
    turn = site.turn() if angle is None else angle
    spot = _free_spot(site, plan, site.half(site.entry(number), turn), gap)
    return None if spot is None else site.put(number, spot, turn, 1.0, site.tint())


def _seats(site: Site, table: Thing, role: str, share: float) -> None:
    """Chairs around a table, facing it."""
    number = site.cast.pick(role, site.rng)
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
        if site.take(spot[0], spot[2], (half[0] * 0.5, half[1] * 0.5), 0.0):
            chair = site.put(number, spot, angle + rng.normal(0, 0.15), 1.0, tint)
            if rng.random() < 0.06:
                _sit(site, chair)


def _sit(site: Site, chair: Thing) -> None:
    number = site.cast.pick("sitter", site.rng)
    if number is not None:
        site.put(number, chair.local(0, 0.12), chair.angle)


def _table(site: Site, plan: Room, role: str, seat: str, things: str, count: int) -> Thing | None:
    number = site.cast.pick(role, site.rng)
    if number is None:
        return None
    angle = float(site.rng.choice([0, np.pi / 2])) + site.rng.normal(0, 0.05)
    half = site.half(site.entry(number), angle)
    spot = _free_spot(site, plan, half, 0.25)
    if spot is None:
        return None
    table = site.put(number, spot, angle, 1.0, site.tint())
    if seat:
        _seats(site, table, seat, site.rng.uniform(0.5, 1))
    site.dress(table, things, count)
    return table


def _rug(site: Site, place: np.ndarray, plan: Room) -> None:
    rng = site.rng
    number = site.cast.pick("rug", rng)
    w, d = rng.uniform(0.5, 1.3), rng.uniform(0.7, 1.6)
    x = float(np.clip(place[0], -plan.width / 2 + w + 0.05, plan.width / 2 - w - 0.05))
    z = float(np.clip(place[2], d + 0.05, plan.depth - d - 0.05))
    if 2 * w + 0.1 > plan.width or 2 * d + 0.1 > plan.depth:
        return
    if number is not None and rng.random() < 0.4:
        site.put(number, (x, 0.001, z), float(rng.choice([0, np.pi / 2])), 1.0, site.tint(0.6))
    else:
        site.shell.box((x, 0.006, z), (w, 0.006, d), site.finishes.any_of("rug", "carpet", "fabric"),
                       rng.normal(0, 0.05))  # fmt: skip


def _living(site: Site, walls: Walls) -> None:
    rng, plan = site.rng, walls.room
    sofa = _by_wall(site, walls, "sofa")
    if sofa is not None:
        number = site.cast.pick("coffee table", rng)
        if number is not None:
            size = site.entry(number).size
            spot = sofa.local(0, sofa.entry.size[2] / 2 + size[2] / 2 + rng.uniform(0.3, 0.5))
            half = site.half(site.entry(number), sofa.angle)
            inside = (
                abs(spot[0]) + half[0] < plan.width / 2 and half[1] < spot[2] < plan.depth - half[1]
            )
            if inside and site.take(spot[0], spot[2], half):
                table = site.put(number, spot, sofa.angle + rng.normal(0, 0.05))
                site.dress(table, "desk thing", int(rng.integers(0, 5)))
                if rng.random() < 0.7:
                    _rug(site, spot, plan)
        if rng.random() < 0.15:
            lying = site.cast.pick("floor sitter", rng)
            if lying is not None:
                site.put(
                    lying, sofa.local(0, 0.25) + [0, (sofa.entry.top or 0.45) - 0.02, 0], sofa.angle
                )
    stand = _by_wall(site, walls, "sideboard")
    if stand is not None:
        tv = site.cast.pick("tv", rng)
        if (
            tv is not None
            and stand.entry.top is not None
            and site.entry(tv).size[0] < stand.entry.size[0]
        ):
            site.put(tv, stand.local(0, 0) + [0, stand.entry.top, 0], stand.angle)
        else:
            site.dress(stand, "desk thing", 4)
    for role, low, high in (("armchair", 0, 3), ("shelf", 0, 3), ("big thing", 0, 2), ("plant", 0, 3),
                            ("sideboard", 0, 2), ("floor lamp", 0, 2)):  # fmt: skip
        for _ in range(int(rng.integers(low, high))):
            thing = _by_wall(site, walls, role)
            if thing is not None and thing.entry.size[1] < 1.3 and role in ("shelf", "sideboard"):
                site.dress(thing, str(rng.choice(["desk thing", "small plant", "table lamp"])), 3)
    if rng.random() < 0.5:
        _table(
            site,
            plan,
            "table",
            "chair",
            str(rng.choice(["dish", "desk thing"])),
            int(rng.integers(0, 9)),
        )
    for _ in range(int(rng.integers(0, 2))):
        _free(site, plan, "armchair")


def _bedroom(site: Site, walls: Walls) -> None:
    rng = site.rng
    bed = _by_wall(site, walls, "bed")
    if bed is not None:
        for side in (-1, 1):
            number = site.cast.pick("nightstand", rng)
            if number is None or rng.random() < 0.3:
                continue
            size = site.entry(number).size
            spot = bed.local(side * (bed.entry.size[0] / 2 + size[0] / 2 + 0.06),
                             -bed.entry.size[2] / 2 + size[2] / 2)  # fmt: skip
            half = site.half(site.entry(number), bed.angle)
            plan = walls.room
            inside = (
                abs(spot[0]) + half[0] < plan.width / 2 and half[1] < spot[2] < plan.depth - half[1]
            )
            if inside and site.take(spot[0], spot[2], half, 0.0):
                stand = site.put(number, spot, bed.angle)
                site.dress(stand, "table lamp", 1)
        if rng.random() < 0.15:
            number = site.cast.pick("lying", rng)
            if number is not None and bed.entry.top is not None:
                site.put(number, bed.local(0, 0) + [0, bed.entry.top - 0.05, 0], bed.angle)
        elif bed.entry.top is not None and rng.random() < 0.5:
            site.dress(bed, "toy", 2)
        if rng.random() < 0.5:
            _rug(site, bed.local(0, bed.entry.size[2] / 2), walls.room)
    for role, low, high in (("wardrobe", 1, 3), ("desk", 0, 2), ("shelf", 0, 2), ("sideboard", 0, 2),
                            ("armchair", 0, 2), ("child bed", 0, 2), ("plant", 0, 2), ("floor lamp", 0, 2),
                            ("big thing", 0, 2)):  # fmt: skip
        for _ in range(int(rng.integers(low, high))):
            thing = _by_wall(site, walls, role)
            if thing is None:
                continue
            if role == "desk":
                site.dress(thing, "desk thing", int(rng.integers(1, 7)))
                _pull_up(site, thing)
            elif thing.entry.size[1] < 1.3 and role in ("shelf", "sideboard"):
                site.dress(thing, str(rng.choice(["toy", "desk thing"])), 3)
    for _ in range(int(rng.integers(0, 4))):
        _free(site, walls.room, "toy")


def _pull_up(site: Site, desk: Thing) -> None:
    """A chair before a desk."""
    number = site.cast.pick("chair", site.rng)
    if number is None:
        return
    off = desk.entry.size[2] / 2 + site.entry(number).size[2] * site.rng.uniform(0.1, 0.6)
    spot = desk.local(site.rng.normal(0, 0.1), off)
    half = site.half(site.entry(number), desk.angle)
    if site.take(spot[0], spot[2], (half[0] * 0.5, half[1] * 0.4), 0.0):
        chair = site.put(
            number, spot, desk.angle + np.pi + site.rng.normal(0, 0.3), 1.0, site.tint()
        )
        if site.rng.random() < 0.1:
            _sit(site, chair)


def _kitchen(site: Site, walls: Walls) -> None:
    rng, plan = site.rng, walls.room
    tint = site.tint(0.6)
    counter = site.finishes.any_of("wood", "concrete", "painted", "tiles")
    first = int(rng.integers(4))
    for wall in (first, (first + 1) % 4)[: int(rng.integers(1, 3))]:
        half = plan.length(wall) / 2
        x = -half + rng.uniform(0.05, 0.8) + (0.7 if wall != first else 0)
        for _ in range(int(rng.integers(3, 9))):
            number = site.cast.pick("lower cabinet", rng)
            if number is None:
                break
            entry = site.entry(number)
            w, h, d = entry.size
            if x + w > half - 0.05:
                break
            spot = plan.point(wall, x + w / 2, 0.32)
            blocked = any(u[0] < x + w and x < u[1] and u[2] < 0.9 for u in walls.used[wall])
            box = site.half(entry, ANGLES[wall])
            if not blocked and site.take(spot[0], spot[2], (box[0] - 0.02, box[1] - 0.02), 0.0):
                walls.used[wall].append((x, x + w, 0.0, 1.4))
                foot = plan.point(wall, x + w / 2, d / 2 + 0.01)
                thing = site.put(number, foot, ANGLES[wall], 1.0, tint)
                top = entry.top if entry.top is not None and entry.top > 0.6 else None
                if top is not None and h < 0.95:
                    middle = plan.point(wall, x + w / 2, 0.31) + [0, h + 0.02, 0]
                    slab = (w / 2, 0.02, 0.31) if wall in (BACK, FRONT) else (0.31, 0.02, w / 2)
                    site.shell.box(middle, slab, counter)
                    site.dress(thing, "kitchen thing", int(rng.integers(0, 3)), h + 0.04)
                if rng.random() < 0.7:
                    upper = site.cast.pick("upper cabinet", rng)
                    if upper is not None:
                        size, y = site.entry(upper).size, site.entry(upper).elevation
                        fits = y + size[1] < plan.height and not any(
                            u[0] < x + w and x < u[1] and u[3] > 1.4 for u in walls.used[wall]
                        )
                        if fits and size[0] < w + 0.02:
                            foot = plan.point(wall, x + w / 2, size[2] / 2 + 0.01)
                            site.put(upper, foot + [0, y, 0], ANGLES[wall], 1.0, tint)
            x += w + 0.002
    _by_wall(site, walls, "fridge")
    if rng.random() < 0.75:
        seat = str(rng.choice(["chair", "chair", "stool"]))
        role = "table" if seat == "chair" else "bar table"
        _table(site, plan, role, seat, "dish", int(rng.integers(2, 12)))
    for role in ("sideboard", "shelf", "plant"):
        if rng.random() < 0.3:
            thing = _by_wall(site, walls, role)
            if thing is not None and thing.entry.size[1] < 1.3:
                site.dress(thing, "kitchen thing", 3)


def _office(site: Site, walls: Walls) -> None:
    rng = site.rng
    for _ in range(int(rng.integers(1, 5))):
        desk = _by_wall(site, walls, "desk")
        if desk is not None:
            site.dress(desk, "desk thing", int(rng.integers(2, 9)))
            _pull_up(site, desk)
    if rng.random() < 0.5:
        table = _table(site, walls.room, "table", "chair", "desk thing", int(rng.integers(1, 8)))
        if table is not None and rng.random() < 0.3:
            _rug(site, table.place, walls.room)
    for role, low, high in (("shelf", 1, 4), ("sideboard", 0, 2), ("plant", 0, 3), ("big thing", 0, 2),
                            ("sofa", 0, 2), ("floor lamp", 0, 2)):  # fmt: skip
        for _ in range(int(rng.integers(low, high))):
            thing = _by_wall(site, walls, role)
            if thing is not None and thing.entry.size[1] < 1.3 and role in ("shelf", "sideboard"):
                site.dress(thing, "desk thing", 3)


def _bathroom(site: Site, walls: Walls) -> None:
    rng = site.rng
    for role in ("bath", "washbasin", "toilet"):
        thing = _by_wall(site, walls, role, gap=0.01)
        if thing is not None and role == "washbasin":
            site.dress(thing, "bath thing", 3)
    for _ in range(2):
        walls.add_hung(int(rng.integers(4)), "hung washbasin")
    for role in ("bath floor", "toilet", "sideboard", "stool", "plant"):
        if rng.random() < 0.4:
            thing = _by_wall(site, walls, role)
            if thing is not None and role == "sideboard":
                site.dress(thing, "bath thing", 4)
    mat = site.cast.pick("mat", rng)
    if mat is not None and rng.random() < 0.5:
        site.put(mat, (rng.uniform(-0.3, 0.3), 0.001, walls.room.depth * rng.uniform(0.3, 0.7)), site.turn(),
                 1.0, site.tint(0.8))  # fmt: skip


def _corridor(site: Site, walls: Walls) -> None:
    rng = site.rng
    for _ in range(int(rng.integers(2, 6))):
        walls.add_door(int(rng.choice([LEFT, RIGHT, BACK])))
    for _ in range(int(rng.integers(0, 5))):
        role = str(rng.choice(["sideboard", "plant", "chair", "shelf", "floor thing", "big thing"]))
        _by_wall(site, walls, role, int(rng.choice([LEFT, RIGHT])))
    if rng.random() < 0.3:
        _rug(site, np.array([0, 0, walls.room.depth / 2]), walls.room)


def _hall(site: Site, walls: Walls) -> None:
    """A cafe, a classroom, a workshop, a shop: many of a kind."""
    rng, plan = site.rng, walls.room
    kind = str(rng.choice(["cafe", "class", "gym", "store"]))
    if kind in ("cafe", "class"):
        number = site.cast.pick("table", rng, lambda e: e.size[0] < 1.7)
        if number is not None:
            w, _, d = site.entry(number).size
            step = rng.uniform(1.0, 1.6)
            for x in np.arange(
                -plan.width / 2 + w / 2 + 0.7, plan.width / 2 - w / 2 - 0.5, w + step
            ):
                for z in np.arange(d / 2 + 1.0, plan.depth - d / 2 - 0.6, d + step):
                    if rng.random() < 0.85 and site.take(x, z, (w / 2, d / 2), 0.02):
                        table = site.put(number, (x, 0, z), rng.normal(0, 0.03))
                        _seats(site, table, "chair", rng.uniform(0.4, 0.9))
                        if rng.random() < 0.6:
                            site.dress(table, "dish" if kind == "cafe" else "desk thing", 4)
    role = {"gym": "big thing", "store": "shelf"}.get(kind, "sideboard")
    for _ in range(int(rng.integers(3, 9))):
        thing = _by_wall(site, walls, role) if rng.random() < 0.6 else _free(site, plan, role)
        if thing is not None and thing.entry.size[1] < 1.4:
            site.dress(thing, "desk thing", 4)
    for _ in range(int(rng.integers(0, 4))):
        _by_wall(site, walls, "plant")


def _people(site: Site, plan: Room, kind: str) -> None:
    rng = site.rng
    count = int(rng.integers(1, 3)) if rng.random() < 0.35 else 0
    if kind == "hall":
        count = int(rng.integers(0, 5))
    for _ in range(count):
        _free(site, plan, "person")
    if rng.random() < 0.08:
        _free(site, plan, str(rng.choice(["pet", "floor sitter"])))


def _clutter(site: Site, plan: Room, count: int) -> None:
    for _ in range(count):
        _free(site, plan, str(site.rng.choice(["floor thing", "floor thing", "toy"])))


_FURNISH = {
    "living": _living,
    "bedroom": _bedroom,
    "kitchen": _kitchen,
    "office": _office,
    "bathroom": _bathroom,
    "corridor": _corridor,
    "hall": _hall,
}
