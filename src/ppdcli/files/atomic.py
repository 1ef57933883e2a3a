"""Writes files so that they appear under their final name only when they are complete."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from ppdcli.errors import NoRoomError, OutputError

# The number is that of the process that left the file. A "-draft" is a writer's second file.
_TEMPORARY = re.compile(r"\.ppd-(\d{1,10})-[0-9a-f]{8}(-draft)?(\.\w+)?")
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_NO_FSYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EBADF)  # on some network file systems

Place = Callable[[Path, Path], object]  # gives a finished temporary file its final name

_placing: ContextVar[tuple[Place, bool]] = ContextVar("_placing", default=(Path.replace, True))


@contextmanager
def placed_by(place: Place, follow: bool) -> Iterator[None]:
    """Inside, on this thread, ``place`` gives files their final names. It may also record them.

    Args:
        place: raises OSError if the system refuses.
        follow: see ``atomic_path``.
    """
    token = _placing.set((place, follow))
    try:
        yield
    finally:
        _placing.reset(token)


@contextmanager
def atomic_path(target: Path, follow: bool | None = None) -> Iterator[Path]:
    """Gives a hidden path beside ``target``, with its suffix. At the end it replaces ``target``.

    Missing parent folders are made. If anything goes wrong, the temporary file is removed, and an
    older ``target`` stays as it was. The data is on the disk before the file gets its name. A power
    cut therefore leaves no empty file.

    Args:
        target: the file.
        follow: what happens if ``target`` is a link. True: the file that the link leads to is
            written, and the link stays. False: the file replaces the link. None: as ``placed_by``
            says, and True outside of it. Files that a user names are written through links. Our own
            records and the files of an output folder are not.

    Raises:
        NoRoomError: the disk is full or read-only.
        OutputError: the system refuses (the name is too long or a folder, or permission is
            missing), links lead in a circle, or a device or a pipe has the name.
    """
    place, usual = _placing.get()
    named = target
    if not target.name:
        raise OutputError(f"{target}: is a folder, not a file name; name a file in it")
    try:
        target = _followed(target) if (usual if follow is None else follow) else target
    except OSError as error:
        raise not_written(named, error) from error
    # The name is short, because the target's own name may already have the greatest length.
    name = f".ppd-{os.getpid()}-{secrets.token_hex(4)}{named.suffix}"
    temporary = target.with_name(name)
    try:
        make_folder(target.parent)
        yield temporary
        _to_disk(temporary)
        place(temporary, target)
    except OSError as error:
        raise not_written(named, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _followed(path: Path) -> Path:
    """Returns the file that a link leads to, which need not exist; or the path itself."""
    with suppress(OSError):  # it is no link, or an impossible name
        path.readlink()
        path = Path(os.path.realpath(path))
    if path.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    with suppress(FileNotFoundError, NotADirectoryError):
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise OSError(errno.EINVAL, "is no regular file", str(path))
    return path


def not_written(target: Path, error: OSError) -> OutputError:
    """Returns the error to raise when the system has refused to write a file."""
    cause = error.strerror or error
    if error.errno in _FULL:
        return NoRoomError(
            f"{target}: cannot be written ({cause}), and nothing after it; make room and run it "
            "again, or choose another output"
        )
    if error.errno == errno.EROFS:
        return NoRoomError(
            f"{target}: cannot be written ({cause}), and nothing after it; choose another output"
        )
    return OutputError(f"{target}: cannot be written ({cause}); make room or choose another output")


def quoted_errno(text: str) -> int:
    """Returns the number of the system's error that a library's message quotes; else EIO."""
    numbers = (number for number in (*_FULL, errno.EROFS) if os.strerror(number) in text)
    return next(numbers, errno.EIO)


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it, without recursion: ``mkdir(parents=True)`` has a limit.

    Raises:
        OSError: the system refuses.
    """
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        if folder.parent == folder:
            break
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir(exist_ok=True)


def remove_leftovers(folder: Path) -> int:
    """Removes temporary files of processes that have ended. Returns how many it has removed.

    Call it only if no process of another machine, or of another container, writes to the folder.
    """
    removed = 0
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _TEMPORARY.fullmatch(entry.name)
            if match and not _is_alive(int(match[1])):
                with suppress(OSError):
                    Path(entry.path).unlink()
                    removed += 1
    return removed


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FSYNC:
            raise
    finally:
        os.close(descriptor)


def _is_alive(pid: int) -> bool:
    if os.name != "posix":
        return True  # unknown, and os.kill would end the process
    if pid == os.getpid():
        return False  # in containers, each run may have the same number; we have not written yet
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # it belongs to another user
    return True
