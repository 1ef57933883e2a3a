"""Predictions of other tools: a folder of depth files that mirrors a set's tree."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np

from ppdcli.errors import InputError, UsageError
from ppdcli.evaluation.frames import Crop, Frame
from ppdcli.evaluation.predictors import Candidate
from ppdcli.evaluation.protocols import Kind
from ppdcli.files import npz_depth
from ppdcli.files.choices import PngScale
from ppdcli.files.depth_files import read_depth, require_view
from ppdcli.files.source import is_dir, is_file, no_folder
from ppdcli.geometry.upsample import downsample_depth

SUFFIXES = (".npy", ".npz", ".exr", ".png")  # lossless formats first
ENDINGS = tuple(f"{tail}{suffix}" for tail in ("", "_depth") for suffix in SUFFIXES)


def of_folder(name: str, folder: Path, kind: Kind, png_scale: PngScale | None = None) -> Candidate:
    """Returns a candidate whose predictions are read from files.

    For the photo ``a/b.jpg`` of a set, the file below ``folder`` is ``a/b`` or ``a/b_depth`` with
    the suffix ``.npy``, ``.npz``, ``.exr`` or ``.png``. Its grid may have any size in the photo's
    proportions. If the set's protocol crops its photos, a file of the whole photo is cropped too.

    Args:
        name: Name in tables.
        folder: Folder of the files.
        kind: The space in which their values are affine, unless a file states that it is a
            relative depth map of this program.
        png_scale: Meaning of a PNG's pixels if the file does not state it.

    Raises:
        UsageError: The folder does not exist.
    """
    if not is_dir(folder):
        raise UsageError(f"--predictions {folder}: {no_folder(folder)}; give NAME=FOLDER")

    def predict(image: str, frame: Frame) -> np.ndarray:
        path = _find(folder, image)
        values = _read(path, kind, png_scale)
        crop = frame.crop
        if values.shape == frame.depth.shape:
            return values
        if crop is not None:
            require_view(path, values.shape, crop.full_width, crop.full_height)
            return _cropped(values, crop)
        height, width = frame.photo.rgb.shape[:2]
        require_view(path, values.shape, width, height)
        return values

    def stamp(image: str) -> str:
        try:
            found = _find(folder, image).stat()
        except (InputError, OSError):
            return ""
        return f"{found.st_size} {found.st_mtime_ns}"

    identity = {"kind": kind, "folder": str(folder)}
    return Candidate(name, kind, predict, identity, stamp, shown=True)


def _find(folder: Path, image: str) -> Path:
    stem = PurePosixPath(image).with_suffix("")
    for ending in ENDINGS:
        path = folder / f"{stem}{ending}"
        if is_file(path):
            return path
    raise InputError(f"{folder / stem}: no .npy, .npz, .exr or .png there; predict {image} too")


def _read(path: Path, kind: Kind, png_scale: PngScale | None) -> np.ndarray:
    if path.suffix == ".npz":
        return npz_depth.read_map(path).astype(np.float32)
    depth_map = read_depth(path, "relative", png_scale)
    if depth_map.kind == "relative" and path.suffix != ".npy" and kind != "ppd":
        raise InputError(
            f"{path}: holds relative depth, affine in log(depth + 1); score it with --kind ppd"
        )
    return depth_map.values


def _cropped(values: np.ndarray, crop: Crop) -> np.ndarray:
    """Returns the cropped part of a map of the whole photo."""
    whole = downsample_depth(values, crop.full_height, crop.full_width)
    return whole[crop.top : crop.top + crop.height, crop.left : crop.left + crop.width]
