"""Imports files of weights that the user has downloaded. Their content shows what they are."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from ppdcli.checkpoints.catalog import catalog, parts_called
from ppdcli.checkpoints.catalog_rows import Model, Part
from ppdcli.checkpoints.families import FAMILIES, FILE_KINDS
from ppdcli.checkpoints.imports import (
    folder_of_imported,
    link_in_the_way,
    made_by_import,
    record,
)
from ppdcli.checkpoints.layouts import read_pickle, read_tensors
from ppdcli.checkpoints.pins import known, pin, pin_of
from ppdcli.checkpoints.store import free_space, sha256_of
from ppdcli.errors import CheckpointError, OutputError
from ppdcli.files.atomic import atomic_path
from ppdcli.files.foreign import require_regular
from ppdcli.progress import progress
from ppdcli.wording import size_in_words

CHUNK = 1 << 22


def kind_of(path: Path) -> str:
    """Returns the kind of a file of weights, from its content: a key of ``families.FILE_KINDS``.

    Raises:
        CheckpointError: the file is missing, damaged or unsafe, or is of no known kind.
    """
    content = read_tensors(path) if path.suffix == ".safetensors" else read_pickle(path)
    keys = [key for key in content if isinstance(key, str)] if isinstance(content, Mapping) else []

    for name, kind in FILE_KINDS.items():
        if kind.fits(keys):
            return name
    known_words = ", ".join(kind.words for kind in FILE_KINDS.values())
    raise CheckpointError(
        f"{path}: holds none of {known_words}; give a file that `ppd weights list` names"
    )


def import_file(
    path: Path, name: str, announce: Callable[[str], None], show_progress: bool = True
) -> tuple[Part, Path]:
    """Copies a file of the catalogue to the package's own folder, and checks it.

    Args:
        path: the file. It stays where it is.
        name: a file of the catalogue, or a model. The content then shows which of its files it is.
        announce: called with lines for the user.
        show_progress: whether to show a progress bar, if stderr is a terminal.

    Returns:
        The file of the catalogue, and the path of the copy.

    Raises:
        UsageError: there is no such name.
        CheckpointError: the file is damaged or unsafe, differs from the catalogue's or the pinned
            file, or cannot be copied.
    """
    parts_called(name)
    kind = kind_of(path)
    part = known(_meant(name, kind, path))
    size = path.stat().st_size
    if part.bytes not in (None, size):
        raise _another(path, part, f"{size} bytes instead of {part.bytes}")
    _require_own_folder(path, part)
    target = folder_of_imported(part) / Path(part.address).with_suffix(path.suffix).name
    earlier = made_by_import(part)
    if earlier != target and os.path.lexists(target):
        _require_same(path, target, part)
    folder, free = free_space(target)
    if free < size:
        raise CheckpointError(
            f"{path}: its copy needs {size_in_words(size)} on {folder}, where "
            f"{size_in_words(free)} are free; make room, or set PPD_CACHE to a folder elsewhere"
        )
    try:
        with atomic_path(target, follow=False) as copy:
            if show_progress:
                with progress("bytes", size, label=part.name) as bar:
                    digest = _copy(path, copy, bar.set)
            else:
                digest = _copy(path, copy, lambda _done: None)
            if part.sha256 not in (None, digest):
                raise _another(path, part, f"sha256 {digest[:12]} instead of {part.sha256[:12]}")
        if part.sha256 is None:
            pin(part, part.revision, size, digest)
            announce(f"pinned on first use: {part.name} has {size} bytes, sha256 {digest}")
        record(part, target)
    except OutputError as error:
        cause = getattr(error.__cause__, "strerror", None) or error
        raise CheckpointError(
            f"{path}: cannot be copied to {target} ({cause}); make room, or set PPD_CACHE to a "
            "folder elsewhere"
        ) from error
    if earlier is not None and earlier != target:  # it has another suffix
        earlier.unlink(missing_ok=True)
    return part, target


def _require_own_folder(path: Path, part: Part) -> None:
    """Refuses to write through a link, because it may lead to files of others."""
    link = link_in_the_way(part)
    if link is not None:
        raise CheckpointError(
            f"{path}: was not imported, since {link} is a link, and imports stay in ppd's own "
            "folder; remove the link, or set PPD_CACHE to a folder elsewhere"
        )


def _require_same(path: Path, target: Path, part: Part) -> None:
    """Refuses to replace a file that no import has made, unless the content is the same."""
    try:
        require_regular(target, follow=False)
        same = target.stat().st_size == path.stat().st_size and sha256_of(target) == sha256_of(path)
    except OSError:
        same = False
    if not same:
        raise CheckpointError(
            f"{path}: was not imported, since {target} is there and was not made by an import; "
            f"move that file away, or run `ppd weights remove {part.name}`"
        )


def _copy(source: Path, target: Path, report: Callable[[int], None]) -> str:
    """Copies a file. Returns the sha256 of the written data."""
    hashed, done = hashlib.sha256(), 0
    with source.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(CHUNK):
            hashed.update(chunk)
            writer.write(chunk)
            done += len(chunk)
            report(done)
    return hashed.hexdigest()


def _meant(name: str, kind: str, path: Path) -> Part:
    """Returns the file of the catalogue that has a name and a kind.

    Raises:
        CheckpointError: the name has no file of this kind.
    """
    known_models = catalog().models.values()
    places = [place for model in known_models for place in _places(model)]
    if name in catalog().models:
        places = _places(catalog().models[name])
    else:
        places = [(part, of_kind) for part, of_kind in places if part.name == name]
        if not places:  # no model uses it, so it may be anything
            return parts_called(name)[0]
    for part, of_kind in places:
        if of_kind == kind:
            if part.bundled is not None:
                raise CheckpointError(
                    f"{path}: {part.name} is inside the package; give a file of your own as the "
                    "checkpoint"
                )
            return part
    wanted = " or ".join(dict.fromkeys(FILE_KINDS[of_kind].words for _, of_kind in places))
    raise CheckpointError(
        f"{path}: holds {FILE_KINDS[kind].words}, but {name} needs {wanted}; "
        "give that file, or another name"
    )


def _places(model: Model) -> list[tuple[Part, str]]:
    """Returns the files of a model, each with its kind."""
    family = FAMILIES[model.family]
    places = [(model.network, family.network)]
    if model.encoder is not None and family.encoder is not None:
        places.append((model.encoder, family.encoder))
    if model.metric is not None:
        places.append((model.metric, "moge2"))
    return places


def _another(path: Path, part: Part, difference: str) -> CheckpointError:
    pinned = pin_of(part)
    way_on = "get it again, or give the file that is meant"
    if pinned is not None:
        way_on = (
            f"that was pinned on {pinned.date}; run `ppd weights remove {part.name}` to allow "
            "another file"
        )
    return CheckpointError(f"{path}: not {part.name}, or damaged: has {difference}; {way_on}")
