"""List files: the images of a set, one per line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from ppdcli.errors import InputError, UsageError, shown
from ppdcli.evaluation.sets.rules import SetRules
from ppdcli.files.source import Kind, read_file
from ppdcli.files.text import decode_text

FILES = ("photo", "depth", "mask")
LIST = Kind("a list", 64 << 20, "give a list of fewer images")


@dataclass(frozen=True)
class Listing:
    """The content of a list file.

    Attributes:
        rows: The files of each line, relative to the set's root, in the order of the set's fields.
        passed_over: Number of lines without depth.
    """

    rows: tuple[tuple[PurePosixPath, ...], ...]
    passed_over: int


def read_list(path: Path, rules: SetRules) -> Listing:
    """Reads a list. Blank lines and lines that start with # are comments.

    Raises:
        UsageError: The list is missing, not a text or empty, or a line has a wrong number of
            fields, names a file outside the root, or repeats a photo. Names the line number.
    """
    rows: dict[PurePosixPath, tuple[PurePosixPath, ...]] = {}
    lines: dict[PurePosixPath, int] = {}
    passed_over = 0
    for number, line in enumerate(read_text(path, rules.line).splitlines(), 1):
        fields = line.split()
        if not fields or fields[0].startswith("#"):
            continue
        where = f"{path}: line {number}"
        if len(fields) != len(rules.fields):
            raise UsageError(
                f"{where} has {counted_fields(len(fields))} instead of {len(rules.fields)}; give "
                f"{rules.line}"
            )
        named = dict(zip(rules.fields, fields, strict=True))
        if named["depth"] == rules.no_depth:
            passed_over += 1
            continue
        files = tuple(below(named[field], where) for field in rules.fields if field in FILES)
        photo = files[0]
        if photo in rows:
            raise UsageError(
                f"{where} repeats the photo {shown(photo)} of line {lines[photo]}; list each "
                "image once"
            )
        rows[photo], lines[photo] = files, number
    if not rows:
        raise UsageError(f"{path}: lists no image with depth; give lines {rules.line}")
    return Listing(tuple(rows.values()), passed_over)


def read_text(path: Path, line: str) -> str:
    """Returns the text of a list.

    Args:
        path: The list.
        line: The content of its lines, for messages.

    Raises:
        UsageError: It cannot be read, or is not a text.
    """
    try:
        data = read_file(path, str(path), LIST)
    except InputError as error:
        raise UsageError(f"{error}; a list has lines {line}") from None
    try:
        return decode_text(data)
    except ValueError:
        raise UsageError(f"{path}: is not a text file; give a list with lines {line}") from None


def counted_fields(number: int) -> str:
    """Returns a number of fields for messages."""
    return "1 field" if number == 1 else f"{number} fields"


def below(field: str, where: str) -> PurePosixPath:
    """Returns the path below the root that a field names.

    Args:
        field: The field of a line.
        where: List and line, for the message.

    Raises:
        UsageError: The path leads out of the root.
    """
    # Windows' rules cover drives, its separators and /, so lists are safe on every system.
    path = PureWindowsPath(field)
    if path.anchor or ".." in path.parts or not path.parts:
        raise UsageError(
            f"{where}: {shown(field)} is not below the set's folder; give relative paths"
        )
    return PurePosixPath(field)
