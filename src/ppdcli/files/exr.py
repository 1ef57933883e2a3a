"""OpenEXR: float32 depth in one channel ``Z``, lossless, with its facts as attributes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ppdcli.depth import PROVENANCE, DepthMap, Kind
from ppdcli.errors import InputError
from ppdcli.files.atomic import atomic_path, not_written, quoted_errno

SUFFIX = ".exr"


def write(path: Path, depth_map: DepthMap) -> None:
    """Write channel Z, FLOAT, ZIP: the values as they are, NaN for no depth.

    The attributes are ``DepthMap.facts()`` as strings.

    Raises:
        OutputError: the file cannot be written.
    """
    import OpenEXR

    header = {
        **depth_map.facts(),
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
    }
    values = np.ascontiguousarray(depth_map.values, np.float32)
    with atomic_path(path) as temporary, _utf8_name(temporary) as name:
        try:
            OpenEXR.File(header, {"Z": values}).write(str(name))
            if name != temporary:
                shutil.copyfile(name, temporary)
        except RuntimeError as error:
            reason = " ".join(str(error).split()).replace(str(name), path.name)
            raise not_written(path, OSError(quoted_errno(reason), reason)) from error


def read(path: Path) -> DepthMap:
    """Read channel Z. A file without our ``kind`` attribute is metric, as the convention is.

    Infinite values become NaN.

    Raises:
        InputError: missing, damaged, or without a channel Z.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    try:
        with _utf8_name(path) as name:
            if name != path:
                shutil.copyfile(path, name)
            header, values = _read_z(name, path)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read as EXR ({reason}); check the file") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the file") from error
    values[np.isinf(values)] = np.nan
    kind: Kind = "relative" if header.get("kind") == "relative" else "metric"
    provenance = {key: str(header[key]) for key in PROVENANCE if key in header}
    return DepthMap(values, kind, provenance=provenance)


def _read_z(file: Path, shown: Path) -> tuple[dict[str, Any], np.ndarray]:
    import OpenEXR

    with OpenEXR.File(str(file), separate_channels=True) as exr:
        header, channels = dict(exr.header()), exr.channels()  # closing empties its own
        if "Z" not in channels:
            raise InputError(
                f"{shown}: has no depth channel Z, only {', '.join(channels)}; give a depth EXR"
            )
        return header, np.array(channels["Z"].pixels, np.float32)


@contextmanager
def _utf8_name(path: Path) -> Iterator[Path]:
    """The path, or where its name is not UTF-8, which OpenEXR insists on, one in another place."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with tempfile.TemporaryDirectory(prefix="ppd-") as folder:
            yield Path(folder, "depth.exr")
    else:
        yield path
