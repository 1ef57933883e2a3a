"""ETH3D: photos of the high-resolution multi-view set with laser-scanned depth."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from ppdcli.errors import InputError
from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.sets.reading import between
from ppdcli.evaluation.sets.rules import SetRules
from ppdcli.files.decoding import decoding
from ppdcli.files.foreign import open_regular
from ppdcli.photo import load_photo

DEPTH_RANGE = (0.01, float("inf"))
STORED = (4032, 6048)  # rows, columns
SCORED = (1360, 2048)


def read(photo_path: Path, depth_path: Path) -> Frame:
    """Reads a frame of 2048x1360: depth by the nearest pixel, the photo by area averaging.

    The frame has no camera: the photos have lens distortion, and each scene has its calibrations.

    Raises:
        InputError: A file is missing or broken, depth has the wrong number of bytes, or the photo
            has other proportions.
    """
    return read_sized(photo_path, depth_path, STORED, SCORED)


def read_sized(
    photo_path: Path, depth_path: Path, stored: tuple[int, int], scored: tuple[int, int]
) -> Frame:
    """Like ``read``, for depth of ``stored`` (rows, columns) resized to ``scored``."""
    depth = _raw(depth_path, *stored)
    photo = load_photo(photo_path)
    height, width = photo.rgb.shape[:2]
    if height * stored[1] != width * stored[0]:
        raise InputError(
            f"{photo_path}: {width}x{height} is not of the proportions of its depth, "
            f"{stored[1]}x{stored[0]}; get the set's own file"
        )
    size = scored[::-1]
    # Not downsample_depth: it takes the central pixel, the authors' cv2 takes the upper left one.
    depth = cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST)
    rgb = cv2.resize(photo.rgb, size, interpolation=cv2.INTER_AREA)
    return Frame(replace(photo, rgb=rgb), depth, between(depth, DEPTH_RANGE))


def _raw(path: Path, rows: int, columns: int) -> np.ndarray:
    """Reads (rows, columns) float32 from a file without a header, little-endian, row by row."""
    expected = rows * columns * 4
    with decoding(path, "raw float32"), open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        data = stream.read(expected) if size == expected else b""
    if len(data) != expected:
        raise InputError(
            f"{path}: has {size} bytes instead of the {expected} of {columns}x{rows} raw float32; "
            "get the set's own file"
        )
    return np.frombuffer(data, "<f4").reshape(rows, columns).astype(np.float32)


RULES = SetRules(
    fields=("photo", "depth"),
    list_name="eth3d_filename_list.txt",
    expected=454,
    depth_range=DEPTH_RANGE,
    facts=(
        "depth: raw float32 of 6048x4032, in metres; valid where 0.01 m < d < infinity",
        "depth (nearest pixel) and photo (means over areas) brought to 2048x1360; no crop",
    ),
    read=read,
)
