"""Measures whether a prediction shows the true depth edges, and how sharply."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ppdcli.evaluation.metrics import require_depth
from ppdcli.evaluation.true_edges import (
    EdgeSettings,
    edge_slopes,
    fill_holes,
    log_depth,
    true_edges,
)

TOLERANCE = 2  # pixels by which a predicted edge may be misplaced
SHOWN = 0.5  # of the true jump in log depth: a larger predicted jump shows the edge
BETWEEN = 0.2  # of the jump: an in-between pixel differs by more than this from both ends


@dataclass(frozen=True)
class EdgeRecall:
    """How a prediction shows the true edges.

    Attributes:
        recall: Share of the edge pixels at which it shows the edge; NaN if there are none.
        ramp: Mean number of in-between pixels across the edges shown, 0 to 4; 0 is sharp. NaN if
            no edge is shown.
        edges: Number of edge pixels examined.
    """

    recall: float
    ramp: float
    edges: int


def edge_recall(
    predicted: np.ndarray, depth: np.ndarray, valid: np.ndarray, settings: EdgeSettings
) -> EdgeRecall:
    """Measures whether the prediction jumps where the true depth does, and how sharply.

    Each pixel of ``true_edges`` is examined along its row or its column, whichever has the
    steeper gradient. Six pixels are used, three on either side of the steepest true step beside it,
    so that a jump misplaced by 2 pixels is still found. The jump of a map is its largest rise of
    log depth between any two of these pixels, in the direction of the true one. Edges with a true
    jump below ``canny_low`` are ignored.

    - The prediction shows an edge if its jump is at least half of the true one.
    - In-between pixels lie between the two pixels of a predicted jump. Their log depth differs by
      more than a fifth of the jump from both, and by as much from every level of the true depth at
      these 6 pixels. Levels are measured from 0 to 1 along each map's own jump, so that misplaced
      surfaces do not matter. The true depth itself has recall 1 and ramp 0.

    Invalid pixels take the values of the nearest valid one, in both maps.

    Args:
        predicted: (H, W) depth, any unit, > 0 where valid.
        depth: (H, W) true depth, > 0 where valid.
        valid: (H, W) bool.
        settings: Settings of ``true_edges``.

    Raises:
        ValueError: See ``require_depth``.
    """
    require_depth(predicted, valid)
    edges = true_edges(depth, valid, settings)
    if not edges.any():
        return EdgeRecall(math.nan, math.nan, 0)
    guess, truth = (fill_holes(log_depth(a, valid), valid) for a in (predicted, depth))
    across = _cross_sections(truth, edges, settings.aperture)
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
class _CrossSections:
    """Rows of pixels across edges.

    Attributes:
        rows, columns: (N, n): n pixels for each edge, in the direction of rising true depth. They
            can lie outside the image.
    """

    rows: np.ndarray
    columns: np.ndarray

    def values(self, values: np.ndarray) -> np.ndarray:
        """Returns (N, n) values of an (H, W) map; the border values continue outside."""
        height, width = values.shape
        return values[self.rows.clip(0, height - 1), self.columns.clip(0, width - 1)]


def _cross_sections(truth: np.ndarray, edges: np.ndarray, aperture: int) -> _CrossSections:
    """Returns the 6 pixels of ``edge_recall``; ``truth`` is (H, W) log depth without holes."""
    rows, columns = np.nonzero(edges)
    dx, dy = (slope[edges] for slope in edge_slopes(truth, aperture))
    along_row = np.abs(dx) >= np.abs(dy)
    sign = np.sign(np.where(along_row, dx, dy)).astype(np.intp)
    step_x, step_y = sign * along_row, sign * ~along_row

    def pixels(places: np.ndarray) -> _CrossSections:
        """``places``: (N, n) distances in pixels from the edge, along the rise."""
        return _CrossSections(
            rows[:, None] + places * step_y[:, None], columns[:, None] + places * step_x[:, None]
        )

    before, here, after = pixels(np.array([[-1, 0, 1]])).values(truth).T
    start = np.where(after - here >= here - before, 0, -1)  # of the steepest step
    return pixels(start[:, None] + np.arange(-TOLERANCE, TOLERANCE + 2))


def _along_jump(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns levels (N, n) from 0 to 1 along the largest rise of each row, that rise (N,), and
    which places (N, n) are inside it."""
    lowest = np.minimum.accumulate(values, axis=1)
    end = (values - lowest).argmax(axis=1)
    row = np.arange(len(values))
    low = lowest[row, end]
    jump = values[row, end] - low
    place = np.arange(values.shape[1])
    below = (values == low[:, None]) & (place <= end[:, None])
    start = values.shape[1] - 1 - below[:, ::-1].argmax(axis=1)  # last pixel at the low end
    inside = (place > start[:, None]) & (place < end[:, None])
    return (values - low[:, None]) / np.where(jump > 0, jump, 1)[:, None], jump, inside
