"""Materials of walls, floors, roads and boards, as procedural colour pictures."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ppdcli.scenes.furnished.noise import GRAINS
from ppdcli.scenes.natural_textures import SIZE, natural_texture, noise, numbers_of

Rng = np.random.Generator
BANKS = 12  # sets of grey pictures; each series of scenes uses the next one
HELD_OUT_BANK = BANKS  # one more set, which training never uses
_COUNT = 66


@dataclass(frozen=True)
class Finish:
    """A material of shells.

    Attributes:
        color: RGB in [0, 1], sRGB; not used if there is a picture.
        picture: (SIZE, SIZE, 4) uint8, or None.
        period: Metres that the picture covers.
        gloss: Strength of the highlight, in [0, 1].
        grain: Index of the noise picture that varies the brightness; -1 for none.
        gain: Strength of this variation.
        glow: Emitted RGB light.
    """

    color: tuple[float, float, float]
    picture: np.ndarray | None = None
    period: float = 1.0
    gloss: float = 0.0
    grain: int = -1
    gain: float = 0.0
    glow: tuple[float, float, float] = (0.0, 0.0, 0.0)


@lru_cache(maxsize=2)
def _bank(number: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng([number, 71])
    return tuple(np.clip(natural_texture(rng, k), 0, 1) for k in range(_COUNT))


class Finishes:
    """Draws finishes by name."""

    def __init__(self, rng: Rng, bank: int = 0) -> None:
        self.rng, self._pictures = rng, _bank(bank)

    def draw(self, kind: str) -> Finish:
        """Returns a finish of a kind such as "plaster" or "brick"; see ``KINDS``."""
        return KINDS[kind](self)

    def any_of(self, *kinds: str) -> Finish:
        """Returns a finish of one of several kinds."""
        return self.draw(str(self.rng.choice(kinds)))

    def color(self, hue: tuple[float, float], saturation: tuple[float, float],
              value: tuple[float, float]) -> np.ndarray:  # fmt: skip
        """Draws RGB in [0, 1] from ranges of hue, saturation and value."""
        h, s, v = (self.rng.uniform(*of) for of in (hue, saturation, value))
        return np.array(colorsys.hsv_to_rgb(h % 1, s, v))

    def grey(self, *names: str) -> np.ndarray:
        """Draws a (SIZE, SIZE) picture in [0, 1] of one of several kinds, randomly shifted."""
        numbers = numbers_of(names, 0, _COUNT)
        picture = self._pictures[int(self.rng.choice(numbers))]
        return np.roll(picture, tuple(self.rng.integers(0, SIZE, 2)), (0, 1))

    def finish(self, a: np.ndarray, b: np.ndarray, mix: np.ndarray, period: float,
               gloss: float = 0.0, gain: float = 0.3) -> Finish:  # fmt: skip
        """Returns two colours mixed by a grey picture that covers ``period`` metres."""
        color = a + (b - a) * mix[..., None]
        return self.picture(color, period, gloss, gain)

    def picture(self, color: np.ndarray, period: float, gloss: float = 0.0,
                gain: float = 0.3) -> Finish:  # fmt: skip
        """Returns a finish with a colour picture (SIZE, SIZE, 3) in [0, 1]."""
        rgb = (np.clip(color, 0, 1) * 255 + 0.5).astype(np.uint8)
        full = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
        grain = 1 + int(self.rng.integers(GRAINS))
        mean = tuple(float(x) for x in color.reshape(-1, 3).mean(0))
        return Finish((mean[0], mean[1], mean[2]), full, period, gloss, grain, gain)

    def plain(self, color: np.ndarray, gloss: float = 0.0, gain: float = 0.15) -> Finish:
        """Returns a finish of one colour with a little grain."""
        grain = 1 + int(self.rng.integers(GRAINS))
        rgb = (float(color[0]), float(color[1]), float(color[2]))
        return Finish(rgb, None, 1.0, gloss, grain, gain)


def _plaster(f: Finishes) -> Finish:
    if f.rng.random() < 0.65:
        color = f.color((0.05, 0.2), (0.0, 0.18), (0.7, 0.97))
    else:
        color = f.color((0.0, 1.0), (0.05, 0.32), (0.4, 0.9))
    return f.plain(color, 0.0, f.rng.uniform(0.02, 0.2))


def _wallpaper(f: Finishes) -> Finish:
    a = f.color((0, 1), (0.0, 0.3), (0.5, 0.95))
    b = np.clip(a * f.rng.uniform(0.6, 1.2, 3), 0, 1)
    kind = f.rng.random()
    if kind < 0.4:
        n = int(f.rng.choice([4, 8, 16]))
        x = np.arange(SIZE) * n // SIZE % 2
        mix = np.broadcast_to(x[None].astype(float), (SIZE, SIZE))
    else:
        mix = f.grey("cells", "foliage", "warped", "ridged")
    return f.finish(a, a + (b - a) * 0.7, mix, f.rng.uniform(0.5, 1.5), 0.0, 0.1)


def _wood_color(f: Finishes) -> np.ndarray:
    return f.color((0.04, 0.11), (0.2, 0.7), (0.2, 0.8))


def _wood(f: Finishes) -> Finish:
    a = _wood_color(f)
    mix = f.grey("streaks")
    return f.finish(a * 0.6, a, mix, f.rng.uniform(0.6, 1.5), f.rng.uniform(0, 0.4), 0.3)


def _planks(f: Finishes) -> Finish:
    a = _wood_color(f)
    return f.finish(
        a * 0.35, a, f.grey("planks"), f.rng.uniform(0.8, 1.6), f.rng.uniform(0, 0.4), 0.3
    )


def _tiles(f: Finishes) -> Finish:
    if f.rng.random() < 0.6:
        a = f.color((0, 1), (0.0, 0.15), (0.5, 0.97))
    else:
        a = f.color((0, 1), (0.1, 0.5), (0.3, 0.9))
    b = f.color((0.05, 0.6), (0, 0.1), (0.3, 0.9))
    n = int(f.rng.choice([2, 4, 4]))
    y, x = np.mgrid[:SIZE, :SIZE] * n / SIZE
    gap = (y % 1 < 0.03) | (x % 1 < 0.03)
    tone = f.rng.uniform(0.85, 1.05, (n, n))[y.astype(int), x.astype(int)]
    speckle = 1 + f.rng.uniform(0, 0.3) * (f.grey("mottled", "warped") - 0.5)
    color = np.where(gap[..., None], b * 0.8, a * (tone * speckle)[..., None])
    return f.picture(color, n * f.rng.choice([0.15, 0.3, 0.45]), f.rng.uniform(0.1, 0.6), 0.1)


def _carpet(f: Finishes) -> Finish:
    a = f.color((0, 1), (0.0, 0.35), (0.2, 0.75))
    return f.finish(a * 0.8, a, noise(f.rng, 0.3), 0.4, 0.0, 0.35)


def _rug(f: Finishes) -> Finish:
    a, b = (f.color((0, 1), (0.2, 0.8), (0.2, 0.9)) for _ in range(2))
    return f.finish(
        a, b, f.grey("woven", "cells", "warped", "tiles"), f.rng.uniform(0.5, 2), 0, 0.3
    )


def _concrete(f: Finishes) -> Finish:
    a = f.color((0.05, 0.15), (0.0, 0.12), (0.4, 0.8))
    return f.finish(a * 0.75, a, f.grey("mottled", "warped"), f.rng.uniform(1, 3), 0.0, 0.4)


def _brick(f: Finishes) -> Finish:
    rows = 8
    columns = 4
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    row = np.floor(y * rows).astype(int)
    along = x * columns + 0.5 * (row % 2)
    gap = ((y * rows) % 1 < 0.12) | (along % 1 < 0.06)
    tone = f.rng.uniform(0.65, 1.1, (rows, columns))[row, along.astype(int) % columns]
    if f.rng.random() < 0.7:
        a = f.color((0.0, 0.07), (0.35, 0.7), (0.35, 0.75))
    else:
        a = f.color((0.05, 0.15), (0.0, 0.3), (0.4, 0.9))
    joint = f.color((0.05, 0.15), (0, 0.15), (0.5, 0.8))
    rough = 1 + 0.4 * (noise(f.rng, 0.8) - 0.5)
    color = np.where(gap[..., None], joint, a * (tone * rough)[..., None])
    return f.picture(color, f.rng.uniform(0.8, 1.1), 0.0, 0.35)


def _asphalt(f: Finishes) -> Finish:
    a = f.color((0.55, 0.7), (0.0, 0.08), (0.25, 0.55))
    return f.finish(a * 0.8, a * 1.1, noise(f.rng, 0.4), f.rng.uniform(0.8, 1.6), 0.05, 0.5)


def _grass(f: Finishes) -> Finish:
    a = f.color((0.17, 0.3), (0.3, 0.65), (0.25, 0.6))
    b = f.color((0.12, 0.25), (0.25, 0.6), (0.15, 0.5))
    mix = 0.6 * noise(f.rng, 0.4) + 0.4 * f.grey("foliage", "mottled")
    return f.finish(a, b, mix, f.rng.uniform(1, 2.5), 0.0, 0.7)


def _soil(f: Finishes) -> Finish:
    a = f.color((0.05, 0.12), (0.15, 0.5), (0.3, 0.65))
    return f.finish(a * 0.6, a, f.grey("mottled", "ridged"), f.rng.uniform(0.8, 2), 0.0, 0.5)


def _gravel(f: Finishes) -> Finish:
    a = f.color((0.05, 0.15), (0.0, 0.25), (0.5, 0.85))
    return f.finish(a * 0.45, a, f.grey("cells"), f.rng.uniform(0.4, 0.8), 0.0, 0.3)


def _paving(f: Finishes) -> Finish:
    a = f.color((0.03, 0.15), (0.0, 0.25), (0.4, 0.8))
    if f.rng.random() < 0.5:
        return f.finish(a * 0.6, a, f.grey("tiles", "cells"), f.rng.uniform(1.2, 2.4), 0.0, 0.4)
    finish = _brick(f)
    picture = finish.picture
    assert picture is not None
    grey = picture[..., :3].mean(-1) / 255
    return f.finish(a * 0.4, a * 1.2, grey, f.rng.uniform(0.8, 1.6), 0.0, 0.4)


def _metal(f: Finishes) -> Finish:
    a = f.color((0.5, 0.7), (0.0, 0.15), (0.25, 0.85))
    return f.plain(a, f.rng.uniform(0.3, 0.8), 0.2)


def _painted(f: Finishes) -> Finish:
    return f.plain(f.color((0, 1), (0.0, 0.7), (0.2, 0.95)), f.rng.uniform(0, 0.5), 0.1)


def _fabric(f: Finishes) -> Finish:
    a = f.color((0, 1), (0.0, 0.7), (0.2, 0.95))
    b = np.clip(a * f.rng.uniform(0.5, 1.3), 0, 1)
    return f.finish(a, b, f.grey("woven", "streaks", "cells"), f.rng.uniform(0.15, 0.6), 0.0, 0.2)


def _roof(f: Finishes) -> Finish:
    a = f.color((0.0, 0.07), (0.1, 0.6), (0.25, 0.6))
    y = np.mgrid[:SIZE, :SIZE][0] * 8 / SIZE % 1
    x = np.mgrid[:SIZE, :SIZE][1] * 8 / SIZE % 1
    mix = np.clip(0.4 + 0.6 * y - 0.5 * (x < 0.08), 0, 1)
    return f.finish(a * 0.4, a, mix, f.rng.uniform(1.6, 2.4), 0.0, 0.4)


def _art(f: Finishes) -> Finish:
    """A picture on a wall: patches of two or three colours."""
    a, b, c = (f.color((0, 1), (0.1, 0.9), (0.1, 0.95)) for _ in range(3))
    first = cv2.GaussianBlur(f.grey("warped", "foliage", "print", "waves", "ridged"), (0, 0), 1)
    second = noise(f.rng, 1.8)
    color = a + (b - a) * first[..., None]
    color = color + (c - color) * (second[..., None] > 0.6)
    return f.picture(color, 1.0, 0.1, 0.1)


def _paper(f: Finishes) -> Finish:
    a = f.color((0.1, 0.2), (0.0, 0.1), (0.85, 0.99))
    return f.finish(a * 0.15, a, f.grey("print"), 0.3, 0.0, 0.05)


KINDS: dict[str, Callable[[Finishes], Finish]] = {
    "plaster": _plaster, "wallpaper": _wallpaper, "wood": _wood, "planks": _planks,
    "tiles": _tiles, "carpet": _carpet, "rug": _rug, "concrete": _concrete, "brick": _brick,
    "asphalt": _asphalt, "grass": _grass, "soil": _soil, "gravel": _gravel, "paving": _paving,
    "metal": _metal, "painted": _painted, "fabric": _fabric, "roof": _roof, "art": _art,
    "paper": _paper,
}  # fmt: skip
