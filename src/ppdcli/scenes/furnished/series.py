"""Pictures of furnished places, with exact depth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ppdcli.scenes.film import develop
from ppdcli.scenes.furnished.camera import Camera, take
from ppdcli.scenes.furnished.finishes import BANKS, HELD_OUT_BANK
from ppdcli.scenes.furnished.models.library import Library
from ppdcli.scenes.furnished.places.gardens import garden, meadow, square
from ppdcli.scenes.furnished.places.kinds import ModelsByKind
from ppdcli.scenes.furnished.places.rooms import room
from ppdcli.scenes.furnished.places.site import Place, Site
from ppdcli.scenes.furnished.places.streets import street
from ppdcli.scenes.furnished.places.tabletops import tabletop
from ppdcli.scenes.furnished.scene import Store
from ppdcli.scenes.lens import Focus, bloom, refocus
from ppdcli.scenes.samples import Samples
from ppdcli.scenes.wear import wear

VIEWS = 6  # pictures of one place
_TRIES = 4  # cameras to try for each picture
_PLACES: dict[Callable[[Site], Place], float] = {
    room: 0.38,
    tabletop: 0.2,
    street: 0.23,
    garden: 0.07,
    meadow: 0.04,
    square: 0.08,
}
_EDGES = 0.05  # wanted share of neighbours with different depths in a small picture
_WIDE = 2.0  # pictures of a larger aspect are panoramas


class Furnished:
    """Takes series of pictures of places that are furnished from one part of a library."""

    def __init__(self, library: Library, held_out: bool = False) -> None:
        self._store = Store(library)
        self._models = ModelsByKind(library, held_out)
        self._held_out = held_out

    def samples(self, seed: int, first: int, count: int, shape: tuple[int, int]) -> Samples:
        """Returns pictures ``first`` to ``first + count - 1`` of the endless series ``seed``.

        Each place gives VIEWS pictures. Equal arguments give equal pictures.

        Args:
            seed, first: The series, and the number of its first picture.
            count: Number of pictures.
            shape: (height, width).
        """
        rgb = np.empty((count, *shape, 3), np.uint8)
        depth = np.empty((count, *shape), np.float32)
        place: Place | None = None
        for k in range(count):
            number, view = divmod(first + k, VIEWS)
            if place is None or view == 0:
                place = self.arrange(seed, number)
            rgb[k], depth[k], _ = self._picture(place, (seed, number, view), shape)
        return Samples(rgb, depth)

    def picture(
        self, seed: int, number: int, shape: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Returns the first picture of place ``number`` of the series ``seed``.

        Args:
            seed, number: The series, and the place in it.
            shape: (height, width).

        Returns:
            (H, W, 3) uint8; (H, W) float32 metres; the focal length in pixels.
        """
        return self._picture(self.arrange(seed, number), (seed, number, 0), shape)

    def arrange(self, seed: int, number: int) -> Place:
        """Builds place ``number`` of the series ``seed``."""
        bank = HELD_OUT_BANK if self._held_out else seed % BANKS
        for attempt in range(4):
            rng = np.random.default_rng([seed, number, attempt])
            kinds, often = list(_PLACES), list(_PLACES.values())
            kind = kinds[rng.choice(len(kinds), p=often)]
            place = kind(Site(self._store, self._models, rng, bank))
            if place.site.placements:
                break
        return place

    def _picture(
        self, place: Place, key: tuple[int, int, int], shape: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray, float]:
        chosen, dice = camera_for(place, key, shape)
        light, depth = take(place.scene, chosen, *shape, place.hard)
        return _photo(light, depth, dice), depth, chosen.focal(*shape)


def camera_for(
    place: Place, key: tuple[int, int, int], shape: tuple[int, int]
) -> tuple[Camera, np.random.Generator]:
    """Draws cameras until one takes a good picture.

    Args:
        place: The place.
        key: Seed, number of the place, and number of the picture.
        shape: (height, width) of the picture.

    Returns:
        The first good camera, or the best of a few; the generator that drew it.
    """
    wide = max(shape) / min(shape) > _WIDE
    best = 0.0
    for attempt in range(_TRIES):
        rng = np.random.default_rng([*key, 9, attempt])
        camera = place.camera(rng, wide)
        # A small picture is enough to judge the position of the camera.
        small = (max(shape[0] // 6, 8), max(shape[1] // 6, 8))
        score = picture_quality(*take(place.scene, camera, *small))
        if attempt == 0 or score > best:
            best, chosen, dice = score, camera, rng
        if score >= 1:
            break
    return chosen, dice


def _photo(light: np.ndarray, depth: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turns light into a photo (H, W, 3) uint8, with the traces of lens, camera and age."""
    height, width = depth.shape
    sharp = float(depth[int(rng.integers(height // 3, height)), int(rng.integers(width))])
    if rng.random() < 0.12 and sharp < 3:  # a large lens, focused on something near
        light = refocus(light, depth, Focus(sharp, float(rng.uniform(0.002, 0.008))))
    if rng.random() < 0.3:
        light = bloom(light, float(rng.uniform(0.1, 0.6)))
    pixels = develop(light, rng)
    return wear(pixels, rng) if rng.random() < 0.5 else pixels


def picture_quality(light: np.ndarray, depth: np.ndarray) -> float:
    """Returns how good a picture is: 1 if it is not too near, empty or dull, less otherwise.

    An empty picture shows few edges between near and far.
    """
    near = float(np.quantile(depth, 0.03))
    span = float(np.subtract(*np.log1p(np.quantile(depth, (0.95, 0.05)))))
    grey = light.mean(-1)
    contrast = float(grey.std() / (grey.mean() + 1e-6))
    steps = np.abs(np.diff(np.log1p(depth), axis=1)) > 0.04
    score = min(near / 0.3, 1) * min(span / 0.2, 1) * min(contrast / 0.2, 1)
    score *= 0.3 + 0.7 * min(float(steps.mean()) / _EDGES, 1)
    return score * (0.5 if (depth > 70).mean() > 0.65 else 1.0)


def make_furnished(
    library: Library,
    seed: int,
    first: int,
    count: int,
    shape: tuple[int, int],
    held_out: bool = False,
) -> Samples:
    """Takes ``count`` pictures of furnished places. Equal arguments give equal pictures.

    Args:
        library: The models.
        seed, first: The series, and the number of its first picture.
        count: Number of pictures.
        shape: (height, width).
        held_out: Use only the models and textures that training never uses.
    """
    return Furnished(library, held_out).samples(seed, first, count, shape)
