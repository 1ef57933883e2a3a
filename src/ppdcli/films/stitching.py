"""Joins the depth of windows: scale and shift from a window's unit to that of the window before.

Both windows have depth of the same three key frames. ``fit_keys`` guards the fit: a scale that is
negative or far from 1, or that noise decides, would spoil all later frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ppdcli.films.alignment import Line, some
from ppdcli.films.window_plan import KEY_SLOTS, keys_of
from ppdcli.geometry.robust_line import (
    MAD_TO_SIGMA,
    least_squares,
    lines_through_pairs,
    median_deviation,
    robust_costs,
)

Method = Literal["least squares", "robust", "shift", "none"]

MOST_SCALE = 4.0  # and its inverse; a window's unit has the range of the last one's, about [0, 1]
LEAST_CORRELATION = 0.5  # below it, noise and not the scene decides the scale
MOST_RESIDUAL = 0.1
"""The largest median residual, in a unit whose range is about 1, of windows that show one scene."""
TRIALS = 300  # lines through two random pixels; with half of the pixels off, 70 pass true ones
NEAR = 0.2  # largest residual of a pixel that supports such a line, in spreads of the references
LEAST_NEAR = 1e-4  # the same, in the references' unit


@dataclass(frozen=True)
class Fit:
    """Scale and shift of a window's depth.

    Attributes:
        scale, shift: depth in the unit of the windows before = scale * depth + shift.
        residual: median of the key frames' absolute residuals, in the unit of the windows before.
        method: ``least squares``; ``robust`` or ``shift`` (the scale is 1) where that is not
            plausible; ``none`` where no line is, and the window begins a unit of its own.
    """

    scale: float
    shift: float
    residual: float
    method: Method

    def at(self, depth: np.ndarray) -> np.ndarray:
        """Depth in the unit of the windows before, of the same shape, float32."""
        return np.float32(self.scale) * depth + np.float32(self.shift)


def exact_line(depth: np.ndarray, references: np.ndarray) -> Line:
    """Fits scale and shift as the authors do: normal equations in float32, without a guard.

    On maps of low contrast the determinant cancels, and the scale can be off by any factor. Use it
    only for equality with the authors' numbers.

    Args:
        depth: The window's depth of the key frames, float32.
        references: Their depth in the unit of the windows before, of the same shape.
    """
    x, y = depth.astype(np.float32, copy=False), references.astype(np.float32, copy=False)
    squares, sums, count = (x * x).sum(), x.sum(), np.float32(x.size)
    products, targets = (x * y).sum(), y.sum()
    determinant = squares * count - sums * sums
    if determinant == 0:
        return Line()
    scale = (count * products - sums * targets) / determinant
    shift = (squares * targets - sums * products) / determinant
    return Line(float(scale), float(shift))


def plain_line(depth: np.ndarray, references: np.ndarray) -> Line:
    """Fits scale and shift by least squares, centred and in float64, without a guard.

    Args:
        depth, references: See ``exact_line``; float32 or float64, finite.

    Returns:
        The line. Its scale is 0 if ``depth`` is constant.
    """
    x, y = depth.astype(np.float64).ravel(), references.astype(np.float64).ravel()
    return Line(*least_squares(x, y, np.ones_like(x)))


def robust_line(x: np.ndarray, y: np.ndarray) -> Line:
    """Fits y = scale * x + shift where many pixels may be far off: MSAC, then least squares.

    Args:
        x, y: (N,) float64, finite. Equal values give equal results.
    """
    few = some(np.ones(x.size, bool))
    x, y = x[few], y[few]
    if x.size < 2:
        return Line()
    near = max(NEAR * MAD_TO_SIGMA * median_deviation(y), LEAST_NEAR)
    scales, shifts = lines_through_pairs(x, y, np.random.default_rng(0), TRIALS)
    if scales.size == 0:
        return Line()
    best = int(np.argmin(robust_costs(scales, shifts, x, y, near)))
    support = np.abs(y - scales[best] * x - shifts[best]) <= near
    return plain_line(x[support], y[support])


def fit_keys(depth: np.ndarray, references: np.ndarray) -> Fit:
    """Fits scale and shift over all pixels of the key frames, guarded.

    Least squares is taken if it is plausible: a scale from 1/4 to 4, and a correlation of 0.5 or
    more. Otherwise a robust line is taken by the same rule, or a shift alone if the maps then
    agree.

    Args:
        depth: (3, H, W), the window's depth of the key frames. NaN and infinity do not count.
        references: (3, H, W), their depth in the unit of the windows before.
    """
    known = np.isfinite(depth) & np.isfinite(references)
    x, y = depth[known].astype(np.float64), references[known].astype(np.float64)
    if x.size == 0:
        return Fit(1.0, 0.0, float("nan"), "none")
    lines: tuple[tuple[Method, Line], ...] = (
        ("least squares", plain_line(x, y)),
        ("robust", robust_line(x, y)),
    )
    for method, line in lines:
        if _is_plausible(line, x, y):
            return Fit(line.scale, line.shift, _residual(line, x, y), method)
    shifted = Line(1.0, float(np.median(y - x)))
    residual = _residual(shifted, x, y)
    if residual <= MOST_RESIDUAL:
        return Fit(1.0, shifted.shift, residual, "shift")
    return Fit(1.0, 0.0, _residual(Line(), x, y), "none")


def joined(
    window: np.ndarray, references: np.ndarray, exact: bool = False
) -> tuple[np.ndarray, Fit]:
    """Brings a window into the unit of the windows before.

    Args:
        window: (16, H, W); its first three frames are the key frames.
        references: (3, H, W), see ``fit_keys``.
        exact: fit as the authors do (``exact_line``), instead of the guarded fit.

    Returns:
        (16, H, W) float32, and the fit.
    """
    keys = window[: len(KEY_SLOTS)]
    if exact:
        line = exact_line(keys, references)
        fit = Fit(line.scale, line.shift, _residual(line, keys, references), "least squares")
    else:
        fit = fit_keys(keys, references)
    return fit.at(window), fit


def next_references(window: np.ndarray, references: np.ndarray | None) -> np.ndarray:
    """Returns the depth of the next window's key frames, (3, H, W).

    The first one is that of the film's first frame and never changes.

    Args:
        window: (16, H, W), joined.
        references: Of the window; None if it is the first one, or begins a unit of its own.
    """
    first, *others = keys_of(list(window))
    return np.stack([first if references is None else references[0], *others])


def _is_plausible(line: Line, x: np.ndarray, y: np.ndarray) -> bool:
    if not 1 / MOST_SCALE <= line.scale <= MOST_SCALE:
        return False
    residual = y - line.scale * x - line.shift
    limit = (1 - LEAST_CORRELATION**2) * _energy(y)
    return _energy(residual) < limit  # never on a constant map


def _energy(x: np.ndarray) -> float:
    """Mean squared deviation from the median, of the 90 % that are closest to it.

    A few outliers, for which the robust line exists, do not count.
    """
    deviation = np.square(x - np.median(x))
    last = int(0.9 * (x.size - 1))
    return float(np.partition(deviation, last)[: last + 1].mean())


def _residual(line: Line, x: np.ndarray, y: np.ndarray) -> float:
    return float(np.median(np.abs(y - line.scale * x - line.shift)))
