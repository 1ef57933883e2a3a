"""OpenEXR: lossless float32 depth in the channel ``Z``, with facts as attributes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ppdcli.depth_data import PROGRAM, PROVENANCE, DepthData, Kind
from ppdcli.errors import InputError, shown
from ppdcli.files.atomic import atomic_path, not_written, quoted_errno
from ppdcli.files.decoding import decoding, require_size
from ppdcli.files.exr_channels import DEPTH, depth_channel
from ppdcli.files.exr_printing import quiet
from ppdcli.files.foreign import require_regular

SUFFIX = ".exr"
MAX_VALUES = 1_000_000_000
"""Largest number of values in all channels of a file. OpenEXR decodes them at once, in 4 GB."""


def write(path: Path, depth_map: DepthData) -> None:
    """Writes the values as they are into the channel Z (FLOAT, ZIP); NaN means no depth.

    The channel Y holds the same values. Blender, OpenCV, GIMP and ImageMagick show it; for them a
    file with Z alone is black. The attributes are ``DepthData.facts()`` as strings.

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
            OpenEXR.File(header, {"Y": values, "Z": values}).write(str(name))
            if name != temporary:
                shutil.copyfile(name, temporary)
        except RuntimeError as error:
            reason = " ".join(str(error).split()).replace(str(name), path.name)
            raise not_written(path, OSError(quoted_errno(reason), reason)) from error


def read(path: Path) -> DepthData:
    """Reads the depth channel by the rules of ``exr_channels``. A note names it if it is not ``Z``.

    The map covers the display window. Pixels outside of it are left out, and missing pixels are
    NaN. A file without our ``kind`` attribute is metric, by convention. Infinite values become NaN.

    Raises:
        InputError: the file is missing, not a regular file, damaged or too large, or has no depth
            channel.
    """
    with decoding(path, "EXR"):
        require_regular(path)
        with _utf8_name(path) as name:
            if name != path:
                shutil.copyfile(path, name)
            part, channel = _chosen(name, path)
            with quiet() as complaints:
                values, header = _pixels(name, part, channel)
        if complaints:
            raise ValueError(complaints[0].replace(str(name), path.name))
    values = _in_display_window(values, header)
    values[np.isinf(values)] = np.nan
    kind: Kind = "relative" if header.get("kind") == "relative" else "metric"
    provenance = {key: shown(header[key]) for key in PROVENANCE if key in header}
    notes = (
        () if channel == DEPTH else (f"{path}: depth is read from its channel {shown(channel)}",)
    )
    return DepthData(values, kind, provenance=provenance, notes=notes, as_shown=PROGRAM in header)


def _chosen(file: Path, path: Path) -> tuple[int, str]:
    """Returns the part and the channel of the depth. Refuses a file that is too large.

    Raises:
        InputError: there is no depth channel.
        Exception: of any kind, if the file is damaged.
    """
    import OpenEXR

    with quiet(), OpenEXR.File(str(file), separate_channels=True, header_only=True) as exr:
        headers = [dict(part.header) for part in exr.parts]
    channels = [[channel.name for channel in header["channels"]] for header in headers]
    total = 0
    for header, names in zip(headers, channels, strict=True):
        for window in ("displayWindow", "dataWindow"):
            rows, columns = _window(header, window)
            height, width = len(rows), len(columns)
            require_size(height, width)
        total += height * width * len(names)
    if total > MAX_VALUES:  # OpenEXR decodes all channels
        raise ValueError(f"its channels hold {total} values, more than the {MAX_VALUES} allowed")
    found = depth_channel(channels)
    if found is None:
        names = [name for part in channels for name in part]
        raise InputError(
            f"{path}: has no depth channel Z, only {shown(', '.join(names))}; give a depth EXR"
        )
    return found


def _window(header: dict[str, Any], name: str) -> tuple[range, range]:
    """Returns the rows and columns of a window."""
    (left, top), (right, bottom) = (corner.tolist() for corner in header[name])
    return range(top, bottom + 1), range(left, right + 1)


def _in_display_window(values: np.ndarray, header: dict[str, Any]) -> np.ndarray:
    (rows, columns), (shown_rows, shown_columns) = (
        _window(header, name) for name in ("dataWindow", "displayWindow")
    )
    if (rows, columns) == (shown_rows, shown_columns):
        return values
    placed = np.full((len(shown_rows), len(shown_columns)), np.nan, np.float32)
    top, bottom = max(rows[0], shown_rows[0]), min(rows[-1], shown_rows[-1]) + 1
    left, right = max(columns[0], shown_columns[0]), min(columns[-1], shown_columns[-1]) + 1
    if top < bottom and left < right:
        placed[
            top - shown_rows[0] : bottom - shown_rows[0],
            left - shown_columns[0] : right - shown_columns[0],
        ] = values[top - rows[0] : bottom - rows[0], left - columns[0] : right - columns[0]]
    return placed


def _pixels(file: Path, part: int, channel: str) -> tuple[np.ndarray, dict[str, Any]]:
    """Returns the (H, W) float32 values, and the header of their part."""
    import OpenEXR

    with OpenEXR.File(str(file), separate_channels=True) as exr:
        header, channels = dict(exr.header(part)), exr.channels(part)  # closing empties its own
        values = np.array(channels[channel].pixels, np.float32)
    if values.shape != tuple(map(len, _window(header, "dataWindow"))):
        raise ValueError(f"{channel} is of shape {values.shape}")
    return values, header


@contextmanager
def _utf8_name(path: Path) -> Iterator[Path]:
    """Gives the path, or a temporary one if the name is not UTF-8, which OpenEXR requires."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with tempfile.TemporaryDirectory(prefix="ppd-") as folder:
            yield Path(folder, "depth.exr")
    else:
        yield path
