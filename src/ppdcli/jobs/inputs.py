"""What a command line names -> the images to work on, and the names of their outputs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path, PurePath

from ppdcli.errors import PpdError, UsageError
from ppdcli.photo import IMAGE_SUFFIXES

STDIN = "-"


@dataclass(frozen=True)
class Input:
    """One image.

    Attributes:
        name: as the user knows it, for messages and reports.
        path: None for stdin.
        stem: where its outputs go below the output folder, without suffix: ``sub/photo``.
    """

    name: str
    path: Path | None
    stem: PurePath


@dataclass
class Found:
    """What discovery found: images, and how many other files it passed over."""

    inputs: list[Input] = field(default_factory=list)
    passed_over: int = 0


def read_list(source: str) -> list[str]:
    """Paths from a file, or stdin for ``-``: one a line, or NUL-separated when a NUL occurs.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        raw = sys.stdin.buffer.read() if source == STDIN else Path(source).read_bytes()
    except OSError as error:
        raise UsageError(f"{source}: cannot read the list of inputs: {error.strerror}") from None
    separator = b"\0" if b"\0" in raw else b"\n"
    lines = (line if separator == b"\0" else line.rstrip(b"\r") for line in raw.split(separator))
    return [os.fsdecode(line) for line in lines if line]


def discover(arguments: Sequence[str]) -> Found:
    """Files, folders (recursive), glob patterns and ``-`` -> images, each once, in a fixed order.

    A file that is named but missing is kept: failing is its own affair.

    Raises:
        PpdError: nothing to do.
        UsageError: stdin is named twice.
    """
    found = Found()
    for argument in arguments:
        path = Path(argument)
        if argument == STDIN:
            found.inputs.append(Input("stdin", None, PurePath("stdin")))
        elif path.is_dir():
            _add_folder(found, path)
        elif not path.exists() and has_magic(argument):
            matches = sorted(glob(argument, recursive=True))
            files = [Path(match) for match in matches if Path(match).is_file()] or [path]
            found.inputs.extend(_file(match) for match in files)
        else:
            found.inputs.append(_file(path))
    if sum(entry.path is None for entry in found.inputs) > 1:
        raise UsageError("stdin (-) can be one input only")
    found.inputs = _each_once(found.inputs)
    if not found.inputs:
        where = ", ".join(arguments) or "the list"
        others = f" ({found.passed_over} other files)" if found.passed_over else ""
        raise PpdError(f"{where}: no image found{others}; name image files or a folder of them")
    return found


def _file(path: Path) -> Input:
    return Input(str(path), path, PurePath(path.stem))


def _add_folder(found: Found, folder: Path) -> None:
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(where, name)
            if name.startswith(".") or path.suffix.lower() not in IMAGE_SUFFIXES:
                found.passed_over += 1
                continue
            stem = path.relative_to(folder).with_suffix("")
            found.inputs.append(Input(str(path), path, PurePath(stem)))


def _each_once(inputs: Iterable[Input]) -> list[Input]:
    """Without repetitions of one file, the first naming kept."""
    seen: dict[object, Input] = {}
    for entry in inputs:
        seen.setdefault(entry.path.absolute() if entry.path else STDIN, entry)
    return list(seen.values())
