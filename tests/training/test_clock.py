"""The training's clock, its phases, and the learning rates that follow it."""

from __future__ import annotations

import math

import pytest

from ppdcli.training.clock import LONGEST_STEP, Clock, current_phase, learning_rate
from ppdcli.training.recipe import Phase, Rate


def phase(share: float, *trains: str) -> Phase:
    return Phase(share, trains, batch=8, gpu_batch=8, areas=(1024,))


PHASES = (phase(0.25, "pyramid"), phase(0.25, "diffusion"), phase(0.5, "pyramid", "backbone"))


def test_only_time_between_ticks_is_counted() -> None:
    times = iter([100.0, 103.0, 113.0, 114.0])
    clock = Clock(10, used=1, now=lambda: next(times))
    clock.tick()
    assert clock.used == 4
    clock.skip()
    clock.tick()
    assert clock.used == 5 and clock.share == 0.5


@pytest.mark.parametrize(("gap", "counted"), [(1e6, LONGEST_STEP), (-50.0, 0.0)])
def test_a_jump_of_the_time_does_not_end_the_training(gap: float, counted: float) -> None:
    times = iter([1000.0, 1000.0 + gap])
    clock = Clock(3600, now=lambda: next(times))
    clock.tick()
    assert clock.used == counted


@pytest.mark.parametrize(
    ("share", "number"), [(0, 0), (0.24, 0), (0.25, 1), (0.49, 1), (0.5, 2), (0.999, 2), (1, None)]
)
def test_phases_follow_the_share_of_time(share: float, number: int | None) -> None:
    assert current_phase(PHASES, share) == number


def test_a_rate_warms_up_then_falls_over_the_parts_own_phases() -> None:
    rate = Rate(2.0, warmup=10)
    rates = [learning_rate(rate, PHASES, "pyramid", s, 100) for s in (0, 0.125, 0.25, 0.5, 0.75, 1)]
    # The pyramid has the first quarter and the last half: three quarters in all.
    done = [0, 1 / 6, 1 / 3, 1 / 3, 2 / 3, 1]
    expected = [2 * max(0.5 * (1 + math.cos(math.pi * d)), 0.01) for d in done]
    assert rates == pytest.approx(expected)
    assert learning_rate(rate, PHASES, "pyramid", 0, 4) == pytest.approx(1.0)
    assert learning_rate(rate, PHASES, "backbone", 0.5, 100) == pytest.approx(2.0)
