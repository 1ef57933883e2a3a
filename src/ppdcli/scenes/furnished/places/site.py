"""A place while it is being arranged: what stands where, and what is on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppdcli.scenes.furnished.camera import Camera
from ppdcli.scenes.furnished.finishes import Finishes
from ppdcli.scenes.furnished.models.model import Entry
from ppdcli.scenes.furnished.places.roles import Cast
from ppdcli.scenes.furnished.shell import Shell
from ppdcli.scenes.furnished.stage import Stage, Store, turned

Rng = np.random.Generator


@dataclass(frozen=True)
class Thing:
    """A placed model: where it stands, how it is turned, and its upright box's halves."""

    entry: Entry
    place: np.ndarray
    angle: float
    half: tuple[float, float]  # along x and z of the place, metres

    def local(self, x: float, z: float) -> np.ndarray:
        """A point of the place from metres along the thing's own axes."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        return self.place + [x * c + z * s, 0, z * c - x * s]


class Site:
    """What a place is built with.

    Attributes:
        rng: all that is random.
        things: placed models that pictures may be of.
    """

    def __init__(self, store: Store, cast: Cast, rng: Rng, bank: int) -> None:
        self.rng, self.store, self.cast = rng, store, cast
        self.finishes = Finishes(rng, bank)
        self.stage, self.shell = Stage(), Shell()
        self.things: list[Thing] = []
        self._taken: list[tuple[float, float, float, float]] = []

    def entry(self, number: int) -> Entry:
        """What the catalogue says about a model."""
        return self.cast.entries[number]

    def put(self, number: int, place: tuple[float, float, float] | np.ndarray, angle: float = 0.0,
            scale: float = 1.0, tint: np.ndarray | None = None, glow: float = 0.0,
            squeeze: float = 1.0) -> Thing:  # fmt: skip
        """Places a model with its foot's middle at a point.

        Args:
            number: of the model.
            place: metres.
            angle: the front, +z, turns towards +x.
            scale: of all sides.
            tint: factor of its colours.
            glow: light that its glass gives.
            squeeze: factor of its depth alone.
        """
        entry = self.entry(number)
        at = (float(place[0]), float(place[1]), float(place[2]))
        transform = turned(at, angle, scale)
        transform[:, 2] *= squeeze
        self.stage.place(self.store.part(number, glow), transform, tint)
        thing = Thing(entry, np.array(at), angle, self.half(entry, angle, scale))
        self.things.append(thing)
        return thing

    @staticmethod
    def half(entry: Entry, angle: float, scale: float = 1.0) -> tuple[float, float]:
        """Half the extent along x and z of a model that is turned."""
        w, d = entry.size[0] * scale / 2, entry.size[2] * scale / 2
        c, s = abs(np.cos(angle)), abs(np.sin(angle))
        return float(w * c + d * s), float(w * s + d * c)

    def take(self, x: float, z: float, half: tuple[float, float], gap: float = 0.02) -> bool:
        """Claims a rectangle of the ground; False, and nothing claimed, if it is not free."""
        box = x - half[0] - gap, x + half[0] + gap, z - half[1] - gap, z + half[1] + gap
        if any(box[0] < b[1] and b[0] < box[1] and box[2] < b[3] and b[2] < box[3]
               for b in self._taken):  # fmt: skip
            return False
        self._taken.append(box)
        return True

    def is_free(self, x: float, z: float, margin: float) -> bool:
        """Whether nothing stands within a margin of a point."""
        return not any(
            b[0] - margin < x < b[1] + margin and b[2] - margin < z < b[3] + margin
            for b in self._taken
        )

    def tint(self, likely: float = 0.35, strength: float = 0.4) -> np.ndarray | None:
        """A random factor of a model's colours, or none."""
        if self.rng.random() > likely:
            return None
        factor = np.exp(self.rng.normal(0, strength / 2, 3)) * self.rng.uniform(0.7, 1.15)
        return np.asarray(factor)

    def dress(self, thing: Thing, role: str, count: int, height: float | None = None) -> None:
        """Puts small things on top of a thing, side by side."""
        top = thing.entry.top if height is None else height
        if top is None:
            return
        w, d = thing.entry.size[0] / 2, thing.entry.size[2] / 2
        spots: list[tuple[float, float, float]] = []
        for _ in range(count):
            number = self.cast.pick(role, self.rng)
            if number is None:
                return
            size = self.entry(number).size
            r = 0.5 * float(np.hypot(size[0], size[2]))
            if r > 0.95 * min(w, d):
                continue
            for _ in range(4):
                x = self.rng.uniform(-1, 1) * (w - r)
                z = self.rng.uniform(-1, 1) * (d - r)
                if all(np.hypot(x - a, z - b) > 0.85 * (r + c) for a, b, c in spots):
                    spots.append((x, z, r))
                    self.put(number, thing.local(x, z) + [0, top, 0], self.turn(), 1.0,
                             self.tint(0.2))  # fmt: skip
                    break

    def turn(self) -> float:
        """Any angle."""
        return float(self.rng.uniform(0, 2 * np.pi))

    def finish(self) -> None:
        """Puts the shell on the stage; call it last."""
        self.stage.place(self.shell.part(), turned((0, 0, 0), 0))


class Place:
    """An arranged place: its stage, and where pictures may be taken from.

    Attributes:
        hard: whether shadows have hard edges.
    """

    def __init__(self, site: Site, hard: bool = False) -> None:
        self.site, self.stage, self.hard = site, site.stage, hard

    def camera(self, rng: Rng, wide: bool) -> Camera:
        """A camera for the next picture; ``wide`` if that is a panorama."""
        raise NotImplementedError


def hold(rng: Rng) -> float:
    """How far a camera is held askew, in radians."""
    return float(rng.normal(0, 0.02) if rng.random() < 0.8 else rng.normal(0, 0.12))
