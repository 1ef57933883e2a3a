"""The pipeline by itself: order, bounds, groups, errors, ends."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import pytest

from ppdcli.pipeline import Finished, Stages, run_stages

LIMIT = 120.0  # seconds after which a run hangs


def no_key(_: int) -> Hashable:
    return 0


@dataclass
class Watched:
    """Stages that double numbers, and see how much is under way."""

    reading: Callable[[int], Any] = lambda n: n
    computing: Callable[[int], Any] = lambda n: n
    finishing: Callable[[int], Any] = lambda n: n
    key: Callable[[int], Hashable] = no_key
    most: int = 1
    weight: Callable[[int], int] = lambda n: 1
    groups: list[list[int]] = field(default_factory=list)
    under_way: int = 0
    peak: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def compute(self, group: list[tuple[int, int]]) -> list[Any]:
        self.groups.append([item for item, _ in group])
        with self.lock:
            self.under_way += sum(self.weight(item) for item, _ in group)
            self.peak = max(self.peak, self.under_way)
        answers = [self.computing(item) for item, _ in group]
        for (item, _), answer in zip(group, answers, strict=True):
            if isinstance(answer, Finished):
                self._gone(item)
        return answers

    def finish(self, item: int, loaded: int, computed: int) -> int:
        self.finishing(item)
        self._gone(item)
        return 2 * computed

    def _gone(self, item: int) -> None:
        with self.lock:
            self.under_way -= self.weight(item)

    def run(self, count: int, budget: int = 8, readers: int = 3, finishers: int = 3) -> list[int]:
        stages: Stages[int, int, int, int] = Stages(
            self.reading, self.weight, self.key, lambda _: self.most, self.compute, self.finish
        )
        return list(run_stages(range(count), stages, budget, readers, finishers))


def in_time(call: Callable[[], Any]) -> Any:
    """The call's result, or its exception; fails if it hangs."""
    answers: list[Any] = []

    def target() -> None:
        try:
            answers.append(call())
        except BaseException as error:
            answers.append(error)

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    thread.join(LIMIT)
    assert answers, "it hangs"
    return answers[0]


def a_moment(_: int) -> int:
    time.sleep(random.random() * 0.003)
    return 7


@pytest.mark.parametrize("budget", [0, 1, 3, 1000])
@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("most", [1, 4])
def test_results_are_complete_and_in_order(budget: int, threads: int, most: int) -> None:
    watched = Watched(finishing=a_moment, key=lambda n: n % 3, most=most)
    results = in_time(lambda: watched.run(60, budget, threads, threads))
    assert results == [2 * n for n in range(60)]
    assert sorted(n for group in watched.groups for n in group) == list(range(60))
    assert all(len({n % 3 for n in group}) == 1 for group in watched.groups)
    assert max(map(len, watched.groups)) <= most


def test_no_items_are_no_results() -> None:
    assert in_time(lambda: Watched().run(0)) == []


def test_what_is_under_way_is_bounded_by_its_weight() -> None:
    watched = Watched(finishing=a_moment, weight=lambda n: 10)
    in_time(lambda: watched.run(80, budget=45))
    assert watched.peak <= 40


def test_one_item_is_under_way_even_if_it_is_too_heavy() -> None:
    watched = Watched(weight=lambda n: 100)
    assert in_time(lambda: watched.run(20, budget=45)) == [2 * n for n in range(20)]
    assert watched.peak == 100


def test_an_item_heavier_than_those_before_waits_until_there_is_room() -> None:
    watched = Watched(finishing=a_moment, weight=lambda n: 60 if n % 10 == 9 else 1)
    assert in_time(lambda: watched.run(100, budget=80, readers=4)) == [2 * n for n in range(100)]
    assert 60 <= watched.peak <= 80


def test_groups_are_full_when_enough_waits() -> None:
    all_read = threading.Event()

    def read(n: int) -> int | Finished:
        if n < 12:
            return n
        all_read.set()  # the one reader has handed over those before
        return Finished(-1)

    watched = Watched(reading=read, key=lambda n: n % 2, most=3)
    compute = watched.compute

    def wait(group: list[tuple[int, int]]) -> list[Any]:
        assert all_read.wait(LIMIT)
        return compute(group)

    watched.compute = wait  # type: ignore[method-assign]
    in_time(lambda: watched.run(13, budget=100, readers=1))
    # The first was chosen when perhaps not all were there.
    for group in watched.groups[1:]:
        assert len(group) == 3 or group[-1] in (10, 11)


def test_stages_may_finish_an_item_early() -> None:
    watched = Watched(
        reading=lambda n: Finished(-1) if n % 3 == 0 else n,
        computing=lambda n: Finished(-2) if n % 3 == 1 else n,
        most=4,
    )
    results = in_time(lambda: watched.run(30, budget=2))
    assert results == [(-1, -2, 2 * n)[n % 3] for n in range(30)]
    assert watched.under_way == 0


@pytest.mark.parametrize("stage", ["reading", "computing", "finishing", "key", "weight"])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("when", [0, 13, 29])
def test_an_exception_in_any_stage_is_the_runs(
    stage: str, error: type[BaseException], when: int
) -> None:
    def fail(n: int) -> int:
        if n == when:
            raise error("here")
        return n

    before = threading.active_count()
    watched = Watched(most=2, **{stage: fail})
    assert isinstance(in_time(lambda: watched.run(30, budget=4)), error)
    assert _soon(lambda: threading.active_count() <= before)


def test_closing_ends_the_threads() -> None:
    before = threading.active_count()
    stages: Stages[int, int, int, int] = Stages(
        lambda n: n,
        lambda n: 1,
        no_key,
        lambda n: 1,
        lambda g: [n for n, _ in g],
        lambda i, n, c: c,
    )
    results = run_stages(range(1000), stages, 5, 2, 2)
    assert next(results) == 0
    assert threading.active_count() > before
    results.close()
    assert _soon(lambda: threading.active_count() <= before)


def test_a_thread_that_is_stuck_does_not_hold_up_the_end() -> None:
    release = threading.Event()

    def stuck(n: int) -> int:
        if n == 1:
            release.wait(LIMIT)
        return n

    def fail(n: int) -> int:
        raise ValueError

    try:
        assert isinstance(
            in_time(lambda: Watched(reading=stuck, computing=fail).run(3)), ValueError
        )
    finally:
        release.set()


def _soon(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + LIMIT
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()
