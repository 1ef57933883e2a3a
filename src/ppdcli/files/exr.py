"""OpenEXR: float32 depth in one channel ``Z``, lossless, with its facts as attributes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ppdcli.depth import PROVENANCE, DepthMap, Kind
from ppdcli.errors import InputError, OutputError
from ppdcli.files.atomic import atomic_path

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
    with atomic_path(path) as temporary:
        try:
            OpenEXR.File(header, {"Z": values}).write(str(temporary))
        except RuntimeError as error:
            reason = " ".join(str(error).split()).replace(str(temporary), path.name)
            raise OutputError(
                f"{path}: cannot be written ({reason}); make room or choose another output"
            ) from error


def read(path: Path) -> DepthMap:
    """Read channel Z. A file without our ``kind`` attribute is metric, as the convention is.

    Infinite values become NaN.

    Raises:
        InputError: missing, damaged, or without a channel Z.
    """
    import OpenEXR

    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    try:
        with OpenEXR.File(str(path), separate_channels=True) as exr:
            header, channels = dict(exr.header()), exr.channels()  # closing empties its own
            if "Z" not in channels:
                raise InputError(
                    f"{path}: has no depth channel Z, only {', '.join(channels)}; give a depth EXR"
                )
            values = np.array(channels["Z"].pixels, np.float32)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: cannot be read as EXR ({reason}); check the file") from error
    values[np.isinf(values)] = np.nan
    kind: Kind = "relative" if header.get("kind") == "relative" else "metric"
    provenance = {key: str(header[key]) for key in PROVENANCE if key in header}
    return DepthMap(values, kind, provenance=provenance)
