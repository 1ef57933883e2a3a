"""Robust fit of a straight line from relative depth to metres, at pixels of known depth.

A relative map is affine in log(depth + 1) (paper section 3.1), so a scale and a shift there turn
it into metres. ``fit_ransac`` is the authors' fit to the dense metric depth of another model.
``fit_sparse`` is for measured depths at a few pixels. Equal seeds give equal results.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ppdcli.errors import InputError
from ppdcli.geometry.robust_line import (
    AGREEMENT,
    least_squares,
    lines_through_pairs,
    median_deviation,
    refine_line,
    robust_costs,
)
from ppdcli.wording import counted

LOWEST = 1e-3  # metres; the authors' lower limit
TRIALS = 1000
MOST_POINTS = 50_000
"""Larger sets are subsampled at random: more points do not improve a line but slow each trial."""

LEAST_POINTS = 3  # any two points fit a line; a third one can confirm it
LEAST_SHARE = 1 / 3
LEAST_SPREAD = 0.05  # in relative depth, whose range is about 1, and in log(depth + 1)
STEEPEST = 8.0  # the training targets reach log(80 + 1) = 4.4 at most
LEAST_GAIN = 0.2
"""The share by which a line must fit better than the best constant depth. With 15 points or
more, 97 % of shuffled depths do not reach it."""


@dataclass(frozen=True)
class LogLine:
    """A fit log(depth in metres + 1) = slope * relative + intercept, and its quality.

    Attributes:
        slope, intercept: Of the line; the slope is positive.
        inliers: Number of points within ``threshold`` of the line.
        points: Number of points used by the fit, at most ``MOST_POINTS``.
        ignored: Number of points without a known depth (NaN, infinite, zero or negative) or
            without a predicted one.
        threshold: Largest residual of an inlier, in log(depth + 1).
        residual: Median absolute residual of the inliers, in log(depth + 1).
        error: Median of |fitted - known| / known depth of the inliers.
        seed: Seed of the random trials.
    """

    slope: float
    intercept: float
    inliers: int
    points: int
    ignored: int
    threshold: float
    residual: float
    error: float
    seed: int

    def apply(
        self, relative: np.ndarray, lowest: float = LOWEST, highest: float = math.inf
    ) -> np.ndarray:
        """Returns exp(slope * relative + intercept) - 1, clipped.

        Args:
            relative: Relative depth, any shape; NaN at pixels without depth.
            lowest, highest: Limits of the result in metres.

        Returns:
            float32 metres of the same shape, NaN where ``relative`` is NaN.
        """
        line = self.slope * relative.astype(np.float64) + self.intercept
        with np.errstate(over="ignore"):
            return np.clip(np.expm1(line), lowest, highest).astype(np.float32)

    def describe(self) -> str:
        """Returns one line for the user and for file comments."""
        return (
            f"scale {self.slope:.5g} and shift {self.intercept:.5g} in log(depth + 1), "
            f"{self.inliers} of {self.points} points agree within {self.threshold:.2g}, "
            f"median residual {self.residual:.2g}, {100 * self.error:.2g} % of the depth"
        )


def fit_ransac(
    relative: np.ndarray,
    depth: np.ndarray,
    mask: np.ndarray,
    seed: int = 0,
    trials: int = TRIALS,
) -> LogLine:
    """The authors' fit to a dense metric depth map: RANSAC, then least squares on the inliers.

    Each trial is a line through two random pixels. The threshold is the median absolute deviation
    of log(depth + 1). The authors' code runs trials until it is 99 % sure, which are few, and takes
    the line with the most inliers. This function runs all trials and takes the line with the least
    sum of squared residuals, each cut off at the threshold. The results on the golden files are
    the same, and the line depends far less on the seed. A falling line raises an error here; the
    authors' code continues with it, or with slope 1 and intercept 0.

    Args:
        relative: (H, W) relative depth.
        depth: (H, W) metres.
        mask: (H, W) bool, the valid pixels; the sky is not valid.
        seed: Seed of the trials and the choice of pixels.
        trials: Number of lines to try.

    Raises:
        InputError: Fewer than two pixels are usable, one of the maps is constant on them, or depth
            does not rise with relative depth.
    """
    rng = np.random.default_rng(seed)
    x, y, ignored = _usable(relative[mask], depth[mask], rng)
    if x.size < 2:
        raise InputError(
            f"known and predicted depth overlap at {counted(x.size, 'pixel')}; a fit needs many"
        )
    threshold = median_deviation(y)
    slopes, intercepts = lines_through_pairs(x, y, rng, trials)
    if threshold == 0 or slopes.size == 0:
        which = "known" if threshold == 0 else "predicted"
        raise InputError(f"the {which} depth is constant, so it cannot fix a scale")
    best = robust_costs(slopes, intercepts, x, y, threshold).argmin()
    near = np.abs(y - slopes[best] * x - intercepts[best]) <= threshold
    slope, intercept = least_squares(x, y, near.astype(np.float64))
    _require_rising(slope)
    return _line(slope, intercept, x, y, near, ignored, threshold, seed)


def fit_sparse(relative: np.ndarray, depth: np.ndarray, seed: int = 0) -> LogLine:
    """A robust fit to measured depths, of which up to about 40 % may be wrong.

    Each of 1000 trials is a line through two random points. The line with the least sum of squared
    residuals, each cut off at ``AGREEMENT``, wins. A fit with Huber's weights to the points that
    agree then refines it.

    The points cannot fix the scale in these cases, which raise an error:

    - Fewer than 3, or fewer than a third, agree on a line. Two points always agree.
    - The points that agree span less than 0.05 of relative depth or of log(depth + 1): one wall.
    - The line is hardly better than a constant depth: one wall, or depths of another photo.
    - Known depth falls where predicted depth rises: disparity, or inverted depth.

    Args:
        relative: (N,) relative depth at the points, from ``relative_at``.
        depth: (N,) measured depth along the optical axis, metres.
        seed: Seed of the trials and the choice of points.

    Raises:
        InputError: The points cannot fix the scale.
    """
    rng = np.random.default_rng(seed)
    x, y, ignored = _usable(relative, depth, rng)
    if x.size < LEAST_POINTS:
        points = counted(x.size, "point")
        raise InputError(
            f"known and predicted depth overlap at {points}; give {LEAST_POINTS} or more"
        )
    slopes, intercepts = lines_through_pairs(x, y, rng, TRIALS)
    plausible = np.abs(slopes) <= STEEPEST
    levels = y[rng.integers(x.size, size=TRIALS // 10)]
    slopes = np.concatenate((slopes[plausible], np.zeros(levels.size)))
    intercepts = np.concatenate((intercepts[plausible], levels))
    errors = robust_costs(slopes, intercepts, x, y, AGREEMENT)
    best = errors.argmin()
    slope, intercept = refine_line(slopes[best], intercepts[best], x, y)
    near = np.abs(y - slope * x - intercept) <= AGREEMENT
    _require_agreement(x, y, near)
    left = robust_costs(np.array([slope]), np.array([intercept]), x, y, AGREEMENT)[0]
    if left > (1 - LEAST_GAIN) * errors[slopes == 0].min():
        raise InputError(
            "the known depths do not follow the predicted ones: one constant depth fits them "
            "almost as well as any line; give points of this photo, on near and far surfaces"
        )
    _require_rising(slope)
    return _line(slope, intercept, x, y, near, ignored, AGREEMENT, seed)


def relative_at(
    relative: np.ndarray, u: np.ndarray, v: np.ndarray, width: int, height: int
) -> np.ndarray:
    """Returns the values of a map at pixels of the photo, from the nearest pixel of the map.

    Nothing is interpolated, so no value lies between two surfaces.

    Args:
        relative: (H, W) map of the whole photo, of any size.
        u, v: (N,) column and row in the photo, first pixel centre at (0, 0), inside the photo.
        width, height: Size of the photo.

    Returns:
        (N,) values of ``relative``.
    """
    rows, columns = relative.shape
    column = np.clip(np.floor((u + 0.5) * (columns / width)), 0, columns - 1)
    row = np.clip(np.floor((v + 0.5) * (rows / height)), 0, rows - 1)
    return relative[row.astype(np.intp), column.astype(np.intp)]


def _usable(
    relative: np.ndarray, depth: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, int]:
    """Returns relative depth and log(depth + 1) of at most MOST_POINTS usable points, and the
    number of points that are ignored."""
    taken = np.isfinite(relative) & np.isfinite(depth) & (depth > 0)
    x, y = relative[taken].astype(np.float64), np.log1p(depth[taken].astype(np.float64))
    ignored = taken.size - x.size
    if x.size > MOST_POINTS:
        some = rng.choice(x.size, MOST_POINTS, replace=False, shuffle=False)
        x, y = x[some], y[some]
    return x, y, ignored


def _require_agreement(x: np.ndarray, y: np.ndarray, near: np.ndarray) -> None:
    agreeing = int(near.sum())
    if agreeing < max(LEAST_POINTS, LEAST_SHARE * x.size):
        raise InputError(
            f"only {agreeing} of {x.size} known depths agree on a scale (within "
            f"{100 * AGREEMENT:g} % of depth + 1); check that they are metres along the optical "
            "axis, and of this photo"
        )
    low, high = np.expm1(y[near].min()), np.expm1(y[near].max())
    if np.ptp(y[near]) < LEAST_SPREAD:
        raise InputError(
            f"the {agreeing} known depths that agree lie between {low:.4g} and {high:.4g} m, too "
            "close together to fix a scale; add points on nearer or farther surfaces"
        )
    if np.ptp(x[near]) < LEAST_SPREAD:
        raise InputError(
            f"the {agreeing} known depths that agree are at one predicted depth (relative "
            f"{x[near].min():.4g} to {x[near].max():.4g}), which cannot fix a scale; add points on "
            "nearer or farther surfaces"
        )


def _require_rising(slope: float) -> None:
    if slope <= 0:
        raise InputError(
            f"known depth falls where predicted depth rises (slope {slope:.3g}); give depth in "
            "metres, not disparity or inverted depth, of this photo"
        )


def _line(
    slope: float,
    intercept: float,
    x: np.ndarray,
    y: np.ndarray,
    near: np.ndarray,
    ignored: int,
    threshold: float,
    seed: int,
) -> LogLine:
    fitted = slope * x[near] + intercept
    known = np.expm1(y[near])
    return LogLine(
        slope=slope,
        intercept=intercept,
        inliers=int(near.sum()),
        points=x.size,
        ignored=ignored,
        threshold=threshold,
        residual=float(np.median(np.abs(fitted - y[near]))),
        error=float(np.median(np.abs(np.expm1(fitted) - known) / known)),
        seed=seed,
    )
