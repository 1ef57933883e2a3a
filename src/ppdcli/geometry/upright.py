"""Pixels of an image as it is stored, turned as EXIF turns the image."""

from __future__ import annotations

import numpy as np

from ppdcli.geometry.camera import exif_turn


def turned_upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """A view of the stored pixels in which the image stands upright.

    Args:
        pixels: (H, W, ...), rows and columns as they are stored.
        orientation: EXIF orientation 1..8; from 5 on the sides change places.

    Raises:
        UsageError: the orientation is not 1..8.
    """
    swap, mirror_x, mirror_y = exif_turn(orientation)
    if swap:
        pixels = pixels.swapaxes(0, 1)
    if mirror_x:
        pixels = pixels[:, ::-1]
    return pixels[::-1] if mirror_y else pixels
