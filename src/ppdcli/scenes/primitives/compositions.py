"""Composes scenes like photos: a nearly level camera at 1 to 2 m, ground below, sky or a ceiling
above, things standing on things; also close-ups, and a few random heaps of shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ppdcli.scenes.primitives.repertoire.aisle import aisle
from ppdcli.scenes.primitives.repertoire.benchmark.close_up import close_up, clutter
from ppdcli.scenes.primitives.repertoire.benchmark.park import park, yard
from ppdcli.scenes.primitives.repertoire.benchmark.room import room
from ppdcli.scenes.primitives.repertoire.benchmark.street import street
from ppdcli.scenes.primitives.repertoire.blossom import blossom
from ppdcli.scenes.primitives.repertoire.interior import home
from ppdcli.scenes.primitives.repertoire.landscapes import forest, mountains, shore
from ppdcli.scenes.primitives.repertoire.mood import set_mood
from ppdcli.scenes.primitives.repertoire.painter import Painter, Rng
from ppdcli.scenes.primitives.repertoire.portraits import portrait, wildlife
from ppdcli.scenes.primitives.repertoire.road import road
from ppdcli.scenes.primitives.repertoire.square import square, terrace
from ppdcli.scenes.primitives.repertoire.tabletop import tabletop
from ppdcli.scenes.primitives.shapes import CARD, Scene, Shape

CLEARANCE = 0.05  # metres around the camera without any shape
Family = Callable[[Rng, Painter], Scene]


@dataclass(frozen=True)
class Repertoire:
    """The families of scenes of a series, and its limits.

    Attributes:
        families: Kinds of composition and the share of each.
        textures: Number of textures that a bank needs.
        shapes: Largest number of shapes in a scene.
        varied: Whether camera, light and lens vary more, and pictures can show wear.
    """

    families: dict[Family, float]
    textures: int
    shapes: int
    varied: bool


# The scenes of the evaluation. A change here changes the benchmark.
BENCHMARK = Repertoire(
    {street: 0.22, room: 0.30, park: 0.16, close_up: 0.16, yard: 0.12, clutter: 0.04},
    textures=96,
    shapes=72,
    varied=False,
)
# The scenes of training.
TRAINING = Repertoire(
    {
        street: 0.07, room: 0.07, park: 0.04, close_up: 0.06, yard: 0.03, clutter: 0.02,
        home: 0.17, aisle: 0.05, tabletop: 0.05,
        portrait: 0.08, wildlife: 0.06, blossom: 0.04,
        road: 0.07, square: 0.07, terrace: 0.03,
        shore: 0.03, mountains: 0.03, forest: 0.03,
    },
    textures=160,
    shapes=260,
    varied=True,
)  # fmt: skip


def compose(seed: int, index: int, textures: int, repertoire: Repertoire = BENCHMARK) -> Scene:
    """Composes scene number ``index`` of the endless series ``seed``.

    Args:
        seed: The series; training and evaluation use different ones.
        index: Any non-negative number; the same pair gives the same scene.
        textures: Number of textures in the bank.
        repertoire: The families to draw from.

    Returns:
        A scene with at most ``repertoire.shapes`` shapes.
    """
    rng = np.random.default_rng([seed, index])
    painter = Painter(rng, textures)
    families, weights = list(repertoire.families), list(repertoire.families.values())
    scene = families[rng.choice(len(families), p=weights)](rng, painter)
    if repertoire.varied:
        set_mood(scene, rng)
    # From inside, a solid is invisible, and its contents would float in the air.
    eye = np.array([0.0, scene.height, 0.0])
    shapes = [s for s in scene.shapes if not _surrounds(s, eye)]
    if repertoire.varied:
        # The shapes that look smallest are removed, so that a wall keeps its windows.
        shapes.sort(key=lambda s: -float(s.half.max() / np.linalg.norm(s.center - eye)))
    else:
        shapes.sort(key=lambda s: float(np.linalg.norm(s.center)))
    scene.shapes = shapes[: repertoire.shapes]
    return scene


def _surrounds(shape: Shape, point: np.ndarray) -> bool:
    """Returns whether a point is in the box around a shape, or close to it."""
    half = shape.half * [1, 1, 0] if shape.kind == CARD else shape.half
    offset = shape.axes.T @ (point - shape.center)
    return bool((np.abs(offset) <= half + CLEARANCE).all())
