"""Depth metrics: pure functions of arrays (protocol of the authors' evaluation code)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EPSILON = 1e-5  # metres that the authors' code adds to divisors


@dataclass(frozen=True)
class Scores:
    """Scores of one image, or their means.

    Attributes:
        abs_rel: Mean |gt - p| / (gt + 1e-5); 0 is perfect.
        delta1: Share of pixels with max(gt / (p + 1e-5), p / (gt + 1e-5)) < 1.25; 1 is perfect.
        delta_half, delta2, delta3: The same below 1.25 ** 0.5, 1.25 ** 2 and 1.25 ** 3.
    """

    abs_rel: float
    delta_half: float
    delta1: float
    delta2: float
    delta3: float


def align_log(relative: np.ndarray, depth: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Converts a relative map to metres: least squares of a * relative + b ~ log(depth + 1).

    If the map is constant or the slope is negative, the best constant is returned.

    Args:
        relative: (H, W), affine in log(depth + 1) up to errors.
        depth: (H, W) true metres.
        mask: (H, W) bool, the pixels to fit.

    Returns:
        (H, W) metres, clipped to [1e-3, the largest true depth].

    Raises:
        ValueError: The mask is empty.
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
    """Scores predicted against true metres, both (H, W), where ``mask`` (H, W) is True.

    Raises:
        ValueError: The mask is empty, or see ``require_depth``.
    """
    if not mask.any():
        raise ValueError("no valid pixel to score")
    require_depth(predicted, mask)
    p, gt = predicted[mask].astype(np.float64), depth[mask].astype(np.float64)
    ratio = np.maximum(gt / (p + EPSILON), p / (gt + EPSILON))

    def below(power: float) -> float:
        return float((ratio < 1.25**power).mean())

    return Scores(
        abs_rel=float((np.abs(gt - p) / (gt + EPSILON)).mean()),
        delta_half=below(0.5),
        delta1=below(1),
        delta2=below(2),
        delta3=below(3),
    )


def require_depth(predicted: np.ndarray, mask: np.ndarray) -> None:
    """Checks that the prediction is a depth at every pixel of the mask.

    Metrics must not skip such pixels.

    Args:
        predicted: (H, W) metres.
        mask: (H, W) bool, the pixels that count.

    Raises:
        ValueError: The prediction is NaN, infinite, zero or negative at a pixel of the mask.
    """
    p = predicted[mask]
    wrong = p.size - int((np.isfinite(p) & (p > 0)).sum())
    if wrong:
        raise ValueError(
            f"the prediction is not positive and finite at {wrong} of {p.size} valid pixels"
        )
