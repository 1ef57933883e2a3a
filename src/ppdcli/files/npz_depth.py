"""Depth in NPZ archives, as Depth Pro, Depth Anything 3 and NumPy write it."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import numpy as np

from ppdcli.depth_data import DepthData, Kind
from ppdcli.errors import InputError, shown
from ppdcli.files import npy
from ppdcli.files.choices import Scale
from ppdcli.files.decoding import decoding
from ppdcli.files.foreign import open_regular

ARRAYS = ("depth", "arr_0")  # the usual name, and NumPy's default


def read(path: Path, kind: Kind, scale: Scale | None = None) -> DepthData:
    """Reads the depth map of an archive. The arguments are those of ``npy.read``.

    Raises:
        InputError: the file is missing, damaged, encrypted or too large, or holds no depth map.
    """
    return npy.in_metres(read_map(path), path, kind, scale)


def holds_steps(path: Path) -> bool:
    """Returns whether the depth map of an archive holds whole numbers.

    Raises:
        InputError: see ``read``.
    """
    return read_map(path).dtype.kind in "iu"


def read_map(path: Path) -> np.ndarray:
    """Reads the (H, W) array of an archive: ``depth``, ``arr_0``, or its only array.

    Raises:
        InputError: see ``read``.
    """
    with decoding(path, ".npz"), open_regular(path) as stream, ZipFile(stream) as archive:
        entries = {entry.filename.removesuffix(npy.SUFFIX): entry for entry in archive.infolist()}
        name = next((name for name in ARRAYS if name in entries), None)
        if name is None and len(entries) == 1:
            name = next(iter(entries))
        if name is None:
            raise InputError(
                f"{path}: holds {shown(', '.join(entries))}; name the depth map {ARRAYS[0]!r}"
            )
        with archive.open(entries[name]) as member:
            header = npy.read_header(member)
            shape = npy.map_shape(header)
            npy.require_map(path, header, shape)
            values = npy.read_values(member, header, entries[name].file_size - member.tell())
    return values.reshape(shape)
