"""Which films a command line names, and where their files go."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path, PurePath
from typing import BinaryIO

from ppdcli.errors import OutputError, UsageError
from ppdcli.files.atomic import atomic_path
from ppdcli.films.outputs import (
    CARD_ENDING,
    CLOUD_FOLDERS,
    SEQUENCE_FORMATS,
    VIDEO_FORMATS,
    FilmFiles,
)
from ppdcli.jobs.inputs import Input
from ppdcli.jobs.journal_entries import Source
from ppdcli.jobs.plan import Format, Task, plan

STDIN = "-"
CARD = "film"  # what the record calls the JSON of a film
FOLDERS = {**SEQUENCE_FORMATS, **CLOUD_FOLDERS}
_CHUNK = 1 << 20


def films_named(arguments: Sequence[str]) -> list[Input]:
    """The films: files, folders of numbered pictures, and ``-``.

    Raises:
        UsageError: there is none, one is empty, or stdin is named twice.
    """
    if not arguments:
        raise UsageError("no INPUT; name a video, a folder of numbered pictures, or -")
    if "" in arguments:
        raise UsageError("an INPUT is empty; name a video, a folder of numbered pictures, or -")
    if arguments.count(STDIN) > 1:
        raise UsageError("stdin (-) can be one input only")
    return [_film(argument) for argument in dict.fromkeys(arguments)]


def _film(argument: str) -> Input:
    if argument == STDIN:
        return Input("stdin", None, PurePath("stdin"))
    path = Path(argument)
    if not path.is_dir():
        return Input(argument, path, PurePath(path.stem))
    # The record compares a folder by its files, since its own size and time say little.
    found = [file.stat() for file in path.iterdir() if file.is_file()]
    newest = max((file.st_mtime_ns for file in found), default=0)
    source = Source(str(path.absolute()), sum(file.st_size for file in found), newest)
    stem = PurePath(path.absolute().name or "film")
    return Input(argument, None, stem, read=bytes, source=source)


def planned(films: Sequence[Input], formats: Sequence[str], output: Path | None) -> list[Task]:
    """The recorded files of each film: its videos, and the JSON that says what it is.

    A single video that ``output`` names as a file has no JSON.

    Raises:
        UsageError: outputs clash, or ``output`` does not fit the formats.
    """
    if output is None:
        raise UsageError("films are not written to stdout; give --output a folder or a file")
    videos = [Format(name, VIDEO_FORMATS[name]) for name in formats if name in VIDEO_FORMATS]
    alone = len(formats) == 1 and videos and output.suffix.lower() == videos[0].suffix
    if alone and not output.is_dir():
        return plan(films, videos, output)
    return plan(films, [*videos, Format(CARD, CARD_ENDING)], output)


def files_of(task: Task, formats: Sequence[str]) -> FilmFiles:
    """All files and folders of a film."""
    outputs = dict(task.outputs)
    card = outputs.pop(CARD, None)
    if task.folder is None:
        (file,) = outputs.values()
        return FilmFiles(outputs, None, file.with_name(f"{file.name}.ppd-parts"))
    stem = task.input.stem
    outputs |= {name: task.folder / f"{stem}{FOLDERS[name]}" for name in formats if name in FOLDERS}
    return FilmFiles(outputs, card, task.folder / f"{stem}.ppd-parts")


def require_own_folders(files: FilmFiles, recorded: bool, overwrite: bool) -> None:
    """Refuses folders for a file a frame that hold files of somebody else.

    Args:
        files: of a film.
        recorded: an earlier run has made this film, or is not finished with it.
        overwrite: any file may be replaced.

    Raises:
        OutputError: there is one.
    """
    if recorded or overwrite:
        return
    for name in files.outputs.keys() & FOLDERS.keys():
        folder = files.outputs[name]
        if folder.is_dir() and any(folder.iterdir()):
            raise OutputError(
                f"{folder}: has files, and ppd has no record of making them; give --overwrite to "
                "write there, or another --output"
            )


@contextmanager
def spooled(stream: BinaryIO, folder: Path) -> Iterator[tuple[Path, Source]]:
    """A copy of a stream on disk while the block runs: films are read twice.

    Raises:
        OutputError: there is no room.
    """
    target = folder / f"stdin-{id(stream):x}.film"
    size, check = 0, 0
    try:
        with atomic_path(target) as temporary, temporary.open("wb") as copy:
            while data := stream.read(_CHUNK):
                copy.write(data)
                size, check = size + len(data), zlib.crc32(data, check)
        yield target, Source("stdin", size, check)
    finally:
        target.unlink(missing_ok=True)


def seconds(option: str, text: str) -> Fraction:
    """A time: ``12.5``, ``1:02.5`` or ``1:00:02.5``.

    Raises:
        UsageError: anything else.
    """
    try:
        parts = [Fraction(part) for part in text.split(":")]
        if "/" in text or not 1 <= len(parts) <= 3 or any(part < 0 for part in parts):
            raise ValueError
    except (ValueError, ZeroDivisionError):
        raise UsageError(
            f"{option} {text}: give seconds, or HOURS:MINUTES:SECONDS, such as 1:02.5"
        ) from None
    total = Fraction(0)
    for part in parts:
        total = 60 * total + part
    return total
