"""Snapping: moves flying pixels onto the surface that they belong to."""

from __future__ import annotations

import math

import numpy as np

from ppdcli.geometry.compiled import compiled

# Tuned on rendered scenes with the training's seeds; `python -m studies.edge_filters`
# measures the result on other seeds.
REACH = 12  # largest distance in pixels along a ray to the first sample
SKIP = 2  # pixels of a surface next to the flying ones, still tinged by the other surface
TAKE = 2  # samples per ray
COLOR_SIGMA = 30.0  # of 255, over the three channels together
PIXEL_SIGMA = 8.0
LEAST = 1e-12  # weight of a completely different colour, so that a lone candidate still counts
PRIOR = 0.5  # weight of the pixel's own depth relative to its colour
SURE = 0.02  # the own depth counts as at least this far from both ends


def snap_points(
    depth: np.ndarray, rgb: np.ndarray, flying: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Moves flying pixels onto the nearer or the farther surface beside them.

    Candidates are taken along the 8 rays from a flying pixel: the third and fourth pixel of the
    first stretch of pixels that are not flying. They are nearer or farther than the pixel. A
    candidate weighs more the more similar its colour and the closer it is. The side with more
    weight wins, and the pixel takes the depth of that side's heaviest candidate. The pixel's own
    depth also counts a little: a pixel at a tenth of the way more likely belongs to the near
    surface.

    A moved pixel has the depth of another pixel that is not flying; nothing is averaged. A pixel
    without candidates on both sides is not moved, for example beside a wire of two pixels or less.

    Args:
        depth: (H, W) depth along Z, any unit, > 0; NaN, infinite or <= 0 at pixels without depth.
        rgb: (H, W, 3) uint8, the photo on the same grid.
        flying: (H, W) bool, from ``flying_pixels``.

    Returns:
        (H, W) float32 depth, and the (H, W) bool mask of the pixels that were moved.
    """
    values = np.ascontiguousarray(depth, np.float32)
    return _snap(values, np.ascontiguousarray(rgb), np.ascontiguousarray(flying))


@compiled
def _snap(depth: np.ndarray, rgb: np.ndarray, flying: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    snapped = depth.copy()
    moved = np.zeros(depth.shape, np.bool_)
    sums, heaviest, candidate = np.zeros(2), np.zeros(2), np.zeros(2)  # nearer side, farther side
    for y in range(depth.shape[0]):
        for x in range(depth.shape[1]):
            if not flying[y, x]:
                continue
            sums[:], heaviest[:] = 0, 0
            for dy in range(-1, 2):
                for dx in range(-1, 2):
                    if dy != 0 or dx != 0:
                        _add_candidates(depth, rgb, flying, y, x, dy, dx, sums, heaviest, candidate)
            if sums[0] == 0 or sums[1] == 0:
                continue
            near, far = candidate
            way = math.log(depth[y, x] / near) / math.log(far / near)
            way = min(max(way, SURE), 1 - SURE)
            odds = math.log(sums[0] / sums[1]) + PRIOR * math.log((1 - way) / way)
            snapped[y, x] = near if odds > 0 else far
            moved[y, x] = True
    return snapped, moved


@compiled
def _add_candidates(
    depth: np.ndarray,
    rgb: np.ndarray,
    flying: np.ndarray,
    y: int,
    x: int,
    dy: int,
    dx: int,
    sums: np.ndarray,
    heaviest: np.ndarray,
    candidate: np.ndarray,
) -> None:
    """Adds the candidates of one ray."""
    met = 0  # pixels so far of the stretch that is not flying
    for k in range(1, REACH + 1):
        v, u = y + k * dy, x + k * dx
        if not (0 <= v < depth.shape[0] and 0 <= u < depth.shape[1]):
            return
        if flying[v, u]:
            if met:
                return
            continue
        if not 0 < depth[v, u] < math.inf:
            return
        met += 1
        if met <= SKIP:
            continue
        apart = 0.0
        for c in range(3):
            apart += (float(rgb[y, x, c]) - float(rgb[v, u, c])) ** 2
        away = (dy * dy + dx * dx) * k * k
        weight = LEAST + math.exp(-apart / (2 * COLOR_SIGMA**2) - away / (2 * PIXEL_SIGMA**2))
        side = 1 if depth[v, u] > depth[y, x] else 0
        sums[side] += weight
        if weight > heaviest[side]:
            heaviest[side], candidate[side] = weight, depth[v, u]
        if met == SKIP + TAKE:
            return
