"""Line fits to points with outliers."""

from __future__ import annotations

import numpy as np

AGREEMENT = 0.15
"""Largest residual of a point that agrees in ``fit_sparse``, in log(depth + 1); about 15 % of
depth + 1. Three quarters of the true depths of rendered scenes agree with ppd-tiny's."""
BLOCK = 1 << 18  # residuals in memory at a time: 2 MiB, which fits in the cache
HUBER = 1.345  # standard deviations; 95 % efficient if residuals are normal
MAD_TO_SIGMA = 1.4826  # if residuals are normal
LEAST_SIGMA = 0.01  # 1 % of depth + 1; no prediction is more accurate
REWEIGHTINGS = 20


def lines_through_pairs(
    x: np.ndarray, y: np.ndarray, rng: np.random.Generator, trials: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns slopes and intercepts of lines through two random points that differ in ``x``."""
    first = rng.integers(x.size, size=trials)
    second = (first + rng.integers(1, x.size, size=trials)) % x.size
    apart = x[first] != x[second]
    first, second = first[apart], second[apart]
    slopes = (y[second] - y[first]) / (x[second] - x[first])
    return slopes, y[first] - slopes * x[first]


def robust_costs(
    slopes: np.ndarray, intercepts: np.ndarray, x: np.ndarray, y: np.ndarray, threshold: float
) -> np.ndarray:
    """Returns the sum of squared residuals of each line, in units of the threshold, cut off at 1.

    A point outside the threshold counts 1 at any distance (MSAC, Torr and Zisserman 2000).
    """
    lines = np.stack((slopes, intercepts, np.full(slopes.size, -1.0)), axis=1) / threshold
    points = np.stack((x, np.ones(x.size), y))
    sums = np.empty(slopes.size)
    step = max(1, BLOCK // x.size)
    for start in range(0, slopes.size, step):
        residual = lines[start : start + step] @ points
        np.square(residual, out=residual)
        sums[start : start + step] = np.minimum(residual, 1, out=residual).sum(axis=1)
    return sums


def refine_line(
    slope: float, intercept: float, x: np.ndarray, y: np.ndarray
) -> tuple[float, float]:
    """Refines a line: least squares with Huber's weights on the points that agree with it."""
    for _ in range(REWEIGHTINGS):
        residual = np.abs(y - slope * x - intercept)
        near = residual <= AGREEMENT
        sigma = max(MAD_TO_SIGMA * float(np.median(residual[near])), LEAST_SIGMA)
        weight = near * (HUBER * sigma / np.maximum(residual, HUBER * sigma))
        slope, intercept = least_squares(x, y, weight)
    return slope, intercept


def least_squares(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Returns slope and intercept; slope 0 if all ``x`` with a weight are equal."""
    x_mean, y_mean = np.average(x, weights=weight), np.average(y, weights=weight)
    spread = float((weight * (x - x_mean) ** 2).sum())
    common = float((weight * (x - x_mean) * (y - y_mean)).sum())
    slope = common / spread if spread > 0 else 0.0
    return slope, float(y_mean - slope * x_mean)


def median_deviation(y: np.ndarray) -> float:
    """Returns the median distance from the median."""
    return float(np.median(np.abs(y - np.median(y))))
