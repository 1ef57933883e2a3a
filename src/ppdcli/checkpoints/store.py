"""Finds, verifies and removes the files of weights on this machine."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from ppdcli.checkpoints.catalog_rows import SHA256, Part
from ppdcli.checkpoints.hf_cache import PARTIAL, cached, remove_cached, repository_folder
from ppdcli.checkpoints.imports import imported, remove_imported
from ppdcli.checkpoints.pins import known
from ppdcli.errors import CheckpointError


@dataclass(frozen=True)
class Held:
    """A file of weights on this machine.

    Attributes:
        path: the file.
        place: where it is: in the package, the folder of imported files, or the Hugging Face cache.
        damage: what is wrong with its size; None if nothing is.
    """

    path: Path
    place: Literal["package", "imported", "cache"]
    damage: str | None = None


def find(part: Part) -> Path | None:
    """Returns a part's file if it is on this machine and has the right size. Uses no network.

    Raises:
        CheckpointError: the part's pin cannot be read.
    """
    held = held_file(part)
    return held.path if held is not None and held.damage is None else None


def held_file(part: Part) -> Held | None:
    """Returns a part's file on this machine, if possible an undamaged one. Uses no network.

    Raises:
        CheckpointError: the part's pin cannot be read.
    """
    if part.bundled is not None:
        path = Path(str(files("ppdcli") / "data" / part.bundled))
        return Held(path, "package") if path.is_file() else None
    part = known(part)
    found = [Held(path, "imported", _damage(path, part)) for path in imported(part)]
    entry = cached(part)
    if entry is not None:
        found.append(Held(entry, "cache", _damage(entry, part)))
    return min(found, key=lambda held: held.damage is not None, default=None)


def sha256_of(path: Path) -> str:
    """Reads a whole file and returns its hash.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def free_space(path: Path) -> tuple[Path, int]:
    """Returns the nearest existing folder above a path, and the free bytes there."""
    above = path.absolute().parents
    folder = next(folder for folder in above if os.path.isdir(folder))  # noqa: PTH112  it raises no errors
    return folder, shutil.disk_usage(folder).free


def verify(part: Part, held: Held) -> str | None:
    """Reads a whole file and compares it with what is known about it.

    Its hash is known from the catalogue, from the pin, or from its name in the Hugging Face cache.

    Returns:
        What it was compared with; None if nothing is known about it.

    Raises:
        CheckpointError: the file is damaged.
    """
    part = known(part)
    again = f"`ppd weights remove {part.name}`, then pull it or import it again"
    if part.bundled is not None:
        again = "install ppdcli again"
    blob = held.path.resolve().name
    expected, source = part.sha256, "sha256"
    if expected is None and held.place == "cache" and SHA256.fullmatch(blob):
        expected, source = blob, "sha256 in the Hugging Face cache"
    damage = held.damage
    try:
        if damage is None and expected is not None:
            found = sha256_of(held.path)
            damage = None if found == expected else f"sha256 {found[:12]}, not {expected[:12]}"
    except OSError as error:
        damage = f"cannot be read, {error.strerror}"
    if damage is not None:
        raise CheckpointError(f"{held.path}: damaged ({damage}); {again}")
    if expected is not None:
        return source
    return "size" if part.bytes is not None else None


def remove(part: Part) -> list[Path]:
    """Removes a part's file and its incomplete downloads. Returns the files that were removed.

    Only files that an import or a download has made are removed.

    Raises:
        OSError: the system refuses.
    """
    gone = remove_imported(part)
    try:
        wanted = known(part)
    except CheckpointError:  # a damaged pin must not prevent the removal
        wanted = part
    if part.repository is not None:
        folder = repository_folder(part.repository)
        if folder.is_symlink():
            raise OSError(errno.ELOOP, "is a link, and what it leads to is left alone", str(folder))
        while (path := cached(wanted)) is not None:
            remove_cached(part.repository, path)
            gone.append(path)
        for path in folder.glob(f"blobs/*{PARTIAL}"):
            path.unlink()
            gone.append(path)
    return gone


def _damage(path: Path, part: Part) -> str | None:
    size = path.stat().st_size
    if part.bytes is not None and size != part.bytes:
        return f"{size} bytes instead of {part.bytes}"
    return None if size else "empty"
