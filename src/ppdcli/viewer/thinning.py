"""Which points of a large cloud a page shows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

MOST_POINTS = 1_000_000
"""Points that a page shows: they load in seconds, and a phone can turn them."""

ROUNDS = 8  # of the search for a size of cells
CLOSE = 0.95  # of the limit is near enough
MOST_CELLS = 8  # times the limit
MULTIPLIERS = (73856093, 19349663, 83492791)  # of Teschner's spatial hash


def thinned_in_view(points: np.ndarray, most: int) -> tuple[np.ndarray, float]:
    """One point in each cell of a grid over the camera's picture: the first one.

    Of the points of a photo's pixels this is every so many-th pixel along rows and columns.

    Args:
        points: (N, 3) in OpenCV axes, with z > 0.
        most: points that may remain, > 0.

    Returns:
        The indices of the points that remain, in order, and the side of a cell as x/z, 0 if all do.
    """
    if len(points) <= most:
        return np.arange(len(points)), 0.0
    at = points[:, :2] / points[:, 2:]
    at -= at.min(axis=0)
    extent = np.maximum(at.max(axis=0), 1e-9)
    side = float(np.sqrt(extent[0] * extent[1] / most))

    def kept_at(side: float) -> np.ndarray | None:
        columns, rows = (int(size / side) + 1 for size in extent)
        if columns * rows > MOST_CELLS * most:
            return None
        cells = (at[:, 1] / side).astype(np.int64) * columns + (at[:, 0] / side).astype(np.int64)
        first = np.full(columns * rows, -1, np.int64)
        first[cells[::-1]] = np.arange(len(points) - 1, -1, -1)  # the last assignment stays
        return np.sort(first[first >= 0])

    return _finest(kept_at, side, len(points), most)


def thinned_in_space(points: np.ndarray, most: int) -> tuple[np.ndarray, float]:
    """One point in each cell of a grid in space: the first one.

    Args:
        points: (N, 3).
        most: points that may remain, > 0.

    Returns:
        The indices of the points that remain, in order, and the side of a cell, 0 if all do.
    """
    if len(points) <= most:
        return np.arange(len(points)), 0.0
    from_corner = points.astype(np.float64) - points.min(axis=0)
    side = max(float(from_corner.max()), 1e-9) / np.sqrt(most)

    def kept_at(side: float) -> np.ndarray:
        # Two cells of one number lose a point, which does not matter.
        cells = (from_corner / side).astype(np.int64) * np.array(MULTIPLIERS)
        number = cells[:, 0] ^ cells[:, 1] ^ cells[:, 2]
        return np.sort(np.unique(number, return_index=True)[1])

    return _finest(kept_at, side, len(points), most)


def _finest(
    kept_at: Callable[[float], np.ndarray | None], side: float, count: int, most: int
) -> tuple[np.ndarray, float]:
    """The points that remain with the smallest cells that the limit allows, and their side.

    Args:
        kept_at: the indices that cells of this side keep; None if there would be too many cells.
        side: to begin with.
        count: points in all.
        most: points that may remain.
    """
    best: tuple[np.ndarray, float] | None = None
    for _ in range(ROUNDS):
        kept = kept_at(side)
        if kept is None:
            break
        if len(kept) <= most and (best is None or len(kept) > len(best[0])):
            best = kept, side
        if CLOSE * most <= len(kept) <= most:
            break
        side *= float(np.sqrt(len(kept) / (0.98 * most)))
    return (_spread(count, most), side) if best is None else best


def _spread(count: int, most: int) -> np.ndarray:
    """Every so many-th index, where no grid fits."""
    return np.arange(most) * count // most
