"""Scores clouds against a true surface, relative to the distance to the nearest camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ppdcli.evaluation.edge_metrics import search_tree
from ppdcli.geometry.posed import PosedDepth

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

THRESHOLDS = (0.01, 0.02, 0.05)  # of the distance to the nearest camera
MOST = 60_000  # points of a cloud that are measured


@dataclass(frozen=True)
class CloudScores:
    """Scores of a cloud; shares of the distance to the nearest camera.

    Attributes:
        points: Number of points.
        accuracy: Mean distance from the cloud to the true surface.
        completeness: Mean distance to the cloud from the true surface that two or more views see.
        f: F-score at each of ``THRESHOLDS``: the harmonic mean of the shares of points of the cloud
            that are close to the surface, and of points of that surface close to the cloud.
        f_all: The same with what only one view sees, which nothing can confirm.
    """

    points: int
    accuracy: float
    completeness: float
    f: tuple[float, ...]
    f_all: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Surface:
    """The true surface that the views see.

    Attributes:
        points: (N, 3).
        shared: (N,) bool, those that two or more views see.
        centres: (V, 3), where the cameras are.
        cell: Side of the cells in which clouds are thinned to one point, for equal weights.
    """

    points: np.ndarray
    shared: np.ndarray
    centres: np.ndarray
    cell: float

    def score(self, cloud: np.ndarray) -> CloudScores:
        """Scores a cloud (N, 3)."""
        thin = cloud[one_each(cloud, self.cell)]
        to_truth = self._tree.query(thin)[0] / self._away(thin)
        chosen = one_each(self.points, self.cell)
        truth, shared = self.points[chosen], self.shared[chosen]
        to_cloud = search_tree(cloud).query(truth)[0] / self._away(truth)
        return CloudScores(
            len(cloud),
            float(to_truth.mean()),
            float(to_cloud[shared].mean()),
            _f_scores(to_truth, to_cloud[shared]),
            _f_scores(to_truth, to_cloud),
        )

    def _away(self, points: np.ndarray) -> np.ndarray:
        return search_tree(self.centres).query(points)[0]

    @cached_property
    def _tree(self) -> cKDTree:
        return search_tree(self.points)


def _f_scores(to_truth: np.ndarray, to_cloud: np.ndarray) -> tuple[float, ...]:
    found = []
    for limit in THRESHOLDS:
        precision, recall = float((to_truth < limit).mean()), float((to_cloud < limit).mean())
        found.append(2 * precision * recall / max(precision + recall, 1e-9))
    return tuple(found)


def one_each(points: np.ndarray, cell: float) -> np.ndarray:
    """Returns the index of one of the points in each cell, by chance, and at most ``MOST``."""
    mixed = np.random.default_rng(0).permutation(len(points))
    cells = np.floor(points[mixed] / cell).astype(np.int64)
    _, first = np.unique(cells, axis=0, return_index=True)
    return mixed[np.sort(first)[:MOST]]


def concatenated(views: Sequence[PosedDepth]) -> np.ndarray:
    """Returns all points (N, 3) of the world."""
    clouds = []
    for view in views:
        known = np.isfinite(view.depth)
        z = view.depth[known].astype(np.float64)
        points = np.column_stack((view.slopes[known] * z[:, None], z))
        clouds.append(view.pose.to_world(points))
    return np.concatenate(clouds)


def table(scores: dict[str, list[CloudScores]]) -> list[str]:
    """Returns the lines to print: means over scenes."""
    heads = "".join(f"{f'F {100 * limit:g} %':>8}" for limit in THRESHOLDS)
    lines = [f"{'':<38}{'points':>9}{'accuracy':>10}{'complete':>10}{heads}{'all 1 %':>9}"]
    for name, column in scores.items():
        accuracy = np.mean([100 * s.accuracy for s in column])
        complete = np.mean([100 * s.completeness for s in column])
        f = "".join(f"{value:>8.3f}" for value in np.mean([s.f for s in column], axis=0))
        points = int(np.mean([s.points for s in column]))
        lone = np.mean([s.f_all[0] for s in column])
        lines.append(f"{name:<38}{points:>9}{accuracy:>10.3f}{complete:>10.3f}{f}{lone:>9.3f}")
    return lines
