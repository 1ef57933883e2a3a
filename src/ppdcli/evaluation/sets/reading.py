"""Functions shared by the readers of several sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ppdcli.errors import InputError
from ppdcli.files import png
from ppdcli.files.choices import PngScale
from ppdcli.photo import Photo


def png_metres(path: Path, scale: PngScale) -> np.ndarray:
    """Reads (H, W) float32 metres from a 16-bit PNG; NaN at pixels without depth.

    Raises:
        InputError: The file is missing, damaged, not 16-bit grey, or holds relative depth.
    """
    depth_map = png.read(path, scale)
    if depth_map.kind == "relative":
        raise InputError(f"{path}: holds relative depth; a benchmark needs metres")
    return depth_map.values


def require_size(path: Path, shape: tuple[int, ...], height: int, width: int) -> None:
    """Checks that the content of a file is (height, width).

    Raises:
        InputError: It is not; names both sizes.
    """
    if shape != (height, width):
        found = "x".join(str(side) for side in reversed(shape))
        raise InputError(f"{path}: is {found} instead of {width}x{height}; get the set's own file")


def require_same_size(path: Path, shape: tuple[int, ...], photo: Photo) -> None:
    """Checks that depth has the photo's size, as the authors' code does.

    Raises:
        InputError: It has not; names both sizes.
    """
    height, width = photo.rgb.shape[:2]
    if shape != (height, width):
        found = "x".join(str(side) for side in reversed(shape))
        raise InputError(
            f"{path}: is {found} but its photo {photo.name} is {width}x{height}; check the list"
        )


def between(depth: np.ndarray, depth_range: tuple[float, float]) -> np.ndarray:
    """Returns (H, W) bool: where depth is finite and strictly inside the range."""
    low, high = depth_range
    return np.isfinite(depth) & (depth > low) & (depth < high)
