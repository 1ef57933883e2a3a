"""A temporal filter that never mixes two surfaces."""

from __future__ import annotations

import numpy as np

from ppdcli.geometry.upsample import EDGE_SHARE

GAIN = 0.9  # of the past in the mean; the noise of a frame is cut to a quarter
REACH = 8.0
"""Edges: past and present that differ by more are not averaged. Depth moves by 0.29 ``GAIN`` of
this at most, two edges."""


def edge_of(depth: np.ndarray) -> float:
    """What makes an edge, in the unit of the depth: 1 % of its robust range."""
    low, high = np.percentile(depth[::2, ::2], (2, 98))
    return max(EDGE_SHARE * float(high - low), 1e-6)


def smoothed(present: np.ndarray, past: np.ndarray, followed: np.ndarray) -> np.ndarray:
    """Averages a frame with its past, where both show the same point of the same surface.

    The past counts less the more it differs (Tukey's biweight), and not at all beyond ``REACH``
    edges, so that surfaces which are farther apart are not mixed. Depth moves by two edges at most.

    Args:
        present: (H, W) float32, aligned.
        past: (H, W) float32, carried to this frame.
        followed: (H, W) bool, pixels whose point is seen in both frames.
    """
    difference = past - present
    weight = np.maximum(1 - np.square(difference / np.float32(REACH * edge_of(present))), 0)
    np.square(weight, out=weight)
    return present + np.float32(GAIN) * weight * followed * difference
