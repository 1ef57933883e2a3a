"""Reading, computing and finishing at the same time, in bounded memory, results in order.

Threads read ahead and finish behind; the caller's own thread computes, since that is where a
graphics card's context and Ctrl-C live. What an item is made of is not known here.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

THREAD_NAME = "ppd-pipeline"
GRACE_SECONDS = 0.3  # for threads to end when a run ends early

I = TypeVar("I")  # noqa: E741  an item
L = TypeVar("L")  # what it is read as
C = TypeVar("C")  # what is computed of it
R = TypeVar("R")  # its result


@dataclass(frozen=True)
class Finished(Generic[R]):
    """Said by a stage: the item's result is here, and the later stages have nothing to do."""

    result: R


@dataclass(frozen=True)
class Stages(Generic[I, L, C, R]):
    """What is done with an item. Any exception ends the whole run.

    Attributes:
        read: on a reader's thread.
        weight: bytes that an item takes from when it is read until it is finished.
        key: items of equal keys may be computed together.
        most: how many of an item's key together.
        compute: of items with equal keys, on the caller's thread; one answer each.
        finish: on a finisher's thread.
    """

    read: Callable[[I], L | Finished[R]]
    weight: Callable[[L], int]
    key: Callable[[L], Hashable]
    most: Callable[[L], int]
    compute: Callable[[list[tuple[I, L]]], Sequence[C | Finished[R]]]
    finish: Callable[[I, L, C], R]


def run_stages(
    items: Sequence[I],
    stages: Stages[I, L, C, R],
    budget: int,
    readers: int,
    finishers: int,
) -> Generator[R, None, None]:
    """One result an item, in the order of the items, as soon as those before it are there.

    What is under way weighs ``budget`` bytes at most, but one item always is, and the readers may
    each hold another that they have just read. Items are read in order, and the oldest that waits
    is computed next, with others of its key that wait, so that nothing waits for long.

    Closing the iterator, or an exception, ends the threads. Those that are busy end after what
    they are doing, which is not waited for: see ``threads_are_busy``.

    Raises:
        BaseException: what a stage raised.
    """
    shared: _Shared[I, L, C, R] = _Shared(items, stages, budget)
    threads = [
        threading.Thread(target=shared.serve, args=(turn,), name=THREAD_NAME, daemon=True)
        for turn, count in ((shared.read_one, readers), (shared.finish_one, finishers))
        for _ in range(count)
    ]
    try:
        for thread in threads:
            thread.start()
        for index in range(len(items)):
            while (result := shared.result(index)) is None:
                shared.compute_some(index)
            yield result.result
        shared.stop()
        for thread in threads:  # which have nothing to do any more
            thread.join()
    finally:
        shared.stop()
        end = time.monotonic() + GRACE_SECONDS
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(0, end - time.monotonic()))


def threads_are_busy() -> bool:
    """Whether threads of a run that has ended early are still at work."""
    return any(thread.name.startswith(THREAD_NAME) for thread in threading.enumerate())


@dataclass
class _Shared(Generic[I, L, C, R]):
    """What the threads share, under the lock of ``changed``."""

    items: Sequence[I]
    stages: Stages[I, L, C, R]
    budget: int
    changed: threading.Condition = field(default_factory=threading.Condition)
    next: int = 0
    reading: int = 0
    heaviest: int = 0
    held: int = 0  # bytes
    waiting: dict[int, L] = field(default_factory=dict)  # read, in any order
    computed: deque[tuple[int, L, C]] = field(default_factory=deque)
    results: dict[int, Finished[R]] = field(default_factory=dict)
    error: BaseException | None = None
    stopping: bool = False

    def serve(self, turn: Callable[[], bool]) -> None:
        """A thread: takes turns until there are none."""
        try:
            while turn():
                pass
        except BaseException as error:
            with self.changed:
                self.error = self.error or error
                self.changed.notify_all()

    def stop(self) -> None:
        with self.changed:
            self.stopping = True
            self.changed.notify_all()

    def read_one(self) -> bool:
        with self.changed:
            self.changed.wait_for(
                lambda: self.stopping or self.next == len(self.items) or self._room()
            )
            if self.stopping or self.next == len(self.items):
                return False
            index = self.next
            self.next += 1
            self.reading += 1
        loaded = self.stages.read(self.items[index])
        weight = 0 if isinstance(loaded, Finished) else self.stages.weight(loaded)
        with self.changed:
            # Heavier than expected: it waits with what reading took alone.
            self.changed.wait_for(
                lambda: self.stopping or not self.held or self.held + weight <= self.budget
            )
            self.reading -= 1
            if isinstance(loaded, Finished):
                self.results[index] = loaded
            else:
                self.heaviest = max(self.heaviest, weight)
                self.held += weight
                self.waiting[index] = loaded
            self.changed.notify_all()
        return True

    def _room(self) -> bool:
        """Whether to read on, by what the heaviest item so far weighed."""
        idle = not self.held and not self.reading
        return idle or self.held + (self.reading + 1) * self.heaviest <= self.budget

    def finish_one(self) -> bool:
        with self.changed:
            self.changed.wait_for(lambda: self.stopping or bool(self.computed))
            if self.stopping:
                return False
            index, loaded, computed = self.computed.popleft()
        result = self.stages.finish(self.items[index], loaded, computed)
        with self.changed:
            self._done(index, loaded, Finished(result))
        return True

    def _done(self, index: int, loaded: L, result: Finished[R]) -> None:
        self.held -= self.stages.weight(loaded)
        self.results[index] = result
        self.changed.notify_all()

    def result(self, index: int) -> Finished[R] | None:
        """The item's result if it is there, and nothing has gone wrong."""
        with self.changed:
            if self.error is not None:
                raise self.error
            return self.results.pop(index, None)

    def compute_some(self, wanted: int) -> None:
        """Computes what has waited longest; returns when the result wanted may be there."""
        with self.changed:
            self.changed.wait_for(
                lambda: self.error is not None or wanted in self.results or bool(self.waiting)
            )
            if self.error is not None or wanted in self.results:
                return
            indices = sorted(self.waiting)
        # Without the lock: only this thread takes away what waits.
        chosen = self._group(indices)
        loaded = [self.waiting[index] for index in chosen]
        pairs = [(self.items[index], item) for index, item in zip(chosen, loaded, strict=True)]
        answers = self.stages.compute(pairs)
        with self.changed:
            for index, item, answer in zip(chosen, loaded, answers, strict=True):
                del self.waiting[index]
                if isinstance(answer, Finished):
                    self._done(index, item, answer)
                else:
                    self.computed.append((index, item, answer))
            self.changed.notify_all()

    def _group(self, indices: list[int]) -> list[int]:
        """The first index and those like it, as many as go together."""
        first = self.waiting[indices[0]]
        most, key = self.stages.most(first), self.stages.key(first)
        group = indices[:1]
        for index in indices[1:]:
            if len(group) >= most:
                break
            if self.stages.key(self.waiting[index]) == key:
                group.append(index)
        return group
