"""Fits relative depth to known depths of any scale, as those of structure from motion.

A relative map is affine in log(metres + 1). The unit of a reconstruction is unknown, so a metre is
an unknown length there, the offset: depth + offset = exp(slope * relative + intercept). For the
offset a few multiples of the median depth are tried. Equal seeds give equal results.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppdcli.errors import InputError
from ppdcli.geometry.robust_line import (
    HUBER,
    MAD_TO_SIGMA,
    REWEIGHTINGS,
    least_squares,
    lines_through_pairs,
)
from ppdcli.wording import counted

AGREEMENT = 0.15  # largest |log(fitted / known)| of a point that agrees
LEAST_POINTS = 8  # of structure from motion, whose outliers are many
LEAST_RANGE = 0.05  # of log(depth), and of relative depth: the middle 90 % of the points that agree
OFFSETS = (0.25, 0.0, 0.05, 0.12, 0.5, 1.0, 2.0)  # times the median depth; the usual one first
MANY = 40  # points that can tell one offset from another
BETTER = 0.97  # of the usual offset's cost; another one must get below it
TRIALS = 300
MOST_TRIED = 1000  # points
LEAST_SIGMA = 0.003
STANDS_STILL = 1e-5  # change of log(depth) in a round


@dataclass(frozen=True, eq=False)
class LogFit:
    """A fit depth = exp(slope * relative + intercept) - offset, and how good it is.

    Attributes:
        slope, intercept: of the line; the slope is positive.
        offset: a metre in the unit of the known depths, as far as they tell; >= 0.
        agree: (N,) bool: the points within ``AGREEMENT`` of the fit.
        spread: standard deviation of log(fitted / known) of these, by their median.
    """

    slope: float
    intercept: float
    offset: float
    agree: np.ndarray
    spread: float

    def apply(self, relative: np.ndarray) -> np.ndarray:
        """The depth at relative depths of any shape: float32, NaN where there is none."""
        with np.errstate(over="ignore", invalid="ignore"):
            line = self.slope * relative.astype(np.float64) + self.intercept
            depth = np.exp(line) - self.offset
            depth[~((depth > 0) & np.isfinite(depth))] = np.nan
        return depth.astype(np.float32)

    def errors(self, relative: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """log(known / fitted): what is missing from the fit, NaN where there is none."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.log(depth / self.apply(relative)))

    def describe(self) -> str:
        """One line for the user."""
        return (
            f"{int(self.agree.sum())} of {counted(self.agree.size, 'known depth')} agree, "
            f"typical error {100 * self.spread:.2g} %"
        )


def fit_log(relative: np.ndarray, depth: np.ndarray, seed: int = 0) -> LogFit:
    """A robust fit to known depths of any scale, of which up to about half may be wrong.

    Args:
        relative: (N,) relative depth at the points; NaN where there is none.
        depth: (N,) their depth along the optical axis, in any unit, > 0.
        seed: of the random trials.

    Raises:
        InputError: The points are too few, they are at one depth, or they do not rise with the
            predicted depths. The text is the cause alone.
    """
    taken = np.isfinite(relative) & np.isfinite(depth) & (depth > 0)
    x, d = relative[taken].astype(np.float64), depth[taken].astype(np.float64)
    if x.size < LEAST_POINTS:
        raise InputError(
            f"known and predicted depth overlap at {counted(x.size, 'point')}, and "
            f"{LEAST_POINTS} are needed"
        )
    require_range(x, d)
    rng = np.random.default_rng(seed)
    some = slice(None) if x.size <= MOST_TRIED else rng.choice(x.size, MOST_TRIED, replace=False)
    offsets = OFFSETS if x.size >= MANY else OFFSETS[:1]
    best: tuple[float, float, float, float] | None = None
    for factor in offsets:
        offset = factor * float(np.median(d))
        line = _refined(*_by_trials(x[some], d[some], offset, rng), offset, x, d)
        cost = cost_of(_log_ratio(*line, offset, x, d))
        if best is None or cost < BETTER * best[0]:
            best = (cost, *line, offset)
    assert best is not None
    _, slope, intercept, offset = best
    left = _log_ratio(slope, intercept, offset, x, d)
    agree = np.abs(left) <= AGREEMENT
    if slope <= 0 and agree.sum() >= LEAST_POINTS:
        raise InputError("known depth does not rise where predicted depth rises")
    inside = np.zeros(relative.shape, bool)
    inside[taken] = agree
    spread = max(MAD_TO_SIGMA * float(np.median(np.abs(left[agree]))), LEAST_SIGMA)
    return LogFit(slope, intercept, offset, inside, spread)


def _by_trials(
    x: np.ndarray, d: np.ndarray, offset: float, rng: np.random.Generator
) -> tuple[float, float]:
    """The line through two points that most points agree with."""
    y = np.log(d + offset)
    slopes, intercepts = lines_through_pairs(x, y, rng, TRIALS)
    slopes, intercepts = slopes[slopes > 0], intercepts[slopes > 0]
    if slopes.size == 0:
        return 0.0, float(np.median(y))
    left = _log_ratio(slopes[:, None], intercepts[:, None], offset, x, d)
    costs = np.minimum((left / AGREEMENT) ** 2, 1).sum(axis=1)
    best = int(costs.argmin())
    return float(slopes[best]), float(intercepts[best])


def _refined(
    slope: float, intercept: float, offset: float, x: np.ndarray, d: np.ndarray
) -> tuple[float, float]:
    """Least squares with Huber's weights on the points that agree, for relative errors."""
    y = np.log(d + offset)
    to_relative = (d + offset) / d  # an error of y is this many times larger in log(depth)
    for _ in range(REWEIGHTINGS):
        left = np.abs(_log_ratio(slope, intercept, offset, x, d))
        near = left <= AGREEMENT
        if near.sum() < LEAST_POINTS:
            break
        sigma = max(MAD_TO_SIGMA * float(np.median(left[near])), LEAST_SIGMA)
        huber = HUBER * sigma / np.maximum(left, HUBER * sigma)
        before = slope, intercept
        slope, intercept = least_squares(x, y, near * huber * to_relative**2)
        if np.allclose(before, (slope, intercept), rtol=0, atol=STANDS_STILL):
            break
    return slope, intercept


def _log_ratio(
    slope: float | np.ndarray,
    intercept: float | np.ndarray,
    offset: float,
    x: np.ndarray,
    d: np.ndarray,
) -> np.ndarray:
    """log(fitted / known); infinite where the fit has no depth."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        fitted = np.exp(slope * x + intercept) - offset
        return np.asarray(np.where(fitted > 0, np.log(fitted / d), np.inf))


def cost_of(left: np.ndarray) -> float:
    """What errors of log(depth) cost, of which those beyond ``AGREEMENT`` count as wrong."""
    return float(np.minimum((left / AGREEMENT) ** 2, 1).sum())


def require_range(x: np.ndarray, d: np.ndarray) -> None:
    """Refuses points that are all at one depth.

    Args:
        x: (N,) their relative depth.
        d: (N,) their known depth.

    Raises:
        InputError: they are.
    """
    low, high = np.percentile(d, (5, 95))
    if np.log(high / low) < LEAST_RANGE:
        raise InputError(
            f"its known depths are all at one depth ({low:.4g} to {high:.4g}), which fixes no scale"
        )
    if np.ptp(np.percentile(x, (5, 95))) < LEAST_RANGE / 5:
        raise InputError("its known depths are all at one predicted depth, which fixes no scale")
