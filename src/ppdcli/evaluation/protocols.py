"""Alignment of predictions to metres before scoring: a scale and a shift for each image.

All protocols fit them in the space in which the prediction is affine (``Kind``), to the true
depth itself. Do not mix scores of different protocols in one table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["ppd", "log-depth", "depth", "disparity"]
"""The space in which a prediction is affine: log(depth + 1), log(depth), depth, 1 / depth."""
Protocol = Literal["authors", "least-squares", "trimmed"]

LOWEST = 1e-3  # metres; the authors' lower limit
MOST_TRIALS = 1000  # the authors' choice; the next values are scikit-learn's defaults
CONFIDENCE = 0.99  # trials stop at this probability that one of them was free of outliers
LEAST_DISPARITY = 1e-3  # 1/m; Marigold's, like the next
LEAST_DEPTH = 1e-6  # metres
KEPT, ROUNDS = 0.9, 3  # "trimmed": share of pixels for the next fit, number of fits
FARTHEST = 200.0  # metres, "trimmed"
EVERYTHING = (0.0, math.inf)


class Degenerate(ValueError):  # noqa: N818
    """An image that a protocol cannot score. The text is the short reason."""


@dataclass(frozen=True, eq=False)
class Aligned:
    """A prediction in metres.

    Attributes:
        depth: (H, W) float64 metres; NaN where the prediction is NaN, which is at no valid pixel.
        note: A few words on an irregular fit, which lowers the score; else None.
        slope, intercept: The factor and the summand applied to the prediction, in its space.
    """

    depth: np.ndarray
    note: str | None
    slope: float
    intercept: float


def align(
    protocol: Protocol,
    kind: Kind,
    prediction: np.ndarray,
    depth: np.ndarray,
    valid: np.ndarray,
    seed: int = 0,
    depth_range: tuple[float, float] = EVERYTHING,
) -> Aligned:
    """Converts a prediction to metres.

    "authors": a line from the prediction to y = log(depth + 1) by RANSAC, as in scikit-learn's
    RANSACRegressor. Each trial is a line through two random pixels; the line with the most inliers
    wins. Trials stop when it is 99 % sure, at 1000 at most. An inlier is within the median absolute
    deviation of y. Least squares on all inliers follow. If the slope is not positive, the result is
    prediction times mean(y) / mean(prediction), with a note. Metres are exp - 1, clipped to
    [1e-3, largest true depth]. This is the authors' code for "ppd". The same fit in the space of
    the other kinds is our extension; there, a disparity that is not positive becomes the largest
    true depth. The authors compute in float32, this function in float64.

    "least-squares": Marigold's evaluation script (script/depth/eval.py). It is ordinary least
    squares on all valid pixels, clipped to ``depth_range`` and to 1e-6 m or more. "disparity" is
    fitted to 1/depth where the prediction is positive, and clipped to 1e-3 per metre or more
    before it is inverted. A falling line is used unchanged, with a note. "ppd" and "log-depth" are
    our extensions.

    "trimmed": for measured depth with outliers, as from sensors. It is ordinary least squares on
    all valid pixels, then three times on the nine tenths with the smallest residuals, clipped to
    1e-3 to 200 m. A falling line is used unchanged, with a note.

    A constant prediction becomes the mean of the fitted y, with a note.

    If half or more of the true depths are equal, RANSAC's threshold is 0. scikit-learn then finds
    a line whose slope is 0 up to rounding, and the sign of the rounding error decides between two
    very different results. This case raises an error here.

    Args:
        protocol, kind: See above.
        prediction: (H, W); undefined where not valid.
        depth: (H, W) true metres; undefined where not valid.
        valid: (H, W) bool, the pixels that are fitted.
        seed: Seed of RANSAC's trials.
        depth_range: Lowest and highest metres of the set, for "least-squares".

    Raises:
        Degenerate: There is no or only one valid pixel; the prediction is NaN or infinite at valid
            pixels; the true depth is not positive there; for "authors", half or more of the true
            depths are equal; for "least-squares" of a disparity, fewer than two are positive.
    """
    x, gt = prediction[valid].astype(np.float64), depth[valid].astype(np.float64)
    _require_usable(x, gt)
    y = _in_space(kind, gt)
    if protocol == "authors":
        slope, intercept, note = _authors_line(x, y, seed)
        lowest, highest = LOWEST, float(gt.max())
    elif protocol == "trimmed":
        slope, intercept, note = _trimmed_line(x, y)
        lowest, highest = LOWEST, FARTHEST
    else:
        slope, intercept, note = _least_squares_line(kind, x, y)
        lowest, highest = max(depth_range[0], LEAST_DEPTH), depth_range[1]
    values = slope * prediction.astype(np.float64) + intercept
    if protocol == "least-squares" and kind == "disparity":
        values = np.maximum(values, LEAST_DISPARITY)
    return Aligned(np.clip(_to_metres(kind, values), lowest, highest), note, slope, intercept)


def _require_usable(x: np.ndarray, gt: np.ndarray) -> None:
    if x.size == 0:
        raise Degenerate("no valid pixel")
    if wrong := x.size - int(np.isfinite(x).sum()):
        raise Degenerate(f"the prediction is NaN or infinite at {wrong} of {x.size} valid pixels")
    if wrong := x.size - int((np.isfinite(gt) & (gt > 0)).sum()):
        raise Degenerate(f"the true depth is not positive at {wrong} of {x.size} valid pixels")
    if x.size == 1:
        raise Degenerate("only one valid pixel")


def _in_space(kind: Kind, depth: np.ndarray) -> np.ndarray:
    if kind == "ppd":
        return np.log1p(depth)
    if kind == "log-depth":
        return np.log(depth)
    return depth if kind == "depth" else 1 / depth


def _to_metres(kind: Kind, values: np.ndarray) -> np.ndarray:
    """Inverts ``_in_space``; a disparity that is not positive becomes infinite depth."""
    with np.errstate(over="ignore", divide="ignore"):
        if kind == "ppd":
            return np.expm1(values)
        if kind == "log-depth":
            return np.exp(values)
        return values if kind == "depth" else 1 / np.maximum(values, 0)


def _authors_line(x: np.ndarray, y: np.ndarray, seed: int) -> tuple[float, float, str | None]:
    threshold = float(np.median(np.abs(y - np.median(y))))
    if threshold == 0:
        raise Degenerate("half or more of the true depths are equal, so RANSAC has no threshold")
    if np.ptp(x) == 0:
        return 0.0, float(y.mean()), "constant prediction"
    near = _consensus(x, y, threshold, np.random.default_rng(seed))
    slope, intercept = _least_squares(x[near], y[near])
    if slope > 0:
        return slope, intercept, None
    note = f"falling prediction (slope {slope:.3g}), scaled by its mean"
    if x.mean() == 0:
        return 0.0, float(y.mean()), note + ", which is 0"
    return float(y.mean() / x.mean()), 0.0, note


def _least_squares_line(
    kind: Kind, x: np.ndarray, y: np.ndarray
) -> tuple[float, float, str | None]:
    if kind == "disparity":
        positive = x > 0
        x, y = x[positive], y[positive]
        if x.size < 2:
            raise Degenerate("the predicted disparity is positive at fewer than two valid pixels")
    slope, intercept = _least_squares(x, y)
    return slope, intercept, _irregularity(x, slope)


def _trimmed_line(x: np.ndarray, y: np.ndarray) -> tuple[float, float, str | None]:
    slope, intercept = _least_squares(x, y)
    for _ in range(ROUNDS):
        residual = np.abs(slope * x + intercept - y)
        kept = residual <= np.quantile(residual, KEPT)
        if np.count_nonzero(kept) < 2:
            break
        slope, intercept = _least_squares(x[kept], y[kept])
    return slope, intercept, _irregularity(x, slope)


def _irregularity(x: np.ndarray, slope: float) -> str | None:
    if np.ptp(x) == 0:
        return "constant prediction"
    return None if slope > 0 else f"falling prediction (slope {slope:.3g})"


def _consensus(
    x: np.ndarray, y: np.ndarray, threshold: float, rng: np.random.Generator
) -> np.ndarray:
    """RANSAC: returns the inliers (N,) bool of the line with the most inliers. On a tie, the line
    that explains the greater share of its inliers' variance wins."""
    most, best_share = 1, -math.inf
    inliers = np.ones(x.size, bool)  # used if no line has any, which only rounding can cause
    residual = np.empty_like(y)
    trial, trials = 0, float(MOST_TRIALS)
    while trial < trials:
        trial += 1
        slope, intercept = _through_pair(x, y, rng)
        np.multiply(x, slope, out=residual)
        residual += intercept
        residual -= y
        near = np.abs(residual, out=residual) <= threshold
        count = int(np.count_nonzero(near))
        if count < most:
            continue
        share = _explained(y[near], residual[near])
        if count == most and share < best_share:
            continue
        most, best_share, inliers = count, share, near
        trials = min(trials, _trials_needed(count / x.size))
    return inliers


def _through_pair(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """Returns the line through two random points; it is level if their ``x`` are equal."""
    i = int(rng.integers(x.size))
    j = (i + int(rng.integers(1, x.size))) % x.size
    slope = (y[j] - y[i]) / (x[j] - x[i]) if x[i] != x[j] else 0.0
    return slope, (y[i] + y[j]) / 2 - slope * (x[i] + x[j]) / 2


def _explained(y: np.ndarray, residual: np.ndarray) -> float:
    left, spread = float(residual @ residual), float(((y - y.mean()) ** 2).sum())
    return 1 - left / spread if spread > 0 else float(left == 0)


def _trials_needed(share: float) -> float:
    """Returns the number of trials after which, with ``CONFIDENCE``, one pair was two inliers."""
    failure = max(1 - share**2, np.finfo(float).eps)
    return math.inf if failure == 1 else math.ceil(math.log(1 - CONFIDENCE) / math.log(failure))


def _least_squares(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Returns slope and intercept; slope 0 if all ``x`` are equal."""
    x_mean, y_mean = float(x.mean()), float(y.mean())
    if np.ptp(x) == 0:
        return 0.0, y_mean
    apart = x - x_mean
    slope = float(apart @ (y - y_mean)) / float(apart @ apart)
    return slope, y_mean - slope * x_mean
