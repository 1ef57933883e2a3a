"""Pins revision, size and hash of a file on first use, if the catalogue does not state them.

A file then stays the same for ever, although nobody stated it beforehand. Each pin is a small file
in the package's own folder, so that two processes cannot lose each other's pins.
"""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ppdcli.checkpoints.catalog_rows import COMMIT, SHA256, Part
from ppdcli.errors import CheckpointError, shown
from ppdcli.files.atomic import atomic_path
from ppdcli.files.foreign import parse_json, read_regular

MOST_PIN = 10_000  # bytes


class NoFolderError(CheckpointError):
    """The package has no folder for its files."""


@dataclass(frozen=True)
class Pin:
    """The first file that was used under a name.

    Attributes:
        address: where it came from. A pin with another address does not count.
        revision: its commit on the Hub; None if it was imported.
        bytes, sha256: its size and hash.
        date: the date of the pin, ISO 8601.
    """

    address: str
    revision: str | None
    bytes: int
    sha256: str
    date: str


def own_folder() -> Path:
    """Returns the folder of imported files and pins: PPD_CACHE, or else the user's cache folder.

    Raises:
        NoFolderError: neither is known, for example because the user has no home folder.
    """
    named = os.environ.get("PPD_CACHE")
    try:
        if named:
            return Path(named).expanduser()
        from platformdirs import user_cache_dir

        folder = Path(user_cache_dir("ppdcli", appauthor=False))
    except RuntimeError:
        folder = Path("~")
    if not folder.is_absolute():  # a "~" that could not be resolved
        raise NoFolderError(
            "this user has no home folder, so there is no place for imported weights and pins; set "
            "HOME, or PPD_CACHE to a folder"
        )
    return folder


def pin_of(part: Part) -> Pin | None:
    """Returns the pin of a part; None if there is none, or if the catalogue now has another file.

    Raises:
        CheckpointError: the pin cannot be read.
    """
    try:
        path = _path(part)
    except NoFolderError:
        return None
    try:
        pin = _pin(parse_json(read_regular(path, MOST_PIN, follow=False)))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise CheckpointError(
            f"{path}: the pin of {part.name} cannot be read ({error.strerror}); check the "
            f"permissions of {own_folder()}, or set PPD_CACHE to another folder"
        ) from error
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else error
        raise CheckpointError(
            f"{path}: cannot be read as the pin of {part.name} ({shown(cause)}); `ppd weights "
            f"remove {part.name}` removes it"
        ) from error
    stated = (part.revision, part.bytes, part.sha256)
    pinned = (pin.revision, pin.bytes, pin.sha256)
    agree = all(None in pair or pair[0] == pair[1] for pair in zip(stated, pinned, strict=True))
    return pin if agree and pin.address == part.address else None


def _pin(row: object) -> Pin:
    """Returns the pin that a file states.

    Raises:
        ValueError: a field is missing, unexpected or wrong.
    """
    if not isinstance(row, dict) or row.keys() != {f.name for f in dataclasses.fields(Pin)}:
        raise ValueError("has other fields than a pin")
    revision, size = row["revision"], row["bytes"]
    texts = (row["address"], row["sha256"], row["date"], "" if revision is None else revision)
    if not all(isinstance(text, str) and text == shown(text, 1000) for text in texts):
        raise ValueError("has a field that is not one line of text")
    if revision is not None and COMMIT.fullmatch(revision) is None:
        raise ValueError("revision is not a commit")
    if type(size) is not int or not 0 < size < 1 << 63 or not SHA256.fullmatch(row["sha256"]):
        raise ValueError("bytes or sha256 is invalid")
    return Pin(**row)


def known(part: Part) -> Part:
    """Returns a part with the values of its pin.

    Raises:
        CheckpointError: the pin cannot be read.
    """
    pin = pin_of(part)
    if pin is None:
        return part
    revision = part.revision or pin.revision
    return dataclasses.replace(part, revision=revision, bytes=pin.bytes, sha256=pin.sha256)


def pin(part: Part, revision: str | None, size: int, sha256: str) -> None:
    """Writes the pin of a part's first file; ``size`` is in bytes.

    Raises:
        OutputError: the pin cannot be written.
    """
    row = Pin(part.address, revision, size, sha256, date.today().isoformat())
    with atomic_path(_path(part), follow=False) as temporary:
        temporary.write_text(json.dumps(dataclasses.asdict(row), indent=1), encoding="utf-8")


def forget(part: Part) -> bool:
    """Removes a pin. Returns whether there was one."""
    try:
        _path(part).unlink()
    except (FileNotFoundError, NotADirectoryError, NoFolderError):
        return False
    return True


def _path(part: Part) -> Path:
    return own_folder() / "pins" / f"{part.name}.json"
