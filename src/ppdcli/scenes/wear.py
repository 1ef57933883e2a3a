"""Changes of pictures after they were taken: by phones, editors, messengers, old albums."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

Rng = np.random.Generator


def wear(pixels: np.ndarray, rng: Rng) -> np.ndarray:
    """Applies one or a few kinds of wear; many pictures stay unchanged.

    Args:
        pixels: (H, W, 3) uint8.
        rng: Draws the wear.

    Returns:
        (H, W, 3) uint8, with every pixel still in its place.
    """
    if rng.random() < 0.4:
        return pixels
    for likely, change in KINDS:
        if rng.random() < likely:
            changed = change(pixels.astype(np.float32) / 255, rng)
            pixels = (np.clip(changed, 0, 1) * 255 + 0.5).astype(np.uint8)
    return pixels


def _cast(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """A wrong white balance, or the light of evening, neon lamps or dusk."""
    return picture * np.exp(rng.normal(0, 0.16, 3)).astype(np.float32)


def _saturate(picture: np.ndarray, rng: Rng) -> np.ndarray:
    grey = picture.mean(-1, keepdims=True)
    return grey + (picture - grey) * np.float32(rng.uniform(0.3, 2.2))


def _grey(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """Black and white, sometimes through a filter, sometimes toned."""
    grey = picture @ rng.dirichlet([2, 3, 1]).astype(np.float32)
    return grey[..., None] * np.exp(rng.normal(0, 0.06, 3)).astype(np.float32)


def _contrast(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """Blocked shadows and burnt lights, or the opposite: flat and milky."""
    gain = rng.uniform(0.5, 1.6)
    return (picture - 0.5) * np.float32(gain) + np.float32(0.5 + rng.normal(0, 0.08))


def _gloom(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """Underexposed, or taken against the light."""
    return picture ** np.float32(rng.uniform(1.2, 2.2))


def _sharpen(picture: np.ndarray, rng: Rng) -> np.ndarray:
    soft = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.6, 1.8))
    return picture + np.float32(rng.uniform(0.3, 1.4)) * (picture - soft)


def _smear(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """The effect of noise reduction: flat patches with sharp outlines."""
    return cv2.bilateralFilter(picture, 5, rng.uniform(0.05, 0.2), rng.uniform(1, 3))


def _enlarge(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """Taken with fewer pixels, or enlarged."""
    height, width = picture.shape[:2]
    share = rng.uniform(0.35, 0.8)
    small = (max(2, round(width * share)), max(2, round(height * share)))
    picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    how = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
    return cv2.resize(picture, (width, height), interpolation=how)


def _shake(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """Camera shake: each point becomes a short line, centred at its place."""
    size = int(rng.integers(1, 4)) * 2 + 1
    kernel = np.zeros((size, size), np.float32)
    angle, half = rng.uniform(0, np.pi), size // 2
    for along in np.linspace(-half, half, 4 * size):
        kernel[round(half + along * np.sin(angle)), round(half + along * np.cos(angle))] = 1
    return cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)


def _blotch(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """Noise in patches of colour, as from small sensors in low light."""
    height, width = picture.shape[:2]
    coarse = (max(1, height // 2), max(1, width // 2), 3)
    patches = cv2.resize(rng.standard_normal(coarse, np.float32), (width, height))
    fine = rng.standard_normal(picture.shape[:2], np.float32)[..., None]
    strength = np.float32(rng.uniform(0.01, 0.05))
    return picture + strength * (patches + fine) * (1.2 - picture)


def _compress(picture: np.ndarray, rng: Rng) -> np.ndarray:
    """JPEG at a visibly low quality."""
    pixels = (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(18, 60))]
    packed = cv2.imencode(".jpg", pixels, quality)[1]
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.float32) / 255


# Probability and kind of wear, in the order of application.
KINDS: tuple[tuple[float, Callable[[np.ndarray, Rng], np.ndarray]], ...] = (
    (0.05, _shake),
    (0.12, _enlarge),
    (0.10, _blotch),
    (0.08, _smear),
    (0.20, _cast),
    (0.15, _saturate),
    (0.15, _contrast),
    (0.05, _gloom),
    (0.04, _grey),
    (0.18, _sharpen),
    (0.12, _compress),
)
