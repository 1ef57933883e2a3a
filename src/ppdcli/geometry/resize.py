"""Resizing of photos to the input size of the network."""

from __future__ import annotations

import math

import cv2
import numpy as np

TRAINING_AREA = 1024 * 768


def working_size(
    height: int, width: int, area: int = TRAINING_AREA, multiple: int = 16
) -> tuple[int, int]:
    """Returns the network's input size for a photo: its aspect ratio, about ``area`` pixels.

    Args:
        height: Height of the photo, in pixels.
        width: Width of the photo, in pixels.
        area: Wanted number of pixels; the released model was trained at 1024 x 768.
        multiple: Both sides are rounded to a multiple of this number of pixels, half to even.

    Returns:
        (height, width), neither less than ``multiple``. A strip can be so narrow that this makes
        its area more than twice ``area``; it is then shortened to ``area``.
    """
    scale = math.sqrt(area / (height * width))

    def side(length: int) -> int:
        return max(multiple, round(length * scale / multiple) * multiple)

    high, wide = side(height), side(width)
    if high * wide > 2 * max(area, multiple**2):  # else a single row of pixels could be any length
        longest = max(multiple, area // multiple**2 * multiple)
        high, wide = min(high, longest), min(wide, longest)
    return high, wide


def resize_rgb(rgb: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes a picture: by area averaging if it gets fewer pixels, else bicubic.

    Args:
        rgb: (H, W, 3) uint8.
        height: Height of the result, in pixels.
        width: Width of the result, in pixels.

    Returns:
        (height, width, 3) uint8.
    """
    shrinks = height * width < rgb.shape[0] * rgb.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(rgb, (width, height), interpolation=interpolation)


def to_planes(rgb: np.ndarray) -> np.ndarray:
    """Converts (H, W, 3) uint8 to (1, 3, H, W) float32 in [0, 1]."""
    channels_first = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None])
    return channels_first.astype(np.float32) / np.float32(255)
