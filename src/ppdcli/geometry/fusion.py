"""Fuses points of many photos into one point for each cell of a grid, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppdcli.errors import UsageError
from ppdcli.geometry.compiled import compiled

MOST_CELLS = 12_000_000
FIRST_SLOTS = 1 << 16
FULLEST = 0.72  # share of the slots of the table that may be taken
SIDE_BITS = 21
HALF = 1 << (SIDE_BITS - 1)  # cells from zero to each side
EMPTY = -1
# Sums of a cell: place in the cell, colour, normal, weight, number of points.
PLACE, COLOR, NORMAL, WEIGHT, COUNT, SUMS = 0, 3, 6, 9, 10, 11
PARALLEL = 1e-6  # length of a mean normal that has no direction


@dataclass(frozen=True, eq=False)
class Fused:
    """Fused points, ordered by their cells.

    Attributes:
        points: (M, 3) float32, weighted means.
        colors: (M, 3) uint8, weighted means.
        normals: (M, 3) float32 of unit length, or zero where those of a cell cancel out.
        count: (M,) int32: points that were fused into each.
    """

    points: np.ndarray
    colors: np.ndarray
    normals: np.ndarray
    count: np.ndarray


class VoxelFusion:
    """A grid through the origin that sums up points.

    Attributes:
        voxel: side of a cell. It is doubled when there are too many cells, unless it is fixed.
    """

    def __init__(self, voxel: float, most: int = MOST_CELLS, fixed: bool = False) -> None:
        """Starts with no points.

        Args:
            voxel: side of a cell, in the unit of the points, > 0.
            most: cells at most; each takes 44 bytes, and a table up to three times as much.
            fixed: too many cells are an error.
        """
        self.voxel = voxel
        self._most, self._fixed = most, fixed
        self._keys = np.full(FIRST_SLOTS, EMPTY, np.int64)
        self._sums = np.zeros((FIRST_SLOTS, SUMS), np.float32)
        self._taken = 0

    def __len__(self) -> int:
        return self._taken

    def add(
        self, points: np.ndarray, colors: np.ndarray, normals: np.ndarray, weight: np.ndarray
    ) -> None:
        """Adds points.

        Args:
            points: (N, 3) finite.
            colors: (N, 3) uint8.
            normals: (N, 3).
            weight: (N,), > 0.

        Raises:
            UsageError: the side of the cells is fixed, and there are too many of them.
        """
        while True:
            cells = np.floor(points / self.voxel)
            if len(cells) == 0 or np.abs(cells).max() < HALF - 1:
                break
            self._coarsen()
        values = np.empty((len(points), SUMS), np.float32)
        values[:, PLACE:COLOR] = points / self.voxel - cells
        values[:, COLOR:NORMAL] = colors
        values[:, NORMAL:WEIGHT] = normals
        values[:, WEIGHT], values[:, COUNT] = weight, 1
        values[:, :WEIGHT] *= values[:, WEIGHT, None]
        self._insert(_keys_of(cells.astype(np.int64)), values)

    def result(self) -> Fused:
        """The fused points."""
        places = np.flatnonzero(self._keys != EMPTY)
        places = places[np.argsort(self._keys[places], kind="stable")]
        sums, cells = self._sums[places], _cells_of(self._keys[places])
        weight = sums[:, WEIGHT, None]
        points = (cells + sums[:, PLACE:COLOR] / weight) * self.voxel
        colors = np.clip(np.rint(sums[:, COLOR:NORMAL] / weight), 0, 255)
        normals = sums[:, NORMAL:WEIGHT] / weight
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        normals = np.where(length > PARALLEL, normals / np.maximum(length, PARALLEL), 0)
        return Fused(
            points.astype(np.float32),
            colors.astype(np.uint8),
            normals.astype(np.float32),
            sums[:, COUNT].astype(np.int32),
        )

    def _insert(self, keys: np.ndarray, values: np.ndarray) -> None:
        start = 0
        while True:
            limit = min(int(FULLEST * self._keys.size), self._most)
            start, self._taken = _add(
                self._keys, self._sums, self._taken, limit, keys, values, start
            )
            if start == len(keys):
                return
            if limit < self._most:
                self._rebuild(2 * self._keys.size, self._keys, self._sums)
                continue
            # The rest still has the keys of the finer grid.
            self._coarsen()
            left = slice(start, None)
            keys, values, start = *_coarser(keys[left], values[left]), 0

    def _coarsen(self) -> None:
        if self._fixed:
            raise UsageError(
                f"voxels of {self.voxel:g} are too small for this scene, which would have more "
                f"than {self._most:,} of them; give larger ones"
            )
        self.voxel *= 2
        places = np.flatnonzero(self._keys != EMPTY)
        self._rebuild(self._keys.size, *_coarser(self._keys[places], self._sums[places]))

    def _rebuild(self, slots: int, keys: np.ndarray, sums: np.ndarray) -> None:
        """Makes a new table of those entries whose key is not empty."""
        self._keys = np.full(slots, EMPTY, np.int64)
        self._sums = np.zeros((slots, SUMS), np.float32)
        _, self._taken = _add(self._keys, self._sums, 0, slots, keys, sums, 0)


def _keys_of(cells: np.ndarray) -> np.ndarray:
    x, y, z = (cells + HALF).T
    return np.asarray((x << 2 * SIDE_BITS) | (y << SIDE_BITS) | z)


def _cells_of(keys: np.ndarray) -> np.ndarray:
    mask = (1 << SIDE_BITS) - 1
    parts = (keys >> 2 * SIDE_BITS, (keys >> SIDE_BITS) & mask, keys & mask)
    return np.column_stack(parts) - HALF


def _coarser(keys: np.ndarray, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keys and sums of the cells of twice the side that hold the old ones."""
    cells = _cells_of(keys)
    larger = cells >> 1
    sums = sums.copy()
    inside = (cells - 2 * larger) * sums[:, WEIGHT, None]
    sums[:, PLACE:COLOR] = (sums[:, PLACE:COLOR] + inside) / 2
    return _keys_of(larger), sums


@compiled
def _add(
    table: np.ndarray,
    sums: np.ndarray,
    taken: int,
    limit: int,
    keys: np.ndarray,
    values: np.ndarray,
    start: int,
) -> tuple[int, int]:
    """Adds values to the cells of their keys, from ``start`` on; empty keys are passed over.

    Returns:
        The index of the first value that has no room, or the number of values; and how many slots
        are taken now.
    """
    mask = table.size - 1
    for k in range(start, keys.size):
        key = keys[k]
        if key == EMPTY:
            continue
        mixed = (key ^ (key >> 31)) * 0x7FB5D329728EA185
        slot = (mixed ^ (mixed >> 27)) & mask
        while table[slot] != key:
            if table[slot] == EMPTY:
                if taken >= limit:
                    return k, taken
                table[slot] = key
                taken += 1
                break
            slot = (slot + 1) & mask
        for c in range(values.shape[1]):
            sums[slot, c] += values[k, c]
    return keys.size, taken
