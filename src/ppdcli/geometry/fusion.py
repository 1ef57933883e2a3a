"""Fuses points of many photos into one point for each cell of a grid, in bounded memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppdcli.errors import UsageError
from ppdcli.geometry.compiled import compiled

MOST_CELLS = 12_000_000
FIRST_SLOTS = 1 << 16
CHUNK = 1 << 20  # cells
FULLEST = 0.72  # share of the slots of the table that may be taken
SIDE_BITS = 21
HALF = 1 << (SIDE_BITS - 1)  # cells from zero to each side
EMPTY = -1
MIXER = 0x7FB5D329728EA185  # odd, with bits of all orders
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
            most: cells at most. 12 million take 0.9 GB, and twice that while the table grows.
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
        start = 0
        while True:
            limit = min(int(FULLEST * self._keys.size), self._most)
            start, self._taken = _add_points(
                self._keys,
                self._sums,
                self._taken,
                limit,
                self.voxel,
                (points, colors, normals, weight),
                start,
            )
            if start == len(points):
                return
            if limit < self._most:
                self._rebuild(2 * self._keys.size, coarser=False)
            else:
                self._coarsen()

    def result(self) -> Fused:
        """The fused points."""
        places = np.flatnonzero(self._keys != EMPTY)
        places = places[np.argsort(self._keys[places], kind="stable")]
        count = len(places)
        points, normals = np.empty((count, 3), np.float32), np.empty((count, 3), np.float32)
        colors, counts = np.empty((count, 3), np.uint8), np.empty(count, np.int32)
        for start in range(0, count, CHUNK):
            part = slice(start, start + CHUNK)
            sums, cells = self._sums[places[part]], _cells_of(self._keys[places[part]])
            weight = sums[:, WEIGHT, None]
            points[part] = (cells + sums[:, PLACE:COLOR] / weight) * self.voxel
            colors[part] = np.clip(np.rint(sums[:, COLOR:NORMAL] / weight), 0, 255)
            mean = sums[:, NORMAL:WEIGHT] / weight
            length = np.linalg.norm(mean, axis=1, keepdims=True)
            normals[part] = np.where(length > PARALLEL, mean / np.maximum(length, PARALLEL), 0)
            counts[part] = sums[:, COUNT]
        return Fused(points, colors, normals, counts)

    def _coarsen(self) -> None:
        if self._fixed:
            raise UsageError(
                f"voxels of {self.voxel:g} are too small for this scene, which would have more "
                f"than {self._most:,} of them; give larger ones"
            )
        self.voxel *= 2
        self._rebuild(self._keys.size, coarser=True)

    def _rebuild(self, slots: int, coarser: bool) -> None:
        """Moves everything into a new table, whose cells may have twice the side."""
        keys, sums = self._keys, self._sums
        self._keys = np.full(slots, EMPTY, np.int64)
        self._sums = np.zeros((slots, SUMS), np.float32)
        self._taken = _add_sums(self._keys, self._sums, keys, sums, coarser)


def _cells_of(keys: np.ndarray) -> np.ndarray:
    mask = (1 << SIDE_BITS) - 1
    parts = (keys >> 2 * SIDE_BITS, (keys >> SIDE_BITS) & mask, keys & mask)
    return np.column_stack(parts) - HALF


@compiled
def _slot_of(table: np.ndarray, key: int) -> int:
    """The slot of a key in a table of which a part is empty; else the empty slot that it gets."""
    mask = table.size - 1
    mixed = (key ^ (key >> 31)) * MIXER
    slot = (mixed ^ (mixed >> 27)) & mask
    while table[slot] not in (key, EMPTY):
        slot = (slot + 1) & mask
    return slot


@compiled
def _add_points(
    table: np.ndarray,
    sums: np.ndarray,
    taken: int,
    limit: int,
    voxel: float,
    given: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    start: int,
) -> tuple[int, int]:
    """Adds points to their cells, from ``start`` on.

    Args:
        table, sums: the keys of the slots, and what is added up in them.
        taken: number of slots that are taken.
        limit: of these.
        voxel: side of a cell.
        given: points, colours, normals and weights.
        start: index of the first point.

    Returns:
        The index of the first point that has no room, or the number of points; and how many slots
        are taken now.
    """
    points, colors, normals, weights = given
    for k in range(start, len(points)):
        x, y, z = points[k, 0] / voxel, points[k, 1] / voxel, points[k, 2] / voxel
        i, j, h = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
        key = ((i + HALF) << 2 * SIDE_BITS) | ((j + HALF) << SIDE_BITS) | (h + HALF)
        slot = _slot_of(table, key)
        if table[slot] == EMPTY:
            if taken >= limit:
                return k, taken
            table[slot] = key
            taken += 1
        weight = weights[k]
        sums[slot, 0] += weight * (x - i)
        sums[slot, 1] += weight * (y - j)
        sums[slot, 2] += weight * (z - h)
        for c in range(3):
            sums[slot, COLOR + c] += weight * colors[k, c]
            sums[slot, NORMAL + c] += weight * normals[k, c]
        sums[slot, WEIGHT] += weight
        sums[slot, COUNT] += 1
    return len(points), taken


@compiled
def _add_sums(
    table: np.ndarray, sums: np.ndarray, keys: np.ndarray, added: np.ndarray, coarser: bool
) -> int:
    """Adds the sums of another table to an empty one with room for all.

    Args:
        table, sums: the keys of the slots, and what is added up in them.
        keys, added: those of the other table.
        coarser: the cells of ``table`` have twice the side.

    Returns:
        How many slots are taken.
    """
    taken = 0
    mask = (1 << SIDE_BITS) - 1
    for k in range(keys.size):
        key = keys[k]
        if key == EMPTY:
            continue
        x, y, z = key >> 2 * SIDE_BITS, (key >> SIDE_BITS) & mask, key & mask
        if coarser:  # zero stays in its place, since HALF is even
            key = (((x + HALF) >> 1) << 2 * SIDE_BITS) | (((y + HALF) >> 1) << SIDE_BITS)
            key |= (z + HALF) >> 1
        slot = _slot_of(table, key)
        if table[slot] == EMPTY:
            table[slot] = key
            taken += 1
        if coarser:
            weight = added[k, WEIGHT]
            sums[slot, 0] += (added[k, 0] + weight * (x & 1)) / 2
            sums[slot, 1] += (added[k, 1] + weight * (y & 1)) / 2
            sums[slot, 2] += (added[k, 2] + weight * (z & 1)) / 2
        for c in range(COLOR if coarser else 0, SUMS):
            sums[slot, c] += added[k, c]
    return taken
