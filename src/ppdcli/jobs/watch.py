"""Watches folders: a photo is processed when it is complete, and again when it is replaced.

The folders are scanned again and again, because no system reports what other machines write to a
network share. A scan of 10,000 photos takes a fifth of a second.
"""

from __future__ import annotations

import errno
import math
import os
import signal
import stat
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from ppdcli.errors import InputError, UsageError
from ppdcli.jobs.inputs import Input
from ppdcli.jobs.plan import Task
from ppdcli.jobs.work import Result

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

POLL_SECONDS = 1.0  # between two scans, or, if that is longer,
PAUSE_FACTOR = 10  # this many times as long as a scan takes
SETTLE_SECONDS = 2.0  # that a file must be unchanged before it is processed
ARRIVE_SECONDS = 10.0  # that an unreadable file must be unchanged before it is reported
MOST_SHOWN = 1000  # lines for the user that are remembered, to show each only once

Results = Generator[Result, None, None]


@dataclass(slots=True)
class _File:
    """What is remembered about a photo.

    Attributes:
        stamp: Size and time, which change with the content; None if there is no readable file.
        since: ``time.monotonic`` when this stamp was first seen.
        made: This process has made its outputs, from this content or an earlier one.
        failed: The failure of a photo that could not be read. It is reported unless the photo
            changes.
    """

    stamp: tuple[int, int] | None
    since: float
    state: Literal["waiting", "taken", "refused"] = "waiting"
    made: bool = False
    failed: Result | None = None


class _Scanned(NamedTuple):
    """A photo in one scan."""

    input: Input
    status: os.stat_result | None
    file: _File

    def is_due(self) -> bool:
        """Whether to process it now, or to report its failure."""
        if self.file.state == "waiting":
            return self._still() >= SETTLE_SECONDS
        return self.file.failed is not None and self._still() >= ARRIVE_SECONDS

    def _still(self) -> float:
        watched = time.monotonic() - self.file.since
        if self.status is None or self.input.path is None:
            return watched
        return still_for(self.input.path, self.status, watched)


class Watch:
    """Finds photos in folders, and those that arrive later.

    It remembers less than a kilobyte for each photo that exists, and nothing about others.
    """

    def __init__(
        self,
        find: Callable[[], Sequence[Input]],
        plan: Callable[[Sequence[Input]], Sequence[Task]],
        run: Callable[[Sequence[Task], bool], Results],
    ) -> None:
        """Scans nothing yet.

        Args:
            find: Returns the photos that exist now.
            plan: Makes one task for each input, or raises UsageError if their outputs clash.
            run: Processes tasks as ``jobs.run.run`` does. If its second argument is True, outputs
                that exist are made again.
        """
        self._find, self._plan, self._run = find, plan, run
        self._files: dict[str, _File] = {}
        self._shown: set[str] = set()

    def rounds(self) -> Iterator[tuple[int, Results]]:
        """Waits for photos, then yields their number and their results; for ever.

        The results must be consumed or closed before the next round. A photo that cannot be read
        has no result until it has been unchanged for ``ARRIVE_SECONDS``.
        """
        while True:
            started = time.monotonic()
            found = self._round()
            took = time.monotonic() - started
            if found is not None:
                yield found
            else:
                time.sleep(max(POLL_SECONDS, PAUSE_FACTOR * took))

    def _round(self) -> tuple[int, Results] | None:
        seen = self._scan()
        due = [photo for photo in seen if photo.is_due()]
        return (len(due), self._results(seen, due)) if due else None

    def _scan(self) -> list[_Scanned]:
        """All photos that exist. Others are forgotten."""
        now = time.monotonic()
        seen = []
        for entry in self._find():
            status = _status(entry.path)
            # The journal compares the same two values.
            stamp = None if status is None else (status.st_size, status.st_mtime_ns)
            file = self._files.get(entry.name)
            if file is None:
                file = _File(stamp, now)
            elif stamp is None and file.stamp is not None:
                file = _File(
                    None, now, "taken", file.made
                )  # the user named it and it is gone: no failure
            elif stamp != file.stamp:
                file = _File(stamp, now, made=file.made)
            seen.append(_Scanned(entry, status, file))
        self._files = {photo.input.name: photo.file for photo in seen}
        return seen

    def _results(self, seen: Sequence[_Scanned], due: Sequence[_Scanned]) -> Results:
        for photo in due:
            if photo.file.failed is not None:
                result, photo.file.failed = photo.file.failed, None
                yield result
        waiting = [photo for photo in due if photo.file.state == "waiting"]
        known = [photo.input for photo in seen if photo.file.state == "taken"]
        tasks, refused = self._accept(known, [photo.input for photo in waiting])
        for photo in waiting:
            photo.file.state = "refused" if photo.input.name in refused else "taken"
        for name, error in refused.items():
            line = str(error) if name in str(error) else f"{name}: {error}"
            yield Result(name, "failed", error=line, cause=error)
        new = [task for task in tasks if not self._files[task.input.name].made]
        replaced = [task for task in tasks if self._files[task.input.name].made]
        # What this process has made need not be looked up in the journal, which may be long.
        for group, again in ((new, False), (replaced, True)):
            with closing(self._run(group, again)) as results:
                for task, result in zip(group, results, strict=True):
                    file = self._files[task.input.name]
                    file.made = file.made or result.status == "done"
                    if isinstance(result.cause, InputError):
                        file.failed = result
                    else:
                        yield replace(result, notes=self._new_notes(result.notes))

    def _accept(
        self, known: Sequence[Input], new: Sequence[Input]
    ) -> tuple[list[Task], dict[str, UsageError]]:
        """Tasks for the new inputs, and by name the errors of those whose outputs would clash."""
        try:
            return list(self._plan([*known, *new]))[len(known) :], {}
        except UsageError as error:
            if len(new) == 1:
                return [], {new[0].name: error}
        half = len(new) // 2
        tasks, refused = self._accept(known, new[:half])
        more, others = self._accept([*known, *(task.input for task in tasks)], new[half:])
        return [*tasks, *more], {**refused, **others}

    def _new_notes(self, notes: Sequence[str]) -> list[str]:
        if len(self._shown) > MOST_SHOWN:
            self._shown.clear()
        fresh = [line for line in notes if line not in self._shown]
        self._shown.update(fresh)
        return fresh


def _status(path: Path | None) -> os.stat_result | None:
    try:
        return None if path is None else path.stat()
    except (OSError, ValueError):
        return None


def still_for(path: Path, status: os.stat_result, watched: float) -> float:
    """How many seconds ago a file was last written; 0 while a process has it open for writing.

    Args:
        path: The file.
        status: Its present status.
        watched: For how many seconds its size and time are known to be unchanged.

    Returns:
        At least ``watched`` if no process is writing. If that is certain, it is the age of the
        file, or infinity if the file was renamed, or its time was set, after the last write.
    """
    match is_being_written(path, status):
        case True:
            return 0.0
        case False:
            # Writing sets both times; a rename, for example, sets only the first.
            moved = status.st_ctime_ns > status.st_mtime_ns
            return math.inf if moved else max(watched, time.time() - status.st_mtime)
    return watched


def is_being_written(path: Path, status: os.stat_result) -> bool | None:
    """Whether some process has a file open for writing; None if the system cannot say.

    Linux can, for the user's own files on local disks: it grants a read lease only for a file that
    no process writes (fcntl(2), F_SETLEASE). The lease is given back at once.
    """
    if not hasattr(fcntl, "F_SETLEASE") or not stat.S_ISREG(status.st_mode):
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # A process that opens it for writing now sends us a signal; this one does nothing.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError as error:
        return True if error.errno == errno.EAGAIN else None
    else:
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False
    finally:
        os.close(descriptor)
