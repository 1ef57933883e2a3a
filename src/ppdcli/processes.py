"""Starting processes that only their parent ends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ignoring_interrupts() -> Iterator[None]:
    """Processes started inside do not hear Ctrl-C, which is their parent's to answer."""
    if threading.current_thread() is not threading.main_thread():
        yield  # where signals cannot be set
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class StopRequest:
    """Whether the user, or the system, has asked this process to stop.

    Attributes:
        requested: set by the first SIGINT (Ctrl-C) or SIGTERM.
        number: of that signal.
    """

    def __init__(self) -> None:
        self.requested = False
        self.number = 0

    def note(self, number: int, _frame: object) -> None:
        """Handles a signal; a second Ctrl-C stops at once."""
        if self.requested:
            raise KeyboardInterrupt
        self.requested, self.number = True, number


@contextmanager
def noting_stops() -> Iterator[StopRequest]:
    """Inside, Ctrl-C and SIGTERM are noted, so that the work can end where nothing is lost."""
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
