"""A smooth correction of a frame's depth towards its past, region by region.

Depth of single frames flickers by regions: a wall comes closer while the floor stays. One line for
the frame cannot follow that. The correction is a grid over the picture and over brightness (a
bilateral grid, Chen et al. 2007), linear between its nodes. Brightness tells surfaces apart. Depth
itself must not: it is noisy, and a correction by noisy depth would flatten a long film.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import correlate1d

from ppdcli.films.alignment import LEAST_POINTS, LEAST_SIGMA
from ppdcli.geometry.node_grid import corners
from ppdcli.geometry.robust_line import MAD_TO_SIGMA

CELLS = 16  # along the longer side of the picture
LAYERS = 8  # over brightness
SPACING = 255 / (LAYERS - 1)  # of the layers
FAR_OFF = 6.0  # standard deviations at which a point does not count (Tukey's biweight)
HOLD = 0.3  # points' weight that pulls a node to no correction
KERNEL = (0.25, 0.5, 0.25)  # neighbours are held together


def correction(
    present: np.ndarray, past: np.ndarray, rgb: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """What is to be added to a frame so that its regions agree with its past.

    Args:
        present: (H, W) float32 depth of the frame.
        past: (H, W) float32 depth of the frame before, carried to this one.
        rgb: (H, W, 3) uint8, the frame.
        points: (N,) flat indices of pixels that are followed.

    Returns:
        (H, W) float32; 0 if there are too few points.
    """
    if points.size < LEAST_POINTS:
        return np.zeros_like(present)
    height, width = present.shape
    layer = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(SPACING)
    nodes = _fitted(present, past, layer, points)
    total = np.zeros_like(present)
    for k in range(LAYERS):
        plane = cv2.resize(nodes[..., k], (width, height), interpolation=cv2.INTER_LINEAR)
        total += plane * np.maximum(1 - np.abs(layer - np.float32(k)), 0)
    return total


def _fitted(
    present: np.ndarray, past: np.ndarray, layer: np.ndarray, points: np.ndarray
) -> np.ndarray:
    """The nodes, (rows, columns, LAYERS) float32: robust means of the differences around each."""
    height, width = present.shape
    longer = max(height, width)
    shape = (*(max(2, round(CELLS * side / longer)) for side in (height, width)), LAYERS)
    here, before = (depth.reshape(-1)[points].astype(np.float64) for depth in (present, past))
    difference = before - here
    distance = np.abs(difference - np.median(difference))
    sigma = max(MAD_TO_SIGMA * float(np.median(distance)), LEAST_SIGMA)
    weight = np.maximum(1 - np.square(distance / (FAR_OFF * sigma)), 0) ** 2
    rows, columns = np.divmod(points, width)
    places = (  # as OpenCV resizes: nodes are the centres of cells
        (rows + 0.5) * (shape[0] / height) - 0.5,
        (columns + 0.5) * (shape[1] / width) - 0.5,
        layer.reshape(-1)[points].astype(np.float64),
    )
    sums, weights = np.zeros(shape), np.zeros(shape)
    for index, linear in corners(places, shape):
        share = linear * weight
        weights += np.bincount(index, share, weights.size).reshape(shape)
        sums += np.bincount(index, share * difference, sums.size).reshape(shape)
    for axis in range(3):
        sums = correlate1d(sums, KERNEL, axis, mode="nearest")
        weights = correlate1d(weights, KERNEL, axis, mode="nearest")
    return (sums / (weights + HOLD)).astype(np.float32)
