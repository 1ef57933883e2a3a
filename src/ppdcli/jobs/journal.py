"""The journal of an output folder: one line for each file, which says how the file was made.

Lines are appended to ``.ppd-journal.jsonl``. A line is written in one call, just before its output
gets its final name. So several processes can share a folder, and a run that is killed leaves no
output without a line. When more than half of the lines are outdated and no other run has the
journal open, a shorter file replaces it.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ppdcli.errors import OutputError
from ppdcli.files.atomic import atomic_path, make_folder, remove_leftovers
from ppdcli.files.foreign import open_regular, record_lines, require_regular
from ppdcli.jobs.journal_entries import Entry, entry_of, line_of

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

NAME = ".ppd-journal.jsonl"
SYNC_SECONDS = 1.0
MOST_NONSENSE = 10_000  # lines; a file with more of them is not a journal
SHORT = 1 << 16  # bytes; a shorter journal is left as it is


class Recorded:
    """The entries of a folder's journal, also those that others add. Any thread may use it.

    A symbolic link is not followed. Lines that are incomplete or invalid are skipped.

    Attributes:
        entries: The last entry of each output, by its path.
        nonsense: How many lines are invalid.
    """

    def __init__(self, folder: Path | None) -> None:
        """Reads nothing yet. Without a folder there are no entries."""
        self.entries: dict[str, Entry] = {}
        self.nonsense = 0
        self._file = None if folder is None else folder / NAME
        self._lock = threading.Lock()
        self._known = 0  # bytes
        self._inode = 0

    def read_on(self) -> None:
        """Reads the lines that were added since the last call."""
        if self._file is None:
            return
        with self._lock, suppress(OSError), open_regular(self._file, follow=False) as stream:
            found = os.fstat(stream.fileno())
            if found.st_ino != self._inode or found.st_size < self._known:
                self._inode, self._known = found.st_ino, 0  # another run has shortened it
                self.nonsense = 0
            stream.seek(self._known)
            for line, length in record_lines(stream):
                self._known += length
                if (entry := entry_of(line)) is not None:
                    self.entries[entry.path] = entry
                elif line is None or line.endswith(b"}\n"):  # complete: a killed run cuts lines off
                    self.nonsense += 1
                    if self.nonsense > MOST_NONSENSE:
                        return  # it is no journal

    def complaints(self) -> list[str]:
        """A line for the user if some lines are invalid."""
        if not self.nonsense:
            return []
        return [
            f"{self._file}: {self.nonsense} lines make no sense and are skipped; outputs that only "
            "they record count as unknown"
        ]


def has_grown(size: int, before: int) -> bool:
    """Whether to look for outdated lines: only when the size has doubled, because that reads all.

    Args:
        size: Bytes of the journal.
        before: Bytes when it was opened.
    """
    return size > SHORT and size.bit_length() > before.bit_length()


def folder_that_records(file: Path) -> Path | None:
    """The folder above a file whose journal has an entry for it; None if there is none."""
    for folder in file.absolute().parents:
        if (folder / NAME).is_file():
            recorded = Recorded(folder)
            recorded.read_on()
            if file.absolute().relative_to(folder).as_posix() in recorded.entries:
                return folder
    return None


class Journal:
    """The journal of one folder, open for writing. Any thread may add to it.

    Several runs can have it open and share a lock. A run that is alone removes temporary files that
    killed runs have left behind.
    """

    def __init__(self, folder: Path, swept: Collection[Path] | None) -> None:
        """Opens it, and makes the folder if it is missing.

        Args:
            folder: The output folder.
            swept: Folders in which temporary files may be left over; None to remove nothing,
                because this process has temporary files itself.

        Raises:
            OSError: the system refuses.
        """
        self.path = folder / NAME
        self._lock = threading.Lock()
        self._placing = threading.Lock()
        self._torn = False
        self._synced = time.monotonic()
        make_folder(folder)
        self._descriptor = self._open(set() if swept is None else {folder, *swept})
        self._size = os.fstat(self._descriptor).st_size  # bytes, when it was opened
        self._end_torn_line()

    def add(self, entry: Entry) -> None:
        """Appends a line.

        Raises:
            OSError: the system refuses.
        """
        line = line_of(entry)
        with self._lock:
            # One call, so that lines of several processes do not mix.
            written = os.write(self._descriptor, b"\n" + line if self._torn else line)
            self._torn = written < len(line)  # the disk is full
            if self._torn:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            due = time.monotonic() - self._synced > SYNC_SECONDS
            if due:
                self._synced = time.monotonic()
        if due:
            self._sync()

    def place(self, temporary: Path, target: Path, entry: Entry) -> None:
        """Gives a finished file its final name, and records it.

        First the old file of that name is moved aside, then the line is written, then the new file
        gets the name. A run that is killed in between leaves a line without a file, and the file is
        made again. It never leaves a file with the line of another file. Only one process at a time
        does this in a folder, so the last line always describes the file that is there.

        Raises:
            OSError: the system refuses; what was there before is still there.
        """
        aside = temporary.with_name(f"{temporary.stem}-draft{temporary.suffix}")
        with self._turn():
            if target.is_dir() and not target.is_symlink():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            with suppress(FileNotFoundError):
                target.rename(aside)
            try:
                self.add(entry)
                try:
                    temporary.replace(target)
                except OSError:
                    self.add(replace(entry, bytes=None))  # what was there is made again
                    raise
            except OSError:
                with suppress(FileNotFoundError):
                    aside.rename(target)
                raise
            aside.unlink(missing_ok=True)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Inside, no other thread or process of this machine names a file in this folder."""
        with self._placing:
            folder = None
            if fcntl is not None:
                with suppress(OSError):  # some network file systems have no such locks
                    folder = os.open(self.path.parent, os.O_RDONLY | os.O_CLOEXEC)
                    fcntl.flock(folder, fcntl.LOCK_EX)
            try:
                yield
            finally:
                if folder is not None:
                    os.close(folder)

    def close(self) -> None:
        """Closes it. If no other run has it open, it is removed if empty, and shortened if long."""
        with suppress(OSError):
            size = os.fstat(self._descriptor).st_size
            if size == 0:
                if self._is_alone():
                    self.path.unlink()
            else:
                self._sync()
                if has_grown(size, self._size):
                    self._shorten()
        os.close(self._descriptor)

    def _open(self, swept: Collection[Path]) -> int:
        while True:
            with suppress(FileNotFoundError):
                require_regular(self.path, follow=False)
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            descriptor = os.open(self.path, flags, 0o666)
            self._descriptor = descriptor
            if self._is_alone():
                for place in swept:
                    remove_leftovers(place)
            self._take("LOCK_SH", wait=True)
            if os.fstat(descriptor).st_nlink:
                return descriptor
            os.close(descriptor)  # another run has just removed or replaced it

    def _take(self, kind: Literal["LOCK_SH", "LOCK_EX"], wait: bool = False) -> bool:
        """Takes the file's lock, or changes its kind; False if another process holds it."""
        if fcntl is None:
            return False
        try:
            fcntl.flock(self._descriptor, getattr(fcntl, kind) | (0 if wait else fcntl.LOCK_NB))
        except OSError:  # some network file systems have none
            return False
        return True

    def _is_alone(self) -> bool:
        """Locks the file for this run alone; False if another run has it, or has replaced it."""
        return self._take("LOCK_EX") and os.fstat(self._descriptor).st_nlink > 0

    def _shorten(self) -> None:
        """Removes outdated lines if they are more than half of all."""
        # A new file would belong to us, so the file of another user stays.
        if not self._is_alone() or os.fstat(self._descriptor).st_uid != os.geteuid():
            return
        entries, lines = {}, 0
        with open_regular(self.path, follow=False) as stream:
            for lines, (line, _) in enumerate(record_lines(stream), start=1):  # noqa: B007
                if (entry := entry_of(line)) is not None:
                    entries[entry.path] = entry
        if lines <= 2 * len(entries):
            return
        # If it cannot be written, the journal just stays long.
        with suppress(OutputError), atomic_path(self.path, follow=False) as shorter:
            shorter.write_bytes(b"".join(map(line_of, entries.values())))
            shutil.copymode(self.path, shorter)

    def _end_torn_line(self) -> None:
        size = os.fstat(self._descriptor).st_size
        if size:
            os.lseek(self._descriptor, size - 1, os.SEEK_SET)
            if os.read(self._descriptor, 1) != b"\n":
                os.write(self._descriptor, b"\n")

    def _sync(self) -> None:
        with suppress(OSError):  # it only helps after a power cut
            os.fsync(self._descriptor)
