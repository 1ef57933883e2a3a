"""Shells of rooms: walls with doors, windows and pictures, floors, ceilings."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ppdcli.scenes.furnished.finishes import Finish
from ppdcli.scenes.furnished.places.plan import ANGLES, BACK, FRONT, LEFT, RIGHT, Room
from ppdcli.scenes.furnished.places.site import Site
from ppdcli.scenes.furnished.scene import panel

Hole = tuple[float, float, float, float]  # from, to along the wall; bottom, top


class Walls:
    """Plans the walls with everything in them, and builds them."""

    def __init__(self, site: Site, room: Room) -> None:
        self.site, self.room = site, room
        self.used: list[list[Hole]] = [[], [], [], []]
        self.holes: list[list[Hole]] = [[], [], [], []]
        self.windows: list[tuple[int, Hole]] = []

    def free(self, wall: int, hole: Hole) -> bool:
        """Claims a part of a wall. Returns False if it is occupied or does not fit."""
        half = self.room.length(wall) / 2
        if hole[0] < -half + 0.05 or hole[1] > half - 0.05 or hole[3] > self.room.height - 0.02:
            return False
        for other in self.used[wall]:
            if (
                hole[0] < other[1]
                and other[0] < hole[1]
                and hole[2] < other[3]
                and other[2] < hole[3]
            ):
                return False
        self.used[wall].append(hole)
        return True

    def add_door(self, wall: int) -> None:
        """Adds a door with free floor before it."""
        site, rng = self.site, self.site.rng
        number = site.models.pick("door", rng)
        width, height = (0.9, 2.05) if number is None else site.entry(number).size[:2]
        at = rng.uniform(-1, 1) * max(self.room.length(wall) / 2 - width, 0)
        if not self.free(wall, (at - width / 2, at + width / 2, 0, height)):
            return
        spot = self.room.point(wall, at, 0.45)
        site.claim(spot[0], spot[2], (0.45, 0.45))
        if number is None:
            finish = site.finishes.any_of("painted", "wood")
            self._slab(wall, (at - width / 2, at + width / 2, 0.005, height), 0.03, finish)
            return
        flat = 0.1 / max(site.entry(number).size[2], 0.1)
        foot = self.room.point(wall, at, 0.05)
        site.put(number, foot, ANGLES[wall], 1.0, site.tint(0.3), 0.3, flat)

    def add_window(self, wall: int, daylight: float) -> None:
        """Adds a window and the light that comes through it."""
        site, rng = self.site, self.site.rng
        number = site.models.pick("window", rng) if rng.random() < 0.4 else None
        if number is None:
            width, height = rng.uniform(0.6, 2.4), rng.uniform(0.8, 1.5)
            bottom = rng.uniform(0.7, 1.1)
            if rng.random() < 0.15:
                bottom, height = 0.06, rng.uniform(2.0, 2.3)
        else:
            entry = site.entry(number)
            width, height, bottom = entry.size[0], entry.size[1], entry.elevation
        at = rng.uniform(-1, 1) * max(self.room.length(wall) / 2 - width / 2 - 0.1, 0)
        hole = (at - width / 2, at + width / 2, bottom, bottom + height)
        if not self.free(wall, hole):
            return
        self.windows.append((wall, hole))
        power = daylight * rng.uniform(0.7, 1.3) * np.array([0.9, 1.0, 1.1])
        a = self.room.along(wall) * width * 0.9
        corner = self.room.point(wall, hole[0] + 0.05 * width, 0.1) + [0, bottom + 0.05 * height, 0]
        site.scene.lights.append(panel(corner, a, np.array([0, height * 0.9, 0]), power))
        if number is not None:
            flat = 0.1 / max(site.entry(number).size[2], 0.1)
            foot = self.room.point(wall, at, 0.055) + [0, bottom, 0]
            site.put(number, foot, ANGLES[wall], 1.0, None, 0.35 * daylight + 0.02, flat)
        else:
            self._window(wall, hole, daylight)
        curtain = site.models.pick("curtain", rng)
        if rng.random() < 0.45:
            fabric = site.finishes.draw("fabric")
            for side in (-1, 1):
                self._curtain(wall, at + side * (width / 2 + 0.1), bottom, height, fabric, side)
        elif curtain is not None and rng.random() < 0.3:
            scale = width / site.entry(curtain).size[0]
            if scale < 1.3:
                foot = self.room.point(wall, at, 0.12) + [0, 0.1, 0]
                site.put(curtain, foot, ANGLES[wall], scale, site.tint(0.7))

    def _window(self, wall: int, hole: Hole, daylight: float) -> None:
        site, rng = self.site, self.site.rng
        frame = site.finishes.plain(np.full(3, rng.uniform(0.1, 1.0)), 0.2)
        start, end, bottom, top = hole
        if rng.random() < 0.3:
            self.holes[wall].append(hole)  # a view to the outside
        else:
            color = np.array([0.8, 0.9, 1.0]) * (0.4 * daylight + 0.03)
            glow = (float(color[0]), float(color[1]), float(color[2]))
            grey = site.finishes.grey("mottled", "foliage", "warped")
            down = np.linspace(1.2, 0.35, grey.shape[0])[:, None]
            view = (down * (0.75 + 0.5 * grey))[..., None] * [0.75, 0.8, 0.8]
            plain = site.finishes.picture(view, 1.0, 0.0, 0.0)
            pane = Finish(plain.color, plain.picture, glow=glow)
            foot = self.room.point(wall, start, 0.012) + [0, bottom, 0]
            site.shell.quad(foot, self.room.along(wall) * (end - start), (0, top - bottom, 0),
                            pane, whole=True)  # fmt: skip
        bars = [start, end]
        count = int(rng.integers(0, 3))
        bars += [start + (end - start) * (k + 1) / (count + 1) for k in range(count)]
        for x in bars:
            self._bar(wall, x - 0.03, x + 0.03, bottom, top, frame)
        levels = [bottom, top] + ([bottom + 0.6 * (top - bottom)] if rng.random() < 0.3 else [])
        for y in levels:
            self._bar(wall, start - 0.03, end + 0.03, y - 0.03, y + 0.03, frame)
        if rng.random() < 0.5:  # a sill
            middle = self.room.point(wall, (start + end) / 2, 0.1) + [0, bottom - 0.05, 0]
            half = (0.1, 0.02, (end - start) / 2 + 0.05)
            half = half if wall in (LEFT, RIGHT) else (half[2], half[1], half[0])
            site.shell.box(middle, half, frame)

    def _bar(self, wall: int, x0: float, x1: float, y0: float, y1: float, finish: Finish) -> None:
        middle = self.room.point(wall, (x0 + x1) / 2, 0.03) + [0, (y0 + y1) / 2, 0]
        half = ((x1 - x0) / 2, (y1 - y0) / 2, 0.03)
        half = half if wall in (BACK, FRONT) else (half[2], half[1], half[0])
        self.site.shell.box(middle, half, finish)

    def _slab(
        self, wall: int, hole: Hole, thick: float, finish: Finish, whole: bool = False
    ) -> None:
        middle = self.room.point(wall, (hole[0] + hole[1]) / 2, thick / 2)
        middle = middle + [0, (hole[2] + hole[3]) / 2, 0]
        half = ((hole[1] - hole[0]) / 2, (hole[3] - hole[2]) / 2, thick / 2)
        half = half if wall in (BACK, FRONT) else (half[2], half[1], half[0])
        self.site.shell.box(middle, half, finish, 0.0, whole)

    def _curtain(
        self, wall: int, at: float, bottom: float, height: float, fabric: Finish, side: int
    ) -> None:
        """Adds folds of cloth from above the window nearly to the floor."""
        wide = self.site.rng.uniform(0.25, 0.5)
        low = 0.03 if self.site.rng.random() < 0.7 else max(bottom - 0.1, 0.03)
        top = min(bottom + height + 0.15, self.room.height - 0.02)
        n = 14
        x = at - side * 0.1 + side * np.linspace(0, wide, n + 1)
        off = 0.09 + 0.035 * np.sin(np.linspace(0, 2 * np.pi * 3.2, n + 1))
        points = [self.room.point(wall, float(a), float(b)) for a, b in zip(x, off, strict=True)]
        for p, q in pairwise(points):
            self.site.shell.quad(p + [0, low, 0], q - p, (0, top - low, 0), fabric)

    def add_picture(self, wall: int) -> None:
        """Adds a framed picture."""
        site, rng = self.site, self.site.rng
        w, h = rng.uniform(0.2, 1.0), rng.uniform(0.2, 0.9)
        at = rng.uniform(-1, 1) * max(self.room.length(wall) / 2 - w, 0)
        y = rng.uniform(1.2, 1.6) - h / 2 + 0.1
        if not self.free(wall, (at - w / 2, at + w / 2, y, y + h)):
            return
        self._slab(wall, (at - w / 2, at + w / 2, y, y + h), 0.025,
                   site.finishes.any_of("wood", "painted", "metal"))  # fmt: skip
        rim = rng.uniform(0.01, 0.05)
        corner = self.room.point(wall, at - w / 2 + rim, 0.027) + [0, y + rim, 0]
        site.shell.quad(corner, self.room.along(wall) * (w - 2 * rim), (0, h - 2 * rim, 0),
                        site.finishes.any_of("art", "art", "paper"), whole=True)  # fmt: skip

    def add_hung(self, wall: int, kind: str) -> None:
        """Adds an object that hangs on the wall at its usual height."""
        number = self.site.models.pick(kind, self.site.rng)
        if number is None:
            return
        entry = self.site.entry(number)
        w, h = entry.size[0], entry.size[1]
        at = self.site.rng.uniform(-1, 1) * max(self.room.length(wall) / 2 - w, 0)
        hole = (at - w / 2, at + w / 2, entry.elevation, entry.elevation + h)
        if self.free(wall, hole):
            foot = self.room.point(wall, at, entry.size[2] / 2) + [0, entry.elevation, 0]
            self.site.put(number, foot, ANGLES[wall], 1.0, self.site.tint(0.2))

    def add_shelf(self, wall: int) -> None:
        """Adds a board with small objects and books."""
        site, rng = self.site, self.site.rng
        w, y = rng.uniform(0.5, 1.4), rng.uniform(1.1, 1.8)
        at = rng.uniform(-1, 1) * max(self.room.length(wall) / 2 - w, 0)
        if not self.free(wall, (at - w / 2, at + w / 2, y - 0.03, y + 0.35)):
            return
        self._slab(wall, (at - w / 2, at + w / 2, y - 0.02, y), 0.24,
                   site.finishes.any_of("wood", "painted"))  # fmt: skip
        x = at - w / 2 + 0.05
        while x < at + w / 2 - 0.12:
            if rng.random() < 0.5:
                x = self._books(wall, x, min(x + rng.uniform(0.1, 0.5), at + w / 2), y)
            else:
                number = site.models.pick("desk object", rng)
                if number is not None:
                    size = site.entry(number).size
                    if size[1] < 0.35 and size[0] < 0.3 and size[2] < 0.24:
                        foot = self.room.point(wall, x + size[0] / 2, 0.12) + [0, y, 0]
                        site.put(number, foot, ANGLES[wall])
                        x += size[0] + 0.02
                x += rng.uniform(0.02, 0.15)

    def _books(self, wall: int, start: float, end: float, y: float) -> float:
        rng, x = self.site.rng, start
        while x < end - 0.05:
            w, h, d = rng.uniform(0.01, 0.045), rng.uniform(0.17, 0.3), rng.uniform(0.12, 0.2)
            finish = self.site.finishes.draw("painted")
            middle = self.room.point(wall, x + w / 2, 0.02 + d / 2) + [0, y + h / 2, 0]
            half = (w / 2, h / 2, d / 2) if wall in (BACK, FRONT) else (d / 2, h / 2, w / 2)
            self.site.shell.box(middle, half, finish)
            x += w + 0.001
        return x

    def build(self, wall: Finish, floor: Finish, ceiling: Finish, daylight: float) -> None:
        """Builds walls, floor and ceiling around everything that was added."""
        site, room, rng = self.site, self.room, self.site.rng
        w, d, h = room.width, room.depth, room.height
        other = (
            site.finishes.any_of("plaster", "wallpaper", "brick") if rng.random() < 0.2 else wall
        )
        accent = int(rng.integers(4))
        for k in range(4):
            self._wall(k, other if k == accent else wall)
        site.shell.quad((-w / 2, 0, 0), (w, 0, 0), (0, 0, d), floor)
        site.shell.quad((-w / 2, h, 0), (w, 0, 0), (0, 0, d), ceiling)
        if rng.random() < 0.75:
            board = (
                wall if rng.random() < 0.1 else site.finishes.any_of("wood", "painted", "plaster")
            )
            high = rng.uniform(0.04, 0.14)
            for k in range(4):
                half = room.length(k) / 2
                cuts = sorted((u[0], u[1]) for u in self.used[k] if u[2] < 0.05)
                x = -half
                for a, b in [*cuts, (half, half)]:
                    if a - x > 0.02:
                        self._slab(k, (x, a, 0, high), 0.015, board)
                    x = max(x, b)
        if any(self.holes):
            ground = site.finishes.any_of("grass", "paving", "gravel")
            site.shell.quad((-90, -0.4, -90), (180, 0, 0), (0, 0, 180), ground)

    def _wall(self, wall: int, finish: Finish) -> None:
        half, high = self.room.length(wall) / 2, self.room.height
        along, x = self.room.along(wall), -half
        foot = self.room.point

        def piece(x0: float, x1: float, y0: float, y1: float) -> None:
            if x1 - x0 > 1e-3 and y1 - y0 > 1e-3:
                corner = foot(wall, x0, 0) + [0, y0, 0]
                self.site.shell.quad(corner, along * (x1 - x0), (0, y1 - y0, 0), finish)

        for start, end, bottom, top in sorted(self.holes[wall]):
            piece(x, start, 0, high)
            piece(start, end, 0, bottom)
            piece(start, end, top, high)
            # The thickness of the wall is visible through the hole.
            out = -self.room.inward(wall) * 0.18
            for y in (bottom, top):
                self.site.shell.quad(
                    foot(wall, start, 0) + [0, y, 0], along * (end - start), out, finish
                )
            for edge in (start, end):
                self.site.shell.quad(
                    foot(wall, edge, 0) + [0, bottom, 0], (0, top - bottom, 0), out, finish
                )
            x = end
        piece(x, half, 0, high)
