"""Effects of a lens on the light before it reaches the sensor."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_LAYERS = 3
_SHARP = 0.35  # pixels; a smaller blur is invisible


@dataclass(frozen=True)
class Focus:
    """The focus of a lens with a wide aperture.

    Attributes:
        distance: Distance in metres at which the picture is sharp.
        blur: Standard deviation of a point at infinity, as a share of the picture's width.
    """

    distance: float
    blur: float


def refocus(light: np.ndarray, depth: np.ndarray, focus: Focus) -> np.ndarray:
    """Blurs out-of-focus parts as a thin lens does, in proportion to the difference of 1 / depth.

    Args:
        light: (H, W, 3) float32, linear.
        depth: (H, W) float32 metres, exact; it is not changed.
        focus: Focus of the lens.

    Returns:
        (H, W, 3) float32. The background never blurs into the foreground; the foreground blurs over
        the background.
    """
    width = light.shape[1]
    spread = focus.blur * width * (focus.distance / depth - 1)  # > 0 nearer, < 0 farther
    out = light.copy()
    for layer, sigma in _layers(-spread):
        not_before = (spread < -0.5 * sigma).astype(np.float32)
        soft = _blurred(light, not_before, sigma)
        out[layer] = (soft[..., :3] / np.maximum(soft[..., 3:], 1e-4))[layer]
    nearer = [
        _blurred(light, layer.astype(np.float32), min(sigma, 0.06 * width))
        for layer, sigma in _layers(spread)
    ]
    if nearer:
        stacked = np.sum(nearer, axis=0)
        cover = stacked[..., 3:]
        share = np.minimum(cover, 1)
        out = out * (1 - share) + stacked[..., :3] * (share / np.maximum(cover, 1e-4))
    return out


def _layers(spread: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Returns masks (H, W) of the blurred pixels, from the least blur on, each with its blur."""
    blurs = spread[spread > _SHARP]
    if blurs.size == 0:
        return []
    edges = np.unique(np.quantile(blurs, np.linspace(0, 1, _LAYERS + 1)))
    number = np.searchsorted(edges[1:-1], spread, side="right")
    masks = [(spread > _SHARP) & (number == k) for k in range(max(len(edges) - 1, 1))]
    return [(mask, float(spread[mask].mean())) for mask in masks if mask.any()]


def _blurred(light: np.ndarray, weight: np.ndarray, sigma: float) -> np.ndarray:
    """Returns (H, W, 4): weighted light and weight, both blurred."""
    stacked = np.dstack([light * weight[..., None], weight])
    height, width = weight.shape
    # A wide blur can be computed in a smaller picture without losing detail.
    step = 4 if sigma > 8 else 2 if sigma > 3 else 1
    if step > 1:
        small = (max(width // step, 1), max(height // step, 1))
        stacked = cv2.resize(stacked, small, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(stacked, (0, 0), sigma / step, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(soft, (width, height)) if step > 1 else soft


def bloom(light: np.ndarray, strength: float) -> np.ndarray:
    """Adds light scattered in the lens: the brightest spots glow over their surroundings."""
    width = light.shape[1]
    excess = np.maximum(light - np.quantile(light[::4, ::4], 0.9), 0)
    small = cv2.resize(excess, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    glow = cv2.GaussianBlur(small, (0, 0), 0.015 * width) + 0.5 * cv2.GaussianBlur(
        small, (0, 0), 0.004 * width
    )
    glow = cv2.resize(glow, (width, light.shape[0]), interpolation=cv2.INTER_LINEAR)
    return light + strength * glow
