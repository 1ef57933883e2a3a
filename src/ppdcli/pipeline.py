"""A pipeline of three stages that run at the same time, in bounded memory, with results in order.

Some threads read items ahead, others finish them. The thread of the caller computes, because the
context of a graphics card and Ctrl-C belong to it. The pipeline does not know what an item is.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from ppdcli.machine import cores, usable_memory

THREAD_NAME = "ppd-pipeline"
GRACE_SECONDS = 0.3  # that threads have to end when a run ends early
BUDGET = 4 << 30  # bytes of items in the pipeline at most, and
SHARE_OF_MEMORY = 4  # a quarter of the machine's memory
MOST_THREADS = 8  # that read, or that finish

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


class Limits(NamedTuple):
    """What a pipeline may take of the machine.

    Attributes:
        budget: bytes of the items in it.
        readers, finishers: threads.
    """

    budget: int
    readers: int
    finishers: int


def limits_here(sharers: int = 1) -> Limits:
    """The limits on this machine, where so many processes share its memory and cores."""
    memory = usable_memory()
    budget = BUDGET // 2 if memory is None else min(BUDGET, memory // SHARE_OF_MEMORY)
    threads = max(1, min(MOST_THREADS, cores() // sharers))
    return Limits(budget // sharers, max(1, threads // 2), threads)


def run_stages(
    items: Iterable[I],
    stages: Stages[I, L, C, R],
    budget: int,
    readers: int,
    finishers: int,
) -> Generator[R, None, None]:
    """Yields one result for each item, in the order of the items.

    The items in the pipeline take at most ``budget`` bytes. One item is always allowed, and each
    reader may hold one more that it has just read. Items are taken one by one, on a reader's
    thread, when there is room for one more; taking one may block. The oldest waiting item is
    computed next, in a batch with others of its key, so that no item waits long.

    Closing the iterator, or an exception, ends the threads. A busy thread first finishes what it is
    doing; nobody waits for that (see ``threads_are_busy``).

    Raises:
        BaseException: Whatever a stage raised.
    """
    shared: _Shared[I, L, C, R] = _Shared(iter(items), stages, budget)
    threads = [
        threading.Thread(target=shared.serve, args=(turn,), name=THREAD_NAME, daemon=True)
        for turn, count in ((shared.read_one, readers), (shared.finish_one, finishers))
        for _ in range(count)
    ]
    try:
        for thread in threads:
            thread.start()
        index = 0
        while not shared.ended(index):
            while (result := shared.result(index)) is None and not shared.ended(index):
                shared.compute_some(index)
            if result is not None:
                yield result.result
                index += 1
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

    items: Iterator[I]
    stages: Stages[I, L, C, R]
    budget: int
    changed: threading.Condition = field(default_factory=threading.Condition)
    taking: threading.Lock = field(default_factory=threading.Lock)  # of items, one at a time
    taken: int = 0
    exhausted: bool = False
    under_way: dict[int, I] = field(default_factory=dict)  # taken, and without a result
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
            self.changed.wait_for(lambda: self.stopping or self.exhausted or self._room())
            if self.stopping or self.exhausted:
                return False
            self.reading += 1
        number = self._take()
        if number is None:
            return False
        loaded = self.stages.read(self.under_way[number])
        weight = 0 if isinstance(loaded, Finished) else self.stages.weight(loaded)
        with self.changed:
            # If it is heavier than expected, it waits here.
            self.changed.wait_for(
                lambda: self.stopping or not self.held or self.held + weight <= self.budget
            )
            self.reading -= 1
            if isinstance(loaded, Finished):
                self._has_result(number, loaded)
            else:
                self.heaviest = max(self.heaviest, weight)
                self.held += weight
                self.waiting[number] = loaded
            self.changed.notify_all()
        return True

    def _take(self) -> int | None:
        """Takes the next item and returns its number; None if there is no other."""
        with self.taking:
            for item in self.items:
                with self.changed:
                    self.under_way[self.taken] = item
                    self.taken += 1
                    return self.taken - 1
            with self.changed:
                self.exhausted = True
                self.reading -= 1
                self.changed.notify_all()
        return None

    def ended(self, number: int) -> bool:
        """Whether there is no item of this number."""
        with self.changed:
            return self.exhausted and number >= self.taken and self.error is None

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
        result = self.stages.finish(self.under_way[index], loaded, computed)
        with self.changed:
            self._done(index, loaded, Finished(result))
        return True

    def _done(self, index: int, loaded: L, result: Finished[R]) -> None:
        self.held -= self.stages.weight(loaded)
        self._has_result(index, result)
        self.changed.notify_all()

    def _has_result(self, index: int, result: Finished[R]) -> None:
        del self.under_way[index]
        self.results[index] = result

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
                lambda: (
                    self.error is not None
                    or wanted in self.results
                    or bool(self.waiting)
                    or (self.exhausted and wanted >= self.taken)
                )
            )
            if self.error is not None or wanted in self.results or not self.waiting:
                return
            indices = sorted(self.waiting)
        # No lock is needed: only this thread removes waiting items.
        chosen = self._group(indices)
        loaded = [self.waiting[index] for index in chosen]
        pairs = [(self.under_way[index], item) for index, item in zip(chosen, loaded, strict=True)]
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
