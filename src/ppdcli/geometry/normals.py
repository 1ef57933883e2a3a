"""Surface normals from a depth map and the rays of its pixels."""

from __future__ import annotations

import numpy as np

CHUNK_ROWS = 256


def surface_normals(depth: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """Returns unit normals that face the camera, in OpenCV axes (x right, y down, z forward).

    A pixel's normal is the cross product of its steps to a neighbour in the row and to one in the
    column. In both lines it uses the neighbour whose depth is closer to the pixel's. No step
    crosses an edge as long as one of the neighbours is on the pixel's surface.

    Args:
        depth: (H, W) along the optical axis; NaN, infinite or <= 0 at pixels without depth.
        rays: (H, W, 2) slopes X/Z and Y/Z of the pixels, or an array that broadcasts to it.

    Returns:
        (H, W, 3) float32; NaN if a pixel has no depth, or no neighbour in one of the lines.
    """
    height, width = depth.shape
    rays = np.broadcast_to(rays, (height, width, 2))
    normals = np.empty((height, width, 3), np.float32)
    for top in range(0, height, CHUNK_ROWS):
        bottom = min(top + CHUNK_ROWS, height)
        first, last = max(top - 1, 0), min(bottom + 1, height)
        z = depth[first:last].astype(np.float32)[..., None]
        z[~(np.isfinite(z) & (z > 0))] = np.nan
        points = np.concatenate((rays[first:last] * z, z), axis=-1, dtype=np.float32)
        across = np.cross(_step(points, axis=0), _step(points, axis=1))
        # A surface has two normals; take the one at an obtuse angle to the line of sight.
        away = (across * points).sum(axis=-1, keepdims=True) > 0
        across = np.where(away, -across, across)
        with np.errstate(invalid="ignore"):
            across /= np.linalg.norm(across, axis=-1, keepdims=True)
        normals[top:bottom] = across[top - first : bottom - first]
    return normals


def _step(points: np.ndarray, axis: int) -> np.ndarray:
    """Returns the step to the next point or from the previous one, the smaller of them in z."""
    difference = np.diff(points, axis=axis)
    edge = [(0, 0)] * 3
    edge[axis] = (0, 1)
    after = np.pad(difference, edge, constant_values=np.nan)
    edge[axis] = (1, 0)
    before = np.pad(difference, edge, constant_values=np.nan)
    size_before, size_after = np.abs(before[..., 2:]), np.abs(after[..., 2:])
    return np.where(np.isnan(size_after) | (size_before < size_after), before, after)
