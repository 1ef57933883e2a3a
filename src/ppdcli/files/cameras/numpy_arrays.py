"""Reads camera matrices in .npy and .npz files: 3x3, 3x4, 4x4, or a stack of them.

In an archive the matrix has one of the usual names (K, intrinsics, camera_matrix, mtx ...). The
lens (dist, D ...) and the image size may be there too. The first pixel centre is at (0, 0).
"""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any
from zipfile import ZipFile

import numpy as np

from ppdcli.errors import InputError, shown
from ppdcli.files import npy
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.named import read_cameras_of, read_named
from ppdcli.files.cameras.names import MATRIX_SIZES, is_camera, is_known, matrices
from ppdcli.files.cameras.stated import Contents
from ppdcli.files.decoding import decoding

MOST_CAMERAS = 10_000
MOST_ENTRIES = 100  # in an archive
MOST_NUMBERS = 16  # of one camera under one name


def is_array(content: Content) -> bool:
    """Whether it is a .npy file."""
    return content.data.startswith(b"\x93NUMPY")


def is_archive(content: Content) -> bool:
    """Whether it is a .npz file: a zip of .npy files."""
    return content.data.startswith(b"PK\x03\x04") and b".npy" in content.data


def read_array(content: Content) -> Contents:
    """Reads the matrix of a .npy file.

    Raises:
        InputError: the file is damaged, or holds no camera matrix.
    """
    with decoding(content.path, ".npy"):
        values = _array(io.BytesIO(content.data), len(content.data))
    return _of_arrays({"K": values}, content.where, [str(values.shape)])


def read_archive(content: Content) -> Contents:
    """Reads the matrix of an archive, and the lens and the size if they are there.

    Raises:
        InputError: the file is damaged, or holds no camera matrix.
    """
    arrays: dict[str, np.ndarray] = {}
    with decoding(content.path, ".npz"), ZipFile(io.BytesIO(content.data)) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_ENTRIES:
            raise ValueError(f"it has {len(entries)} entries, more than a camera has")
        names = {entry.filename.removesuffix(npy.SUFFIX): entry for entry in entries}
        if names.keys() == {"arr_0"}:  # NumPy's name for an array without one
            names = {"K": names["arr_0"]}
        for name, entry in names.items():
            if not is_known(name):
                continue
            with archive.open(entry) as stream:
                arrays[name] = _array(stream, entry.file_size)
    return _of_arrays(arrays, content.where, list(names))


def _array(stream: Any, size: int) -> np.ndarray:
    """Reads an array of numbers, or a text.

    Raises:
        ValueError: the array has another type, or is too large for cameras.
    """
    header = npy.read_header(stream)
    if header.dtype.kind not in "fiuU" or header.bytes > 8 * MOST_NUMBERS * MOST_CAMERAS:
        raise ValueError(f"it holds {header.describe()}, which is no camera")
    return npy.read_values(stream, header, size - stream.tell())


def _of_arrays(arrays: dict[str, np.ndarray], where: str, held: list[str]) -> Contents:
    stacks = {key: _stacked(value) for key, value in arrays.items() if value.size}
    named = {key: _entry(rows, 0) for key, rows in stacks.items()}
    if not is_camera(named):
        raise InputError(
            f"{where}: has no camera matrix (it holds {shown(', '.join(held)) or 'nothing'}); give "
            "one of shape (3, 3), called K in an .npz"
        )
    count = max((len(stacks[key]) for key in matrices(named).values()), default=1)
    if count > MOST_CAMERAS:
        raise InputError(f"{where}: holds {count} cameras, more than {MOST_CAMERAS}; keep one")
    for key, rows in stacks.items():
        if len(rows) not in (1, count):
            raise InputError(
                f"{where}: {shown(key, 40)} is of {len(rows)} cameras, and the matrix of {count}; "
                "keep one"
            )
    if count == 1:
        return replace(read_cameras_of(named, where), format="NumPy")
    cameras = []
    for k in range(count):
        values = {key: _entry(rows, k) for key, rows in stacks.items()}
        cameras.append(read_named(values, f"{where}: number {k}", f"number {k}"))
    return Contents("NumPy", tuple(cameras))


def _stacked(values: np.ndarray) -> np.ndarray:
    """Returns (N, M): N sets of M values. The last two axes of a stack hold the matrices."""
    if values.ndim >= 2 and values.shape[-2:] in ((3, 3), (3, 4), (4, 4), (4, 3)):
        return values.reshape(-1, values.shape[-2] * values.shape[-1])
    if values.ndim == 2 and values.shape[1] in MATRIX_SIZES:
        return values
    return values.reshape(1, -1)


def _entry(rows: np.ndarray, k: int) -> Any:
    """Returns the values of camera k under a name. A single set holds for all cameras."""
    values = rows[k if len(rows) > 1 else 0].tolist()
    return values[0] if len(values) == 1 else values
