"""From depth to points in space."""

from __future__ import annotations

import numpy as np

from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion, rays


def unproject(
    depth: np.ndarray, camera: Camera, distortion: Distortion | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Unprojection: X = (u - cx) / fx * Z, Y = (v - cy) / fy * Z with integer u, v.

    With a lens that bends rays, X / Z and Y / Z are those of the pixel's true ray.

    Args:
        depth: (H, W) depth along the optical axis; NaN, infinite or <= 0 where there is none.
        camera: of this very grid.
        distortion: of this very grid; None for a pinhole.

    Returns:
        (N, 3) float32 points in OpenCV axes and the unit of ``depth``, in row-major pixel order,
        and the (H, W) bool mask of their pixels: those with a depth and a ray.
    """
    taken = np.isfinite(depth) & (depth > 0)
    slopes = slopes_of(camera, distortion)
    if distortion is not None:
        taken &= np.isfinite(slopes[..., 0])
    z = depth.take(np.flatnonzero(taken)).astype(np.float32, copy=False)
    points = np.empty((len(z), 3), np.float32)
    np.multiply(at_pixels(slopes, taken), z[:, None], out=points[:, :2])
    points[:, 2] = z
    return points, taken


def at_pixels(values: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """(H, W, C) -> (N, C) at the True pixels of ``taken``: ``values[taken]``, twice as fast."""
    return values.reshape(-1, values.shape[2]).take(np.flatnonzero(taken), axis=0)


def slopes_of(camera: Camera, distortion: Distortion | None) -> np.ndarray:
    """X/Z and Y/Z of each pixel: (H, W, 2) float32."""
    if distortion is not None:
        return rays(camera, distortion)
    slopes = np.empty((camera.height, camera.width, 2), np.float32)
    slopes[..., 0] = (np.arange(camera.width) - camera.cx) / camera.fx
    slopes[..., 1] = ((np.arange(camera.height) - camera.cy) / camera.fy)[:, None]
    return slopes
