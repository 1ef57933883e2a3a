"""Depth Pro's boundary F1: compares the occlusions of a prediction with the true ones.

It uses only ratios of neighbouring depths, so neither scale nor alignment matters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ppdcli.evaluation.metrics import require_depth

RATIOS = tuple(float(t) for t in np.linspace(1.05, 1.25, 10))
"""A pixel occludes its neighbour if the neighbour is farther by more than one of these factors."""


@dataclass(frozen=True)
class BoundaryScores:
    """Boundary scores of one image; 1 is perfect.

    Attributes:
        f1: Mean of 2 P R / (P + R) over ``RATIOS``, each weighted by the ratio. NaN if the true
            depth has no occlusion.
        precision, recall: One value for each of ``RATIOS``.
        reason: The reason why ``f1`` is NaN.
    """

    f1: float
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    reason: str | None = None


def boundary_f1(predicted: np.ndarray, depth: np.ndarray, valid: np.ndarray) -> BoundaryScores:
    """The scale-invariant boundary F1 of Depth Pro (arXiv 2410.02073, and its published code).

    For each ratio t and each of four directions, a pixel occludes its neighbour if
    depth(neighbour) / depth(pixel) > t. Precision is the share of predicted occlusions that are
    true, recall the share of true ones that are predicted. Both are averaged over the directions,
    as in the published code; the paper's formula pools the pixels instead.

    As in that code, a direction without true (or predicted) occlusions counts as recall (or
    precision) 0. Even the true depth scores below 1 if, for example, it has no occlusion to the
    left. Unlike that code, this function ignores pairs with an invalid pixel and gives no score if
    the true depth has no occlusion.

    Args:
        predicted: (H, W) depth, any unit, > 0 where valid.
        depth: (H, W) true depth, any unit, > 0 where valid.
        valid: (H, W) bool.

    Raises:
        ValueError: See ``require_depth``.
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
    """Yields depth(neighbour) / depth(pixel) for each direction, predicted and true, of the pixels
    (N,) where one of them exceeds the smallest of ``RATIOS``."""
    maps = [np.where(valid, a, 1).astype(np.float64) for a in (predicted, depth)]
    for turn in range(4):  # rotate, so that the neighbour is always to the right
        (guess, truth), known = ([np.rot90(a, turn) for a in maps], np.rot90(valid, turn))
        guess, truth = (a[:, 1:] / a[:, :-1] for a in (guess, truth))
        either = known[:, 1:] & known[:, :-1] & (np.maximum(guess, truth) > RATIOS[0])
        yield guess[either], truth[either]
