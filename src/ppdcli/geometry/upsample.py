"""Depth maps on another grid, without depths that lie between two surfaces."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ppdcli.errors import InputError

EDGE_SHARE = 0.01
"""Default edge: this share of the robust range (2nd to 98th percentile) of the values."""

COLOR_SIGMA = 15.0  # distance of sRGB colours, 0..255 a channel, that still counts as like
LEAST_LIKENESS = 0.01  # where no neighbour is like the pixel, the nearest decides

CHUNK_PIXELS = 1 << 19


def downsample_depth(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Nearest source pixel, half-pixel centres: (h, w) to (height, width), nothing averaged."""
    h, w = values.shape
    rows = ((np.arange(height) + 0.5) * h / height).astype(np.intp)
    columns = ((np.arange(width) + 0.5) * w / width).astype(np.intp)
    return values[rows[:, None], columns]


def upsample_depth(
    values: np.ndarray,
    height: int,
    width: int,
    edge: float | None = None,
    guide: np.ndarray | None = None,
) -> np.ndarray:
    """Bilinear inside a surface, sharp between two.

    Each output pixel looks at its four bilinear neighbours (half-pixel centres, clamped at the
    borders). Where no step runs between them it is their bilinear mean. Where one does, the
    sorted values are cut at every gap above ``edge``; the group with the most bilinear weight
    wins (the nearer one on a tie), and only its members are averaged. NaN belongs to no group:
    the output is NaN where NaN holds more than half of the weight.

    With the photo as a guide, the weights where a step runs are also those of likeness in colour
    (joint bilateral upsampling, Kopf et al. 2007), so that the choice follows the photo's edge and
    not the grid's; values still come from one surface only.

    A step between two neighbours is a difference that exceeds by more than ``edge`` twice the
    difference next to it, on the flatter side: no slope explains it. So a floor stays smooth up
    to its horizon, where from one pixel to the next its slope grows by less than that.

    Args:
        values: (h, w) floats, near small, far large: relative depth, or log(depth + 1) of metric
            depth, so that one threshold suits near and far. Non-finite: no depth.
        height: rows of the result. An axis that shrinks is sampled at the nearest pixel.
        width: columns of the result.
        edge: in the unit of ``values``; 1 % of their robust range by default: above the ripple of
            a smooth surface, below a visible jump.
        guide: (height, width, 3) uint8, the photo on the result's grid; without use where an axis
            shrinks.

    Returns:
        (height, width) float32; ``values`` itself, untouched, if the size is the same.

    Raises:
        InputError: the map has no pixel.
    """
    if values.shape == (height, width):
        return values
    if values.size == 0:
        raise InputError("the depth map is empty; predict it again")
    h, w = values.shape
    source = downsample_depth(values, min(h, height), min(w, width)).astype(np.float32)
    source[~np.isfinite(source)] = np.nan
    if edge is None:
        edge = _default_edge(source)

    y_taps = _bilinear_taps(source.shape[0], height)
    x_taps = _bilinear_taps(source.shape[1], width)
    left, right, wx = source[:, x_taps.low], source[:, x_taps.high], x_taps.weight
    across = left + (right - left) * wx
    split = _cells_with_a_step(source, edge)[:, x_taps.cell]
    if guide is not None and (h > height or w > width):
        guide = None
    small = None if guide is None else area_mean(guide, *source.shape)
    result = np.empty((height, width), np.float32)
    rows_a_chunk = max(1, CHUNK_PIXELS // width)
    for start in range(0, height, rows_a_chunk):
        y = _Taps(*(array[start : start + rows_a_chunk] for array in y_taps))
        wy = y.weight[:, None]
        block = across[y.low]
        block += (across[y.high] - block) * wy
        rows, columns = np.nonzero(split[y.cell])
        if rows.size:
            taps = y.at(rows), x_taps.at(columns)
            corners, weights = _corners(source, *taps)
            if guide is not None and small is not None:
                weights = weights * _likeness(small, *taps, guide[start + rows, columns])
            block[rows, columns] = _mean_of_heaviest_group(corners, weights, edge)
        result[start : start + rows_a_chunk] = block
    return result


class _Taps(NamedTuple):
    """Bilinear neighbours along one axis: two source indices, the weight of the second, and the
    cell between them, where cell k lies between sources k-1 and k."""

    low: np.ndarray
    high: np.ndarray
    weight: np.ndarray
    cell: np.ndarray

    def at(self, index: np.ndarray) -> _Taps:
        return _Taps(*(array[index] for array in self))


def _bilinear_taps(source_size: int, size: int) -> _Taps:
    position = (np.arange(size) + 0.5) * (source_size / size) - 0.5
    floor = np.floor(position)
    cell = floor.astype(np.intp) + 1
    return _Taps(
        low=np.maximum(cell - 1, 0),
        high=np.minimum(cell, source_size - 1),
        weight=(position - floor).astype(np.float32),
        cell=cell,
    )


def _default_edge(source: np.ndarray) -> float:
    valid = source[np.isfinite(source)]
    if valid.size == 0:
        return 0.0
    low, high = np.percentile(valid, (2, 98))
    return EDGE_SHARE * float(high - low)


def _cells_with_a_step(source: np.ndarray, edge: float) -> np.ndarray:
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


def _corners(source: np.ndarray, y: _Taps, x: _Taps) -> tuple[np.ndarray, np.ndarray]:
    """(4, K) neighbour values and (4, K) bilinear weights of K output pixels."""
    values = np.stack(
        (source[y.low, x.low], source[y.low, x.high], source[y.high, x.low], source[y.high, x.high])
    )
    low_y, low_x = 1 - y.weight, 1 - x.weight
    weights = np.stack((low_y * low_x, low_y * x.weight, y.weight * low_x, y.weight * x.weight))
    return values, weights


def area_mean(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """(height, width, 3) float32: means of a larger picture's pixels, each counted once."""
    sums = picture.astype(np.float32)
    for axis, size in ((0, height), (1, width)):
        starts = np.arange(size) * sums.shape[axis] // size
        counts = np.diff(starts, append=sums.shape[axis]).astype(np.float32)
        shape = [1, 1, 1]
        shape[axis] = size
        sums = np.add.reduceat(sums, starts, axis=axis) / counts.reshape(shape)
    return sums


def _likeness(small: np.ndarray, y: _Taps, x: _Taps, colors: np.ndarray) -> np.ndarray:
    """(4, K) how much each neighbour's colour is like that of the output pixel, above 0."""
    corners = ((y.low, x.low), (y.low, x.high), (y.high, x.low), (y.high, x.high))
    target = colors.astype(np.float32)
    distances = [((small[at] - target) ** 2).sum(axis=1) for at in corners]
    return np.exp(np.stack(distances) / (-2 * COLOR_SIGMA**2)) + LEAST_LIKENESS


def _mean_of_heaviest_group(values: np.ndarray, weights: np.ndarray, edge: float) -> np.ndarray:
    """(K,) means over the heaviest run of each column's sorted values without a gap > edge."""
    order = np.argsort(values, axis=0)  # NaN sorts last
    values = np.take_along_axis(values, order, axis=0)
    weights = np.take_along_axis(weights, order, axis=0)
    hole = np.isnan(values)
    holes = np.where(hole, weights, 0).sum(axis=0)
    weights = np.where(hole, 0, weights)
    group = np.zeros(values.shape, np.int8)
    np.cumsum(np.diff(values, axis=0) > edge, axis=0, dtype=np.int8, out=group[1:])
    group[hole] = -1

    totals = np.stack([np.where(group == k, weights, 0).sum(axis=0) for k in range(4)])
    heaviest = np.argmax(totals, axis=0)  # of equals the first, which is the nearest
    member = group == heaviest
    total = np.take_along_axis(totals, heaviest[None], axis=0)[0]
    nearest = np.where(member, values, np.inf).min(axis=0)
    with np.errstate(invalid="ignore"):  # 0 / 0 where all four are holes
        mean = nearest + np.where(member, (values - nearest) * weights, 0).sum(axis=0) / total
    return np.where(totals.sum(axis=0) < holes, np.nan, mean)
