"""A place under construction: the placed models, and the objects on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppdcli.scenes.furnished.camera import Camera
from ppdcli.scenes.furnished.finishes import Finishes
from ppdcli.scenes.furnished.models.model import Entry
from ppdcli.scenes.furnished.places.kinds import ModelsByKind
from ppdcli.scenes.furnished.scene import Scene, Store, turned
from ppdcli.scenes.furnished.shell import Shell

Rng = np.random.Generator


@dataclass(frozen=True)
class Placement:
    """A placed model: position, angle, half of its bounding box, and its number in the scene."""

    entry: Entry
    place: np.ndarray
    angle: float
    half: tuple[float, float]  # along x and z of the place, metres
    number: int

    def local(self, x: float, z: float) -> np.ndarray:
        """Returns a point of the place from metres along the object's own axes."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        return self.place + [x * c + z * s, 0, z * c - x * s]


class Site:
    """The state of a place under construction.

    Attributes:
        rng: Source of all randomness.
        placements: Placed models that pictures can be taken of.
    """

    def __init__(self, store: Store, models: ModelsByKind, rng: Rng, bank: int) -> None:
        self.rng, self.store, self.models = rng, store, models
        self.finishes = Finishes(rng, bank)
        self.scene, self.shell = Scene(), Shell()
        self.placements: list[Placement] = []
        self._taken: list[tuple[float, float, float, float]] = []

    def entry(self, number: int) -> Entry:
        """Returns the catalogue entry of a model."""
        return self.models.entries[number]

    def put(self, number: int, place: tuple[float, float, float] | np.ndarray, angle: float = 0.0,
            scale: float = 1.0, tint: np.ndarray | None = None, glow: float = 0.0,
            squeeze: float = 1.0) -> Placement:  # fmt: skip
        """Places a model with the middle of its foot at a point.

        Args:
            number: Number of the model.
            place: Position in metres.
            angle: Rotation of the front from +z towards +x.
            scale: Factor of all sides.
            tint: Factor of its colours.
            glow: Light emitted by its glass.
            squeeze: Factor of its depth alone.
        """
        entry = self.entry(number)
        at = (float(place[0]), float(place[1]), float(place[2]))
        transform = turned(at, angle, scale)
        transform[:, 2] *= squeeze
        placed_as = self.scene.place(self.store.part(number, glow), transform, tint)
        half = self.half(entry, angle, scale)
        placed = Placement(entry, np.array(at), angle, half, placed_as)
        self.placements.append(placed)
        return placed

    @staticmethod
    def half(entry: Entry, angle: float, scale: float = 1.0) -> tuple[float, float]:
        """Returns half the extent along x and z of a rotated model."""
        w, d = entry.size[0] * scale / 2, entry.size[2] * scale / 2
        c, s = abs(np.cos(angle)), abs(np.sin(angle))
        return float(w * c + d * s), float(w * s + d * c)

    def claim(self, x: float, z: float, half: tuple[float, float], gap: float = 0.02) -> bool:
        """Claims a rectangle of the ground; returns False and claims nothing if it is not free."""
        box = x - half[0] - gap, x + half[0] + gap, z - half[1] - gap, z + half[1] + gap
        if any(box[0] < b[1] and b[0] < box[1] and box[2] < b[3] and b[2] < box[3]
               for b in self._taken):  # fmt: skip
            return False
        self._taken.append(box)
        return True

    def is_free(self, x: float, z: float, margin: float) -> bool:
        """Returns whether nothing stands within a margin of a point."""
        return not any(
            b[0] - margin < x < b[1] + margin and b[2] - margin < z < b[3] + margin
            for b in self._taken
        )

    def tint(self, likely: float = 0.35, strength: float = 0.4) -> np.ndarray | None:
        """Returns a random factor for a model's colours, or None."""
        if self.rng.random() > likely:
            return None
        factor = np.exp(self.rng.normal(0, strength / 2, 3)) * self.rng.uniform(0.7, 1.15)
        return np.asarray(factor)

    def put_on_top(
        self, placed: Placement, kind: str, count: int, height: float | None = None
    ) -> None:
        """Places small objects of a kind side by side on top of another object.

        Args:
            placed: The object below.
            kind: The kind of the small objects.
            count: How many to try.
            height: Height of the surface in metres; None for the object's own. Nothing is placed
                if it has none.
        """
        top = placed.entry.top if height is None else height
        if top is None:
            return
        w, d = placed.entry.size[0] / 2, placed.entry.size[2] / 2
        spots: list[tuple[float, float, float]] = []
        for _ in range(count):
            number = self.models.pick(kind, self.rng)
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
                    self.put(number, placed.local(x, z) + [0, top, 0], self.turn(), 1.0,
                             self.tint(0.2))  # fmt: skip
                    break

    def turn(self) -> float:
        """Returns a random angle."""
        return float(self.rng.uniform(0, 2 * np.pi))

    def finish(self) -> None:
        """Places the shell in the scene. Call it last."""
        self.scene.place(self.shell.part(), turned((0, 0, 0), 0))


class Place:
    """A finished place: its scene, and the positions for cameras.

    Attributes:
        hard: Whether shadows have hard edges.
    """

    def __init__(self, site: Site, hard: bool = False) -> None:
        self.site, self.scene, self.hard = site, site.scene, hard

    def camera(self, rng: Rng, wide: bool) -> Camera:
        """Returns a camera for the next picture; ``wide`` for a panorama."""
        raise NotImplementedError


def camera_roll(rng: Rng) -> float:
    """Returns a random roll of a hand-held camera, in radians."""
    return float(rng.normal(0, 0.02) if rng.random() < 0.8 else rng.normal(0, 0.12))
