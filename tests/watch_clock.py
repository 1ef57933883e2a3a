"""Time for tests of ``--watch``: it passes only while the program sleeps, and things happen in it.

A test that sets it as the ``time`` of ``ppdcli.jobs.watch`` waits for nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path


class EndOfTestError(Exception):
    """The time of the test is over."""


class Clock:
    """``monotonic`` starts at 0.

    Attributes:
        events: what happens when; each once.
        end: the time at which ``sleep`` raises ``over``.
    """

    def __init__(self, end: float, over: type[BaseException] = EndOfTestError) -> None:
        self.now = 0.0
        self.end, self.over = end, over
        self.events: list[tuple[float, Callable[[], object]]] = []
        self._start = time.time() + 1000  # files that it dates are younger than their last change

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self._start + self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        due = [event for event in self.events if event[0] <= self.now]
        self.events = [event for event in self.events if event[0] > self.now]
        for _, happen in sorted(due, key=lambda event: event[0]):
            happen()
        if self.now >= self.end:
            raise self.over

    def at(self, when: float, happen: Callable[[], object]) -> None:
        self.events.append((when, happen))

    def write(self, path: Path, content: bytes) -> None:
        """A file that was written just now."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (self.time(), self.time()))
