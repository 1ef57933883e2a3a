"""Rendered clips for the studies: old scenes and furnished places in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ppdcli.evaluation.furnished import open_furniture
from ppdcli.evaluation.synthetic import BANK
from ppdcli.scenes.furnished.series import Furnished
from ppdcli.scenes.furnished.stage import furnished_stage
from ppdcli.scenes.primitives.stage import primitive_stage
from ppdcli.scenes.sequences import Clip, Stage, film_walk, take_views

SEED = 20_021  # training and the other benchmarks use other seeds
MOVING = (0, 0, 1, 1, 2, 2)  # things in the films, over and over
LEAST_SURFACE = 0.6  # of the pixels: clips of little but sky say little


def films(count: int, frames: int, shape: tuple[int, int]) -> Iterator[tuple[str, Clip]]:
    """Yields ``count`` films by name; 0, 1 or 2 things move in them.

    Args:
        count: Number of films.
        frames: Frames of each.
        shape: (height, width).
    """
    return _clips(count, shape, MOVING, lambda stage, key: film_walk(stage, frames, shape, key))


def worlds(count: int, views: int, shape: tuple[int, int]) -> Iterator[tuple[str, Clip]]:
    """Yields ``views`` posed views of each of ``count`` scenes in which nothing moves.

    Args:
        count: Number of scenes.
        views: Views of each.
        shape: (height, width).
    """
    return _clips(count, shape, (0,), lambda stage, key: take_views(stage, views, shape, key))


def _clips(
    count: int,
    shape: tuple[int, int],
    moving: Sequence[int],
    take: Callable[[Stage, tuple[int, int]], Clip],
) -> Iterator[tuple[str, Clip]]:
    """Yields clips of the first scenes that show enough; ``moving`` are the things in each."""
    maker = Furnished(open_furniture(None), held_out=True)
    found = number = 0
    while found < count:
        things = moving[found % len(moving)]
        stage: Stage
        if found % 2:
            kind, key = "furnished", (SEED + 1, number)
            stage = furnished_stage(maker, *key, shape, things)
        else:
            kind, key = "simple", (SEED, number)
            stage = primitive_stage(*key, BANK, things)
        clip = take(stage, key)
        if clip.valid.mean() >= LEAST_SURFACE:
            found += 1
            yield f"{kind} {number}, {things} moving", clip
        number += 1
