"""Scale and shift of a frame's depth, fitted to the frames before it."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np

from ppdcli.geometry.robust_line import HUBER, MAD_TO_SIGMA, least_squares

MOST_POINTS = 1 << 14  # more make no difference
LEAST_POINTS = 64
REWEIGHTINGS = 6
LEAST_SIGMA = 1e-4  # of the network's unit, against a division by zero
LEAST_CORRELATION = 0.5  # below it the points fix a shift alone
MOST_CHANGE = 1.25  # of the scale, from one frame to the next
LEAK = 0.05
"""How much of a correction is forgotten in a frame. Slow changes of scale and shift, which are real
where a camera moves, therefore pass, while fast ones are taken out."""


class Line(NamedTuple):
    """y = scale * x + shift."""

    scale: float = 1.0
    shift: float = 0.0

    def at(self, x: np.ndarray) -> np.ndarray:
        """(…) float32."""
        return x * np.float32(self.scale) + np.float32(self.shift)

    def back(self, y: np.ndarray) -> np.ndarray:
        """The x of a y."""
        return (y - np.float32(self.shift)) / np.float32(self.scale)

    def leaked(self, centre: float, leak: float) -> Self:
        """The line, closer to y = x by this share; it turns around x = ``centre``."""
        scale = self.scale ** (1 - leak)
        offset = (self.scale * centre + self.shift - centre) * (1 - leak)
        return type(self)(scale, centre + offset - scale * centre)


def fit_to_past(x: np.ndarray, y: np.ndarray, start: Line) -> tuple[Line, float]:
    """Fits a line from a frame to its past, robustly and without preferring small scales.

    Both sides are noisy. Least squares would give too small a scale, which would shrink from frame
    to frame. This takes the ratio of the spreads (reduced major axis) with Huber's weights.

    Args:
        x: (N,) depth of the frame at points that are followed.
        y: (N,) depth of the past at the same points.
        start: where to begin, the last frame's line; also the answer if the points fix none.

    Returns:
        The line, and the mean of ``x`` around which it is best known.
    """
    x, y = x.astype(np.float64), y.astype(np.float64)
    if x.size < LEAST_POINTS:
        return start, float(x.mean()) if x.size else 0.0
    line, centre = start, float(x.mean())
    for _ in range(REWEIGHTINGS):
        weight = _huber(y - line.scale * x - line.shift)
        centre, y_mean = (float(np.average(v, weights=weight)) for v in (x, y))
        spread = float((weight * (x - centre) ** 2).sum())
        target = float((weight * (y - y_mean) ** 2).sum())
        common = float((weight * (x - centre) * (y - y_mean)).sum())
        scale = start.scale
        if common > LEAST_CORRELATION * (spread * target) ** 0.5 > 0:
            wanted = (target / spread) ** 0.5
            scale = float(np.clip(wanted, start.scale / MOST_CHANGE, start.scale * MOST_CHANGE))
        line = Line(scale, y_mean - scale * centre)
    return line, centre


def fit_to_present(past: np.ndarray, present: np.ndarray) -> Line:
    """Least squares with Huber's weights; y = x if there are too few points."""
    x, y = past.astype(np.float64), present.astype(np.float64)
    line = Line()
    if x.size < LEAST_POINTS:
        return line
    for _ in range(REWEIGHTINGS):
        scale, shift = least_squares(x, y, _huber(y - line.scale * x - line.shift))
        line = Line(scale, shift)
    return line


def some(mask: np.ndarray) -> np.ndarray:
    """Flat indices of at most ``MOST_POINTS`` True pixels, spread over all of them."""
    where = np.flatnonzero(mask)
    return where[:: max(1, -(-where.size // MOST_POINTS))]


def _huber(residual: np.ndarray) -> np.ndarray:
    distance = np.abs(residual - np.median(residual))
    limit = HUBER * max(MAD_TO_SIGMA * float(np.median(distance)), LEAST_SIGMA)
    return limit / np.maximum(np.abs(residual), limit)
