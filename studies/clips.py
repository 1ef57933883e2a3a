"""Rendered clips for the studies: old scenes and furnished places in turn."""

from __future__ import annotations

from collections.abc import Iterator

from ppdcli.evaluation.furnished import open_furniture
from ppdcli.evaluation.synthetic import BANK
from ppdcli.scenes.furnished.series import Furnished
from ppdcli.scenes.furnished.stage import furnished_stage
from ppdcli.scenes.primitives.stage import primitive_stage
from ppdcli.scenes.sequences import Clip, film_walk, take_views

SEED = 20_021  # training and the other benchmarks use other seeds
LEAST_SURFACE = 0.6  # of the pixels: clips of little but sky say little


def films(count: int, frames: int, shape: tuple[int, int]) -> Iterator[tuple[str, Clip]]:
    """Yields ``count`` films by name; 0, 1 or 2 things move in them.

    Args:
        count: Number of films.
        frames: Frames of each.
        shape: (height, width).
    """
    maker = Furnished(open_furniture(None), held_out=True)
    found = number = 0
    while found < count:
        things = found // 2 % 3
        if found % 2:
            name, key = f"furnished {number}", (SEED + 1, number)
            stage = furnished_stage(maker, *key, shape, things)
            clip = film_walk(stage, frames, shape, key)
        else:
            name, key = f"simple {number}", (SEED, number)
            clip = film_walk(primitive_stage(*key, BANK, things), frames, shape, key)
        number += 1
        if clip.valid.mean() >= LEAST_SURFACE:
            found += 1
            yield f"{name}, {things} moving", clip


def worlds(count: int, views: int, shape: tuple[int, int]) -> Iterator[tuple[str, Clip]]:
    """Yields ``views`` posed views of each of ``count`` scenes in which nothing moves.

    Args:
        count: Number of scenes.
        views: Views of each.
        shape: (height, width).
    """
    maker = Furnished(open_furniture(None), held_out=True)
    found = number = 0
    while found < count:
        if found % 2:
            name, key = f"furnished {number}", (SEED + 1, number)
            clip = take_views(furnished_stage(maker, *key, shape, 0), views, shape, key)
        else:
            name, key = f"simple {number}", (SEED, number)
            clip = take_views(primitive_stage(*key, BANK, 0), views, shape, key)
        number += 1
        if clip.valid.mean() >= LEAST_SURFACE:
            found += 1
            yield name, clip
