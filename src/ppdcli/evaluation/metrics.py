"""Depth metrics: pure functions of arrays (protocol of the authors' evaluation code)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Scores:
    """Scores of one image.

    Attributes:
        abs_rel: mean |gt - p| / gt; 0 is perfect.
        delta1: share of pixels with max(gt / p, p / gt) < 1.25; 1 is perfect.
    """

    abs_rel: float
    delta1: float


def align_log(relative: np.ndarray, depth: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Brings a relative map to metres: least squares of a * relative + b ~ log(depth + 1).

    A constant map, or one whose slope comes out negative, is brought to the best constant.

    Args:
        relative: (H, W), affine in log(depth + 1) up to errors.
        depth: (H, W) true metres.
        mask: (H, W) bool, where both count.

    Returns:
        (H, W) metres, clipped to [1e-3, the largest true depth].

    Raises:
        ValueError: the mask is empty.
    """
    if not mask.any():
        raise ValueError("no valid pixel to align")
    x, y = relative[mask].astype(np.float64), np.log1p(depth[mask].astype(np.float64))
    spread = ((x - x.mean()) ** 2).sum()
    slope = ((x - x.mean()) * (y - y.mean())).sum() / spread if spread > 0 else 0.0
    slope = max(slope, 0.0)
    fitted = np.expm1(slope * (relative - x.mean()) + y.mean())
    return np.clip(fitted, 1e-3, depth[mask].max())


def score(predicted: np.ndarray, depth: np.ndarray, mask: np.ndarray) -> Scores:
    """Scores metres against metres, both (H, W), where ``mask`` (H, W) is True.

    Raises:
        ValueError: the mask is empty.
    """
    if not mask.any():
        raise ValueError("no valid pixel to score")
    p, gt = predicted[mask].astype(np.float64), depth[mask].astype(np.float64)
    ratio = np.maximum(gt / (p + 1e-5), p / (gt + 1e-5))
    return Scores(float((np.abs(gt - p) / (gt + 1e-5)).mean()), float((ratio < 1.25).mean()))
