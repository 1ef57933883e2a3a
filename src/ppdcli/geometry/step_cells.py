"""Where steps run between the pixels of a coarse depth map, and what each side of one weighs.

A cell is what lies between four pixels of the coarse map, its corners. Which corners belong to one
surface is settled once a cell; what is left to do for each of the many pixels of a larger map that
lie in it is to weigh the surfaces. Arrays over the pixels of cells are (rows of a cell, columns of
a cell, cells): many cells next to each other in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

COLOR_SIGMA = 15.0  # distance of sRGB colours, 0..255 a channel, that still counts as like
LEAST_LIKENESS = 0.01  # where no neighbour is like the pixel, the nearest decides

CHUNK_PIXELS = 1 << 16  # of the larger map at a time: what is computed of them stays in the cache


class Axis(NamedTuple):
    """How the pixels of one axis lie between those of a coarser one.

    Attributes:
        low, high: (cells,) coarse pixels on both sides of a cell; cell k lies between k-1 and k.
        start: (cells + 1,) the first pixel in each cell.
        weight: (size,) float32, how far each pixel is from ``low`` to ``high``, 0 to 1.
    """

    low: np.ndarray
    high: np.ndarray
    start: np.ndarray
    weight: np.ndarray

    def pixels(self, cells: np.ndarray) -> np.ndarray:
        """(most, N) the pixels in N cells, the last one repeated in those that have fewer."""
        first, last = self.start[cells], self.start[cells + 1] - 1
        most = int((last - first).max()) + 1
        return np.minimum(first + np.arange(most)[:, None], last)


def make_axis(coarse: int, size: int) -> Axis:
    """Of ``size`` pixels over ``coarse`` ones, half-pixel centres."""
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
    """N cells whose corners, from near to far, fall into the same groups.

    Attributes:
        rows, columns: (N,) which cells.
        corner: (4, N) the corners from near to far, holes last; bit 0 tells the right ones from
            the left, bit 1 the lower from the upper.
        value: (4, N) float32, their depths.
        groups: the corners of each surface, from the nearest surface on; one or more.
        holes: the corners without depth.
    """

    rows: np.ndarray
    columns: np.ndarray
    corner: np.ndarray
    value: np.ndarray
    groups: tuple[range, ...]
    holes: range

    def parts(self, pixels: int, y: Axis, x: Axis) -> Iterator[Cells]:
        """The same, as many at a time as have about so many pixels."""
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
    """The cells with a step, or a hole at some corners, that hold pixels; alike ones together.

    Args:
        source: (h, w) float32, NaN where there is no depth.
        edge: from which difference on two depths are two surfaces.
        y: of the rows.
        x: of the columns.
    """
    holds = (np.diff(y.start) > 0)[:, None] & (np.diff(x.start) > 0)
    rows, columns = np.divmod(np.flatnonzero(_have_a_step(source, edge) & holds), holds.shape[1])
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
    """(4, rows, columns, N) of each corner, from ``Axis.weight`` of the pixels.

    Args:
        cells: N.
        y: (rows, N) of their pixels' rows.
        x: (columns, N) of their columns.
    """
    down, right = (cells.corner >> 1)[:, None], (cells.corner & 1)[:, None]
    return np.where(down, y, 1 - y)[:, :, None] * np.where(right, x, 1 - x)[:, None]


def likeness(cells: Cells, small: np.ndarray, colors: np.ndarray, y: Axis, x: Axis) -> np.ndarray:
    """(4, rows, columns, N) how much each corner's colour is like that of each pixel, above 0.

    Args:
        cells: N.
        small: (h, w, 3) float32, the colours of the coarse pixels, 0 to 255.
        colors: (3, rows, columns, N) float32, those of the cells' pixels.
        y: of the rows.
        x: of the columns.
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
    """(rows, columns, N) the mean over the corners of the surface that weighs most.

    The nearer one of two that weigh the same; NaN where holes weigh more than all surfaces.

    Args:
        cells: N.
        weights: (4, rows, columns, N) of each corner.
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
    """(rows, columns, N) the weight of a group and the mean of its values; (N,) of one value."""
    nearest = values[group.start]
    if len(group) == 1:
        return weights[group.start], nearest
    total = weights[group.start]
    beyond = np.zeros((), np.float32)
    for k in group[1:]:
        total = total + weights[k]
        beyond = beyond + (values[k] - nearest) * weights[k]
    with np.errstate(invalid="ignore"):  # 0 / 0 where all weight lies on another surface
        return total, nearest + beyond / total


def _have_a_step(source: np.ndarray, edge: float) -> np.ndarray:
    """(h + 1, w + 1) bool: cell (i, j) has pixels (i-1..i, j-1..j) as corners, clamped."""
    h, w = source.shape
    # Across the border there is nothing to step to; along it the border pixels repeat.
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
    """(h, w - 1) bool: where the difference along a row is more than a slope explains."""
    difference = np.diff(source, axis=1)
    beside = np.pad(difference, ((0, 0), (1, 1)), constant_values=np.nan)
    sign = np.sign(difference)
    # The flatter side, so that another step next to this one does not pass for the slope.
    slope = np.fmin(beside[:, :-2] * sign, beside[:, 2:] * sign)
    return np.abs(difference) - 2 * np.fmax(slope, 0) > edge
