"""Hypersim: rendered rooms, with the camera that the point clouds near edges need."""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ppdcli.errors import PpdError, shown
from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.sets.reading import between, png_metres, require_same_size, require_size
from ppdcli.evaluation.sets.rules import SetRules
from ppdcli.files.apart import Apart
from ppdcli.files.decoding import decoding
from ppdcli.files.depth_files import format_of
from ppdcli.files.foreign import require_regular
from ppdcli.geometry.camera import Camera
from ppdcli.photo import load_photo

_APART = Apart()  # damaged files can crash the HDF5 library
DATASET = "dataset"
MAX_CHUNK = 1 << 24  # values that are decompressed at once; the set's files have some thousand
DEPTH_RANGE = (0.1, 65.0)  # as in the authors' reader of this set

CAMERA = Camera(886.81, 886.81, 511.5, 383.5, 1024, 768)
"""From the set's published conversion of distance to depth: 60 degrees wide, centred. According to
the set's authors, the cameras of some scenes differ slightly; the files do not say which."""


def read(photo_path: Path, depth_path: Path) -> Frame:
    """Reads a frame. The format of the depth file is detected from its content:

    - ``frame.NNNN.depth_meters.hdf5`` of the set itself: distances to the camera centre, which
      are converted to depth along the axis; NaN where the ray hit nothing.
    - A 16-bit PNG of Marigold's preparation: depth along the axis in millimetres, 0 for none.

    Raises:
        InputError: A file is missing, broken or of another size.
        PpdError: h5py is not installed.
    """
    if format_of(depth_path) == "png":
        depth = png_metres(depth_path, "mm")
        require_size(depth_path, depth.shape, CAMERA.height, CAMERA.width)
    else:
        depth = planar(_distance(depth_path))
    photo = load_photo(photo_path)
    require_same_size(depth_path, depth.shape, photo)
    return Frame(photo, depth, between(depth, DEPTH_RANGE), CAMERA)


def planar(distance: np.ndarray) -> np.ndarray:
    """Converts distances to the camera centre to depth along the axis, (768, 1024) float32.

    Z = distance / |(x, y, 1)| with x = (column - cx) / f and y = (row - cy) / f.
    """
    rows, columns = np.ogrid[: CAMERA.height, : CAMERA.width]
    x, y = (columns - CAMERA.cx) / CAMERA.fx, (rows - CAMERA.cy) / CAMERA.fy
    return (distance / np.sqrt(x * x + y * y + 1)).astype(np.float32)


def _distance(path: Path) -> np.ndarray:
    """Returns (768, 1024) distances in metres; follows no links to other files."""
    if find_spec("h5py") is None:
        raise PpdError(f"{path}: reading HDF5 needs h5py; pip install 'ppdcli[evaluate]'")
    with decoding(path, "HDF5"):
        require_regular(path)
        values: np.ndarray = _APART.call(_dataset, path)
    return values


def _dataset(path: Path) -> np.ndarray:
    """Returns the content of the file's dataset.

    Raises:
        InputError: It has another size.
        Exception: Any kind if the file is damaged, which can also crash the process.
    """
    import h5py

    with h5py.File(path, "r") as file:
        if not isinstance(file.get(DATASET, getlink=True), h5py.HardLink):
            raise ValueError(f"it has no {DATASET} of its own")
        data = file[DATASET]
        if not isinstance(data, h5py.Dataset) or data.external or data.is_virtual:
            raise ValueError(f"its {DATASET} is not an array in this file")
        if data.dtype.kind not in "fiu":
            raise ValueError(f"its {DATASET} holds {shown(data.dtype)}")
        require_size(path, data.shape, CAMERA.height, CAMERA.width)
        if data.chunks is not None and math.prod(data.chunks) > MAX_CHUNK:
            raise ValueError(f"its parts are of shape {data.chunks}")
        return np.asarray(data)


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
