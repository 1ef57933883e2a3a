"""Depth Pro's boundary F1: does a prediction have its occlusions where the truth has them?

Only ratios of neighbouring depths count, so that neither scale nor alignment matters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ppdcli.evaluation.metrics import require_depth

RATIOS = tuple(float(t) for t in np.linspace(1.05, 1.25, 10))
"""A pixel occludes its neighbour if that is farther by more than such a factor."""


@dataclass(frozen=True)
class BoundaryScores:
    """Boundary scores of one image; 1 is perfect.

    Attributes:
        f1: mean of 2 P R / (P + R) over ``RATIOS``, each weighted by the ratio; NaN if the truth
            has no occlusion.
        precision, recall: for each of ``RATIOS``.
        reason: why ``f1`` is NaN.
    """

    f1: float
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    reason: str | None = None


def boundary_f1(predicted: np.ndarray, depth: np.ndarray, valid: np.ndarray) -> BoundaryScores:
    """The scale-invariant boundary F1 of Depth Pro (arXiv 2410.02073, and its published code).

    For each ratio t and each of four directions, the pixels are found that occlude their
    neighbour there: depth(neighbour) / depth(pixel) > t. Precision is the share of the predicted
    ones that are true, recall the share of the true ones that are predicted. Both are averaged
    over the directions, as in the code; the paper's formula pools the pixels instead.

    As in the code, a direction without any true (or predicted) occlusion counts as recall (or
    precision) 0, so that even the truth scores below 1 if it has no occlusion to the left, say.
    Unlike in the code, pairs with an invalid pixel are left out, and a truth without any
    occlusion has no score.

    Args:
        predicted: (H, W) depth, any unit, > 0 where valid.
        depth: (H, W) true depth, any unit, > 0 where valid.
        valid: (H, W) bool.

    Raises:
        ValueError: see ``require_depth``.
    """
    require_depth(predicted, valid)
    ratios = np.array(RATIOS)
    precision, recall = np.zeros(ratios.size), np.zeros(ratios.size)
    occlusions = 0
    for guess, truth in _farther_by(predicted, depth, valid):
        guessed, true = guess > ratios[:, None], truth > ratios[:, None]
        right = (guessed & true).sum(axis=1)
        precision += right / np.maximum(guessed.sum(axis=1), 1) / 4
        recall += right / np.maximum(true.sum(axis=1), 1) / 4
        occlusions += int(true.sum())
    both = precision + recall
    f1 = 2 * precision * recall / np.where(both > 0, both, 1)
    pairs = tuple(precision.tolist()), tuple(recall.tolist())
    if not occlusions:
        return BoundaryScores(math.nan, *pairs, "the true depth has no occlusion")
    return BoundaryScores(float((f1 * ratios).sum() / ratios.sum()), *pairs)


def _farther_by(
    predicted: np.ndarray, depth: np.ndarray, valid: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each direction depth(neighbour) / depth(pixel), predicted and true, of the pixels (N,)
    where one of them exceeds the least of ``RATIOS``."""
    maps = [np.where(valid, a, 1).astype(np.float64) for a in (predicted, depth)]
    for turn in range(4):  # so that each neighbour comes to lie to the right
        (guess, truth), known = ([np.rot90(a, turn) for a in maps], np.rot90(valid, turn))
        guess, truth = (a[:, 1:] / a[:, :-1] for a in (guess, truth))
        either = known[:, 1:] & known[:, :-1] & (np.maximum(guess, truth) > RATIOS[0])
        yield guess[either], truth[either]
