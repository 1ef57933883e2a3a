"""Depth files of any kind, told apart by what is in them, not by their names."""

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
PLAUSIBLE = (0.01, 200.0)  # metres, of the middle of all depths
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that let the sides change places
ROUNDING = 8  # pixels: models round the sides of their grids to multiples of 16 or 14


def format_of(path: Path) -> str | None:
    """The format by the file's first bytes; None if it is none of them.

    Raises:
        InputError: the file is missing, no regular file, or cannot be read.
    """
    with decoding(path, "a depth file"), open_regular(path) as stream:
        head = stream.read(max(len(reading.magic) for reading in readable()))
    return next((row.name for row in readable() if head.startswith(row.magic)), None)


def read_depth(path: Path, kind: Kind | None = None, scale: Scale | None = None) -> DepthData:
    """Read a depth map. What the file says about itself goes before the arguments.

    Args:
        path: a 16-bit PNG, an EXR with a depth channel (``exr_channels``), or an (H, W) NPY.
        kind: what the values of a .npy are, since it cannot say. An EXR that does not say is
            metric, as the convention is.
        scale: what a step of whole numbers is, in a file that does not say.

    Returns:
        float32 values, NaN where there is no depth: NaN or infinite in the file, in metres also
        what ``is_metres`` says is none.

    Raises:
        InputError: missing, damaged, no depth file, without any depth, or of unknown meaning.
    """
    depth_map = _reading(path).read(path, kind, scale)
    values = depth_map.values
    known = is_metres(values) if depth_map.kind == "metric" else np.isfinite(values)
    if not known.any():
        raise InputError(f"{path}: holds no depth at any pixel; give another file")
    notes = depth_map.notes
    if depth_map.kind == "metric":
        notes += _implausible(path, float(np.median(values[known])))
    return replace(depth_map, values=np.where(known, values, np.float32(np.nan)), notes=notes)


def _implausible(path: Path, median: float) -> tuple[str, ...]:
    """A line where hardly any photo has such depths, as when the unit is another."""
    if PLAUSIBLE[0] <= median <= PLAUSIBLE[1]:
        return ()
    return (
        f"{path}: half of its depths are {'beyond' if median > 1 else 'below'} {median:.3g} m; "
        "if its unit is another one, give its depth scale",
    )


def is_metres(values: np.ndarray) -> np.ndarray:
    """Where values are depths: above 0, finite, and none of those that renderers write for none.

    Those are 1e10 (Blender), 1e11 and the like, and 65504, which is what they become as half.
    """
    return np.isfinite(values) & (values > 0) & (values < TOO_FAR) & (values != HALF_MAX)


def states_unit(path: Path) -> bool:
    """Whether a depth file says what its numbers are; an EXR without a word is in metres.

    Raises:
        InputError: as ``read_depth``.
    """
    return _reading(path).states_unit(path)


def _reading(path: Path) -> Reading:
    name = format_of(path)
    for reading in readable():
        if reading.name == name:
            return reading
    raise InputError(f"{path}: is no depth file; give a 16-bit PNG, an EXR, an NPY or an NPZ")


def turned_with_photo(
    path: Path,
    depth_map: DepthData,
    width: int,
    height: int,
    orientation: int,
) -> DepthData:
    """A map of the photo as it is shown, where its file may be of the image as it is stored.

    A map in the stored image's shape is turned as EXIF turns the photo, with a note; one in the
    shown photo's shape is taken as it is. Where the shape cannot tell (a square, a half turn, a
    mirror image) it is taken as of the stored image, and the note says so. Cameras are treated
    likewise. A map that is known to be ``as_shown`` is never turned.

    Args:
        path: the map's file, for the note.
        depth_map: as it was read.
        width, height: of the photo as it is shown.
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
    said = f"is taken as of the stored image, turned with the photo (EXIF orientation {orientation}"
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
    """Require that a map can be one of the whole photo: the same proportions, up to rounding.

    Args:
        path: the map's file, or what the message calls it.
        shape: (rows, columns) of the map.
        width, height: of the photo.

    Raises:
        InputError: the proportions differ; names both sizes.
    """
    rows, columns = shape
    # Sides that a common factor brings from the photo's to within ROUNDING of the map's.
    if abs(columns * height - rows * width) <= ROUNDING * (width + height):
        return
    turned = abs(rows * height - columns * width) <= ROUNDING * (width + height)
    way_on = "turn it as the photo is shown" if turned else "give one of the whole photo"
    raise InputError(
        f"{path}: the depth map is {columns}x{rows} but the photo is {width}x{height}, of other "
        f"proportions; {way_on}"
    )
