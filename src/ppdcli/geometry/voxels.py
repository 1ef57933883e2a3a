"""Thinning of a cloud to one point per cell of a grid."""

from __future__ import annotations

import numpy as np

from ppdcli.errors import UsageError


def voxel_groups(points: np.ndarray, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Groups points by the cell of a grid through the origin.

    Args:
        points: (N, 3), N > 0.
        size: Side of a cell, in the unit of the points.

    Returns:
        (N,) indices that sort the points by cell, and (M,) the start of each cell in that order.

    Raises:
        UsageError: The cells are too small to be numbered.
    """
    cells = np.floor(points.astype(np.float64) / size)
    cells -= cells.min(axis=0)
    counts = cells.max(axis=0) + 1
    if counts.prod() > 2**62:
        raise UsageError(f"voxels of {size:g} are too small for this cloud; give larger ones")
    keys = (cells[:, 0] * counts[1] + cells[:, 1]).astype(np.int64)
    keys = keys * int(counts[2]) + cells[:, 2].astype(np.int64)
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    return order, starts


def cell_means(values: np.ndarray, order: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Returns the means of (N, C) values over the groups of ``voxel_groups``: (M, C) float64."""
    sums = np.add.reduceat(values[order].astype(np.float64), starts, axis=0)
    sizes = np.diff(starts, append=len(order))
    return sums / sizes[:, None]
