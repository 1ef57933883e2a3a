"""From a photo to the pixels that the network sees."""

from __future__ import annotations

import math

import cv2
import numpy as np

TRAINING_AREA = 1024 * 768


def working_size(
    height: int, width: int, area: int = TRAINING_AREA, multiple: int = 16
) -> tuple[int, int]:
    """The size at which a photo is worked on: its aspect ratio, about ``area`` pixels.

    Args:
        height: of the photo, in pixels.
        width: of the photo, in pixels.
        area: pixels wished for; the released model was trained at 1024 x 768.
        multiple: what both sides are rounded to, in pixels, half to even.

    Returns:
        (height, width), neither less than ``multiple``. A strip so narrow that this makes its area
        more than twice ``area`` is shortened to ``area``.
    """
    scale = math.sqrt(area / (height * width))

    def side(length: int) -> int:
        return max(multiple, round(length * scale / multiple) * multiple)

    high, wide = side(height), side(width)
    if high * wide > 2 * max(area, multiple**2):  # else one row of pixels could ask for anything
        longest = max(multiple, area // multiple**2 * multiple)
        high, wide = min(high, longest), min(wide, longest)
    return high, wide


def resize_rgb(rgb: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture at another size: averaged over areas when it loses pixels, else bicubic.

    Args:
        rgb: (H, W, 3) uint8.
        height: wanted, in pixels.
        width: wanted, in pixels.

    Returns:
        (height, width, 3) uint8.
    """
    shrinks = height * width < rgb.shape[0] * rgb.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(rgb, (width, height), interpolation=interpolation)


def to_planes(rgb: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 -> (1, 3, H, W) float32 in [0, 1]."""
    channels_first = np.ascontiguousarray(rgb.transpose(2, 0, 1)[None])
    return channels_first.astype(np.float32) / np.float32(255)
