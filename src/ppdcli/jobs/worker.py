"""A worker: one of several processes that share a run."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any, overload

from ppdcli.errors import PpdError
from ppdcli.jobs.order import Order, Target
from ppdcli.jobs.plan import Task
from ppdcli.jobs.run import work_through
from ppdcli.jobs.work import Result

Given = tuple[int, Task]  # a task, with its number
Said = tuple[int, Result] | Exception | None  # a worker's message; None: its model is loaded


class _DismissedError(Exception):
    """The parent process has ended, or does not need this worker any more."""


class _Handed(Sequence[Task]):
    """The tasks that this worker gets. Taking one blocks until it arrives.

    Its length is that of the whole run, because nobody knows how many tasks will come here.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._given: list[Given] = []
        self._ended = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Task: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Task]: ...
    def __getitem__(self, index: int | slice) -> Task | Sequence[Task]:
        assert isinstance(index, int)
        with self._changed:
            self._changed.wait_for(lambda: self._ended or index < len(self._given))
            if index < len(self._given):
                return self._given[index][1]
        raise _DismissedError

    def number(self, index: int) -> int:
        """The number that a task of this worker has in the whole run."""
        return self._given[index][0]

    def receive(self, connection: Connection, dismiss: Callable[[], None]) -> None:
        """Receives tasks until the parent closes the connection or ends."""
        with suppress(EOFError, OSError):
            while True:
                given: Given = connection.recv()
                with self._changed:
                    self._given.append(given)
                    self._changed.notify_all()
        dismiss()

    def end(self) -> None:
        """Ends all waiting for tasks."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()


def serve(connection: Connection, order: Order, target: Target, sharers: int, count: int) -> None:
    """Runs a worker until the parent dismisses it.

    Args:
        connection: Delivers ``Given`` tasks, and takes ``Said`` messages.
        order, target: Those of the whole run.
        sharers: How many processes share this machine.
        count: How many tasks the whole run has.
    """
    try:
        _serve(connection, order, target, sharers, count)
    except _DismissedError:
        pass
    finally:
        os._exit(0)  # a normal exit would crash while threads are busy in a C++ library


def _serve(connection: Connection, order: Order, target: Target, sharers: int, count: int) -> None:
    """Works until the end or an error, which it sends; SIGTERM does not interrupt what follows.

    Raises:
        _DismissedError: The parent dismissed this worker, at any line here.
    """
    hush_libraries()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    handed = _Handed(count)
    thread = threading.Thread(target=handed.receive, args=(connection, _dismiss_self), daemon=True)

    def be_dismissed(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        handed.end()
        raise _DismissedError

    def prepare() -> Any:
        work = order.prepare()
        connection.send(None)
        return work

    try:
        signal.signal(signal.SIGTERM, be_dismissed)
        thread.start()
        own = replace(order, prepare=prepare)
        with closing(work_through(handed, own, target, sharers)) as results:
            for index, result in enumerate(results):
                if result.cause is not None:
                    result.cause.add_note(traceback_of(result.cause))
                connection.send((handed.number(index), result))
    except _DismissedError:
        raise
    except BaseException as error:
        with suppress(OSError):  # the parent may have ended
            connection.send(portable(error))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _dismiss_self() -> None:
    """Interrupts the main thread of this process, whatever it is waiting for."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)  # type: ignore[arg-type]
    else:
        os._exit(0)


def hush_libraries() -> None:
    """Turns off warnings on stderr, as the main process does."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def portable(error: BaseException) -> Exception:
    """The error in a form that can be sent: exceptions of libraries may not be picklable."""
    said = type(error)(str(error)) if isinstance(error, PpdError) else None
    portable = said or RuntimeError(f"{type(error).__name__}: {error}")
    portable.add_note(traceback_of(error))
    return portable


def traceback_of(error: BaseException) -> str:
    """The traceback as text, for -v: it would be lost when the error is sent."""
    return "in a worker process:\n" + "".join(traceback.format_exception(error)).rstrip()
