"""What a command line names -> the images to work on, and the names of their outputs."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Sequence
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


def is_file(path: Path) -> bool:
    """``Path.is_file``, False also for names that the system refuses, such as too long ones."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_dir(path: Path) -> bool:
    """``Path.is_dir``, False also for names that the system refuses."""
    try:
        return path.is_dir()
    except OSError:
        return False


def discover(
    arguments: Sequence[str], output: Path | None = None, endings: Sequence[str] = ()
) -> Found:
    """Files, folders (recursive), glob patterns and ``-`` -> images, each once, in a fixed order.

    A file that is named but missing is kept: failing is its own affair. What an earlier run wrote
    into a folder is passed over, so that a second run finds the same images.

    Args:
        arguments: what the user named.
        output: where results go; not searched when it lies in a folder that is.
        endings: of results, such as ``_depth.png``: when the output folder is itself searched,
            ``photo_depth.png`` beside ``photo.jpg`` is one.

    Raises:
        PpdError: nothing to do.
        UsageError: stdin is named twice.
    """
    found = Found()
    for argument in arguments:
        path = Path(argument)
        if argument == STDIN:
            found.inputs.append(Input("stdin", None, PurePath("stdin")))
        elif is_dir(path):
            _add_folder(found, path, output, endings)
        elif has_magic(argument) and not is_file(path):
            matches = [Path(match) for match in sorted(glob(argument, recursive=True))]
            for match in matches or [path]:
                if not is_dir(match):
                    found.inputs.append(_file(match))
                elif "**" not in argument:  # which has matched the files inside, too
                    _add_folder(found, match, output, endings)
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


def _add_folder(found: Found, folder: Path, output: Path | None, endings: Sequence[str]) -> None:
    def unreadable(error: OSError) -> None:
        found.inputs.append(_file(Path(error.filename)))

    results = None if output is None else output.resolve()
    beside = folder.resolve() == results
    for where, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if Path(where, name).resolve() != results)
        images = [name for name in sorted(names) if _is_image(name)]
        if beside:
            stems = {PurePath(name).stem for name in images}
            images = [name for name in images if not _is_result(name, stems, endings)]
        found.passed_over += len(names) - len(images)
        for name in images:
            path = Path(where, name)
            stem = path.relative_to(folder).with_suffix("")
            found.inputs.append(Input(str(path), path, PurePath(stem)))


def _is_image(name: str) -> bool:
    return not name.startswith(".") and PurePath(name).suffix.lower() in IMAGE_SUFFIXES


def _is_result(name: str, stems: Collection[str], endings: Sequence[str]) -> bool:
    return any(name.endswith(ending) and name.removesuffix(ending) in stems for ending in endings)


def _each_once(inputs: Iterable[Input]) -> list[Input]:
    """Without repetitions of one file, the first naming kept."""
    seen: dict[object, Input] = {}
    for entry in inputs:
        seen.setdefault(entry.path.absolute() if entry.path else STDIN, entry)
    return list(seen.values())
