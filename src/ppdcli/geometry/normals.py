"""Surface normals from a depth map, where each pixel's neighbours on its surface are known."""

from __future__ import annotations

import numpy as np

CHUNK_ROWS = 256


def surface_normals(depth: np.ndarray, rays: np.ndarray) -> np.ndarray:
    """Unit normals that look at the camera, in OpenCV axes (x right, y down, z forward).

    A pixel's normal is the cross product of its steps to a neighbour along the row and along the
    column. On each of the two lines the neighbour is the one nearer in depth, so that no step
    leads across an edge as long as one side of it belongs to the pixel's surface.

    Args:
        depth: (H, W) along the optical axis; NaN, infinite or <= 0 where there is none.
        rays: (H, W, 2) slopes X/Z and Y/Z of the pixels, or broadcastable to that.

    Returns:
        (H, W, 3) float32; NaN where a pixel has no depth or no neighbour on one of the lines.
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
        # Of the two normals of a surface, the one that makes a blunt angle with the line of sight.
        away = (across * points).sum(axis=-1, keepdims=True) > 0
        across = np.where(away, -across, across)
        with np.errstate(invalid="ignore"):
            across /= np.linalg.norm(across, axis=-1, keepdims=True)
        normals[top:bottom] = across[top - first : bottom - first]
    return normals


def _step(points: np.ndarray, axis: int) -> np.ndarray:
    """From each point to the next or from the one before, whichever is the smaller step in z."""
    difference = np.diff(points, axis=axis)
    edge = [(0, 0)] * 3
    edge[axis] = (0, 1)
    after = np.pad(difference, edge, constant_values=np.nan)
    edge[axis] = (1, 0)
    before = np.pad(difference, edge, constant_values=np.nan)
    size_before, size_after = np.abs(before[..., 2:]), np.abs(after[..., 2:])
    return np.where(np.isnan(size_after) | (size_before < size_after), before, after)
