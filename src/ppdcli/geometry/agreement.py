"""Whether the depth of one photo agrees with that of others which see the same place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ppdcli.geometry.compiled import compiled
from ppdcli.geometry.posed import PosedDepth, seen_at

ONE_SURFACE = 1.15  # largest ratio of depths between which a place is interpolated
CHUNK = 1 << 18  # points
SIGMAS = 2.5


@dataclass(frozen=True)
class AgreementRule:
    """When a point is kept.

    Attributes:
        support: neighbours that must agree.
        tolerance: the least and the largest relative difference of depths that agree. Between the
            two it is ``SIGMAS`` standard deviations of both depths.
        through: a neighbour sees through a point if all it sees there is farther by this many
            tolerances. The point is dropped unless more neighbours agree than see through.
        refine: move each point to the mean of its depth and those that agree.
    """

    support: int = 1
    tolerance: tuple[float, float] = (0.01, 0.08)
    through: float = 2.0
    refine: bool = True

    def tolerance_of(self, view: PosedDepth, other: PosedDepth) -> float:
        """The relative difference up to which two depth maps agree."""
        low, high = self.tolerance
        return min(max(SIGMAS * float(np.hypot(view.spread, other.spread)), low), high)

    def describe(self) -> str:
        """One line for comments."""
        low, high = self.tolerance
        return (
            f"{self.support} or more other photos agree within {SIGMAS:g} standard deviations "
            f"({100 * low:g} to {100 * high:g} % of depth), and more than see through"
        )


@dataclass(frozen=True, eq=False)
class Agreement:
    """What is left of a depth map.

    Attributes:
        depth: (H, W) float32, NaN where the point was dropped or never was.
        support: (H, W) uint8: how many neighbours agree.
        seen_through: number of points that were dropped because others see through them.
        unsupported: number of points that were dropped because too few agree.
        kept: number of points that are left.
    """

    depth: np.ndarray
    support: np.ndarray
    seen_through: int
    unsupported: int
    kept: int


def check(view: PosedDepth, neighbours: Sequence[PosedDepth], rule: AgreementRule) -> Agreement:
    """Compares each point of a depth map with the depth maps of its neighbours.

    A neighbour agrees with a point if its own depth there is the same within the tolerance. It sees
    through the point if its depth there, and in the pixels around, is clearly larger. If its depth
    is smaller, something is in front, and it says nothing. It says nothing either where it has no
    depth, or does not look.

    Args:
        view: the depth map to check.
        neighbours: others, in the same world.
        rule: when a point is kept.
    """
    height, width = view.depth.shape
    depth = np.full(view.depth.size, np.nan, np.float32)
    support = np.zeros(view.depth.size, np.uint8)
    through_count = unsupported = 0
    with_ray = np.isfinite(view.depth) & (view.depth > 0) & np.isfinite(view.slopes[..., 0])
    places = np.flatnonzero(with_ray)
    slopes = view.slopes.reshape(-1, 2)
    for start in range(0, len(places), CHUNK):
        some = places[start : start + CHUNK]
        z = view.depth.flat[some].astype(np.float64)
        votes = _Votes(len(some), 1 / max(view.spread, 1e-6) ** 2)
        for other in neighbours:
            votes.add(view, other, slopes[some], z, rule)
        seen = (votes.through > 0) & (votes.through >= votes.agree)
        alone = ~seen & (votes.agree < rule.support)
        kept = ~seen & ~alone
        through_count += int(seen.sum())
        unsupported += int(alone.sum())
        better = z * np.exp(votes.shift) if rule.refine else z
        depth[some[kept]] = better[kept]
        support[some[kept]] = votes.agree[kept]
    return Agreement(
        depth.reshape(height, width),
        support.reshape(height, width),
        through_count,
        unsupported,
        int(np.isfinite(depth).sum()),
    )


class _Votes:
    """What neighbours say about some points of a depth map."""

    def __init__(self, count: int, own_weight: float) -> None:
        self.agree = np.zeros(count, np.uint8)
        self.through = np.zeros(count, np.uint8)
        self._weights, self._sums = np.full(count, own_weight), np.zeros(count)

    @property
    def shift(self) -> np.ndarray:
        """By how much log(depth) of the points must change to agree best."""
        return self._sums / self._weights

    def add(
        self,
        view: PosedDepth,
        other: PosedDepth,
        slopes: np.ndarray,
        z: np.ndarray,
        rule: AgreementRule,
    ) -> None:
        """Lets one neighbour vote."""
        turn = other.pose.rotation @ view.pose.rotation.T
        rays = slopes @ turn[:, :2].T + turn[:, 2]
        points = rays * z[:, None] + (other.pose.translation - turn @ view.pose.translation)
        u, v = seen_at(points, other.camera, other.distortion, other.widest)
        there = np.empty(len(z))
        nearest = np.empty(len(z))
        _look_up(other.depth, u, v, ONE_SURFACE, there, nearest)
        tolerance = np.log1p(rule.tolerance_of(view, other))
        with np.errstate(divide="ignore", invalid="ignore"):
            left = np.log(there / points[:, 2])
            agrees = np.abs(left) <= tolerance
            self.through += np.log(nearest / points[:, 2]) > rule.through * tolerance
        self.agree += agrees
        # A step along the own ray changes the depth that the neighbour sees by this share of it.
        gain = rays[agrees, 2] * z[agrees] / points[agrees, 2]
        weight = 1 / max(other.spread, 1e-6) ** 2
        self._weights[agrees] += weight * gain**2
        self._sums[agrees] += weight * gain * left[agrees]


@compiled
def _look_up(
    depth: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    one_surface: float,
    there: np.ndarray,
    nearest: np.ndarray,
) -> None:
    """Reads a depth map at places between its pixels.

    Inverse depth is linear on a plane, so it is what is interpolated.

    Args:
        depth: (H, W), NaN where there is none.
        u, v: (N,) column and row, which may be outside or NaN.
        one_surface: largest ratio of the four depths around a place that is interpolated; else the
            depth is that of the nearest pixel.
        there: (N,), gets the depth; NaN where there is none.
        nearest: (N,), gets the least depth of the 3x3 pixels around; NaN where ``there`` is.
    """
    height, width = depth.shape
    for k in range(u.size):
        there[k] = np.nan
        nearest[k] = np.nan
        if not (-0.5 <= u[k] < width - 0.5 and -0.5 <= v[k] < height - 0.5):
            continue
        column, row = int(np.floor(u[k] + 0.5)), int(np.floor(v[k] + 0.5))
        here = depth[row, column]
        if np.isnan(here):
            continue
        least = here
        for y in range(max(row - 1, 0), min(row + 2, height)):
            for x in range(max(column - 1, 0), min(column + 2, width)):
                if not np.isnan(depth[y, x]):
                    least = min(least, depth[y, x])
        nearest[k] = least
        left, top = int(np.floor(u[k])), int(np.floor(v[k]))
        there[k] = here
        if left < 0 or top < 0 or left + 1 >= width or top + 1 >= height:
            continue
        a, b = depth[top, left], depth[top, left + 1]
        c, d = depth[top + 1, left], depth[top + 1, left + 1]
        if np.isnan(a + b + c + d):
            continue
        if max(a, b, c, d) <= min(a, b, c, d) * one_surface:
            s, t = u[k] - left, v[k] - top
            inverse = (1 - t) * ((1 - s) / a + s / b) + t * ((1 - s) / c + s / d)
            there[k] = 1 / inverse
