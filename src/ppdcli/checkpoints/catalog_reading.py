"""Reads the file of a catalogue, and checks every key."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ppdcli.checkpoints.catalog_rows import AUTO, COMMIT, FALLBACK, SHA256, Model, Part
from ppdcli.checkpoints.families import FAMILIES
from ppdcli.errors import shown
from ppdcli.files.foreign import parse_toml, read_regular

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


Table = dict[str, Any]


LONGEST_NAME, LONGEST_TEXT = 100, 500  # characters
MOST_BYTES = 1 << 20  # of a catalogue's file
WIDEST = 16_384  # pixels; longest side of an area

_NAME = re.compile(
    rf"[A-Za-z0-9][\w.-]{{0,{LONGEST_NAME - 1}}}", re.ASCII
)  # they are names of files on disk too
_REPOSITORY = re.compile(r"(?!.*(?:--|\.\.))\w(?:[\w.-]*\w)?/\w(?:[\w.-]*\w)?", re.ASCII)


def read_tables(source: Path | Traversable, bundled: bool) -> dict[str, dict[str, Table]]:
    """Reads the tables [files.NAME] and [models.NAME] of a catalogue.

    Raises:
        OSError: the file cannot be read.
        ValueError: the file has another form.
    """
    raw = parse_toml(
        read_regular(source, MOST_BYTES) if isinstance(source, Path) else source.read_bytes()
    )
    if unknown := sorted(set(raw) - {"files", "models"}):
        raise ValueError(
            f"[{shown(unknown[0])}]: unknown; there are [files.NAME] and [models.NAME]"
        )
    tables = {kind: raw.get(kind, {}) for kind in ("files", "models")}
    for kind, rows in tables.items():
        if not isinstance(rows, dict):
            raise ValueError(f"{kind}: must be tables [{kind}.NAME]")
        for name, row in rows.items():
            where = f"[{kind}.{shown(name)}]"
            if not isinstance(row, dict):
                raise ValueError(f"{where}: must be a table")
            if _NAME.fullmatch(name) is None or name == AUTO:
                raise ValueError(
                    f"{where}: a name has letters, digits and . _ -, {LONGEST_NAME} of them at "
                    f"most, and is not {AUTO}"
                )
            if not bundled and (name == FALLBACK or "bundled" in row):
                raise ValueError(f"{where}: only the package has files inside it; choose a name")
    return tables


_TYPES = {
    "area": (list, "two numbers"),
    "steps": (int, "a number"),
    "draft": (int, "a number"),
    "best": (int, "a number"),
    "bytes": (int, "a number"),
}


def _check_keys(where: str, table: Table, kind: type[Part] | type[Model]) -> None:
    known = {f.name: f for f in fields(kind) if f.name != "name"}
    for key, value in table.items():
        if key not in known:
            raise ValueError(f"{where} {shown(key)}: unknown key; there are {', '.join(known)}")
        expected, called = _TYPES.get(key, (str, "text"))
        if not isinstance(value, expected) or isinstance(value, bool):
            raise ValueError(f"{where} {key}: must be {called}")
        if isinstance(value, str) and not (value.strip() and value == shown(value, LONGEST_TEXT)):
            raise ValueError(
                f"{where} {key}: must be one line of text, of {LONGEST_TEXT} characters at most "
                "and without control characters"
            )
    for key, f in known.items():
        if f.default is MISSING and key not in table:
            raise ValueError(f"{where} {key}: is missing")


def part_of(name: str, table: Table) -> Part:
    """Returns the file that a table [files.NAME] describes.

    Raises:
        ValueError: the table has another form. The message names the table and the key.
    """
    where = f"[files.{name}]"
    _check_keys(where, table, Part)
    row = Part(name=name, **table)
    places = [place for place in (row.bundled, row.repository, row.get) if place is not None]
    if row.mirror is not None:
        if row.repository is None or row.get is None or row.bundled is not None:
            raise ValueError(f"{where} mirror: needs a repository, and get for the authors' file")
    elif len(places) != 1:
        raise ValueError(f"{where}: give a repository, or get, which says where to find the file")
    if row.bundled is not None:
        return row
    if row.file is None:
        raise ValueError(f"{where} file: is missing")
    path = PurePosixPath(row.file)
    if path.is_absolute() or ".." in path.parts or "\\" in row.file or not path.name:
        raise ValueError(f"{where} file: must be the path of a file in its repository")
    if row.repository is not None and _REPOSITORY.fullmatch(row.repository) is None:
        raise ValueError(f"{where} repository: must be OWNER/NAME")
    if row.revision is not None:
        if row.repository is None:
            raise ValueError(f"{where} revision: needs a repository")
        if COMMIT.fullmatch(row.revision) is None:
            raise ValueError(f"{where} revision: must be a commit, 40 hexadecimal digits")
    if row.bytes is not None and not 0 < row.bytes < 1 << 63:
        raise ValueError(f"{where} bytes: must be above 0, and a size that a file can have")
    if row.sha256 is not None and SHA256.fullmatch(row.sha256) is None:
        raise ValueError(f"{where} sha256: must be 64 hexadecimal digits in small letters")
    return row


def model_of(name: str, table: Table, parts: dict[str, Part]) -> Model:
    """Returns the model that a table [models.NAME] describes. It uses files of ``parts``.

    Raises:
        ValueError: the table has another form. The message names the table and the key.
    """
    where = f"[models.{name}]"
    _check_keys(where, table, Model)
    row = dict(table)
    for key in ("network", "encoder", "metric"):
        if key in row:
            if row[key] not in parts:
                known = shown(", ".join(parts), LONGEST_TEXT)
                raise ValueError(
                    f"{where} {key}: no file is called {shown(row[key])!r}; known: {known}"
                )
            row[key] = parts[row[key]]
    if row["family"] not in FAMILIES:
        raise ValueError(f"{where} family: must be one of {', '.join(FAMILIES)}")
    if (FAMILIES[row["family"]].encoder is None) == ("encoder" in row):
        has = "has its encoder in the network's file" if "encoder" in row else "needs an encoder"
        raise ValueError(f"{where} encoder: the family {row['family']} {has}")
    sides = row["area"]
    if len(sides) != 2 or not all(type(n) is int and 16 <= n <= WIDEST for n in sides):
        raise ValueError(f"{where} area: must be [width, height] in pixels, 16 to {WIDEST}")
    for key in ("draft", "steps", "best"):
        if not 1 <= row.get(key, 1) <= 1000:
            raise ValueError(f"{where} {key}: must be from 1 to 1000")
    return Model(name=name, **{**row, "area": (sides[0], sides[1])})
