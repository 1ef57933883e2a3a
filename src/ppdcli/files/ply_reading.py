"""Points of PLY files, ours and other programs'."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ppdcli.errors import InputError
from ppdcli.files.decoding import decoding
from ppdcli.files.foreign import open_regular
from ppdcli.files.ply_header import Element, Header, read_header
from ppdcli.wording import counted

MAGIC = b"ply"
MOST_BYTES = 8_000_000_000
FARTHEST = 1e12  # beyond it, a damaged number: squares of distances overflow in float32
WAY_ON = "write it again"
COLORS = (
    ("red", "green", "blue"),
    ("r", "g", "b"),
    ("diffuse_red", "diffuse_green", "diffuse_blue"),
)
SPLATS = ("f_dc_0", "f_dc_1", "f_dc_2")  # of 3D Gaussian splatting
HARMONIC = 0.28209479177387814  # of degree 0


@dataclass(frozen=True, eq=False)
class PlyPoints:
    """The points of a file.

    Attributes:
        points: (N, 3) float32 or float64, finite and below ``FARTHEST``.
        colors: (N, 3) uint8; None without colours.
        comments: of the header.
        notes: lines for the user, on what was left out.
    """

    points: np.ndarray
    colors: np.ndarray | None
    comments: tuple[str, ...]
    notes: tuple[str, ...]


def read(path: Path) -> PlyPoints:
    """Read the vertices of a file, as text or binary, whatever else it holds.

    Raises:
        InputError: missing, damaged, or without any point.
    """
    with decoding(path, "PLY", WAY_ON), open_regular(path, MOST_BYTES) as stream:
        header = read_header(stream)
        values = _vertices(stream, header, path.stat().st_size)
        points = np.column_stack([values[name] for name in "xyz"])
    if points.dtype != np.float64:
        points = points.astype(np.float32)
    sound = (np.abs(points) < FARTHEST).all(axis=1)  # False of NaN
    if not sound.any():
        raise InputError(f"{path}: the cloud has no points; give another file")
    notes = []
    if not sound.all():
        lost = int((~sound).sum())
        notes.append(f"{counted(lost, 'point')} without usable coordinates left out")
    faces = sum(element.count for element in header.elements if element.name == "face")
    if faces:
        notes.append(f"{counted(faces, 'face')} not drawn: this is the mesh's points")
    if SPLATS[0] in values:
        notes.append("Gaussian splats, drawn as points")
    colors = _colors(values)
    return PlyPoints(
        points[sound], None if colors is None else colors[sound], header.comments, tuple(notes)
    )


def _vertices(stream: BinaryIO, header: Header, size: int) -> Mapping[str, np.ndarray]:
    """The properties of the vertices by their names."""
    names = [element.name for element in header.elements]
    if "vertex" not in names:
        raise ValueError("it has no vertices")
    before = header.elements[: names.index("vertex")]
    vertex = header.elements[len(before)]
    missing = [name for name in "xyz" if vertex.properties.get(name) is None]
    if missing:
        raise ValueError(f"its vertices have no {missing[0]}")
    if not header.order:
        return _of_text(stream, before, vertex, size)
    record = vertex.record(header.order)
    start = stream.tell() + sum(e.count * e.record(header.order).itemsize for e in before)
    there = max(0, size - start) // record.itemsize
    if there < vertex.count:
        raise ValueError(f"it is cut off after {there} of {counted(vertex.count, 'point')}")
    stream.seek(start)
    rows = np.frombuffer(stream.read(vertex.count * record.itemsize), record)
    return {name: rows[name].astype(record[name].newbyteorder("=")) for name in record.names or ()}


def _of_text(
    stream: BinaryIO, before: tuple[Element, ...], vertex: Element, size: int
) -> Mapping[str, np.ndarray]:
    record = vertex.record("<")
    names = record.names or ()
    most = min(vertex.count, size // (2 * len(names)) + 1)  # rows that so many bytes can hold
    lines = io.TextIOWrapper(stream, encoding="ascii", errors="replace")
    try:
        for _ in islice(lines, sum(element.count for element in before)):
            pass
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of no lines at all
            rows = np.loadtxt(lines, np.float64, max_rows=most, ndmin=2, comments=None)
    finally:
        lines.detach()
    if len(rows) < vertex.count:
        raise ValueError(f"it is cut off after {len(rows)} of {counted(vertex.count, 'point')}")
    if len(rows) and rows.shape[1] != len(names):
        raise ValueError(f"its vertices have {rows.shape[1]} numbers instead of {len(names)}")
    rows = rows.reshape(len(rows), len(names))
    with np.errstate(all="ignore"):
        return {name: rows[:, k].astype(record[name]) for k, name in enumerate(names)}


def _colors(values: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """(N, 3) uint8, in whichever way the file has them."""
    for names in COLORS:
        if all(name in values for name in names):
            return _as_bytes(np.column_stack([values[name] for name in names]))
    if all(name in values for name in SPLATS):
        degree = np.column_stack([values[name] for name in SPLATS])
        return _as_bytes(0.5 + HARMONIC * degree.astype(np.float32))
    return None


def _as_bytes(colors: np.ndarray) -> np.ndarray:
    if colors.dtype == np.uint8 or not len(colors):
        return colors.astype(np.uint8)
    values = np.nan_to_num(colors.astype(np.float32))
    if colors.dtype.kind == "f":
        scale = 255.0 if values.max() <= 2 else 1.0  # some write 0..255 as floats
    else:
        scale = 255 / 65535 if values.max() > 255 else 1.0
    return np.clip(np.rint(values * scale), 0, 255).astype(np.uint8)
