"""Reads depth files. The format is detected from the file's content, not from its name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ppdcli.depth_data import DepthData, Kind
from ppdcli.errors import InputError
from ppdcli.files.choices import Scale
from ppdcli.files.decoding import decoding
from ppdcli.files.foreign import open_regular
from ppdcli.files.formats import Reading, readable
from ppdcli.geometry.upright import turned_upright

TOO_FAR = 1e9  # metres
HALF_MAX = 65504
PLAUSIBLE = (0.01, 200.0)  # metres; range of a plausible median
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap width and height
ROUNDING = 8  # pixels: models round the sides of their grids to multiples of 16 or 14


def format_of(path: Path) -> str | None:
    """Returns the name of a file's format by its first bytes; None for any other file.

    Raises:
        InputError: the file is missing, is not a regular file, or cannot be read.
    """
    with decoding(path, "a depth file"), open_regular(path) as stream:
        head = stream.read(max(len(reading.magic) for reading in readable()))
    return next((row.name for row in readable() if head.startswith(row.magic)), None)


def read_depth(path: Path, kind: Kind | None = None, scale: Scale | None = None) -> DepthData:
    """Reads a depth map. What the file states about itself takes precedence over the arguments.

    Args:
        path: a 16-bit PNG, an EXR with a depth channel (``exr_channels``), or an (H, W) NPY.
        kind: the kind of the values in a .npy file, which cannot state it. An EXR that does not
            state it is metric, by convention.
        scale: the step of whole numbers, in a file that does not state it.

    Returns:
        float32 values, NaN where there is no depth. These are NaN or infinite values in the file,
        and in metric maps also those that ``is_metres`` rejects.

    Raises:
        InputError: the file is missing, damaged or not a depth file, has no depth at any pixel, or
            its meaning is unknown.
    """
    depth_map = reading_of(path).read(path, kind, scale)
    values = depth_map.values
    known = is_metres(values) if depth_map.kind == "metric" else np.isfinite(values)
    if not known.any():
        raise InputError(f"{path}: holds no depth at any pixel; give another file")
    notes = depth_map.notes
    if depth_map.kind == "metric":
        notes += _implausible(path, float(np.median(values[known])))
    return replace(depth_map, values=np.where(known, values, np.float32(np.nan)), notes=notes)


def _implausible(path: Path, median: float) -> tuple[str, ...]:
    """Returns a line for the user if hardly any photo has such depths: the unit may be wrong."""
    if PLAUSIBLE[0] <= median <= PLAUSIBLE[1]:
        return ()
    return (
        f"{path}: half of its depths are {'beyond' if median > 1 else 'below'} {median:.3g} m; "
        "if its unit is another one, give its depth scale",
    )


def is_metres(values: np.ndarray) -> np.ndarray:
    """Returns where values are depths: finite, above 0, and not a renderer's mark for no depth.

    Renderers mark pixels without depth by 1e10 (Blender), 1e11 and similar values. In 16-bit floats
    these become 65504.
    """
    return np.isfinite(values) & (values > 0) & (values < TOO_FAR) & (values != HALF_MAX)


def states_unit(path: Path) -> bool:
    """Whether a depth file states its unit. An EXR that states nothing is in metres.

    Raises:
        InputError: see ``read_depth``.
    """
    return reading_of(path).states_unit(path)


def reading_of(path: Path) -> Reading:
    """Returns how a depth file is read: the row of its format.

    Raises:
        InputError: The file is missing, cannot be read, or is not a depth file.
    """
    name = format_of(path)
    for reading in readable():
        if reading.name == name:
            return reading
    raise InputError(f"{path}: is not a depth file; give a 16-bit PNG, an EXR, an NPY or an NPZ")


def turned_with_photo(
    path: Path,
    depth_map: DepthData,
    width: int,
    height: int,
    orientation: int,
) -> DepthData:
    """Turns a map as EXIF turns its photo, if the map shows the image as it is stored.

    A map with the shape of the stored image is turned, and a note says so. A map with the shape of
    the upright photo is left as it is. If the shape cannot tell (a square, a half turn, a mirror
    image), the map counts as one of the stored image, and the note says so. Cameras are treated in
    the same way. A map that is known to be ``as_shown`` is never turned.

    Args:
        path: the map's file, for the note.
        depth_map: the map as it was read.
        width, height: size of the upright photo.
        orientation: EXIF orientation 1..8 that was applied to the photo.
    """
    if orientation == 1 or depth_map.as_shown:
        return depth_map
    rows, columns = depth_map.values.shape
    shown = abs(columns * height - rows * width)
    stored = abs(rows * height - columns * width) if orientation in SIDEWAYS else shown
    most = ROUNDING * (width + height)
    if stored > most or shown < stored:
        return depth_map
    said = (
        "is taken for one of the stored image, turned with the photo (EXIF orientation "
        f"{orientation}"
    )
    if shown <= most:
        said += (
            "); its shape cannot tell: if it is of the upright photo, give the photo without that "
            "EXIF tag, turned upright"
        )
    else:
        said += ")"
    return replace(
        depth_map,
        values=np.ascontiguousarray(turned_upright(depth_map.values, orientation)),
        notes=(*depth_map.notes, f"{path}: {said}"),
        as_shown=True,
    )


def require_view(path: Path | str, shape: tuple[int, ...], width: int, height: int) -> None:
    """Requires that a map has the proportions of the whole photo, up to rounding.

    Args:
        path: the map's file, or what the message calls it.
        shape: (rows, columns) of the map.
        width, height: size of the photo.

    Raises:
        InputError: the proportions differ. The message names both sizes.
    """
    rows, columns = shape
    # One factor brings both sides of the photo to within ROUNDING of the map's.
    if abs(columns * height - rows * width) <= ROUNDING * (width + height):
        return
    turned = abs(rows * height - columns * width) <= ROUNDING * (width + height)
    way_on = "turn it as the photo is shown" if turned else "give one of the whole photo"
    raise InputError(
        f"{path}: the depth map is {columns}x{rows} but the photo is {width}x{height}, of other "
        f"proportions; {way_on}"
    )
