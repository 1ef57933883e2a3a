"""Reads the arrays of an NPZ file that ppd wrote for itself, and checks them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ppdcli.errors import shown
from ppdcli.files.foreign import open_regular


def read_arrays(
    path: Path, wanted: Mapping[str, tuple[type, int]], most: int
) -> dict[str, np.ndarray]:
    """Reads arrays.

    Args:
        path: the file.
        wanted: for each name, the type of the values and the number of axes.
        most: largest size of all arrays together, in bytes.

    Raises:
        OSError: the file is missing, is not a regular file, or cannot be read.
        ValueError: it is not an NPZ file, is damaged or too large, or holds other arrays.
    """
    with open_regular(path) as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                if sum(entry.file_size for entry in archive.infolist()) > most:
                    raise ValueError(f"holds more than {most} bytes")
                arrays = {}
                for name in wanted:
                    with archive.open(f"{name}.npy") as entry:
                        arrays[name] = np.lib.format.read_array(entry, allow_pickle=False)
        except Exception as error:  # a damaged file can raise anything
            raise ValueError(shown(error) or type(error).__name__) from error
    for name, (kind, axes) in wanted.items():
        if arrays[name].dtype != kind or arrays[name].ndim != axes:
            raise ValueError(f"{name} has other numbers or axes")
    return arrays
