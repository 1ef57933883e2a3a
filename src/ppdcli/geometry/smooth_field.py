"""A smooth correction of depth over the picture, from points whose depth is known.

A fitted map is right on average, but whole regions of it may be too near or too far. The field is a
coarse grid of corrections of log(depth) over the picture, and where there are many points also over
relative depth, with linear interpolation between. Neighbours in the grid are held together, and all
of it is held to zero, so it fades where there are no points.

Wrong points lie here and there; points of a wrong region lie together. So a first field is fitted
to nearly all points, and the next ones to those that are closer and closer to the one before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ppdcli.geometry.node_grid import corners
from ppdcli.geometry.robust_line import HUBER, MAD_TO_SIGMA

LEAST_POINTS = 40
MANY_POINTS = 150  # for a field that depends on relative depth, too
MOST_POINTS = 4000  # to fit to
FLAT, DEEP = (5, 6, 1), (6, 8, 5)  # nodes along v, u and relative depth
STIFFNESS = (0.02, 0.1, 0.5, 4.0, 32.0)  # tried, in points
CUTS = (0.8, 0.5, 0.3, 0.2, 0.15)  # largest |error| of the points that a field is fitted to
SOFT = 0.5  # of a cut but the last: errors up to there have full weight
HOLD = 0.02  # of the stiffness: how firmly a node is held to zero
FOLDS = range(5)
CELLS = (8, 10)  # of the picture; the points of a cell are in one fold
GAIN = 0.05  # by which a field must lower the error of points that it has not seen
LARGEST = CUTS[0]  # of log(depth)
ROUNDS = 4
LEAST_SIGMA = 0.002
CHUNK = 1 << 18


@dataclass(frozen=True, eq=False)
class SmoothField:
    """A correction of log(depth).

    Attributes:
        nodes: (rows, columns, layers) float64.
        low, high: relative depth of the first and the last layer.
        spread: standard deviation of the errors that it leaves at points that it has not seen, by
            their median.
    """

    nodes: np.ndarray
    low: float
    high: float
    spread: float

    def at(self, u: np.ndarray, v: np.ndarray, x: np.ndarray) -> np.ndarray:
        """What is to be added to log(depth).

        Args:
            u, v: (N,) in [0, 1] of the picture's width and height.
            x: (N,) relative depth.

        Returns:
            (N,) float64, at most ``LARGEST`` in size.
        """
        flat = self.nodes.ravel()
        around = _corners(self.nodes.shape, u, v, _layer(x, self.low, self.high))
        total = sum(flat[index] * share for index, share in around)
        return np.clip(total, -LARGEST, LARGEST)

    def apply(self, depth: np.ndarray, relative: np.ndarray) -> np.ndarray:
        """(H, W) depth, corrected by its (H, W) relative depth: float32."""
        height, width = depth.shape
        result = np.array(depth, np.float32)
        places = np.flatnonzero(np.isfinite(depth) & np.isfinite(relative))
        for start in range(0, len(places), CHUNK):
            some = places[start : start + CHUNK]
            u, v = (some % width + 0.5) / width, (some // width + 0.5) / height
            result.flat[some] *= np.exp(self.at(u, v, relative.flat[some]))
        return result


def explain(
    u: np.ndarray,
    v: np.ndarray,
    x: np.ndarray,
    error: np.ndarray,
    seed: int = 0,
    deepest: tuple[int, int, int] = DEEP,
) -> tuple[SmoothField | None, np.ndarray]:
    """The field that explains the errors of most points, though some points are wrong.

    Args:
        u, v: (N,) in [0, 1] of the picture's width and height.
        x: (N,) relative depth.
        error: (N,) log(known / fitted); NaN where there is none.
        seed: of the choice of points.
        deepest: the finest field that is tried.

    Returns:
        The field, or None where none helps; and the (N,) errors that are left, NaN as before.
    """
    known = np.flatnonzero(np.isfinite(error) & np.isfinite(x))
    u, v, x, own = u[known], v[known], x[known], error[known]
    some = np.random.default_rng(seed).permutation(known.size)[:MOST_POINTS]
    found, left = None, own
    for number, cut in enumerate(CUTS):
        near = some[np.abs(left[some]) <= cut]
        soft = LEAST_SIGMA if number == len(CUTS) - 1 else SOFT * cut
        better = fit_field(u[near], v[near], x[near], own[near], seed, soft, deepest)
        if better is not None:
            found = better
            left = own - found.at(u, v, x)
    remaining = np.full(error.shape, np.nan)
    remaining[known] = left
    return found, remaining


def fit_field(
    u: np.ndarray,
    v: np.ndarray,
    x: np.ndarray,
    error: np.ndarray,
    seed: int = 0,
    soft: float = LEAST_SIGMA,
    deepest: tuple[int, int, int] = DEEP,
) -> SmoothField | None:
    """The field that explains errors best, or None where none is better than no field.

    Several fields are tried. Each is judged by points of parts of the picture that it was not
    fitted to.

    Args:
        u, v: (N,) in [0, 1] of the picture's width and height.
        x: (N,) relative depth.
        error: (N,) log(known / fitted).
        seed: of the choice of the parts.
        soft: the least standard deviation that errors are taken to have.
        deepest: the finest field that is tried.
    """
    if u.size < LEAST_POINTS:
        return None
    low, high = (float(value) for value in np.percentile(x, (2, 98)))
    folds = _folds(u, v, seed)
    shapes = [FLAT] if u.size < MANY_POINTS or high <= low or deepest == FLAT else [FLAT, deepest]
    least, best = (1 - GAIN) * float(np.abs(error).mean()), None
    weight = _huber(np.abs(error - np.median(error)), soft)
    for shape in shapes:
        table = _table(shape, u, v, _layer(x, low, high))
        stiff = _stiff(shape)
        parts = [_normal(table[folds == k], error[folds == k], weight[folds == k]) for k in FOLDS]
        square, side = (sum(pair[k] for pair in parts) for k in (0, 1))
        for stiffness in STIFFNESS:
            unseen = np.empty(u.size)
            for fold, part in zip(FOLDS, parts, strict=True):
                nodes = np.linalg.solve(square - part[0] + stiffness * stiff, side - part[1])
                unseen[folds == fold] = error[folds == fold] - table[folds == fold] @ nodes
            cost = float(np.abs(unseen).mean())
            if cost < least:
                spread = MAD_TO_SIGMA * float(np.median(np.abs(unseen)))
                least, best = cost, (shape, table, stiffness * stiff, spread)
    if best is None:
        return None
    shape, table, held, spread = best
    for _ in range(ROUNDS):
        square, side = _normal(table, error, weight)
        nodes = np.linalg.solve(square + held, side)
        weight = _huber(np.abs(error - table @ nodes), soft)
    return SmoothField(nodes.reshape(shape), low, high, spread)


def _folds(u: np.ndarray, v: np.ndarray, seed: int) -> np.ndarray:
    """(N,): the fold of each point, which is that of its cell of the picture."""
    rows, columns = CELLS
    cell = np.minimum(v * rows, rows - 1).astype(np.intp) * columns
    cell += np.minimum(u * columns, columns - 1).astype(np.intp)
    return np.asarray((np.random.default_rng(seed).permutation(rows * columns) % len(FOLDS))[cell])


def _table(
    shape: tuple[int, int, int], u: np.ndarray, v: np.ndarray, layer: np.ndarray
) -> np.ndarray:
    """(N, nodes): how much of each node is in the field at each point."""
    table = np.zeros((u.size, math.prod(shape)))
    for index, share in _corners(shape, u, v, layer):
        table[np.arange(u.size), index] += share
    return table


def _normal(
    table: np.ndarray, error: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Both sides of the equations of weighted least squares."""
    weighted = (table * weight[:, None]).T
    return weighted @ table, weighted @ error


def _huber(left: np.ndarray, soft: float) -> np.ndarray:
    """Huber's weights of errors of these sizes, of a standard deviation of ``soft`` at least."""
    sigma = max(MAD_TO_SIGMA * float(np.median(left)), soft)
    return np.asarray(HUBER * sigma / np.maximum(left, HUBER * sigma))


def _stiff(shape: tuple[int, ...]) -> np.ndarray:
    """What differences of neighbours cost, and nodes that are not zero: a quadratic form."""
    count = math.prod(shape)
    number = np.arange(count).reshape(shape)
    total = HOLD * np.eye(count)
    for axis, size in enumerate(shape):
        first = number.take(range(size - 1), axis=axis).ravel()
        second = number.take(range(1, size), axis=axis).ravel()
        step = np.zeros((first.size, count))
        step[np.arange(first.size), first] = -1
        step[np.arange(first.size), second] = 1
        total += step.T @ step
    return np.asarray(total)


def _layer(x: np.ndarray, low: float, high: float) -> np.ndarray:
    return np.clip((x - low) / max(high - low, 1e-9), 0, 1)


def _corners(
    shape: tuple[int, ...], u: np.ndarray, v: np.ndarray, layer: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The nodes around points of [0, 1], and their shares; the outer nodes are at 0 and 1."""
    places = [np.clip(at, 0, 1) * (size - 1) for size, at in zip(shape, (v, u, layer), strict=True)]
    return corners(places, shape)
