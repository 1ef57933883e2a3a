"""Depth steps between the pixels of a coarse map, and the weight of the surfaces on each side.

A cell is the area between four pixels of the coarse map, its corners. The assignment of corners to
surfaces is made once per cell; then each of the many pixels of the larger map inside the cell only
has to weigh the surfaces. Arrays over the pixels of cells have the shape (rows of a cell, columns
of a cell, cells), so that many cells are adjacent in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

COLOR_SIGMA = 15.0  # distance of sRGB colours, 0..255 per channel, that still counts as similar
LEAST_LIKENESS = 0.01  # if no neighbour is similar to the pixel, the nearest decides

CHUNK_PIXELS = 1 << 16  # of the larger map at a time, so that intermediate values fit in the cache


class Axis(NamedTuple):
    """The positions of the pixels of one axis between those of a coarser one.

    Attributes:
        low, high: (cells,) coarse pixels on both sides of a cell; cell k lies between k-1 and k.
        start: (cells + 1,) the first pixel in each cell.
        weight: (size,) float32, position of each pixel from ``low`` to ``high``, 0 to 1.
    """

    low: np.ndarray
    high: np.ndarray
    start: np.ndarray
    weight: np.ndarray

    def pixels(self, cells: np.ndarray) -> np.ndarray:
        """Returns (most, N): the pixels in N cells, padded by repeating the last pixel."""
        first, last = self.start[cells], self.start[cells + 1] - 1
        most = int((last - first).max()) + 1
        return np.minimum(first + np.arange(most)[:, None], last)


def make_axis(coarse: int, size: int) -> Axis:
    """Returns the axis of ``size`` pixels over ``coarse`` ones, with half-pixel centres."""
    position = (np.arange(size) + 0.5) * (coarse / size) - 0.5
    floor = np.floor(position)
    cells = np.arange(coarse + 1)
    return Axis(
        low=np.maximum(cells - 1, 0),
        high=np.minimum(cells, coarse - 1),
        start=np.searchsorted(floor, np.arange(-1, coarse + 1)),
        weight=(position - floor).astype(np.float32),
    )


@dataclass(frozen=True)
class Cells:
    """N cells whose corners, sorted from near to far, form the same groups.

    Attributes:
        rows, columns: (N,) positions of the cells.
        corner: (4, N) corners from near to far, holes last. Bit 0 is set for the right corners,
            bit 1 for the lower ones.
        value: (4, N) float32, the depths of the corners.
        groups: The corners of each surface, from the nearest surface on; one or more.
        holes: The corners without depth.
    """

    rows: np.ndarray
    columns: np.ndarray
    corner: np.ndarray
    value: np.ndarray
    groups: tuple[range, ...]
    holes: range

    def parts(self, pixels: int, y: Axis, x: Axis) -> Iterator[Cells]:
        """Splits the cells into parts of about ``pixels`` pixels."""
        size = max(1, pixels // int(np.diff(y.start).max() * np.diff(x.start).max()))
        for start in range(0, len(self.rows), size):
            part = slice(start, start + size)
            yield Cells(
                self.rows[part],
                self.columns[part],
                self.corner[:, part],
                self.value[:, part],
                self.groups,
                self.holes,
            )


def find_cells(source: np.ndarray, edge: float, y: Axis, x: Axis) -> Iterator[Cells]:
    """Yields the cells with pixels and a step or some holes, grouped by their pattern.

    Args:
        source: (h, w) float32, NaN at pixels without depth.
        edge: Difference above which two depths are two surfaces.
        y: Axis of the rows.
        x: Axis of the columns.
    """
    holds = (np.diff(y.start) > 0)[:, None] & (np.diff(x.start) > 0)
    rows, columns = np.divmod(
        np.flatnonzero(_cells_with_step(source, edge) & holds), holds.shape[1]
    )
    corners = [(r[rows], c[columns]) for r in (y.low, y.high) for c in (x.low, x.high)]
    values = np.stack([source[corner] for corner in corners])
    order = np.argsort(values, axis=0)  # NaN sorts last
    values = np.take_along_axis(values, order, axis=0)
    apart = np.diff(values, axis=0) > edge
    holes = np.isnan(values).sum(axis=0)
    kind = apart[0] + 2 * apart[1] + 4 * apart[2] + 8 * holes
    for code in np.unique(kind[holes < 4]):
        here = kind == code
        starts = [0, *(k + 1 for k in range(3) if code >> k & 1), 4 - int(code >> 3)]
        groups = tuple(range(*pair) for pair in pairwise(starts) if pair[0] < pair[1])
        yield Cells(
            rows[here], columns[here], order[:, here], values[:, here], groups, range(starts[-1], 4)
        )


def bilinear_weights(cells: Cells, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Returns the weight of each corner, (4, rows, columns, N).

    Args:
        cells: N cells.
        y: (rows, N) ``Axis.weight`` of the pixels' rows.
        x: (columns, N) ``Axis.weight`` of the pixels' columns.
    """
    down, right = (cells.corner >> 1)[:, None], (cells.corner & 1)[:, None]
    return np.where(down, y, 1 - y)[:, :, None] * np.where(right, x, 1 - x)[:, None]


def likeness(cells: Cells, small: np.ndarray, colors: np.ndarray, y: Axis, x: Axis) -> np.ndarray:
    """Returns how similar each corner's colour is to that of each pixel, (4, rows, columns, N) > 0.

    Args:
        cells: N cells.
        small: (h, w, 3) float32, the colours of the coarse pixels, 0 to 255.
        colors: (3, rows, columns, N) float32, the colours of the cells' pixels.
        y: Axis of the rows.
        x: Axis of the columns.
    """
    rows = np.where(cells.corner >> 1, y.high[cells.rows], y.low[cells.rows])
    columns = np.where(cells.corner & 1, x.high[cells.columns], x.low[cells.columns])
    result = np.empty((4, *colors.shape[1:]), np.float32)
    for k in range(4):
        squares = np.square(colors - small[rows[k], columns[k]].T[:, None, None])
        np.add(squares[0], squares[1], out=result[k])
        result[k] += squares[2]
    result /= -2 * COLOR_SIGMA**2
    np.exp(result, out=result)
    result += LEAST_LIKENESS
    return result


def mean_of_heaviest_group(cells: Cells, weights: np.ndarray) -> np.ndarray:
    """Returns the mean over the corners of the heaviest surface, (rows, columns, N).

    The nearer surface wins a tie. The mean is NaN where holes weigh more than all surfaces.

    Args:
        cells: N cells.
        weights: (4, rows, columns, N) weight of each corner.
    """
    most, result = _mean(cells.value, weights, cells.groups[0])
    surfaces = most
    for group in cells.groups[1:]:
        total, mean = _mean(cells.value, weights, group)
        result = np.where(total > most, mean, result)
        most = np.maximum(most, total)
        surfaces = surfaces + total
    if cells.holes:
        holes = weights[cells.holes.start :].sum(axis=0)
        result = np.where(surfaces < holes, np.float32(np.nan), result)
    return result


def _mean(values: np.ndarray, weights: np.ndarray, group: range) -> tuple[np.ndarray, np.ndarray]:
    """Returns a group's weight and mean value, (rows, columns, N); (N,) for a single value."""
    nearest = values[group.start]
    if len(group) == 1:
        return weights[group.start], nearest
    total = weights[group.start]
    beyond = np.zeros((), np.float32)
    for k in group[1:]:
        total = total + weights[k]
        beyond = beyond + (values[k] - nearest) * weights[k]
    with np.errstate(invalid="ignore"):  # 0 / 0 if all weight lies on another surface
        return total, nearest + beyond / total


def _cells_with_step(source: np.ndarray, edge: float) -> np.ndarray:
    """Returns (h + 1, w + 1) bool: cell (i, j) has the corners (i-1..i, j-1..j), clamped."""
    h, w = source.shape
    # Beyond the border there is no step; along it the border pixels repeat.
    down = np.zeros((h + 1, w), bool)
    right = np.zeros((h, w + 1), bool)
    down[1:-1] = _steps(source.T, edge).T
    right[:, 1:-1] = _steps(source, edge)
    down = np.pad(down, ((0, 0), (1, 1)), mode="edge")
    right = np.pad(right, ((1, 1), (0, 0)), mode="edge")
    hole = np.pad(np.isnan(source), 1, mode="edge")
    return (
        (down[:, :-1] | down[:, 1:] | right[:-1] | right[1:])
        | (hole[:-1, :-1] | hole[:-1, 1:] | hole[1:, :-1] | hole[1:, 1:])
    )  # fmt: skip


def _steps(source: np.ndarray, edge: float) -> np.ndarray:
    """Returns (h, w - 1) bool: where the difference along a row is more than a slope explains."""
    difference = np.diff(source, axis=1)
    beside = np.pad(difference, ((0, 0), (1, 1)), constant_values=np.nan)
    sign = np.sign(difference)
    # The flatter side, because the other side may be another step instead of the slope.
    slope = np.fmin(beside[:, :-2] * sign, beside[:, 2:] * sign)
    return np.abs(difference) - 2 * np.fmax(slope, 0) > edge
