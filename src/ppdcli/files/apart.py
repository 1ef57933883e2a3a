"""A process of its own for libraries that a damaged file can crash, or keep busy for ever."""

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
"""For a file, once the process is up; a sound one takes a fraction of it on a busy machine, too."""


class Apart:
    """Calls functions in a process that is kept for the next call, and replaced when it dies."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: Any = None
        self._connection: Connection | None = None

    def call(self, function: Callable[[Path], Any], path: Path, seconds: float = SECONDS) -> Any:
        """``function(path)``; what it returns and raises must be fit for pickling.

        Raises:
            ValueError: the process has died, or has not answered in time.
            Exception: what the function raises.
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
            except BaseException:  # Ctrl-C: the answer would be taken for that of the next call
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
        self._connection.recv()  # it is up, however long that takes
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
                error.__cause__ = error.__context__ = None  # of types that may not be picklable
                answer = (False, error)
            connection.send(answer)
