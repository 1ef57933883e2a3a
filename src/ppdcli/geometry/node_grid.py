"""Linear interpolation in a grid of nodes with several axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def corners(
    places: Sequence[np.ndarray], shape: tuple[int, ...]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The nodes around each place.

    Args:
        places: for each axis (N,) float, in nodes from 0; clipped to the grid.
        shape: how many nodes each axis has.

    Returns:
        For each corner of a cell, (N,) indices of the flat grid and (N,) linear shares. The shares
        of all corners add up to 1. An axis with one node has no second corner.
    """
    lower, beyond = [], []
    for place, size in zip(places, shape, strict=True):
        inside = np.clip(place, 0, size - 1)
        first = np.minimum(inside.astype(np.intp), max(size - 2, 0))
        lower.append(first)
        beyond.append(inside - first)
    found = []
    for corner in np.ndindex(*(min(size, 2) for size in shape)):
        index = np.ravel_multi_index(
            tuple(first + step for first, step in zip(lower, corner, strict=True)), shape
        )
        share = np.ones(len(index))
        for part, step in zip(beyond, corner, strict=True):
            share *= part if step else 1 - part
        found.append((index, share))
    return found
