"""Photos that arrive: each is taken when it is whole, and again when it is replaced.

The folders are looked through again and again, since no system tells of what other machines write
on a network share. A look at 10,000 photos takes a fifth of a second.
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

POLL_SECONDS = 1.0  # between two looks, and
LOOKING = 10  # at least so many times as long as a look takes
SETTLE_SECONDS = 2.0  # that a file must be still, to be taken
ARRIVE_SECONDS = 10.0  # that a file which cannot be read must be still, to be called broken
MOST_TOLD = 1000  # lines for the user that are remembered, so as to tell them once

Results = Generator[Result, None, None]


@dataclass(slots=True)
class _File:
    """What is remembered of a photo.

    Attributes:
        stamp: tells a content from another; None where there is no file, or it cannot be told.
        since: ``time.monotonic`` when it was first seen like that.
        made: this process has made its outputs, of this content or of an earlier one.
        failed: it could not be read, which is told unless it changes.
    """

    stamp: tuple[int, int] | None
    since: float
    state: Literal["waiting", "taken", "refused"] = "waiting"
    made: bool = False
    failed: Result | None = None


class _Seen(NamedTuple):
    """A photo in one look."""

    input: Input
    status: os.stat_result | None
    file: _File

    def is_due(self) -> bool:
        """Whether it is to be taken, or its failure to be told."""
        if self.file.state == "waiting":
            return self._still() >= SETTLE_SECONDS
        return self.file.failed is not None and self._still() >= ARRIVE_SECONDS

    def _still(self) -> float:
        watched = time.monotonic() - self.file.since
        if self.status is None or self.input.path is None:
            return watched
        return still_for(self.input.path, self.status, watched)


class Watch:
    """The photos of some folders, now and as they come.

    It remembers less than a kilobyte of each photo that is there, and nothing of those that are
    not.
    """

    def __init__(
        self,
        find: Callable[[], Sequence[Input]],
        plan: Callable[[Sequence[Input]], Sequence[Task]],
        run: Callable[[Sequence[Task], bool], Results],
    ) -> None:
        """Looks at nothing yet.

        Args:
            find: the photos that are there.
            plan: gives each its outputs, one task an input, or raises UsageError where they clash.
            run: works through tasks as ``jobs.run.run`` does, one result a task, in order;
                True: outputs that exist are made again.
        """
        self._find, self._plan, self._run = find, plan, run
        self._files: dict[str, _File] = {}
        self._told: set[str] = set()

    def rounds(self) -> Iterator[tuple[int, Results]]:
        """Waits until photos are to be done, then gives their number and their results, for ever.

        The results must be used up, or closed, before the next round. A photo that cannot be read
        has no result until it has been still for ``ARRIVE_SECONDS``.
        """
        while True:
            started = time.monotonic()
            found = self._round()
            took = time.monotonic() - started
            if found is not None:
                yield found
            else:
                time.sleep(max(POLL_SECONDS, LOOKING * took))

    def _round(self) -> tuple[int, Results] | None:
        seen = self._look()
        due = [photo for photo in seen if photo.is_due()]
        return (len(due), self._results(seen, due)) if due else None

    def _look(self) -> list[_Seen]:
        """All that are there; the others are forgotten."""
        now = time.monotonic()
        seen = []
        for entry in self._find():
            status = _status(entry.path)
            # The journal tells a photo from a newer one by the same.
            stamp = None if status is None else (status.st_size, status.st_mtime_ns)
            file = self._files.get(entry.name)
            if file is None:
                file = _File(stamp, now)
            elif stamp is None and file.stamp is not None:
                file = _File(None, now, "taken", file.made)  # named outright, and gone: no failure
            elif stamp != file.stamp:
                file = _File(stamp, now, made=file.made)
            seen.append(_Seen(entry, status, file))
        self._files = {photo.input.name: photo.file for photo in seen}
        return seen

    def _results(self, seen: Sequence[_Seen], due: Sequence[_Seen]) -> Results:
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
        # What this process has made is looked up in no journal, which may be long.
        for group, again in ((new, False), (replaced, True)):
            with closing(self._run(group, again)) as results:
                for task, result in zip(group, results, strict=True):
                    file = self._files[task.input.name]
                    file.made = file.made or result.status == "done"
                    if isinstance(result.cause, InputError):
                        file.failed = result
                    else:
                        yield replace(result, notes=self._untold(result.notes))

    def _accept(
        self, known: Sequence[Input], new: Sequence[Input]
    ) -> tuple[list[Task], dict[str, UsageError]]:
        """Tasks for the new inputs; by name, those whose outputs would clash."""
        try:
            return list(self._plan([*known, *new]))[len(known) :], {}
        except UsageError as error:
            if len(new) == 1:
                return [], {new[0].name: error}
        half = len(new) // 2
        tasks, refused = self._accept(known, new[:half])
        more, others = self._accept([*known, *(task.input for task in tasks)], new[half:])
        return [*tasks, *more], {**refused, **others}

    def _untold(self, notes: Sequence[str]) -> list[str]:
        if len(self._told) > MOST_TOLD:
            self._told.clear()
        fresh = [line for line in notes if line not in self._told]
        self._told.update(fresh)
        return fresh


def _status(path: Path | None) -> os.stat_result | None:
    try:
        return None if path is None else path.stat()
    except (OSError, ValueError):
        return None


def still_for(path: Path, status: os.stat_result, watched: float) -> float:
    """Seconds for which nobody has written to a file, 0 while somebody has it open for writing.

    Args:
        status: of the file, now.
        watched: seconds for which its size and time are known to have stayed.

    Returns:
        Where it is certain that nobody writes, more than ``watched``: the file's age, or infinity
        if it was renamed, or given its time, after the last byte.
    """
    match is_being_written(path, status):
        case True:
            return 0.0
        case False:
            # Writing sets both times; only another act, such as a rename, sets the first alone.
            moved = status.st_ctime_ns > status.st_mtime_ns
            return math.inf if moved else max(watched, time.time() - status.st_mtime)
    return watched


def is_being_written(path: Path, status: os.stat_result) -> bool | None:
    """Whether any process has a file open for writing; None where the system does not tell.

    Linux tells of the user's own files on local disks: it grants a read lease of a file that nobody
    writes, and of no other (fcntl(2), F_SETLEASE). The lease is given back at once.
    """
    if not hasattr(fcntl, "F_SETLEASE") or not stat.S_ISREG(status.st_mode):
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # Who opens it for writing meanwhile makes us a signal: one that does nothing.
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
