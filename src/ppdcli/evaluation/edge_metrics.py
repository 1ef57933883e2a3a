"""Measures the effect of a flying-pixel filter near depth edges. All functions are pure.

The true depth of every pixel is known. Differences are those of log depth, so they are relative.
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

FLYING = 0.03  # a pixel is flying if it differs by more than this from every true surface nearby
TRUE = 0.01  # a pixel is true if it differs by less than this from its own true depth
TRUE_NEIGHBOURS = 4  # of 8 that a true pixel needs: a soft edge crosses the true depth by chance
JUMP = 0.05  # a true depth edge, or the relief of a thin structure
REACH = 4  # pixels by which a surface may be misplaced
THIN = 4  # pixels across
BAND = 6  # pixels on either side of a true edge
SURFACE = 0.03  # sigma of the difference of true depths on one surface
AROUND = 10  # radius in pixels over which a surface's error is averaged
FAR_FROM_EDGES = 2  # pixels; only the errors of pixels farther from edges count
NEIGHBOURHOOD = np.ones((3, 3), np.uint8)


def flying_points(depth: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Finds pixels that fly between true surfaces.

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
    """Finds pixels whose depth is within 1 % of the true one, with at least 4 such neighbours.

    The neighbours matter because a ramp between two surfaces crosses true depths by chance, but
    only along a line.
    """
    right = np.abs(_log(depth) - _log(truth)) <= np.log1p(TRUE)
    around = cv2.filter2D(
        right.astype(np.uint8), -1, NEIGHBOURHOOD, borderType=cv2.BORDER_REPLICATE
    )
    return right & (around >= 1 + TRUE_NEIGHBOURS)


def thin_structure(truth: np.ndarray) -> np.ndarray:
    """Finds pixels of wires, bars and leaves: nearer by more than 5 % than the depth on both sides.

    A morphological closing of log depth along a line of 5 pixels fills valleys up to 4 pixels
    wide. It is applied to rows, columns and both diagonals.
    """
    # The padding is nearer than everything, so that nothing counts as thin at the border.
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
    """Finds pixels on either side of a true depth edge.

    At an edge, 1/z of two neighbours in a row or a column jumps by more than 5 %. The jump also
    differs by as much from that of the plane on either side (on a plane 1/z is linear).
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
    """Returns the true depth with its surfaces moved to the prediction, but with true sharp edges.

    A small model misplaces whole surfaces by much more than the width of its soft edges. Moving
    the surfaces leaves only the edges to measure. The error of log depth is averaged over pixels of
    the same surface up to 10 pixels away and more than 2 pixels from an edge. The weights depend on
    the difference of true depth (sigma 3 %) and on the distance (sigma 5 pixels). Without such
    pixels, as on wires, the average is over all pixels of the surface.

    Args:
        truth: (H, W), > 0.
        depth: (H, W) prediction, > 0, in the unit of the true depth.

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
    """Returns (H, W, 3) points (X/Z, Y/Z, log Z). The distance of two close points is about their
    distance in space divided by depth, so near and far edges count equally."""
    height, width = depth.shape
    y, x = np.mgrid[:height, :width]
    rays = ((x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy)
    return np.stack((*rays, _log(depth)), axis=-1)


@dataclass(frozen=True)
class Score:
    """The effect of a filter on a dirty depth map. All but the distances can be summed over images.

    Attributes:
        points: Number of pixels with depth.
        lost: Number of them that the filter removed.
        flying, flying_left: Number of flying pixels before and after.
        true, true_kept: Number of true pixels before, and of those still within 1 % after.
        thin, thin_kept: The same on thin structures.
        accuracy: Mean distance from the points left in the edge band to the true cloud, in units
            of depth (``scaled_points``); NaN if the band is empty.
        completeness: Mean distance from the true points in the band to those left; NaN if it is
            empty. The sum of both is the edge-band Chamfer distance.
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
    """A true depth map that filters are scored against.

    Attributes:
        truth: (H, W), > 0.
        camera: Camera of this grid.
        valid: (H, W) bool, at least one True. Other pixels are ignored.
    """

    truth: np.ndarray
    camera: Camera
    valid: np.ndarray

    @cached_property
    def thin(self) -> np.ndarray:
        """Valid pixels of thin structures, (H, W) bool."""
        return self.valid & thin_structure(self.truth)

    @cached_property
    def band(self) -> np.ndarray:
        """Valid pixels within 6 pixels of a true depth edge, (H, W) bool."""
        window = np.ones((2 * BAND + 1, 2 * BAND + 1), np.uint8)
        return self.valid & cv2.dilate(depth_edges(self.truth).astype(np.uint8), window).astype(
            bool
        )

    @cached_property
    def points(self) -> np.ndarray:
        """True points, (H, W, 3); see ``scaled_points``."""
        return scaled_points(self.truth, self.camera)

    @cached_property
    def tree(self) -> cKDTree:
        """Search tree of the valid points."""
        return search_tree(self.points[self.valid])

    def score(self, dirty: np.ndarray, cleaned: np.ndarray, every: int = 1) -> Score:
        """Scores a filter.

        Args:
            dirty: (H, W) depth before, > 0.
            cleaned: (H, W) depth after; NaN for points that the filter removed.
            every: Measure distances only from every n-th point of the band.
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
        from_truth = search_tree(points[kept]).query(self.points[self.band][::every])[0]
        return float(to_truth.mean()), float(from_truth.mean())


def total(scores: list[Score]) -> Score:
    """Returns the sums of the counts, and the means of the distances over images with edges."""
    columns = {f.name: np.array([getattr(s, f.name) for s in scores]) for f in fields(Score)}
    accuracy, completeness = (_mean(columns.pop(f)) for f in ("accuracy", "completeness"))
    counts = {name: int(column.sum()) for name, column in columns.items()}
    return Score(**counts, accuracy=accuracy, completeness=completeness)


def _mean(column: np.ndarray) -> float:
    known = column[np.isfinite(column)]
    return float(known.mean()) if known.size else float("nan")


def search_tree(points: np.ndarray) -> cKDTree:
    """Returns a search tree of points (N, 3), for a single nearest-neighbour query."""
    from scipy.spatial import cKDTree

    # Such a tree builds several times faster, and it is queried only once.
    return cKDTree(points, balanced_tree=False, compact_nodes=False)


def _log(depth: np.ndarray) -> np.ndarray:
    return np.log(depth, dtype=np.float32)
