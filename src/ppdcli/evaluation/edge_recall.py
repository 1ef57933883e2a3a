"""Whether a prediction shows the true depth edges, and how abruptly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ppdcli.evaluation.metrics import require_depth
from ppdcli.evaluation.true_edges import (
    EdgeSettings,
    edge_slopes,
    log_depth,
    true_edges,
    without_holes,
)

TOLERANCE = 2  # pixels that a predicted edge may be off
SHOWN = 0.5  # of the true jump, in log depth: from there on the prediction shows the edge
BETWEEN = 0.2  # of the jump: an in-between pixel is farther than this from both of its ends


@dataclass(frozen=True)
class EdgeRecall:
    """How a prediction shows the true edges.

    Attributes:
        recall: share of the edge pixels at which it shows the edge; NaN if there are none.
        ramp: in-between pixels across an edge, mean over those shown, 0 to 4; 0 is sharp. NaN if
            none is shown.
        edges: edge pixels looked at.
    """

    recall: float
    ramp: float
    edges: int


def edge_recall(
    predicted: np.ndarray, depth: np.ndarray, valid: np.ndarray, settings: EdgeSettings
) -> EdgeRecall:
    """Whether the prediction jumps where the truth does, and how abruptly.

    Each pixel of ``true_edges`` is looked at along its row or its column, whichever has the
    steeper gradient: at 6 pixels, three on either side of the steepest true step beside it, so
    that a jump that is off by 2 pixels is still seen. A map's jump is its largest rise of log
    depth, in the direction of the true one, between any two of these pixels. Edges along which
    the truth jumps by less than ``canny_low`` are left out.

    - The prediction shows an edge if its jump is half of the true one or more.
    - Between the two pixels of a predicted jump, in-between pixels are those whose log depth is
      more than a fifth of the jump from both, and as far from every level that the truth has at
      these 6 pixels (levels being measured from 0 to 1 along either map's own jump, so that
      misplaced surfaces do not matter). So the truth itself has recall 1 and ramp 0.

    Invalid pixels take the values of the nearest valid one, in both maps.

    Args:
        predicted: (H, W) depth, any unit, > 0 where valid.
        depth: (H, W) true depth, > 0 where valid.
        valid: (H, W) bool.
        settings: of ``true_edges``.

    Raises:
        ValueError: see ``require_depth``.
    """
    require_depth(predicted, valid)
    edges = true_edges(depth, valid, settings)
    if not edges.any():
        return EdgeRecall(math.nan, math.nan, 0)
    guess, truth = (without_holes(log_depth(a, valid), valid) for a in (predicted, depth))
    across = _across(truth, edges, settings.aperture)
    guess, truth = across.values(guess), across.values(truth)
    level, jump, _ = _along_jump(truth)
    counts = jump >= settings.canny_low
    guess, level, jump = guess[counts], level[counts], jump[counts]
    if not counts.any():
        return EdgeRecall(math.nan, math.nan, 0)
    own_level, own_jump, inside = _along_jump(guess)
    shown = own_jump >= SHOWN * jump
    if not shown.any():
        return EdgeRecall(0.0, math.nan, jump.size)
    own_level, level, inside = own_level[shown], level[shown], inside[shown]
    apart = np.abs(own_level[:, :, None] - level[:, None, :]).min(axis=2)
    ends = np.minimum(own_level, 1 - own_level)
    ramp = inside & (ends > BETWEEN) & (apart > BETWEEN)
    return EdgeRecall(float(shown.mean()), float(ramp.sum(axis=1).mean()), jump.size)


@dataclass(frozen=True, eq=False)
class _Across:
    """Pixels across edges.

    Attributes:
        rows, columns: (N, n): n pixels for each edge, in the direction in which the truth gets
            farther; they may lie outside the image.
    """

    rows: np.ndarray
    columns: np.ndarray

    def values(self, values: np.ndarray) -> np.ndarray:
        """(N, n) of an (H, W) map; its border goes on beyond it."""
        height, width = values.shape
        return values[self.rows.clip(0, height - 1), self.columns.clip(0, width - 1)]


def _across(truth: np.ndarray, edges: np.ndarray, aperture: int) -> _Across:
    """The 6 pixels of ``edge_recall``; ``truth``: (H, W) log depth without holes."""
    rows, columns = np.nonzero(edges)
    dx, dy = (slope[edges] for slope in edge_slopes(truth, aperture))
    along_row = np.abs(dx) >= np.abs(dy)
    sign = np.sign(np.where(along_row, dx, dy)).astype(np.intp)
    step_x, step_y = sign * along_row, sign * ~along_row

    def pixels(places: np.ndarray) -> _Across:
        """``places``: (N, n) pixels from the edge, along the rise."""
        return _Across(
            rows[:, None] + places * step_y[:, None], columns[:, None] + places * step_x[:, None]
        )

    before, here, after = pixels(np.array([[-1, 0, 1]])).values(truth).T
    start = np.where(after - here >= here - before, 0, -1)  # of the steepest step
    return pixels(start[:, None] + np.arange(-TOLERANCE, TOLERANCE + 2))


def _along_jump(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Levels (N, n) from 0 to 1 along the largest rise of each row, that rise (N,), and which
    places (N, n) are inside it."""
    lowest = np.minimum.accumulate(values, axis=1)
    end = (values - lowest).argmax(axis=1)
    row = np.arange(len(values))
    low = lowest[row, end]
    jump = values[row, end] - low
    place = np.arange(values.shape[1])
    below = (values == low[:, None]) & (place <= end[:, None])
    start = values.shape[1] - 1 - below[:, ::-1].argmax(axis=1)  # the last at the low end
    inside = (place > start[:, None]) & (place < end[:, None])
    return (values - low[:, None]) / np.where(jump > 0, jump, 1)[:, None], jump, inside
