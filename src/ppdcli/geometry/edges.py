"""The edge-clean filter: finds flying pixels, points in the air between two surfaces."""

from __future__ import annotations

import math

import numpy as np

from ppdcli.geometry.compiled import compiled

GAP = 0.03
"""Default relative gap: 3 % of the depth, about three times the ripple of a smooth prediction."""

# Tuned on rendered scenes with the training's seeds; `python -m studies.edge_filters`
# measures the result on other seeds.
WIDTH = 8  # largest width of a soft edge in pixels: an enlargement by 8, a blur of sigma 2
FLAT = 0.2  # an edge ends where the steps between pixels fall to this share of the steepest one
RIPPLE = 0.3  # of the gap: smaller steps belong to a surface
ABRUPT = 0.75  # of the climb on one side in a single step: a slope that is cut off, no soft edge
GOES_ON = 0.15  # of the edge's climb, again beyond its end: a slope, no edge

DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))


def flying_pixels(depth: np.ndarray, gap: float = GAP) -> np.ndarray:
    """Finds pixels that belong to neither of the two surfaces they lie between.

    A soft edge is a short climb: along a row, a column or a diagonal, depth rises from pixel to
    pixel without a pause, over at most 8 pixels, from a nearer surface to a farther one. Each end
    is where the steps fall to a fifth of the steepest one, or to 0.3 of ``gap``. A pixel inside the
    climb is flying if it is more than ``gap`` from both ends, with three exceptions:

    - The surface beyond one end continues to climb in the same direction, by more than 15 % of the
      climb over as many pixels again. This is a slope, such as a floor or a wall seen at a grazing
      angle, however steep.
    - Between the pixel and one end, and not next to the pixel, a single step makes more than 75 %
      of the difference. This is a slope or a curved limb, cut off by a clean edge.
    - No depth is visible beyond an end, at a hole or at the image border.

    A thin wire is never between a nearer and a farther neighbour, and a narrow surface at a middle
    depth is a pause in the climb; both are kept. All thresholds are relative to depth, so the unit
    does not matter. Steps and climbs are differences of log depth.

    The filter finds edges that are smeared over several pixels, so it also works on enlarged maps.
    But ``upsample_depth`` turns flying pixels into plateaus. Find them first, set them to NaN, then
    enlarge. Do not remove the sky before: keep it at any far depth, because pixels between a roof
    and NaN are not found.

    Args:
        depth: (H, W) depth along Z, any unit, > 0; NaN, infinite or <= 0 at pixels without depth.
        gap: Relative difference of depth above which two pixels are on different surfaces.

    Returns:
        (H, W) bool, False at pixels without depth.
    """
    values = np.ascontiguousarray(depth, np.float32)
    return _flying(values, math.log1p(gap))


@compiled
def _flying(depth: np.ndarray, gap: float) -> np.ndarray:
    height, width = depth.shape
    flying = np.zeros((height, width), np.bool_)
    for y in range(height):
        for x in range(width):
            for dy, dx in DIRECTIONS:
                if _is_flying(depth, y, x, dy, dx, gap):
                    flying[y, x] = True
                    break
    return flying


@compiled
def _is_flying(depth: np.ndarray, y: int, x: int, dy: int, dx: int, gap: float) -> bool:
    """Returns whether a pixel is flying along one direction; ``gap`` in log depth."""
    here, near, far = _at(depth, y, x), _at(depth, y - dy, x - dx), _at(depth, y + dy, x + dx)
    if near > far:
        near, far, dy, dx = far, near, -dy, -dx
    rise = 1 + RIPPLE * gap
    if not (here > near * rise and far > here * rise):  # a cheap test that rejects most pixels
        return False
    to_near, to_far = math.log(here / near), math.log(far / here)
    steepest = max(to_near, to_far)
    if min(to_near, to_far) <= FLAT * steepest:
        return False
    a = _end_of_climb(depth, y, x, -dy, -dx, -1, steepest, WIDTH, gap)
    if a == 0:
        return False
    b = _end_of_climb(depth, y, x, dy, dx, 1, steepest, WIDTH + 1 - a, gap)
    if b == 0:
        return False
    near, far = _at(depth, y - a * dy, x - a * dx), _at(depth, y + b * dy, x + b * dx)
    if min(math.log(here / near), math.log(far / here)) <= gap:
        return False
    before = _farthest(depth, y - a * dy, x - a * dx, -dy, -dx, a + b)
    after = _farthest(depth, y + b * dy, x + b * dx, dy, dx, a + b)
    return max(math.log(near / before), math.log(after / far)) <= GOES_ON * math.log(far / near)


@compiled
def _end_of_climb(
    depth: np.ndarray,
    y: int,
    x: int,
    dy: int,
    dx: int,
    sign: int,
    steepest: float,
    reach: int,
    gap: float,
) -> int:
    """Returns the distance in pixels to the end of the climb through a pixel, 0 if none is found.

    ``sign`` is 1 towards the farther surface, -1 towards the nearer one.
    """
    start = here = _at(depth, y, x)
    largest, place = 0.0, 0
    for n in range(reach + 1):
        beyond = _at(depth, y + (n + 1) * dy, x + (n + 1) * dx)
        if math.isnan(beyond):
            return 0
        step = math.log(beyond / here) * sign
        if step <= max(FLAT * steepest, RIPPLE * gap):
            cut = place > 0 and largest > ABRUPT * math.log(here / start) * sign
            return 0 if cut else n
        if step > largest:
            largest, place = step, n
        steepest = max(steepest, step)
        here = beyond
    return 0


@compiled
def _farthest(depth: np.ndarray, y: int, x: int, dy: int, dx: int, n: int) -> float:
    """Returns the depth ``n`` pixels away, or the last one before a hole or the border."""
    value = _at(depth, y, x)
    for k in range(1, n + 1):
        further = _at(depth, y + k * dy, x + k * dx)
        if math.isnan(further):
            break
        value = further
    return value


@compiled
def _at(depth: np.ndarray, y: int, x: int) -> float:
    """Returns a pixel's depth; NaN outside the image and at pixels without depth."""
    if 0 <= y < depth.shape[0] and 0 <= x < depth.shape[1] and 0 < depth[y, x] < math.inf:
        return float(depth[y, x])
    return math.nan
