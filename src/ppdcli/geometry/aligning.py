"""Brings one relative depth map to the scale of known points of the world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppdcli.geometry.align import relative_at
from ppdcli.geometry.log_fit import LEAST_SIGMA, LogFit, fit_log
from ppdcli.geometry.robust_line import MAD_TO_SIGMA
from ppdcli.geometry.smooth_field import SmoothField, fit_field

NEARER, FARTHER = 2.0, 1.25
"""A map is kept from the nearest known depth over the first to the farthest times the second.
Beyond it no point vouches for its scale. The network puts the sky a little behind what is far."""
ENDS = (1, 99)  # per cent of the known depths that agree


@dataclass(frozen=True, eq=False)
class Aligned:
    """A depth map in the unit of the known points.

    Attributes:
        values: (H, W) float32 depth, NaN where there is none; also of the sky, which shows where
            the edges before it are.
        trusted: (H, W) bool: where the points vouch for it.
        fit: of the whole picture.
        field: the smooth correction; None without one.
        spread: standard deviation of log(depth / known) of the points that agree, by their median.
    """

    values: np.ndarray
    trusted: np.ndarray
    fit: LogFit
    field: SmoothField | None
    spread: float

    @property
    def depth(self) -> np.ndarray:
        """(H, W) float32: the trusted depth, NaN elsewhere."""
        return np.where(self.trusted, self.values, np.float32(np.nan))

    def describe(self) -> str:
        """One line for the user."""
        field = "" if self.field is None else f", {100 * self.spread:.2g} % after a smooth field"
        return f"{self.fit.describe()}{field}"


def align_photo(
    relative: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    depth: np.ndarray,
    seed: int = 0,
    field: bool = True,
) -> Aligned:
    """Fits a relative map to known depths, and corrects its remaining smooth error.

    Args:
        relative: (H, W) relative depth.
        u, v: (N,) column and row of the known points on this grid, inside it; the first pixel's
            centre is (0, 0).
        depth: (N,) their depth along the optical axis, in any unit.
        seed: of the random trials.
        field: correct the smooth error where there are enough points.

    Raises:
        InputError: The points cannot fix the scale.
    """
    height, width = relative.shape
    x = relative_at(relative, u, v, width, height)
    fit = fit_log(x, depth, seed)
    error = fit.errors(x, depth)[fit.agree]
    spread, found = fit.spread, None
    if field:
        place = ((u[fit.agree] + 0.5) / width, (v[fit.agree] + 0.5) / height, x[fit.agree])
        found = fit_field(*place, error, seed)
        if found is not None:
            left = np.abs(error - found.at(*place))
            spread = max(MAD_TO_SIGMA * float(np.median(left)), LEAST_SIGMA)
    values = fit.apply(relative)
    if found is not None:
        values = found.apply(values, relative)
    near, far = np.percentile(depth[fit.agree], ENDS)
    trusted = (values >= near / NEARER) & (values <= far * FARTHER)
    return Aligned(values, trusted, fit, found, spread)
