"""Things beside a road: trees, lamps, hedges, fences, bins, signs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppdcli.scenes.furnished.finishes import Finish
from ppdcli.scenes.furnished.places.site import Site

FAR = 110.0  # length of a street in metres
KERB = 0.12


@dataclass(frozen=True)
class Layout:
    """The cross-section of the street, in metres.

    Attributes:
        road: Half the width of the lanes.
        parking: Width of the parking strip on each side, 0 for none.
        pavement: Width of the pavement.
        verge: Width of the green strip beyond it.
    """

    road: float
    parking: float
    pavement: float
    verge: float

    @property
    def kerb(self) -> float:
        """Distance from the middle to the start of the pavement."""
        return self.road + self.parking

    @property
    def edge(self) -> float:
        """Distance from the middle to the start of gardens and houses."""
        return self.kerb + self.pavement + self.verge


def along_road(site: Site, layout: Layout, side: int, built: float) -> None:
    """Places trees, lamps, hedges, fences, bins, signs."""
    rng = site.rng
    foot = KERB if layout.pavement > 0 else 0.0
    beside = layout.kerb + (layout.pavement + layout.verge / 2 if layout.verge > 0 else 0.5)
    if rng.random() < 0.65:  # a row of trees of one kind
        kind = site.models.pick("tree", rng)
        tint = site.tint(0.7, 0.3)
        step, z = rng.uniform(5, 14), rng.uniform(2, 10)
        mixed = rng.random() < 0.4
        while z < FAR and kind is not None:
            size = site.entry(kind).size
            scale = rng.uniform(0.55, 1.1) * min(1.0, 9 / size[1])
            x = side * (beside + rng.normal(0, 0.15))
            if site.claim(x, z, (0.35, 0.35)):
                site.put(kind, (x, foot, z), site.turn(), scale, tint)
            z += step * rng.uniform(0.8, 1.2)
            if mixed:
                kind = site.models.pick("tree", rng)
    if built < 0.9:
        for _ in range(int(rng.integers(0, 14))):  # trees and bushes farther off
            number = site.models.pick(str(rng.choice(["tree", "tree", "bush"])), rng)
            if number is not None:
                x, z = side * (layout.edge + rng.exponential(8) + 1), rng.uniform(3, FAR)
                trunk = site.entry(number).size[0] * 0.25
                if site.claim(x, z, (trunk, trunk)):
                    site.put(
                        number, (x, 0, z), site.turn(), rng.uniform(0.6, 1.3), site.tint(0.6, 0.3)
                    )
    if rng.random() < 0.5:
        _border(site, side * (layout.edge + 0.15), side)
    lamp = site.models.pick("street lamp", rng)
    post = site.finishes.draw("metal")
    step = rng.uniform(15, 30)
    tall = rng.uniform(5, 8)
    for z in np.arange(rng.uniform(3, 15), FAR, step):
        x = side * (layout.kerb + 0.4)
        if not site.claim(x, z, (0.1, 0.1), 0.0):
            continue
        if lamp is not None and tall < 6:
            site.put(lamp, (x, foot, z), -side * np.pi / 2)
        else:
            site.shell.post((x, 0, z), (x, tall, z), 0.07, post)
            site.shell.post((x, tall, z), (x - side * 1.5, tall + 0.2, z), 0.04, post)
            site.shell.box((x - side * 1.6, tall + 0.18, z), (0.3, 0.06, 0.12), post)
    for _ in range(int(rng.integers(0, 5))):
        _sign(site, side * (layout.kerb + 0.35), rng.uniform(4, 60), post)
    for _ in range(int(rng.integers(0, 7))):
        number = site.models.pick("street object", rng)
        if number is not None and layout.pavement > 0:
            x = side * (layout.kerb + rng.uniform(0.4, layout.pavement))
            z = rng.uniform(4, 45)
            half = site.half(site.entry(number), np.pi / 2)
            if site.claim(x, z, half):
                site.put(number, (x, foot, z), -side * np.pi / 2, 1.0, site.tint(0.5))


def _border(site: Site, x: float, side: int) -> None:
    """A hedge, a wall or a fence between pavement and gardens."""
    rng, shell = site.rng, site.shell
    kind, start, end = rng.random(), rng.uniform(0, 20), rng.uniform(30, FAR)
    middle, half = (start + end) / 2, (end - start) / 2
    if kind < 0.35:
        high = rng.uniform(0.5, 1.2)
        shell.box((x, high, middle), (0.3, high, half), site.finishes.draw("grass"))
    elif kind < 0.65:
        high = rng.uniform(0.3, 0.9)
        shell.box((x, high, middle), (0.12, high, half),
                  site.finishes.any_of("brick", "concrete", "plaster"))  # fmt: skip
    else:
        finish, high = site.finishes.any_of("wood", "metal", "painted"), rng.uniform(0.8, 1.6)
        for y in (0.25 * high, 0.9 * high):
            shell.box((x, y, middle), (0.025, 0.04, half), finish)
        step = rng.choice([0.15, 0.3, 2.0])
        for z in np.arange(start, min(end, start + 250 * step), step):
            shell.box((x, high / 2, z), (0.02, high / 2, 0.04), finish)


def _sign(site: Site, x: float, z: float, post: Finish) -> None:
    rng, shell = site.rng, site.shell
    high = rng.uniform(2.1, 2.9)
    if not site.claim(x, z, (0.05, 0.05), 0.0):
        return
    shell.post((x, 0, z), (x, high, z), 0.03, post)
    finish = site.finishes.any_of("painted", "paper", "art")
    shell.box((x, high - 0.3, z - 0.04), (0.3, 0.3, 0.01), finish, 0.0, whole=True)
