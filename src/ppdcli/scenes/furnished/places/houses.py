"""Houses along a street: walls with windows and doors, roofs, balconies."""

from __future__ import annotations

import numpy as np

from ppdcli.scenes.furnished.finishes import Finish
from ppdcli.scenes.furnished.places.site import Site

_STOREY = (2.7, 3.4)


def house(site: Site, x: float, z: float, half: tuple[float, float], side: int) -> None:
    """Builds a house that faces the street.

    Args:
        site: The site.
        x, z: Middle of its ground, metres.
        half: Half of its size along x and z.
        side: -1 if it is left of the street and faces +x; 1 if it is on the right.
    """
    rng, shell, finishes = site.rng, site.shell, site.finishes
    storeys = int(rng.choice([1, 2, 2, 3, 4, 6], p=[0.2, 0.3, 0.15, 0.15, 0.12, 0.08]))
    storey = rng.uniform(*_STOREY)
    height = storeys * storey + rng.uniform(0, 0.6)
    wall = finishes.any_of("plaster", "plaster", "brick", "brick", "concrete", "planks")
    shell.box((x, height / 2, z), (half[0], height / 2, half[1]), wall)
    if rng.random() < 0.4:  # a plinth
        shell.box((x, 0.3, z), (half[0] + 0.04, 0.3, half[1] + 0.04), finishes.draw("concrete"))
    frame = finishes.plain(np.full(3, rng.choice([0.95, 0.9, 0.2, 0.4])), 0.1)
    glass = finishes.plain(np.array([0.12, 0.15, 0.18]) * rng.uniform(0.5, 2), 0.9, 0.3)
    door = finishes.any_of("wood", "painted")
    face = x - side * half[0]
    wide, high = rng.uniform(0.9, 1.6), rng.uniform(1.1, 1.7)
    count = max(1, int(2 * half[1] / rng.uniform(2.2, 3.5)))
    entrance = int(rng.integers(count))
    shutters = rng.random() < 0.25
    paint = finishes.draw("painted")
    shop = rng.random() < 0.2 and storeys > 1
    for level in range(storeys):
        bottom = level * storey + 0.9
        for k in range(count):
            at = z - half[1] + (k + 0.5) * 2 * half[1] / count
            if level == 0 and k == entrance:
                _face(site, face, side, at, 0.0, 0.55, 2.15, door, frame)
            elif level == 0 and shop:
                _face(site, face, side, at, 0.4, half[1] / count * 0.85, 2.0, glass, frame)
            else:
                _face(site, face, side, at, bottom, wide / 2, high, glass, frame)
                if shutters:
                    for s in (-1, 1):
                        middle = (
                            face - side * 0.03,
                            bottom + high / 2,
                            at + s * (wide * 0.75 + 0.05),
                        )
                        shell.box(middle, (0.03, high / 2, wide / 4), paint)
                if level > 0 and rng.random() < 0.12:
                    _balcony(site, face, side, at, level * storey, finishes.draw("metal"))
    # The gable ends, which face along the street.
    for end in (-1, 1):
        for level in range(storeys):
            for k in range(int(rng.integers(0, 3))):
                across = x + (k - 0.5) * half[0] * 0.8
                middle = (across, level * storey + 0.9 + high / 2, z + end * (half[1] + 0.01))
                shell.box(middle, (wide / 2 + 0.07, high / 2 + 0.07, 0.02), frame)
                shell.box(middle, (wide / 2, high / 2, 0.03), glass)
    if storeys < 4 and rng.random() < 0.75:
        _roof(site, x, z, half, height, wall)
    else:
        shell.box(
            (x, height + 0.15, z), (half[0] + 0.1, 0.15, half[1] + 0.1), finishes.draw("concrete")
        )


def _face(site: Site, face: float, side: int, at: float, bottom: float, wide: float, high: float,
          pane: Finish, frame: Finish) -> None:  # fmt: skip
    """A window or a door in the front: frame, pane, bars."""
    shell = site.shell
    middle = np.array([face, bottom + high / 2, at])
    shell.box(middle, (0.06, high / 2 + 0.08, wide + 0.08), frame)
    shell.box(middle, (0.065, high / 2, wide), pane)
    if bottom > 0:
        shell.box(middle, (0.075, high / 2, 0.03), frame)
        sill = middle - [side * 0.05, high / 2 + 0.08, 0]
        shell.box(sill, (0.1, 0.04, wide + 0.12), frame)


def _balcony(site: Site, face: float, side: int, at: float, y: float, rail: Finish) -> None:
    shell, x = site.shell, face - side * 0.55
    shell.box((x, y, at), (0.55, 0.08, 1.3), site.finishes.draw("concrete"))
    shell.box((x - side * 0.53, y + 1.0, at), (0.025, 0.025, 1.3), rail)
    for k in np.linspace(-1.27, 1.27, 12):
        shell.box((x - side * 0.53, y + 0.55, at + k), (0.012, 0.45, 0.012), rail)


def _roof(site: Site, x: float, z: float, half: tuple[float, float], height: float,
          wall: Finish) -> None:  # fmt: skip
    """A pitched roof with a ridge along or across the street."""
    rng, shell = site.rng, site.shell
    tiles = site.finishes.draw("roof")
    over, rise = 0.35, rng.uniform(0.35, 0.9)
    if rng.random() < 0.65:
        top = height + rise * half[0]
        for s in (-1, 1):
            eave = np.array([x + s * (half[0] + over), height - over * rise, z - half[1] - over])
            slope = np.array([-s * (half[0] + over), top - height + over * rise, 0])
            shell.quad(eave, (0, 0, 2 * (half[1] + over)), slope, tiles)
            end = z + s * half[1]
            shell.triangle(
                np.array([[x - half[0], height, end], [x + half[0], height, end], [x, top, end]]),
                wall,
            )
        return
    top = height + rise * half[1]
    for s in (-1, 1):
        eave = np.array([x - half[0] - over, height - over * rise, z + s * (half[1] + over)])
        slope = np.array([0, top - height + over * rise, -s * (half[1] + over)])
        shell.quad(eave, (2 * (half[0] + over), 0, 0), slope, tiles)
        end = x + s * half[0]
        shell.triangle(
            np.array([[end, height, z - half[1]], [end, height, z + half[1]], [end, top, z]]), wall
        )
