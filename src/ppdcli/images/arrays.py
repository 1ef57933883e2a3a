"""Converts pictures in memory. One rule says what the numbers of an array mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from ppdcli.errors import UsageError

_TOP = 65535
_ROWS = 256  # that are converted at a time
_FORMS = "give (H, W, 3), (H, W, 4) with alpha, or (H, W)"


def as_rgb(pixels: Any, name: str = "the picture") -> np.ndarray:
    """Any array of a picture without alpha as 8-bit RGB; ``as_levels`` says what its numbers mean.

    Args:
        pixels: (H, W, 3), (H, W, 1) or (H, W), sRGB. Grey becomes three equal channels.
        name: what messages call it.

    Returns:
        (H, W, 3) uint8; the same array if it has this form already.

    Raises:
        UsageError: as ``as_levels``, or there is alpha.
    """
    levels = as_levels(pixels, name)
    if levels.shape[2] == 4:
        raise UsageError(
            f"{name}: an array of shape {levels.shape} has alpha; give RGB without alpha, or the "
            "array itself as the photo"
        )
    return levels if levels.shape[2] == 3 else np.repeat(levels, 3, axis=2)


def as_levels(pixels: Any, name: str = "the picture") -> np.ndarray:
    """Any array of a picture in 8 bits, by the loader's own rule for files.

    uint8 counts from 0 to 255, uint16 from 0 to 65535, and floating-point numbers from 0 to 1. Each
    is brought to the nearest of 256 levels.

    Args:
        pixels: (H, W, C) with 1, 3 or 4 channels, or (H, W), in any order of bytes.
        name: what messages call it.

    Returns:
        (H, W, C) uint8; the array itself, or a view of it, if it is uint8 already.

    Raises:
        UsageError: no array, another shape or type, no pixel, masked pixels, or floats outside
            0..1.
    """
    if not isinstance(pixels, np.ndarray):
        raise UsageError(
            f"{name}: a {type(pixels).__name__} is no picture; give a NumPy array of (H, W, 3)"
        )
    if np.ma.is_masked(pixels):
        raise UsageError(f"{name}: some of its pixels are masked; fill them first")
    pixels = np.asarray(pixels)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4):
        raise UsageError(
            f"{name}: an array of shape {pixels.shape} is no picture; {_way_on(pixels.shape)}"
        )
    if not pixels.size:
        raise UsageError(f"{name}: an array of shape {pixels.shape} has no pixel; {_FORMS}")
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype.kind != "f" and (pixels.dtype.kind, pixels.dtype.itemsize) != ("u", 2):
        raise UsageError(
            f"{name}: {pixels.dtype} pixels have no agreed brightness; give uint8 (0..255), uint16 "
            "(0..65535) or floating-point numbers (0..1)"
        )
    if pixels.dtype.kind == "f":
        _require_range(pixels, name)
    levels = np.empty(pixels.shape, np.uint8)
    for top in range(0, len(pixels), _ROWS):
        rows = pixels[top : top + _ROWS]
        if pixels.dtype.kind == "u":
            levels[top : top + _ROWS] = (rows.astype(np.uint32) * 255 + _TOP // 2) // _TOP
        else:
            levels[top : top + _ROWS] = np.rint(rows.astype(np.float64) * 255)
    return levels


def _require_range(pixels: np.ndarray, name: str) -> None:
    low, high = pixels.min(), pixels.max()
    if low >= 0 and high <= 1:
        return
    if np.isnan(low):
        raise UsageError(f"{name}: some of its pixels are NaN; replace them first")
    raise UsageError(
        f"{name}: floating-point pixels must lie in 0..1, but these go from {low:g} to {high:g}; "
        "divide them by their range, or clip them"
    )


def _way_on(shape: tuple[int, ...]) -> str:
    if len(shape) == 4:
        return "give one photo of the batch, such as batch[0]"
    if len(shape) == 3 and shape[0] in (1, 3, 4):
        return "move its channels to the end, with transpose(1, 2, 0)"
    return _FORMS
