"""Point clouds near true depth edges, as in the paper's headline metric.

The paper measures the Chamfer distance near Canny edges of the true depth. Its code, thresholds,
dilation and alignment are not published. Compare results only with others of the same
``EdgeSettings``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ppdcli.evaluation.edge_metrics import flying_points, scaled_points, search_tree
from ppdcli.evaluation.metrics import require_depth
from ppdcli.evaluation.true_edges import EdgeSettings, fill_holes
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.unproject import unproject

NO_EDGES = "the true depth has no edge"


@dataclass(frozen=True)
class EdgeScores:
    """Distances of two clouds near edges; 0 is perfect, NaN if there is no edge.

    Attributes:
        accuracy: Mean distance from predicted points to the nearest true one, in the depth's unit.
        completeness: Mean distance from true points to the nearest predicted one.
        chamfer: Sum of the two (Fan et al. 2017; many authors, but not all, divide by 2).
        log_accuracy, log_completeness, log_chamfer: The same for points (X/Z, Y/Z, log Z), so that
            near and far edges count equally; about the distance in space divided by depth.
        points: Number of points of each cloud.
        reason: The reason why the scores are NaN.
    """

    accuracy: float
    completeness: float
    chamfer: float
    log_accuracy: float
    log_completeness: float
    log_chamfer: float
    points: int
    reason: str | None = None


def edge_chamfer(
    predicted: np.ndarray,
    depth: np.ndarray,
    valid: np.ndarray,
    band: np.ndarray,
    camera: Camera,
    settings: EdgeSettings,
    seed: int = 0,
) -> EdgeScores:
    """Returns the distances between the predicted and the true points of a band, both ways.

    Args:
        predicted: (H, W), in the unit of the true depth, > 0 in the band.
        depth: (H, W) true depth, > 0 where valid.
        valid, band: (H, W) bool. Each cloud consists of the pixels that are true in both.
        camera: Camera of this grid.
        settings: Only ``samples`` is used.
        seed: Seed of the choice of points.

    Raises:
        ValueError: See ``require_depth``.
    """
    taken = valid & band
    require_depth(predicted, taken)
    if not taken.any():
        return EdgeScores(*(math.nan,) * 6, points=0, reason=NO_EDGES)
    rng = np.random.default_rng(seed)
    count = int(taken.sum())
    sampled = np.arange(count)
    if count > settings.samples:
        sampled = rng.choice(count, settings.samples, replace=False, shuffle=False)
    guess, truth = (np.where(taken, a, np.nan) for a in (predicted, depth))
    plain = _distances(unproject(guess, camera)[0], unproject(truth, camera)[0], sampled)
    log = _distances(
        scaled_points(guess, camera)[taken], scaled_points(truth, camera)[taken], sampled
    )
    return EdgeScores(*plain, sum(plain), *log, sum(log), points=count)


def flying_rate(
    predicted: np.ndarray, depth: np.ndarray, valid: np.ndarray, band: np.ndarray
) -> float:
    """Returns the share of the band's pixels that fly between true surfaces (``flying_points``).

    Args:
        predicted: (H, W), in the unit of the true depth, > 0 in the band.
        depth: (H, W) true depth, > 0 where valid. Holes are filled from the nearest valid pixel.
        valid, band: (H, W) bool.

    Returns:
        0 to 1; NaN if the band is empty.

    Raises:
        ValueError: See ``require_depth``.
    """
    taken = valid & band
    require_depth(predicted, taken)
    if not taken.any():
        return math.nan
    truth = fill_holes(depth, valid)
    flying = flying_points(np.where(taken, predicted, truth), truth)
    return float(flying[taken].mean())


def _distances(guess: np.ndarray, truth: np.ndarray, sampled: np.ndarray) -> tuple[float, float]:
    """Returns the mean distances to the other cloud, of the sampled predicted and true points."""
    to_truth = search_tree(truth).query(guess[sampled])[0]
    from_truth = search_tree(guess).query(truth[sampled])[0]
    return float(to_truth.mean()), float(from_truth.mean())
