"""The time that a training has used, and the phase and learning rate that follow from it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from ppdcli.training.recipe import Phase, Rate

LONGEST_STEP = 60.0  # seconds; a longer gap means that the machine was suspended


class Clock:
    """Counts the seconds that a training uses, without pauses and jumps of the system clock.

    Args:
        total: Seconds that the training may use.
        used: Seconds that it has used already.
        now: Returns the time in seconds; it never runs backwards.
    """

    def __init__(
        self, total: float, used: float = 0.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.total, self.used, self._now = total, used, now
        self._last = now()

    def tick(self) -> None:
        """Adds the time since the last call."""
        now = self._now()
        self.used += min(max(now - self._last, 0.0), LONGEST_STEP)
        self._last = now

    def skip(self) -> None:
        """Skips the time since the last call, in which nothing was trained."""
        self._last = self._now()

    @property
    def share(self) -> float:
        """The share of the time that is used, 0 to 1."""
        return min(self.used / self.total, 1.0)


def current_phase(phases: Sequence[Phase], share: float) -> int | None:
    """Returns the index of the phase that runs at this share of the time; None at the end."""
    end = 0.0
    for number, phase in enumerate(phases):
        end += phase.share
        if share < end - 1e-9:
            return number
    return None


def cosine_decay(done: float) -> float:
    """Returns the factor of a learning rate after a share of its time: from 1 down to 0.01."""
    return max(0.5 * (1 + math.cos(math.pi * done)), 0.01)


def learning_rate(
    rate: Rate, phases: Sequence[Phase], part: str, share: float, steps: int
) -> float:
    """Returns the learning rate of a part: a warm-up, then a cosine over the part's own time.

    Args:
        share: Share of the training time that is used.
        steps: Number of steps in which the part has learned.
    """
    begin = own = done = 0.0
    for phase in phases:
        if part in phase.trains:
            own += phase.share
            done += min(max(share - begin, 0.0), phase.share)
        begin += phase.share
    return rate.highest * cosine_decay(done / own) * min(1.0, (steps + 1) / max(rate.warmup, 1))
