"""Masks of a photo's pixels on other grids."""

from __future__ import annotations

import numpy as np


def any_in_cell(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """(height, width) bool: where any pixel of a cell is True.

    Along an axis that grows, the nearest pixel counts.

    Args:
        mask: (h, w) bool.
        height, width: of the other grid, which covers the same view.
    """
    for axis, size in enumerate((height, width)):
        there = mask.shape[axis]
        if size < there:
            mask = np.logical_or.reduceat(mask, np.arange(size) * there // size, axis=axis)
        elif size > there:
            mask = mask.take(((np.arange(size) + 0.5) * there / size).astype(np.intp), axis=axis)
    return mask
