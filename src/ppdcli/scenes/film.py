"""Develops linear light like a photo: exposure, colour cast, lens, sensor, JPEG."""

from __future__ import annotations

import cv2
import numpy as np


def develop(
    light: np.ndarray, rng: np.random.Generator, grain: np.random.Generator | None = None
) -> np.ndarray:
    """Develops a rendered picture as a random camera would.

    Args:
        light: (H, W, 3) float32 linear light, >= 0.
        rng: Draws the properties of the camera.
        grain: Draws the sensor's noise, for frames of one camera; None: ``rng`` does.

    Returns:
        (H, W, 3) uint8 picture in sRGB-like values.
    """
    white = np.quantile(light[::4, ::4], rng.uniform(0.75, 0.98)) + 1e-3
    cast = 1 + rng.normal(0, 0.06, 3)
    exposed = light * (rng.uniform(0.45, 1.15) / white * cast).astype(np.float32)
    if rng.random() < 0.5:
        exposed = _vignette(exposed, rng.uniform(0, 0.5))
    # A smooth shoulder instead of a hard clip, as in cameras.
    toned = np.where(exposed < 0.7, exposed, 0.7 + 0.3 * np.tanh((exposed - 0.7) / 0.3))
    picture = toned ** np.float32(1 / rng.uniform(1.8, 2.6))
    grey = picture.mean(-1, keepdims=True)
    picture = grey + (picture - grey) * np.float32(rng.uniform(0.5, 1.4))
    picture = (picture - 0.45) * np.float32(rng.uniform(0.8, 1.2)) + 0.45
    if rng.random() < 0.6:
        sigma = rng.exponential(0.5)
        if sigma > 0.25:
            picture = cv2.GaussianBlur(picture, (0, 0), min(sigma, 1.6))
    noise = rng.exponential(0.015)
    grain = rng if grain is None else grain
    picture = picture + grain.standard_normal(picture.shape, dtype=np.float32) * np.float32(noise)
    pixels = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    if rng.random() < 0.5:
        quality = int(rng.integers(45, 96))
        packed = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        pixels = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    return pixels


def _vignette(light: np.ndarray, strength: float) -> np.ndarray:
    height, width = light.shape[:2]
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return light * (1 - strength * 0.5 * (x * x + y * y)).astype(np.float32)[..., None]
