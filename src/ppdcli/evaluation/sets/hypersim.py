"""Hypersim: rendered rooms, with the camera that the edge-aware clouds need."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ppdcli.errors import InputError, PpdError
from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.sets.reading import between, png_metres, require_same_size, require_size
from ppdcli.evaluation.sets.rules import SetRules
from ppdcli.files.depth_files import format_of
from ppdcli.geometry.camera import Camera
from ppdcli.photo import load_photo

DEPTH_RANGE = (0.1, 65.0)  # as in the authors' reader of this set

CAMERA = Camera(886.81, 886.81, 511.5, 383.5, 1024, 768)
"""Of the set's published conversion from distance to depth: 60 degrees wide, centred. Some scenes'
own cameras differ slightly from it, by the set's authors; the files read here do not say which."""


def read(photo_path: Path, depth_path: Path) -> Frame:
    """A frame. Depth is one of two files, told apart by content.

    - ``frame.NNNN.depth_meters.hdf5`` of the set itself: distances to the camera's centre, which
      become depth along its axis; NaN where the ray met nothing.
    - a 16-bit PNG of Marigold's preparation: depth along the axis in millimetres, 0 for none.

    Raises:
        InputError: a file is missing, broken or of another size.
        PpdError: h5py is not installed.
    """
    if format_of(depth_path) == "png":
        depth = png_metres(depth_path, "mm")
        require_size(depth_path, depth.shape, CAMERA.height, CAMERA.width)
    else:
        distance = _distance(depth_path)
        require_size(depth_path, distance.shape, CAMERA.height, CAMERA.width)
        depth = planar(distance)
    photo = load_photo(photo_path)
    require_same_size(depth_path, depth.shape, photo)
    return Frame(photo, depth, between(depth, DEPTH_RANGE), CAMERA)


def planar(distance: np.ndarray) -> np.ndarray:
    """(768, 1024) float32 depth along the axis, from distances to the camera's centre.

    Z = distance / |(x, y, 1)| with x = (column - cx) / f and y = (row - cy) / f.
    """
    rows, columns = np.ogrid[: CAMERA.height, : CAMERA.width]
    x, y = (columns - CAMERA.cx) / CAMERA.fx, (rows - CAMERA.cy) / CAMERA.fy
    return (distance / np.sqrt(x * x + y * y + 1)).astype(np.float32)


def _distance(path: Path) -> np.ndarray:
    """(H, W) float64 distances in metres."""
    try:
        import h5py
    except ImportError:
        raise PpdError(f"{path}: reading HDF5 needs h5py; pip install 'ppdcli[evaluate]'") from None
    try:
        with h5py.File(path, "r") as file:
            return np.asarray(file["dataset"], np.float64)
    except (OSError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read as HDF5 ({reason}); check the file") from error


RULES = SetRules(
    fields=("photo", "depth"),
    list_name=None,
    expected=None,
    depth_range=DEPTH_RANGE,
    facts=(
        "depth: HDF5 distances made depth along the axis, or 16-bit PNG / 1000 m of such depth",
        "valid where 0.1 < d < 65 m; whole images of 1024x768, no crop",
        "camera: f 886.81, centred, for all scenes, though some differ slightly",
    ),
    read=read,
)
