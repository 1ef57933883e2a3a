"""The edge-clean filter: points that hang in the air between two surfaces."""

from __future__ import annotations

import numpy as np

GAP = 0.03
"""Default relative gap: 3 % of the depth, about three times the ripple of a smooth prediction."""

DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
STRIDES = (1, 2)
# Two neighbours a side at the larger stride.
MARGIN = 4
CHUNK_ROWS = 256
# A line of hanging points has two like neighbours a pixel, the corner of a surface three.
SUPPORT = 3


def hanging_points(depth: np.ndarray, gap: float = GAP) -> np.ndarray:
    """Pixels that belong to neither of the two surfaces that they lie between.

    A pixel with depth z hangs if along a row, a column or a diagonal, at distance k = 1 or 2:

    - one neighbour at distance k is nearer and the other one farther, both by more than ``gap``:
      z_near * (1 + gap) < z < z_far / (1 + gap);
    - neither side's surface reaches it: on a plane 1/z is linear in image coordinates, so a
      side with the inverse depths w(k), w(2k) puts 1/z at 2 w(k) - w(2k), and z differs from
      that, too, by more than ``gap`` (where w(2k) is missing, the pixel has the benefit of doubt);
    - fewer than 3 of its 8 neighbours are within ``gap`` of z: it is no small surface either.

    A thin wire is never between a nearer and a farther neighbour, and a slanted plane fits the
    extrapolation from its own side, so both stay.

    It is meant for the network's own grid: in an enlarged map a soft edge is several pixels wide
    and counts as a surface. So look for hanging points first, make them NaN, and enlarge then.

    Args:
        depth: (H, W) depth along Z, any unit, > 0; NaN or <= 0 where there is none.
        gap: relative difference of depths from which on two pixels are on different surfaces.

    Returns:
        (H, W) bool, False where there is no depth.
    """
    height, width = depth.shape
    valid = np.isfinite(depth) & (depth > 0)
    padded = np.full((height + 2 * MARGIN, width + 2 * MARGIN), np.nan, np.float32)
    padded[MARGIN:-MARGIN, MARGIN:-MARGIN][valid] = depth[valid]
    hanging = np.zeros((height, width), bool)
    for top in range(0, height, CHUNK_ROWS):
        bottom = min(top + CHUNK_ROWS, height)
        hanging[top:bottom] = _hanging_in(padded[top : bottom + 2 * MARGIN], gap)
    return hanging


def _hanging_in(padded: np.ndarray, gap: float) -> np.ndarray:
    """Mask of the inner part of a chunk that has MARGIN more pixels on each side."""
    rows, columns = (size - 2 * MARGIN for size in padded.shape)
    factor = np.float32(1 + gap)

    def shifted(dy: int, dx: int) -> np.ndarray:
        return padded[MARGIN + dy :, MARGIN + dx :][:rows, :columns]

    depth = shifted(0, 0)
    below, above = depth / factor, depth * factor
    hanging = np.zeros((rows, columns), bool)
    for stride in STRIDES:
        for dy, dx in DIRECTIONS:
            a, b = shifted(-stride * dy, -stride * dx), shifted(stride * dy, stride * dx)
            between = ((a < below) & (b > above)) | ((a > above) & (b < below))
            y, x = np.nonzero(between & ~hanging)
            if y.size:
                step = (stride * dy, stride * dx)
                on_a = _continues(padded, y + MARGIN, x + MARGIN, (-step[0], -step[1]), gap)
                on_b = _continues(padded, y + MARGIN, x + MARGIN, step, gap)
                hanging[y, x] = ~(on_a | on_b)
    y, x = np.nonzero(hanging)
    hanging[y, x] = _like_neighbours(padded, y + MARGIN, x + MARGIN, gap) < SUPPORT
    return hanging


def _continues(
    padded: np.ndarray, y: np.ndarray, x: np.ndarray, step: tuple[int, int], gap: float
) -> np.ndarray:
    """Whether the surface on the side of ``step``, continued as a plane, may pass through z."""
    dy, dx = step
    inverse = 1 / padded[y, x]
    first = 1 / padded[y + dy, x + dx]
    second = 1 / padded[y + 2 * dy, x + 2 * dx]
    plane = 2 * first - second
    # A plane that has passed the horizon (<= 0) fits nothing, and the comparison says so.
    fits = np.abs(plane - inverse) <= gap * np.minimum(plane, inverse)
    return fits | np.isnan(second)


def _like_neighbours(padded: np.ndarray, y: np.ndarray, x: np.ndarray, gap: float) -> np.ndarray:
    """How many of the 8 neighbours have the pixel's depth within ``gap``."""
    depth = padded[y, x]
    count = np.zeros(y.shape, np.int8)
    for dy, dx in DIRECTIONS:
        for sign in (-1, 1):
            other = padded[y + sign * dy, x + sign * dx]
            count += np.maximum(depth, other) <= (1 + gap) * np.minimum(depth, other)
    return count
