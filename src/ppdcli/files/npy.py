"""NumPy files: the float32 values, untouched. They carry no unit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ppdcli.depth import DepthMap, Kind
from ppdcli.errors import InputError
from ppdcli.files.atomic import atomic_path

SUFFIX = ".npy"


def write(path: Path, depth_map: DepthMap) -> None:
    """Write the (H, W) values as float32: metres, or the network's own output.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, depth_map.values.astype(np.float32, copy=False), allow_pickle=False)


def read(path: Path, kind: Kind) -> DepthMap:
    """Read an (H, W) array of numbers; the caller says what they are, since the file does not.

    Raises:
        InputError: missing, damaged, a pickle, or not a two-dimensional array of real numbers.
    """
    try:
        with path.open("rb") as stream:
            values = np.lib.format.read_array(stream, allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read as .npy ({reason}); check the file") from error
    if values.ndim != 2 or values.dtype.kind not in "fiu" or values.size == 0:
        raise InputError(
            f"{path}: holds {values.dtype} of shape {values.shape}; a depth map is (H, W) numbers"
        )
    return DepthMap(values.astype(np.float32, copy=False), kind)
