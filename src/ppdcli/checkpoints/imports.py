"""The folder of imported files, and records of which files imports have made.

An import replaces or removes only such files, because the folder may be shared and hold files of
other people.
"""

from __future__ import annotations

import json
import stat
from contextlib import suppress
from pathlib import Path

from ppdcli.checkpoints.catalog_rows import Part
from ppdcli.checkpoints.pins import NoFolderError, own_folder
from ppdcli.files.atomic import atomic_path
from ppdcli.files.foreign import parse_json, read_regular

MOST_RECORD = 10_000  # bytes


def folder_of_imported(part: Part) -> Path:
    """Returns the folder of a part's imported file."""
    return own_folder() / "files" / part.name


def link_in_the_way(part: Part) -> Path | None:
    """Returns a link that leads out of the package's own folder, if there is one."""
    folder = folder_of_imported(part)
    return next((path for path in (folder, folder.parent) if path.is_symlink()), None)


def imported(part: Part) -> list[Path]:
    """Returns the files in the part's folder. The file of the last import comes first."""
    try:
        found = [path for path in folder_of_imported(part).glob("[!.]*") if path.is_file()]
    except (OSError, NoFolderError):  # a folder that cannot be read
        return []
    last = made_by_import(part)
    return sorted(found, key=lambda path: path != last)


def record(part: Part, file: Path) -> None:
    """Records the file that an import has made.

    Raises:
        OutputError: the record cannot be written.
    """
    status = file.stat()
    row = {"file": file.name, "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
    with atomic_path(_path(part), follow=False) as temporary:
        temporary.write_text(json.dumps(row), encoding="ascii")


def made_by_import(part: Part) -> Path | None:
    """Returns the file of the last import, if it has not changed since."""
    try:
        row = parse_json(read_regular(_path(part), MOST_RECORD, follow=False))
        name, made = row["file"], (row["bytes"], row["mtime_ns"])
        if not isinstance(name, str) or name != Path(name).name or name in ("", ".", ".."):
            return None
        file = folder_of_imported(part) / name
        status = file.lstat()
    except (OSError, NoFolderError, ValueError, TypeError, KeyError):  # there is no valid record
        return None
    same = (status.st_size, status.st_mtime_ns) == made and stat.S_ISREG(status.st_mode)
    return file if same else None


def remove_imported(part: Part) -> list[Path]:
    """Removes a part's imported file and its record, and the folder if it is then empty.

    A file with the name of an import is removed too, unless a link leads to it.

    Raises:
        OSError: the system refuses.
    """
    gone: list[Path] = []
    try:
        record_file = _path(part)
    except NoFolderError:
        return gone
    if link_in_the_way(part) is None:
        last, usual = made_by_import(part), Path(part.address).stem
        for path in imported(part):
            if not path.is_symlink() and (path == last or path.stem == usual):
                path.unlink()
                gone.append(path)
        with suppress(OSError):  # it is missing or not empty
            folder_of_imported(part).rmdir()
    with suppress(FileNotFoundError, NotADirectoryError):
        record_file.unlink()
    return gone


def _path(part: Part) -> Path:
    return own_folder() / "imports" / f"{part.name}.json"
