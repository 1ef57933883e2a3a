"""A pipeline of three stages that run at the same time, in bounded memory, with results in order.

Some threads read items ahead, others finish them. The thread of the caller computes, because the
context of a graphics card and Ctrl-C belong to it. The pipeline does not know what an item is.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

THREAD_NAME = "ppd-pipeline"
GRACE_SECONDS = 0.3  # that threads have to end when a run ends early

I = TypeVar("I")  # noqa: E741  an item
L = TypeVar("L")  # what it is read as
C = TypeVar("C")  # what is computed of it
R = TypeVar("R")  # its result


@dataclass(frozen=True)
class Finished(Generic[R]):
    """Returned by a stage: this is the result of the item, and the later stages are skipped."""

    result: R


@dataclass(frozen=True)
class Stages(Generic[I, L, C, R]):
    """What is done with an item. Any exception ends the whole run.

    Attributes:
        read: Reads an item, on a reader's thread.
        weight: The bytes that an item takes from reading until it is finished.
        key: Items with equal keys may be computed in one batch.
        most: How many items of this key a batch may have.
        compute: Computes items with equal keys on the caller's thread, and returns one answer for
            each.
        finish: Finishes an item, on a finisher's thread.
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
    """Yields one result for each item, in the order of the items.

    The items in the pipeline take at most ``budget`` bytes. One item is always allowed, and each
    reader may hold one more that it has just read. Items are read in order. The oldest waiting item
    is computed next, in a batch with others of its key, so that no item waits long.

    Closing the iterator, or an exception, ends the threads. A busy thread first finishes what it is
    doing; nobody waits for that (see ``threads_are_busy``).

    Raises:
        BaseException: Whatever a stage raised.
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
        for thread in threads:  # they have nothing left to do
            thread.join()
    finally:
        shared.stop()
        end = time.monotonic() + GRACE_SECONDS
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(0, end - time.monotonic()))


def threads_are_busy() -> bool:
    """Whether threads of a run that ended early are still busy."""
    return any(thread.name.startswith(THREAD_NAME) for thread in threading.enumerate())


@dataclass
class _Shared(Generic[I, L, C, R]):
    """The state that the threads share, protected by the lock of ``changed``."""

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
        """The body of a thread: calls ``turn`` until it returns False."""
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
            # If it is heavier than expected, it waits here.
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
        """Whether there is room for one more item, if it is as heavy as the heaviest so far."""
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
        """The result of the item, or None if it is not there yet. Raises what a stage raised."""
        with self.changed:
            if self.error is not None:
                raise self.error
            return self.results.pop(index, None)

    def compute_some(self, wanted: int) -> None:
        """Computes the items that have waited longest, unless the wanted result is there."""
        with self.changed:
            self.changed.wait_for(
                lambda: self.error is not None or wanted in self.results or bool(self.waiting)
            )
            if self.error is not None or wanted in self.results:
                return
            indices = sorted(self.waiting)
        # No lock is needed: only this thread removes waiting items.
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
        """The first index and others with the same key, as many as a batch may have."""
        first = self.waiting[indices[0]]
        most, key = self.stages.most(first), self.stages.key(first)
        group = indices[:1]
        for index in indices[1:]:
            if len(group) >= most:
                break
            if self.stages.key(self.waiting[index]) == key:
                group.append(index)
        return group
