"""Depth files of any kind, told apart by what is in them, not by their names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from ppdcli.depth_data import DepthData, Kind
from ppdcli.errors import InputError
from ppdcli.files import exr, npy, png
from ppdcli.files.decoding import decoding
from ppdcli.files.foreign import open_regular

DepthFormat = Literal["png", "exr", "npy"]

MAGIC: dict[bytes, DepthFormat] = {
    b"\x89PNG\r\n\x1a\n": "png",
    b"\x76\x2f\x31\x01": "exr",
    b"\x93NUMPY": "npy",
}
TOO_FAR = 1e9  # metres
HALF_MAX = 65504
ROUNDING = 8  # pixels: models round the sides of their grids to multiples of 16 or 14


def format_of(path: Path) -> DepthFormat | None:
    """The format by the file's first bytes; None if it is none of them.

    Raises:
        InputError: the file is missing, no regular file, or cannot be read.
    """
    with decoding(path, "a depth file"), open_regular(path) as stream:
        head = stream.read(max(map(len, MAGIC)))
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), None)


def read_depth(
    path: Path, kind: Kind | None = None, png_scale: png.PngScale | None = None
) -> DepthData:
    """Read a depth map. What the file says about itself goes before the arguments.

    Args:
        path: a 16-bit PNG, an EXR with a depth channel (``exr_channels``), or an (H, W) NPY.
        kind: what the values of a .npy are, since it cannot say. An EXR that does not say is
            metric, as the convention is.
        png_scale: what the pixels of a PNG are that does not say.

    Returns:
        float32 values, NaN where there is no depth: NaN or infinite in the file, in metres also
        what ``is_metres`` says is none.

    Raises:
        InputError: missing, damaged, no depth file, without any depth, or of unknown meaning.
    """
    match format_of(path):
        case "png":
            depth_map = png.read(path, png_scale)
        case "exr":
            depth_map = exr.read(path)
        case "npy" if kind is not None:
            depth_map = npy.read(path, kind)
        case "npy":
            raise InputError(
                f"{path}: .npy files do not say what their values are; say whether they are "
                "metric or relative, or give PNG or EXR"
            )
        case None:
            raise InputError(f"{path}: is no depth file; give a 16-bit PNG, an EXR or an NPY")
    values = depth_map.values
    known = is_metres(values) if depth_map.kind == "metric" else np.isfinite(values)
    if not known.any():
        raise InputError(f"{path}: holds no depth at any pixel; give another file")
    return replace(depth_map, values=np.where(known, values, np.float32(np.nan)))


def is_metres(values: np.ndarray) -> np.ndarray:
    """Where values are depths: above 0, finite, and none of those that renderers write for none.

    Those are 1e10 (Blender), 1e11 and the like, and 65504, which is what they become as half.
    """
    return np.isfinite(values) & (values > 0) & (values < TOO_FAR) & (values != HALF_MAX)


def states_unit(path: Path) -> bool:
    """Whether a depth file says what its numbers are; an EXR without a word is in metres.

    Raises:
        InputError: as ``read_depth``.
    """
    match format_of(path):
        case "npy":
            return False
        case "png":
            return png.states_scale(path)
    return True


def require_view(path: Path, shape: tuple[int, ...], width: int, height: int) -> None:
    """Require that a map can be one of the whole photo: the same proportions, up to rounding.

    Args:
        path: the map's file, for the message.
        shape: (rows, columns) of the map.
        width, height: of the photo.

    Raises:
        InputError: the proportions differ; names both sizes.
    """
    rows, columns = shape
    # Sides that a common factor brings from the photo's to within ROUNDING of the map's.
    if abs(columns * height - rows * width) <= ROUNDING * (width + height):
        return
    turned = abs(rows * height - columns * width) <= ROUNDING * (width + height)
    way_on = "turn it as the photo is shown" if turned else "give one of the whole photo"
    raise InputError(
        f"{path}: the depth map is {columns}x{rows} but the photo is {width}x{height}, of other "
        f"proportions; {way_on}"
    )
