"""Whether the depth of one photo agrees with that of others which see the same place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ppdcli.geometry.compiled import compiled
from ppdcli.geometry.posed import PosedDepth

ONE_SURFACE = 1.15  # largest ratio of depths between which a place is interpolated
CHUNK = 1 << 18  # points
SIGMAS = 2.5
TRUST = 0.25  # of the points of a photo that others look at
WIDER = 1.01  # times the widest ray of a lens, beyond which its model has no meaning


@dataclass(frozen=True)
class AgreementRule:
    """When a point is kept.

    Attributes:
        support: neighbours that must agree.
        tolerance: the least and the largest relative difference of depths that agree. Between the
            two it is ``SIGMAS`` standard deviations of both depths.
        through: a neighbour sees through a point if all it sees there is farther by this many
            tolerances. The point is dropped unless more neighbours agree than see through.
        refine: move each point to the mean of its depth and those that agree. That makes precise
            depth better and the depth of a small model worse.
        unchecked: keep points that no neighbour looks at, if neighbours agree with ``TRUST`` of the
            others of that photo.
    """

    support: int = 1
    tolerance: tuple[float, float] = (0.01, 0.03)
    through: float = 2.0
    refine: bool = False
    unchecked: bool = True

    def tolerance_of(self, view: PosedDepth, other: PosedDepth) -> float:
        """The relative difference up to which two depth maps agree."""
        low, high = self.tolerance
        return min(max(SIGMAS * float(np.hypot(view.spread, other.spread)), low), high)

    def describe(self) -> str:
        """One line for comments."""
        low, high = self.tolerance
        return (
            f"{self.support} or more other photos agree within {SIGMAS:g} standard deviations "
            f"({100 * low:g} to {100 * high:g} % of depth), and more than see through; points that "
            f"no other photo looks at are {'kept' if self.unchecked else 'dropped'}"
        )


@dataclass(frozen=True, eq=False)
class Agreement:
    """What is left of a depth map.

    Attributes:
        depth: (H, W) float32, NaN where the point was dropped or never was.
        support: (H, W) uint8: how many neighbours agree.
        seen_through: number of points that were dropped because others see through them.
        unsupported: number of points that were dropped because too few agree.
        unchecked: number of points that no neighbour looks at, and that were kept.
        kept: number of points that are left, with these.
    """

    depth: np.ndarray
    support: np.ndarray
    seen_through: int
    unsupported: int
    unchecked: int
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
    unseen_at = []
    through_count = unsupported = 0
    with_ray = np.isfinite(view.depth) & (view.depth > 0) & np.isfinite(view.slopes[..., 0])
    places = np.flatnonzero(with_ray)
    slopes = view.slopes.reshape(-1, 2)
    for start in range(0, len(places), CHUNK):
        some = places[start : start + CHUNK]
        z = view.depth.ravel()[some].astype(np.float64)
        votes = _Votes(len(some), 1 / max(view.spread, 1e-6) ** 2)
        for other in neighbours:
            votes.add(view, other, slopes[some], z, rule)
        seen = (votes.through > 0) & (votes.through >= votes.agree)
        unseen = votes.looked == 0
        kept = ~seen & (votes.agree >= rule.support)
        through_count += int(seen.sum())
        unsupported += int((~seen & ~kept & ~unseen).sum())
        better = z * np.exp(votes.shift) if rule.refine else z
        depth[some[kept]] = better[kept]
        support[some[kept]] = votes.agree[kept]
        unseen_at.append(some[unseen])
    agreed = int(np.isfinite(depth).sum())
    alone = np.concatenate(unseen_at) if unseen_at else np.empty(0, np.intp)
    trusted = agreed >= TRUST * (agreed + through_count + unsupported)
    unchecked = len(alone) if rule.unchecked and trusted else 0
    if unchecked:
        depth[alone] = view.depth.ravel()[alone]
    return Agreement(
        depth.reshape(height, width),
        support.reshape(height, width),
        through_count,
        unsupported + len(alone) - unchecked,
        unchecked,
        agreed + unchecked,
    )


class _Votes:
    """What neighbours say about some points of a depth map."""

    def __init__(self, count: int, own_weight: float) -> None:
        self.agree = np.zeros(count, np.uint8)
        self.through = np.zeros(count, np.uint8)
        self.looked = np.zeros(count, np.uint8)
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
        shift = other.pose.translation - turn @ view.pose.translation
        x, y, depth, gain = (np.empty(len(z)) for _ in range(4))
        _seen_by(slopes, z, turn, shift, other.widest, x, y, depth, gain)
        if other.distortion is not None:
            x, y = other.distortion.distort(x, y)
        camera = other.camera
        _vote(
            other.depth,
            camera.fx * x + camera.cx,
            camera.fy * y + camera.cy,
            depth,
            gain,
            (np.log1p(rule.tolerance_of(view, other)), rule.through, ONE_SURFACE),
            1 / max(other.spread, 1e-6) ** 2,
            (self.looked, self.agree, self.through),
            self._weights,
            self._sums,
        )


@compiled
def _seen_by(
    slopes: np.ndarray,
    z: np.ndarray,
    turn: np.ndarray,
    shift: np.ndarray,
    widest: float,
    x: np.ndarray,
    y: np.ndarray,
    depth: np.ndarray,
    gain: np.ndarray,
) -> None:
    """Finds where another camera sees points.

    Args:
        slopes: (N, 2) X/Z and Y/Z of the points in their own camera.
        z: (N,) their depth there.
        turn, shift: from the own camera to the other one.
        widest: the largest hypot(X/Z, Y/Z) that the other one sees.
        x, y, depth: (N,), get X/Z, Y/Z and Z in the other camera; x is NaN where it sees nothing.
        gain: (N,), gets d log(depth) / d log(z): how a step along the own ray changes the depth.
    """
    for k in range(z.size):
        a, b = slopes[k, 0], slopes[k, 1]
        ray = turn[2, 0] * a + turn[2, 1] * b + turn[2, 2]
        depth[k] = z[k] * ray + shift[2]
        x[k] = y[k] = np.nan
        if not depth[k] > 0:
            continue
        left = z[k] * (turn[0, 0] * a + turn[0, 1] * b + turn[0, 2]) + shift[0]
        up = z[k] * (turn[1, 0] * a + turn[1, 1] * b + turn[1, 2]) + shift[1]
        x[k], y[k] = left / depth[k], up / depth[k]
        gain[k] = z[k] * ray / depth[k]
        if not np.hypot(x[k], y[k]) <= WIDER * widest:
            x[k] = np.nan


@compiled
def _vote(
    seen: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    depth: np.ndarray,
    gain: np.ndarray,
    limits: tuple[float, float, float],
    weight: float,
    votes: tuple[np.ndarray, np.ndarray, np.ndarray],
    weights: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Compares points with the depth map of another camera.

    Args:
        seen: (H, W) the depth map, NaN where there is none.
        u, v: (N,) where it sees the points, which may be outside or NaN.
        depth: (N,) their depth there.
        gain: (N,) how that changes with the own depth.
        limits: the largest |log ratio| that agrees; how many times that a depth is farther that
            sees through; the largest ratio of depths between which a place is interpolated.
        weight: of the other depth.
        votes: (N,) each, which are counted up: it looks at the point, agrees, sees through.
        weights, sums: (N,) of the mean of log(depth), which are added to.
    """
    tolerance, farther, one_surface = limits
    looked, agree, through = votes
    for k in range(u.size):
        there, nearest = _look_up(seen, u[k], v[k], one_surface)
        if np.isnan(there):
            continue
        looked[k] += 1
        left = np.log(there / depth[k])
        if abs(left) <= tolerance:
            agree[k] += 1
            weights[k] += weight * gain[k] ** 2
            sums[k] += weight * gain[k] * left
        if np.log(nearest / depth[k]) > farther * tolerance:
            through[k] += 1


@compiled
def _look_up(depth: np.ndarray, u: float, v: float, one_surface: float) -> tuple[float, float]:
    """Reads a depth map at a place between its pixels.

    Inverse depth is linear on a plane, so it is what is interpolated, unless the four depths around
    the place differ by more than ``one_surface``. Then the depth is that of the nearest pixel.

    Returns:
        The depth, and the least one of the 3x3 pixels around. NaN where there is none.
    """
    height, width = depth.shape
    if not (-0.5 <= u < width - 0.5 and -0.5 <= v < height - 0.5):
        return np.nan, np.nan
    column, row = int(np.floor(u + 0.5)), int(np.floor(v + 0.5))
    there = float(depth[row, column])
    if np.isnan(there):
        return np.nan, np.nan
    nearest = there
    for y in range(max(row - 1, 0), min(row + 2, height)):
        for x in range(max(column - 1, 0), min(column + 2, width)):
            if not np.isnan(depth[y, x]):
                nearest = min(nearest, float(depth[y, x]))
    left, top = int(np.floor(u)), int(np.floor(v))
    if left < 0 or top < 0 or left + 1 >= width or top + 1 >= height:
        return there, nearest
    a, b = float(depth[top, left]), float(depth[top, left + 1])
    c, d = float(depth[top + 1, left]), float(depth[top + 1, left + 1])
    if not np.isnan(a + b + c + d) and max(a, b, c, d) <= min(a, b, c, d) * one_surface:
        s, t = u - left, v - top
        there = 1 / ((1 - t) * ((1 - s) / a + s / b) + t * ((1 - s) / c + s / d))
    return there, nearest
