"""Reads tables of points with known depth, as people and spreadsheets write them."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ppdcli.errors import InputError, shown

ROW = "`u v depth`"
HEADERS = ({"u", "x", "col", "column"}, {"v", "y", "row"}, {"depth", "depth_m", "d"})
MOST_COLUMNS = 20


@dataclass(frozen=True, eq=False)
class PointsTable:
    """(N, 3) float64 rows u, v, depth, and lines for the user on how they were read."""

    points: np.ndarray
    notes: tuple[str, ...] = ()


def read_table(lines: Iterable[str], path: Path) -> PointsTable:
    """Reads rows ``u v depth``, separated by spaces, commas, semicolons or tabs; # is a comment.

    A header names the columns, which may then have any order. Without a header there are three
    columns, or four: an index 0, 1, 2 ... before them, or another column after them. The fourth
    column is left out. If semicolons separate the columns, a comma is a decimal comma.

    Args:
        lines: lines of the file.
        path: the file, for messages.

    Raises:
        InputError: a row is wrong. The message names its line.
    """
    columns: Sequence[int] | None = None
    named = width = 0  # number of columns of the header, and of the rows
    values, numbers = array("d"), array("L")
    for number, line in enumerate(lines, 1):
        fields = _fields(line)
        if not fields:
            continue
        if not width and columns is None and (found := _header(fields)) is not None:
            columns, named = found, len(fields)
            continue
        row = _numbers(fields)
        if not width and row is not None:
            width = len(row)
            if columns is not None and width == named + 1:  # an index without a name
                columns = [column + 1 for column in columns]
            elif (columns is None and width not in (3, 4)) or (columns and width != named):
                row = None
        if row is None or len(row) != width:
            told = shown(line.strip(), 60)
            raise InputError(f"{path}: line {number}, {told!r}, is not {ROW}; correct it")
        values.extend(row)
        numbers.append(number)
    table = np.array(values, np.float64).reshape(-1, width or 3)
    notes: tuple[str, ...] = ()
    if columns is None:
        columns = (0, 1, 2)
        if width == 4:
            indexed = len(table) > 1 and bool((np.diff(table[:, 0]) == 1).all())
            columns = (1, 2, 3) if indexed else (0, 1, 2)
            left_out = "first, an index," if indexed else "last"
            notes = (f"{path}: has four columns; the {left_out} is passed over",)
    points = table[:, columns]
    missing = np.flatnonzero(~np.isfinite(points[:, :2]).all(axis=1))
    if missing.size:
        raise InputError(f"{path}: line {numbers[missing[0]]} has no u or v; correct it")
    return PointsTable(points, notes)


def _fields(line: str) -> list[str]:
    line = line.split("#", maxsplit=1)[0]
    if ";" in line:
        return [field.strip().replace(",", ".") for field in line.split(";")]
    return line.replace(",", " ").replace("\t", " ").split()


def _header(fields: Sequence[str]) -> list[int] | None:
    """Returns the columns of u, v and depth, if the fields are a header."""
    if len(fields) > MOST_COLUMNS:
        return None
    names = [field.strip("\"' ").lower() for field in fields]
    found = [[k for k, name in enumerate(names) if name in known] for known in HEADERS]
    return [places[0] for places in found] if all(len(places) == 1 for places in found) else None


def _numbers(fields: Sequence[str]) -> list[float] | None:
    if len(fields) > MOST_COLUMNS:
        return None
    try:
        row = [float(field) if field else math.nan for field in fields]
    except ValueError:
        return None
    return row
