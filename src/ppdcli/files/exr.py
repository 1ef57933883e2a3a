"""OpenEXR: float32 depth in the channel ``Z``, lossless, with its facts as attributes."""

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
"""Of all channels of a file together, which OpenEXR decodes at once: 4 GB."""


def write(path: Path, depth_map: DepthData) -> None:
    """Write channel Z, FLOAT, ZIP: the values as they are, NaN for no depth.

    The channel Y holds the same: it is what Blender, OpenCV, GIMP and ImageMagick show, to which a
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
    """Read the depth channel, by the rules of ``exr_channels``; a note says where it is not ``Z``.

    The map is that of the display window: NaN where the file has no pixels, without those outside
    of it. A file without our ``kind`` attribute is metric, as the convention is. Infinite values
    become NaN.

    Raises:
        InputError: missing, no file, damaged, too large, or without a channel that is depth.
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
    """Part and channel of the depth, of a file that is not too large.

    Raises:
        InputError: there is none.
        Exception: of any kind, where the file is damaged.
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
    if total > MAX_VALUES:  # all channels are decoded
        raise ValueError(f"its channels hold {total} values, more than the {MAX_VALUES} allowed")
    found = depth_channel(channels)
    if found is None:
        names = [name for part in channels for name in part]
        raise InputError(
            f"{path}: has no depth channel Z, only {shown(', '.join(names))}; give a depth EXR"
        )
    return found


def _window(header: dict[str, Any], name: str) -> tuple[range, range]:
    """Its rows and columns."""
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
    """(H, W) float32 values, and the header of their part."""
    import OpenEXR

    with OpenEXR.File(str(file), separate_channels=True) as exr:
        header, channels = dict(exr.header(part)), exr.channels(part)  # closing empties its own
        values = np.array(channels[channel].pixels, np.float32)
    if values.shape != tuple(map(len, _window(header, "dataWindow"))):
        raise ValueError(f"{channel} is of shape {values.shape}")
    return values, header


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
