"""What a filter of flying pixels does near depth edges: pure functions of arrays.

All measures know the true depth of every pixel. Differences are of log depth, so relative.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ppdcli.geometry.camera import Camera

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

FLYING = 0.03  # farther than this from every true surface nearby: flying
TRUE = 0.01  # closer than this to the pixel's own true depth: true
COMPANY = 4  # of its 8 neighbours are true, too: else a dirty ramp crossed the truth by chance
JUMP = 0.05  # a true depth edge, or the relief of a thin structure
REACH = 4  # pixels around: a surface may be misplaced by this much
THIN = 4  # pixels across
BAND = 6  # pixels on either side of a true edge
SURFACE = 0.03  # true depths this close (one sigma) are of one surface
AROUND = 10  # pixels in which a surface's error is averaged
FAR_FROM_EDGES = 2  # pixels, of those whose error counts
NEIGHBOURHOOD = np.ones((3, 3), np.uint8)


def flying_points(depth: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Pixels that hang between true surfaces.

    Their depth differs by more than 3 % from every true depth in the 9 x 9 pixels around, and
    lies between the nearest and the farthest of these.

    Args:
        depth: (H, W), > 0; NaN counts as not flying.
        truth: (H, W), > 0.

    Returns:
        (H, W) bool.
    """
    log, true = _log(depth), _log(truth)
    height, width = log.shape
    padded = np.pad(true, REACH, mode="edge")
    apart = np.full(log.shape, np.inf, np.float32)
    for dy in range(2 * REACH + 1):
        for dx in range(2 * REACH + 1):
            around = padded[dy : dy + height, dx : dx + width]
            np.fmin(apart, np.abs(log - around), out=apart)
    window = np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)
    nearest, farthest = cv2.erode(true, window), cv2.dilate(true, window)
    return (apart > np.log1p(FLYING)) & (log > nearest) & (log < farthest)


def true_points(depth: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Pixels whose depth is within 1 % of the true one, as is that of 4 neighbours or more.

    A ramp from one surface to another crosses many true depths by chance; only along one line.
    """
    right = np.abs(_log(depth) - _log(truth)) <= np.log1p(TRUE)
    around = cv2.filter2D(
        right.astype(np.uint8), -1, NEIGHBOURHOOD, borderType=cv2.BORDER_REPLICATE
    )
    return right & (around >= 1 + COMPANY)


def thin_structure(truth: np.ndarray) -> np.ndarray:
    """Pixels of wires, bars, leaves: nearer by more than 5 % than what is on both sides.

    A morphological closing of log depth along a line of 5 pixels fills valleys up to 4 pixels
    wide; rows, columns and both diagonals are tried.
    """
    # Framed by what is nearer than all, so that nothing is thin for touching the border.
    log = np.pad(_log(truth), THIN, constant_values=np.log(truth.min()))
    length = THIN + 1
    diagonal = np.eye(length, dtype=np.uint8)
    row = np.ones((1, length), np.uint8)
    thin = np.zeros(log.shape, bool)
    for line in (row, row.T, diagonal, diagonal[::-1].copy()):
        closed = cv2.morphologyEx(log, cv2.MORPH_CLOSE, line)
        thin |= closed - log > np.log1p(JUMP)
    return thin[THIN:-THIN, THIN:-THIN]


def depth_edges(truth: np.ndarray) -> np.ndarray:
    """Pixels on either side of a true depth edge.

    Between two neighbours in a row or a column, 1/z jumps by more than 5 %, and by as much
    differs from what the plane on either side would have there (on a plane 1/z is linear).
    """
    inverse = 1 / truth.astype(np.float64)
    return _edges_along_rows(inverse) | _edges_along_rows(inverse.T).T


def _edges_along_rows(inverse: np.ndarray) -> np.ndarray:
    a, b = inverse[:, :-1], inverse[:, 1:]
    padded = np.pad(inverse, ((0, 0), (1, 1)), mode="edge")
    before, after = padded[:, :-3], padded[:, 3:]
    least = JUMP * np.minimum(a, b)
    jump = (
        (np.abs(a - b) > least)
        & (np.abs(2 * a - before - b) > least)
        & (np.abs(2 * b - after - a) > least)
    )
    edge = np.zeros(inverse.shape, bool)
    edge[:, :-1] |= jump
    edge[:, 1:] |= jump
    return edge


def placed_truth(truth: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """The truth with its surfaces where a prediction puts them, but with the truth's sharp edges.

    A small model places whole surfaces wrong by much more than its soft edges are wide; this
    leaves its edges to be judged. The error of log depth is averaged over the pixels up to 10 away
    that are on the same surface (weighted by how close their true depths are, sigma 3 %, and by
    distance, sigma 5 pixels) and more than 2 pixels from an edge; over all of the surface where
    there are no such pixels, as on wires.

    Args:
        truth: (H, W), > 0.
        depth: (H, W) prediction, > 0, in the unit of the truth.

    Returns:
        (H, W) float32.
    """
    true = _log(truth)
    error = _log(depth) - true
    window = np.ones((2 * FAR_FROM_EDGES + 1, 2 * FAR_FROM_EDGES + 1), np.uint8)
    inner = 1 - cv2.dilate(depth_edges(truth).astype(np.uint8), window).astype(np.float32)
    height, width = true.shape
    padded = [np.pad(a, AROUND) for a in (true, error, inner)]
    known = np.pad(np.ones_like(true), AROUND)
    sums = np.zeros((4, height, width), np.float32)
    for dy in range(2 * AROUND + 1):
        for dx in range(2 * AROUND + 1):
            there = (slice(dy, dy + height), slice(dx, dx + width))
            log, off, inside = (a[there] for a in padded)
            apart = (log - true) / np.float32(SURFACE)
            away = ((dy - AROUND) ** 2 + (dx - AROUND) ** 2) / (AROUND / 2) ** 2
            weight = np.exp(-0.5 * (apart**2 + np.float32(away))) * known[there]
            sums += np.stack((weight * inside * off, weight * inside, weight * off, weight))
    inside_mean = sums[0] / np.maximum(sums[1], 1e-9)
    mean = sums[2] / sums[3]
    return np.exp(true + np.where(sums[1] > 1e-2, inside_mean, mean))


def scaled_points(depth: np.ndarray, camera: Camera) -> np.ndarray:
    """(H, W, 3) points (X/Z, Y/Z, log Z): near each other, their distance is that of the points
    in space over their depth, so that near and far edges count alike."""
    height, width = depth.shape
    y, x = np.mgrid[:height, :width]
    rays = ((x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy)
    return np.stack((*rays, _log(depth)), axis=-1)


@dataclass(frozen=True)
class Score:
    """What a filter did to a dirty depth map; sums over images make sense but for the distances.

    Attributes:
        points: pixels with depth. lost: of them, those that the filter took away.
        flying, flying_left: before and after.
        true, true_kept: before, and of them those that are still within 1 %.
        thin, thin_kept: the same, on thin structure.
        accuracy: mean distance from the points left in the edge band to the true cloud, in units
            of depth (``scaled_points``). completeness: from the true points there to those left.
            NaN if the band is empty. Their sum is the edge-band Chamfer distance.
    """

    points: int
    lost: int
    flying: int
    flying_left: int
    true: int
    true_kept: int
    thin: int
    thin_kept: int
    accuracy: float
    completeness: float


@dataclass(frozen=True, eq=False)
class Reference:
    """A true depth map to judge others by.

    Attributes:
        truth: (H, W), > 0.
        camera: of this grid.
        valid: (H, W) bool; pixels that count, at least one. Others are neither points nor truth.
    """

    truth: np.ndarray
    camera: Camera
    valid: np.ndarray

    @cached_property
    def thin(self) -> np.ndarray:
        """(H, W) bool."""
        return self.valid & thin_structure(self.truth)

    @cached_property
    def band(self) -> np.ndarray:
        """(H, W) bool: within 6 pixels of a true depth edge."""
        window = np.ones((2 * BAND + 1, 2 * BAND + 1), np.uint8)
        return self.valid & cv2.dilate(depth_edges(self.truth).astype(np.uint8), window).astype(
            bool
        )

    @cached_property
    def points(self) -> np.ndarray:
        """(H, W, 3), see ``scaled_points``."""
        return scaled_points(self.truth, self.camera)

    @cached_property
    def tree(self) -> cKDTree:
        """Of the valid points."""
        return neighbours(self.points[self.valid])

    def score(self, dirty: np.ndarray, cleaned: np.ndarray, every: int = 1) -> Score:
        """Judges a filter.

        Args:
            dirty: (H, W) depth before, > 0.
            cleaned: (H, W) depth after, NaN where the filter took the point away.
            every: measure distances from every n-th point of the band only.
        """
        kept = self.valid & np.isfinite(cleaned)
        flying = self.valid & flying_points(dirty, self.truth)
        true = self.valid & true_points(dirty, self.truth)
        true_kept = true & (np.abs(_log(cleaned) - _log(self.truth)) <= np.log1p(TRUE))
        return Score(
            int(self.valid.sum()),
            int((self.valid & ~kept).sum()),
            int(flying.sum()),
            int((kept & flying_points(cleaned, self.truth)).sum()),
            int(true.sum()),
            int(true_kept.sum()),
            int((true & self.thin).sum()),
            int((true_kept & self.thin).sum()),
            *self._distances(cleaned, kept, every),
        )

    def _distances(self, cleaned: np.ndarray, kept: np.ndarray, every: int) -> tuple[float, float]:
        left = kept & self.band
        if not left.any():
            return float("nan"), float("nan")
        points = scaled_points(cleaned, self.camera)
        to_truth = self.tree.query(points[left][::every])[0]
        from_truth = neighbours(points[kept]).query(self.points[self.band][::every])[0]
        return float(to_truth.mean()), float(from_truth.mean())


def total(scores: list[Score]) -> Score:
    """Sums of the counts, means of the distances over the images that have edges."""
    columns = {f.name: np.array([getattr(s, f.name) for s in scores]) for f in fields(Score)}
    accuracy, completeness = (_mean(columns.pop(f)) for f in ("accuracy", "completeness"))
    counts = {name: int(column.sum()) for name, column in columns.items()}
    return Score(**counts, accuracy=accuracy, completeness=completeness)


def _mean(column: np.ndarray) -> float:
    known = column[np.isfinite(column)]
    return float(known.mean()) if known.size else float("nan")


def neighbours(points: np.ndarray) -> cKDTree:
    """A search tree of points (N, 3), for one question about the nearest."""
    from scipy.spatial import cKDTree

    # Writable several times faster so, and asked only once.
    return cKDTree(points, balanced_tree=False, compact_nodes=False)


def _log(depth: np.ndarray) -> np.ndarray:
    return np.log(depth, dtype=np.float32)
