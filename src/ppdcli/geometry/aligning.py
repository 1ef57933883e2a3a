"""Brings one relative depth map to the scale of known points of the world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppdcli.errors import InputError
from ppdcli.geometry.align import relative_at
from ppdcli.geometry.log_fit import (
    AGREEMENT,
    LEAST_POINTS,
    LEAST_SIGMA,
    LogFit,
    cost_of,
    fit_log,
    require_range,
)
from ppdcli.geometry.robust_line import MAD_TO_SIGMA
from ppdcli.geometry.smooth_field import FLAT, SmoothField, explain

NEARER, FARTHER = 2.0, 1.25
"""A map is kept from the nearest known depth over the first to the farthest times the second.
Beyond it no point vouches for its scale. The network puts the sky a little behind what is far."""
ENDS = (1, 99)  # per cent of the known depths that agree
LEAST_SHARE = 1 / 3  # of the known depths that must agree
TRIED = np.linspace(2, 98, 49)  # per cent of the known depths, which a constant depth may have
LEAST_GAIN = 0.2  # by which the prediction must be better than a constant depth


@dataclass(frozen=True, eq=False)
class Aligned:
    """A depth map in the unit of the known points.

    Attributes:
        values: (H, W) float32 depth, NaN where there is none; also of the sky, which shows where
            the edges before it are.
        trusted: (H, W) bool: where the points vouch for it.
        fit: of the whole picture.
        field: the smooth correction; None without one.
        agree: (N,) bool: the known points that agree with ``values``.
        spread: standard deviation of log(depth / known) of these, by their median; with a field, of
            those that it has not seen.
    """

    values: np.ndarray
    trusted: np.ndarray
    fit: LogFit
    field: SmoothField | None
    agree: np.ndarray
    spread: float

    @property
    def depth(self) -> np.ndarray:
        """(H, W) float32: the trusted depth, NaN elsewhere."""
        return np.where(self.trusted, self.values, np.float32(np.nan))

    def describe(self) -> str:
        """One line for the user."""
        if self.field is None:
            return self.fit.describe()
        number = int(self.agree.sum())
        return (
            f"{self.fit.describe()}; after a smooth field {number} agree, typical error "
            f"{100 * self.spread:.2g} %"
        )


def align_photo(
    relative: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    depth: np.ndarray,
    seed: int = 0,
) -> Aligned:
    """Fits a relative map to known depths, and corrects its remaining smooth error.

    Args:
        relative: (H, W) relative depth.
        u, v: (N,) column and row of the known points on this grid, inside it; the first pixel's
            centre is (0, 0).
        depth: (N,) their depth along the optical axis, in any unit.
        seed: of the random trials.

    Raises:
        InputError: The points cannot fix the scale.
    """
    height, width = relative.shape
    x = relative_at(relative, u, v, width, height)
    fit = fit_log(x, depth, seed)
    place = (u + 0.5) / width, (v + 0.5) / height, x
    found, left = explain(*place, fit.errors(x, depth), seed)
    agree = np.abs(left) <= AGREEMENT
    _require(place, depth, fit, agree, seed)
    spread = MAD_TO_SIGMA * float(np.median(np.abs(left[agree])))
    spread = max(spread if found is None else found.spread, LEAST_SIGMA)
    values = fit.apply(relative)
    if found is not None:
        values = found.apply(values, relative)
    near, far = np.percentile(depth[agree], ENDS)
    trusted = (values >= near / NEARER) & (values <= far * FARTHER)
    return Aligned(values, trusted, fit, found, agree, spread)


def _require(
    place: tuple[np.ndarray, np.ndarray, np.ndarray],
    depth: np.ndarray,
    fit: LogFit,
    agree: np.ndarray,
    seed: int,
) -> None:
    """Refuses points that the predicted depth says nothing about.

    The prediction must explain them better than a constant depth does. Where large regions are
    wrong, it may need the smooth field; then the constant depth gets such a field, too, since that
    alone explains much in a simple scene.

    Raises:
        InputError: it does not.
    """
    known = np.isfinite(place[2]) & (depth > 0)
    number, total = int(agree.sum()), int(known.sum())
    if number < max(LEAST_POINTS, LEAST_SHARE * total):
        raise InputError(
            f"only {number} of {total} known depths agree on a scale (within {100 * AGREEMENT:g} %)"
        )
    require_range(place[2][agree], depth[agree])
    predicted = fit.errors(place[2], depth)
    constant = np.where(known, _from_constant(depth[known], depth), np.nan)
    if _gains(predicted, constant, known):
        return
    predicted, constant = (explain(*place, one, seed, FLAT)[1] for one in (predicted, constant))
    if not _gains(predicted, constant, known):
        raise InputError(
            "its known depths do not follow the predicted ones: one constant depth fits them "
            "almost as well"
        )


def _from_constant(known: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """log(depth / constant) for the constant depth that costs the ``known`` ones least."""
    levels = np.percentile(np.log(known), TRIED)
    best = min(levels, key=lambda level: cost_of(np.log(known) - level))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.log(depth) - best)


def _gains(predicted: np.ndarray, constant: np.ndarray, known: np.ndarray) -> bool:
    """Whether the errors of a prediction cost less than those of a constant depth."""
    costs = [
        cost_of(np.where(np.isfinite(errors), errors, np.inf)[known])
        for errors in (predicted, constant)
    ]
    return costs[0] <= (1 - LEAST_GAIN) * costs[1]
