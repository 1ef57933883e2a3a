"""DIODE: the validation split, indoors and outdoors."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from scipy import ndimage

from ppdcli.errors import InputError
from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.sets.reading import require_same_size, require_size
from ppdcli.evaluation.sets.rules import SetRules
from ppdcli.files import npy
from ppdcli.photo import load_photo

DEPTH_RANGE = (0.6, 350.0)  # both ends are valid
STEEPEST = 0.3
HEIGHT, WIDTH = 768, 1024


def read(photo_path: Path, depth_path: Path, mask_path: Path) -> Frame:
    """Reads a frame. The protocol excludes steep depth, where the scans are smeared.

    The frame has no camera: the toolkit gives one, but not whether depth is along its axis.

    Raises:
        InputError: A file is missing, broken or of another size.
    """
    depth = npy.read_array(depth_path, partial(_require_depth, depth_path))[:, :, 0]
    mask = npy.read_array(mask_path, partial(_require_mask, mask_path))
    photo = load_photo(photo_path)
    require_same_size(depth_path, depth.shape, photo)
    valid = (mask == 1) & np.isfinite(depth) & (depth >= DEPTH_RANGE[0]) & (depth <= DEPTH_RANGE[1])
    return Frame(photo, depth.astype(np.float32, copy=False), valid & ~_steep(depth))


def _require_depth(path: Path, header: npy.Header) -> None:
    shape = header.shape
    if len(shape) != 3 or shape[2] != 1 or header.dtype.kind != "f":
        raise InputError(f"{path}: holds {header.describe()}; the set's depth is (H, W, 1) floats")
    require_size(path, shape[:2], HEIGHT, WIDTH)


def _require_mask(path: Path, header: npy.Header) -> None:
    if header.dtype.kind not in "fiub":
        raise InputError(f"{path}: holds {header.describe()}; the set's mask is (H, W) numbers")
    require_size(path, header.shape, HEIGHT, WIDTH)


def _steep(depth: np.ndarray) -> np.ndarray:
    """Returns (H, W) bool by the authors' rule: SciPy's Sobel, unnormalised, reflected borders.

    A slope of s metres per pixel along one axis counts as 8 s. Invalid depth is included as stored,
    which is mostly 0. NaN makes no pixel steep.
    """
    with np.errstate(invalid="ignore"):  # infinity - infinity
        slope = np.abs(ndimage.sobel(depth, 0)) + np.abs(ndimage.sobel(depth, 1))
        return slope > STEEPEST


RULES = SetRules(
    fields=("photo", "depth", "mask"),
    list_name="diode_val_all_filename_list.txt",
    expected=771,
    depth_range=DEPTH_RANGE,
    facts=(
        "depth: .npy in metres; valid where the mask is 1 and 0.6 <= d <= 350 m",
        "left out: |Sobel down| + |Sobel right| > 0.3 on stored depth (SciPy's, unnormalised)",
        "whole images of 1024x768, no crop",
    ),
    read=read,
)
