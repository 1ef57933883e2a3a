"""Processes and signals."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ignoring_interrupts() -> Iterator[None]:
    """Processes that are started inside ignore Ctrl-C. Their parent handles it."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set signal handlers
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def collection_paused() -> Iterator[None]:
    """Python looks for no garbage inside: an import makes much that stays, and little garbage."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class StopRequest:
    """Whether the user, or the system, has asked this process to stop.

    Attributes:
        requested: True after the first SIGINT (Ctrl-C) or SIGTERM.
        number: The number of that signal.
    """

    def __init__(self) -> None:
        self.requested = False
        self.number = 0

    def note(self, number: int, _frame: object) -> None:
        """Handles a signal. A second Ctrl-C stops at once."""
        if self.requested:
            raise KeyboardInterrupt
        self.requested, self.number = True, number


@contextmanager
def noting_stops() -> Iterator[StopRequest]:
    """Inside, Ctrl-C and SIGTERM are only noted, so that the work can end without a loss."""
    stop = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {
        number: signal.signal(number, stop.note) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
