"""A temporal filter that never mixes two surfaces."""

from __future__ import annotations

import cv2
import numpy as np

from ppdcli.geometry.upsample import EDGE_SHARE

GAIN = 0.8  # of the past in the mean; the noise of a frame is cut to a third
REACH = 4.0  # edges: past and present that differ by more inside a surface are not averaged


def edge_of(depth: np.ndarray) -> float:
    """What makes an edge, in the unit of the depth: 1 % of its robust range."""
    low, high = np.percentile(depth[::2, ::2], (2, 98))
    return max(EDGE_SHARE * float(high - low), 1e-6)


def smoothed(present: np.ndarray, past: np.ndarray, followed: np.ndarray) -> np.ndarray:
    """Averages a frame with its past, where both show the same point of the same surface.

    The past counts less the more it differs (Tukey's biweight), and not at all beyond ``REACH``
    edges. Beside a depth edge the limit is one edge: a value that belongs to the other side, or to
    neither, is never mixed in, so no flying pixel is made.

    Args:
        present: (H, W) float32, aligned.
        past: (H, W) float32, carried to this frame.
        followed: (H, W) bool, pixels whose point is seen in both frames.
    """
    edge = edge_of(present)
    kernel = np.ones((3, 3), np.uint8)
    spread = cv2.dilate(present, kernel) - cv2.erode(present, kernel)
    limit = np.where(spread > 2 * edge, np.float32(edge), np.float32(REACH * edge))
    difference = past - present
    weight = np.maximum(1 - np.square(difference / limit), 0)
    np.square(weight, out=weight)
    return present + np.float32(GAIN) * weight * followed * difference
