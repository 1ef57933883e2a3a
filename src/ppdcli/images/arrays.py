"""Converts pictures in memory. One rule says what the numbers of an array mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from ppdcli.errors import UsageError

_TOP = 65535
_ROWS = 256  # rows that are converted at a time


def as_rgb(pixels: Any, name: str = "the picture") -> np.ndarray:
    """Converts a picture to 8-bit RGB, by the same rule as for files.

    The range of uint8 is 0 to 255, of uint16 0 to 65535, and of floating-point numbers 0 to 1.
    Values are rounded to the nearest of 256 levels. Grey becomes three equal channels.

    Args:
        pixels: (H, W, 3), (H, W, 1) or (H, W), uint8, uint16 or floating-point, sRGB.
        name: the picture's name for messages.

    Returns:
        (H, W, 3) uint8; the same array if it has this form already.

    Raises:
        UsageError: it is not an array, has another shape or type or no pixel, or has floating-point
            numbers outside 0..1.
    """
    if not isinstance(pixels, np.ndarray):
        raise UsageError(
            f"{name}: a {type(pixels).__name__} is no picture; give a NumPy array of (H, W, 3)"
        )
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or not pixels.size:
        way_on = (
            "give RGB without alpha" if pixels.shape[2:] == (4,) else "give (H, W, 3) or (H, W)"
        )
        raise UsageError(f"{name}: an array of shape {pixels.shape} is no picture; {way_on}")
    if pixels.dtype == np.uint8:
        return pixels if pixels.shape[2] == 3 else np.repeat(pixels, 3, axis=2)
    if pixels.dtype != np.uint16 and pixels.dtype.kind != "f":
        raise UsageError(
            f"{name}: {pixels.dtype} pixels have no agreed brightness; give uint8 (0..255), uint16 "
            "(0..65535) or floating-point numbers (0..1)"
        )
    if pixels.dtype.kind == "f" and not (pixels.min() >= 0 and pixels.max() <= 1):
        raise UsageError(
            f"{name}: floating-point pixels must lie in 0..1, but these go from {pixels.min():g} "
            f"to {pixels.max():g}; divide them by their range"
        )
    rgb = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, len(pixels), _ROWS):
        rows = pixels[top : top + _ROWS]
        if pixels.dtype == np.uint16:
            rgb[top : top + _ROWS] = (rows.astype(np.uint32) * 255 + _TOP // 2) // _TOP
        else:
            rgb[top : top + _ROWS] = np.rint(rows.astype(np.float64) * 255)
    return rgb
