"""Reads known depths of some pixels: measured points as text, or a depth map with holes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ppdcli.errors import InputError
from ppdcli.files.decoding import decoding
from ppdcli.files.depth_files import (
    format_of,
    is_metres,
    read_depth,
    require_view,
    turned_with_photo,
)
from ppdcli.files.foreign import open_regular, read_regular
from ppdcli.files.points_table import ROW, read_table
from ppdcli.files.text import decode_text, encoding_of

HEAD = 4096  # bytes
MAX_BYTES = 64 << 20  # of a text: more than two million points
MAX_LINES = 4_000_000
MAX_LINE = 10_000  # characters
FAR = 500.0  # metres; a larger median probably means millimetres


@dataclass(frozen=True, eq=False)
class SparseDepth:
    """Depth known at some pixels of a photo.

    Attributes:
        u, v: (N,) floats, column and row in pixels of the photo, all inside it; the first
            pixel's centre is (0, 0), as in OpenCV.
        depth: (N,) floats, metres along the optical axis, > 0 and finite.
        source: a description of the file, for reports.
        notes: lines for the user, each naming the file.
    """

    u: np.ndarray
    v: np.ndarray
    depth: np.ndarray
    source: str
    notes: tuple[str, ...] = ()

    def where(self, opaque: np.ndarray | None, path: Path | str) -> SparseDepth:
        """Returns only the points where the photo is not transparent.

        Args:
            opaque: (H, W) bool, False where the photo is transparent; None if it is nowhere.
            path: the file, or what messages call the depths.

        Raises:
            InputError: no point is left.
        """
        if opaque is None:
            return self
        kept = opaque[np.rint(self.v).astype(np.intp), np.rint(self.u).astype(np.intp)]
        lost = len(kept) - int(kept.sum())
        if not lost:
            return self
        said = f"{path}: {lost} of {len(kept)} known depths are where the photo is transparent"
        if lost == len(kept):
            raise InputError(f"{said}; give depths of what it shows")
        return SparseDepth(
            self.u[kept],
            self.v[kept],
            self.depth[kept],
            self.source,
            (*self.notes, f"{said}, and are left out"),
        )


def read_sparse_depth(
    path: Path, width: int, height: int, scale: float | None = None, orientation: int = 1
) -> SparseDepth:
    """Reads known depths. The format is detected from the file's content.

    - Text: rows ``u v depth`` (``points_table.read_table``). u and v are pixels of the upright
      photo, with the first centre at (0, 0); depth is in metres. Values that are no depth
      (``depth_files.is_metres``) are left out. Points outside the photo are left out with a note.
    - 16-bit PNG: the scale that the file states, as our own files do. Otherwise the steps are
      ``scale``, or else millimetres, with a note. 0 is a hole.
    - EXR or NPY, (H, W): metres. Whole numbers are steps of ``scale``. Values that are no depth
      (``depth_files.is_metres``) are holes.

    A map may have another size than the photo. Its pixel centres are mapped by
    u = (column + 0.5) * width / columns - 0.5.

    Args:
        path: the file.
        width, height: size of the upright photo (EXIF orientation applied).
        scale: metres per step of whole numbers.
        orientation: EXIF orientation that was applied to the photo. A map of the stored image is
            turned in the same way (``depth_files.turned_with_photo``).

    Raises:
        InputError: the file is missing or damaged, holds relative depth, has other proportions than
            the photo, has a bad row (the message names its line), or has no depth in the photo.
    """
    if format_of(path) is None:
        return _read_points(path, width, height)
    return _read_map(path, width, height, scale, orientation)


def _read_map(
    path: Path, width: int, height: int, scale: float | None, orientation: int
) -> SparseDepth:
    notes = []
    try:
        depth_map = read_depth(path, "metric", scale)
    except InputError:
        if scale is not None or format_of(path) != "png":
            raise
        # If the scale was not the only problem, this raises again.
        depth_map = read_depth(path, "metric", "mm")
        notes.append(f"{path}: does not state its unit; read as millimetres")
    if depth_map.kind == "relative":
        raise InputError(
            f"{path}: holds relative depth, which fixes no scale; give depth in metres"
        )
    depth_map = turned_with_photo(path, depth_map, width, height, orientation)
    notes.extend(depth_map.notes)
    values = depth_map.values
    require_view(path, values.shape, width, height)
    rows, columns = np.nonzero(np.isfinite(values))
    u, v = _centres(values.shape[1], width)[columns], _centres(values.shape[0], height)[rows]
    depth = values[rows, columns]
    source = f"{path.name}, {values.shape[1]}x{values.shape[0]} map with {depth.size} depths"
    return SparseDepth(u, v, depth, source, (*notes, *_far_note(path, depth)))


def _centres(count: int, size: int) -> np.ndarray:
    """Returns where the pixel centres of a map of ``count`` pixels are on a side of ``size``."""
    return ((np.arange(count) + 0.5) * (size / count) - 0.5).astype(np.float32)


def _read_points(path: Path, width: int, height: int) -> SparseDepth:
    table = read_table(_lines(path), path)
    if not len(table.points):
        raise InputError(f"{path}: has no {ROW} row; give one for each known depth")
    known = points_in_photo(table.points, width, height, path)
    source = f"{path.name}, {known.source}"
    return replace(known, source=source, notes=(*table.notes, *known.notes))


def points_in_photo(
    points: np.ndarray, width: int, height: int, path: Path | str = "the known depths"
) -> SparseDepth:
    """The points inside a photo that have a depth; notes say how many others there are.

    Args:
        points: (N, 3) float64 rows of u, v and depth in metres, N > 0.
        width, height: of the photo as it is shown.
        path: the file that they are from, or what messages call them.

    Raises:
        InputError: none of them is inside, or has a depth.
    """
    u, v, _ = points.T
    inside = (u >= -0.5) & (u < width - 0.5) & (v >= -0.5) & (v < height - 0.5)
    if not inside.any():
        raise InputError(
            f"{path}: misses the image: none of its {len(points)} points, u {u.min():g} to "
            f"{u.max():g} and v {v.min():g} to {v.max():g}, is inside {width}x{height}; give "
            "column and row in pixels of this photo"
        )
    notes = []
    outside = len(points) - int(inside.sum())
    if outside:
        notes.append(
            f"{path}: {outside} of {len(points)} points lie outside the {width}x{height} photo "
            "and are left out"
        )
    depth = points[:, 2]
    known = inside & is_metres(depth)
    without = len(points) - outside - int(known.sum())
    if not known.any():
        raise InputError(f"{path}: no point in the image has a depth above 0; give metres")
    if without:
        notes.append(f"{path}: {without} points without a depth above 0 are left out")
    u, v, depth = points[known].T
    return SparseDepth(u, v, depth, f"{depth.size} points", (*notes, *_far_note(path, depth)))


def _lines(path: Path) -> Iterator[str]:
    """Yields the lines of a text, without their ends."""
    with decoding(path, "text"):
        with open_regular(path) as stream:
            head = stream.read(HEAD)
        binary = b"\0" in head and encoding_of(head) == "utf-8"
        data = b"\0" if binary else read_regular(path, MAX_BYTES)
    try:
        text = io.StringIO(decode_text(data))
    except ValueError:
        raise InputError(
            f"{path}: is neither text nor a depth map; give {ROW} rows, a 16-bit PNG, an EXR or "
            "an NPY"
        ) from None
    for number in range(1, MAX_LINES + 1):
        line = text.readline(MAX_LINE)
        if not line:
            return
        if len(line) == MAX_LINE:
            raise InputError(f"{path}: line {number} is too long to be {ROW}; correct it")
        yield line.rstrip("\n")
    raise InputError(f"{path}: has more than {MAX_LINES} lines; give fewer points")


def _far_note(path: Path | str, depth: np.ndarray) -> tuple[str, ...]:
    median = float(np.median(depth))
    if median <= FAR:
        return ()
    return (f"{path}: half of the depths exceed {median:.4g} m; if they are millimetres, give m",)
