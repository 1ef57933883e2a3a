"""Outputs appear under their name whole or not at all."""

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

# The process's number tells whose a left-over file is; "-draft": what a writer needs beside it.
_TEMPORARY = re.compile(r"\.ppd-(\d{1,10})-[0-9a-f]{8}(-draft)?(\.\w+)?")
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
_NO_FSYNC = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EBADF)  # of some network file systems

Place = Callable[[Path, Path], object]  # gives a finished temporary file its final name

_placing: ContextVar[tuple[Place, bool]] = ContextVar("_placing", default=(Path.replace, True))


@contextmanager
def placed_by(place: Place, follow: bool) -> Iterator[None]:
    """Within it, on this thread, ``place`` gives files their final names, and may record them.

    ``place`` raises OSError where the system refuses; ``follow`` is as for ``atomic_path``.
    """
    token = _placing.set((place, follow))
    try:
        yield
    finally:
        _placing.reset(token)


@contextmanager
def atomic_path(target: Path, follow: bool | None = None) -> Iterator[Path]:
    """A hidden path beside ``target``, with its suffix, that takes its place on success.

    Missing parent folders are made. Whatever goes wrong, the temporary file is removed and an
    older ``target`` stays as it was. The data is on the disk before the name is, so that a power
    cut leaves no empty file under it.

    Args:
        target: the file.
        follow: where ``target`` is a link, whether the file that it leads to is written, and the
            link stays; else the file replaces the link. None: as ``placed_by`` says, and outside of
            it True. A file that a user names is written through links; our own records and the
            files of an output folder are not.

    Raises:
        NoRoomError: the disk is full or read-only.
        OutputError: the system refuses (name too long, a folder, no permission), links that lead in
            a circle, or a device or a pipe in the place of the file.
    """
    place, usual = _placing.get()
    named = target
    if not target.name:
        raise OutputError(f"{target}: is a folder, not a file name; name a file in it")
    try:
        target = _followed(target) if (usual if follow is None else follow) else target
    except OSError as error:
        raise not_written(named, error) from error
    # Short, whatever the target's length: a long stem must not make it too long.
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
    """The file that is to be written: what a link leads to, whether it is there or not."""
    with suppress(OSError):  # no link, or a name that cannot be
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
    """What to raise when the system has refused to write a file."""
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
    """The number of the system's error that a library's message quotes; EIO if it quotes none."""
    numbers = (number for number in (*_FULL, errno.EROFS) if os.strerror(number) in text)
    return next(numbers, errno.EIO)


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it, however many: ``mkdir(parents=True)`` goes by recursion.

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
    """Removes temporary files of processes of this machine that are no more; returns how many.

    Call it where no process of another machine, or of another container, writes.
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
        return True  # os.kill would end it; nobody knows
    if pid == os.getpid():
        return False  # in a container each run may have the same number; ours writes later
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True  # somebody else's
    return True
