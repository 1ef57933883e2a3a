"""Runs libraries in another process, because a damaged file can crash them or make them hang."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ppdcli.processes import ignoring_interrupts

SECONDS = 120.0
"""Time limit for one file. A sound file takes a fraction of it, even on a busy machine."""


class Apart:
    """Calls functions in another process. The process is kept for the next call, or replaced."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: Any = None
        self._connection: Connection | None = None

    def call(self, function: Callable[[Path], Any], path: Path, seconds: float = SECONDS) -> Any:
        """Returns ``function(path)``. Its results and errors must be picklable.

        Raises:
            ValueError: the process has died, or has not answered in time.
            Exception: whatever the function raises.
        """
        with self._lock:
            try:
                connection = self._connection or self._start()
                connection.send((function, path))
                if not connection.poll(seconds):
                    raise TimeoutError
                done, result = connection.recv()
            except TimeoutError:
                self._end()
                raise ValueError(f"it has kept its reader busy for {seconds:g} seconds") from None
            except (EOFError, OSError):
                self._end()
                raise ValueError("it has crashed its reader") from None
            except BaseException:  # after Ctrl-C, the next call would get this call's answer
                self._end()
                raise
        if done:
            return result
        raise result

    def _start(self) -> Connection:
        context = get_context("spawn")
        self._connection, its_end = context.Pipe()
        self._process = context.Process(target=_serve, args=(its_end,), daemon=True)
        with ignoring_interrupts():
            self._process.start()
        its_end.close()
        self._connection.recv()  # the process has started; this may take long
        return self._connection

    def _end(self) -> None:
        self._process.kill()
        self._process.join()
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def _serve(connection: Connection) -> None:
    """Answers calls until the other end is closed."""
    with suppress(EOFError, OSError):
        connection.send("up")
        while True:
            function, path = connection.recv()
            try:
                answer = (True, function(path))
            except Exception as error:
                error.__cause__ = error.__context__ = None  # they may not be picklable
                answer = (False, error)
            connection.send(answer)
