"""The error of a prediction by distance to the nearest true depth edge."""

from __future__ import annotations

import math

import cv2
import numpy as np

from ppdcli.evaluation.metrics import require_depth

BINS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0, 64.0, math.inf)
"""Pixels. A bin includes its lower limit, not its upper one. Edge pixels are at distance 0."""


def error_by_distance(
    predicted: np.ndarray, depth: np.ndarray, valid: np.ndarray, edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns sums of relative errors and counts of pixels, to be added up over images.

    Args:
        predicted: (H, W) metres, > 0 where valid.
        depth: (H, W) true metres, > 0 where valid.
        valid: (H, W) bool.
        edges: (H, W) bool, thin; from ``true_edges``.

    Returns:
        sums: (len(BINS),) float64, sums of |gt - p| / gt.
        counts: (len(BINS),) int64, pixels.

        One entry for each bin. The last entry is for all pixels of an image without any edge.

    Raises:
        ValueError: See ``require_depth``.
    """
    require_depth(predicted, valid)
    gt = depth[valid].astype(np.float64)
    error = np.abs(gt - predicted[valid]) / gt
    if edges.any():
        off = (~edges).astype(np.uint8)
        away = cv2.distanceTransform(off, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[valid]
        bins = np.searchsorted(BINS, away, side="right") - 1
    else:
        bins = np.full(gt.size, len(BINS) - 1)
    sums = np.bincount(bins, error, minlength=len(BINS))
    return sums, np.bincount(bins, minlength=len(BINS)).astype(np.int64)
