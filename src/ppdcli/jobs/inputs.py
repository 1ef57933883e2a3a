"""What a command line names -> the images to work on, and the names of their outputs."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from glob import has_magic
from pathlib import Path, PurePath

from ppdcli.errors import PpdError, UsageError
from ppdcli.files.source import is_dir, is_file
from ppdcli.jobs.folders import content_of, matches_of
from ppdcli.jobs.input_list import STDIN
from ppdcli.jobs.journal import NAME, Recorded
from ppdcli.jobs.journal_entries import Source
from ppdcli.jobs.photo_files import (
    OF_PHOTOS,
    RESULT,
    why_passed_over,
)
from ppdcli.jobs.stems import endings_kept
from ppdcli.wording import counted


@dataclass(frozen=True)
class Input:
    """One image.

    Attributes:
        name: as the user knows it, for messages and reports.
        path: None for stdin, and for what is elsewhere.
        stem: where its outputs go below the output folder, without suffix: ``sub/photo``.
        read: gives its content, where there is no path.
        source: what is recorded of it, where there is no path; None for stdin that is not read.
        searched: whether it was found, and not named by the user.
    """

    name: str
    path: Path | None
    stem: PurePath
    read: Callable[[], bytes] | None = field(default=None, repr=False)
    source: Source | None = None
    searched: bool = False

    @property
    def is_stdin(self) -> bool:
        """Whether it is stdin, not read yet."""
        return self.path is None and self.read is None


@dataclass
class Found:
    """What discovery found.

    Attributes:
        inputs: the images.
        others: files and folders that it passed over, and why.
        notes: lines for the user.
    """

    inputs: list[Input] = field(default_factory=list)
    others: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def passed_over(self) -> int:
        """How many files and folders were."""
        return len(self.others)

    @property
    def photos_passed_over(self) -> int:
        """How many of them are photos that cannot be read, or folders of thumbnails."""
        return sum(why in OF_PHOTOS for _, why in self.others)

    def keep_endings(self) -> None:
        """Gives photos that a search has found names of outputs of their own (``endings_kept``)."""
        places = [k for k, entry in enumerate(self.inputs) if entry.searched]
        entries = [self.inputs[k] for k in places]
        longer = endings_kept([e.name for e in entries], [e.stem for e in entries])
        for index, stem in longer.items():
            self.inputs[places[index]] = replace(entries[index], stem=stem)
        if longer:
            first = next(iter(longer.values())).name
            self.notes.append(
                f"{len(longer)} photos differ from another in the ending of their names alone; "
                f"their outputs keep it, such as {first}_..."
            )


def is_pattern(argument: str) -> bool:
    """Whether it stands for files by a pattern, and is no file's own name."""
    return has_magic(argument) and not is_file(Path(argument))


def discover(
    arguments: Sequence[str],
    output: Path | None = None,
    endings: Sequence[str] = (),
    watched: bool = False,
) -> Found:
    """Files, folders (recursive), glob patterns and ``-`` -> images, each once, in a fixed order.

    A file that is named but missing is kept: failing is its own affair. So is a folder that cannot
    be read, and a link in a folder that leads nowhere. What an earlier run wrote into a folder is
    passed over, as far as that folder's journal tells or this run would write there, so that a
    second run finds the same images.

    Photos that a search finds beside each other, and whose names differ in the ending alone, keep
    that ending in the names of their outputs (``stems.endings_kept``).

    A folder is searched as ``rg`` would: hidden files and folders are passed over, and so are links
    to folders, which may lead in a circle or to photos that are found anyway. A link to a file is
    that file. Pipes, sockets and devices are passed over too, and so are folders of thumbnails that
    systems make. A suffix that says nothing is no reason: the first bytes are looked at. What the
    user names is taken whatever it is.

    Args:
        arguments: what the user named.
        output: where results go; not searched when it lies in a folder that is.
        endings: of results, such as ``_depth.png``: when the output folder is itself searched,
            ``photo_depth.png`` beside ``photo.jpg`` is one.
        watched: photos come and go: where none is, or a pattern matches nothing, more may come,
            and what lies below the output folder under such an ending is a result even if no photo
            is beside it any more.

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
        elif is_pattern(argument):
            matches = [Path(match) for match in sorted(matches_of(argument))]
            photos = _without_recorded(matches, output)
            kept = set(photos)
            found.others += [(str(match), RESULT) for match in matches if match not in kept]
            for match in photos if matches or watched else [path]:
                if not is_dir(match):
                    found.inputs.append(replace(_file(match), searched=bool(matches)))
                elif "**" not in argument:  # which has matched the files inside, too
                    _add_folder(found, match, output, endings)
        else:
            found.inputs.append(_file(path))
    if sum(entry.path is None for entry in found.inputs) > 1:
        raise UsageError("stdin (-) can be one input only")
    found.inputs = _each_once(found.inputs)
    if watched and output is not None:
        found.inputs = _without_results(found.inputs, output, endings)
    if not found.inputs and not watched:
        where = ", ".join(arguments) or "the list"
        others = f" ({counted(found.passed_over, 'other file')})" if found.passed_over else ""
        raise PpdError(f"{where}: no image found{others}; name image files or a folder of them")
    found.keep_endings()
    return found


def _file(path: Path) -> Input:
    return Input(str(path), path, PurePath(path.stem))


def _add_folder(found: Found, top: Path, output: Path | None, endings: Sequence[str]) -> None:
    results = None if output is None else _identity(output)
    beside = results is not None and _identity(top) == results
    recorded: set[Path] = set()
    waiting = [(top, PurePath())]
    while waiting:
        folder, below = waiting.pop()
        try:
            files, folders, others = content_of(folder)
        except OSError:
            found.inputs.append(_unreadable(folder))
            continue
        found.others += [(str(folder / name), why) for name, why in others]
        if NAME in files:
            recorded |= recorded_in(folder)
        images = []
        for name in files:
            why = RESULT if folder / name in recorded else why_passed_over(folder / name)
            if why is None:
                images.append(name)
            else:
                found.others.append((str(folder / name), why))
        if beside:
            stems = {PurePath(name).stem for name in images} | set(images)
            made = {name for name in images if _is_result(name, stems, endings)}
            found.others += [(str(folder / name), RESULT) for name in sorted(made)]
            images = [name for name in images if name not in made]
        for name in images:
            path = folder / name
            found.inputs.append(Input(str(path), path, below / path.stem, searched=True))
        waiting += [
            (folder / name, below / name)
            for name in reversed(folders)
            if results is None or _identity(folder / name) != results
        ]


def recorded_in(folder: Path) -> set[Path]:
    """What the folder's journal knows as made by a run."""
    recorded = Recorded(folder)
    recorded.read_on()
    return {folder / name for name in recorded.entries}


def _without_recorded(matches: Sequence[Path], output: Path | None) -> list[Path]:
    """What a pattern has matched, but for files that a run has made."""
    tell = place_teller()
    folders = {match.parent for match in matches} | ({output} if output is not None else set())
    recorded = {tell(path) for folder in folders for path in recorded_in(folder)}
    return [match for match in matches if tell(match) not in recorded]


def place_teller() -> Callable[[Path], Path]:
    """Tells the place of a file, the same whatever way leads to its folder, while no link changes.

    A link that is the file's own name is not followed.
    """
    real = cache(os.path.realpath)
    return lambda path: Path(real(path.parent), path.name)


def _identity(path: Path) -> tuple[int, int] | None:
    """The same for all names of a folder; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _unreadable(folder: Path) -> Input:
    """An input that fails when it is read, and shares no output with another until then."""
    whole = Path(os.path.normpath(folder.absolute()))
    return Input(str(folder), folder, PurePath("unreadable", *whole.parts[1:]))


def _is_result(name: str, stems: Collection[str], endings: Sequence[str]) -> bool:
    return any(name.endswith(ending) and name.removesuffix(ending) in stems for ending in endings)


def _without_results(inputs: Iterable[Input], output: Path, endings: Sequence[str]) -> list[Input]:
    top = Path(os.path.realpath(output))
    return [
        entry
        for entry in inputs
        if entry.path is None
        or not entry.path.name.endswith(tuple(endings))
        or not Path(os.path.realpath(entry.path.parent)).is_relative_to(top)
    ]


def _each_once(inputs: Iterable[Input]) -> list[Input]:
    """Without repetitions of one file, the first naming kept."""
    tell = place_teller()
    seen: dict[Path | None, Input] = {}
    for entry in inputs:
        seen.setdefault(tell(entry.path) if entry.path else None, entry)
    return list(seen.values())
