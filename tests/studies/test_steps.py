"""Solvers of the flow, and the table that compares them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ppdcli import load
from ppdcli.evaluation import synthetic
from ppdcli.models.flow import T, timesteps
from studies import steps
from studies.steps import Method, Step, euler, evaluate, heun, midpoint, table


def error(step: Step, count: int) -> float:
    """Of x_0 where the velocity is x itself: x_0 = x_T / e."""
    times = [T * (count - k) / count for k in range(count)]
    x = Method("", step, times).sample(lambda x, t: x, torch.ones(1, dtype=torch.float64))
    return abs(float(x) - math.exp(-1))


@pytest.mark.parametrize(("step", "order"), [(euler, 1), (heun, 2), (midpoint, 2)])
def test_the_order_of_a_solver(step: Step, order: int) -> None:
    """Twice as many steps leave half the error, or a quarter of it."""
    assert error(step, 64) / error(step, 128) == pytest.approx(2**order, rel=0.1)


@pytest.mark.parametrize(("step", "calls"), [(euler, 3), (heun, 5), (midpoint, 6)])
def test_calls_of_the_network_and_where(step: Step, calls: int) -> None:
    asked: list[float] = []

    def velocity(x: Tensor, t: float) -> Tensor:
        asked.append(t)
        return torch.zeros_like(x)

    Method("", step, [1000.0, 600.0, 300.0]).sample(velocity, torch.ones(1))
    assert len(asked) == calls
    assert min(asked) > 0, "a network that predicts x_0 has no velocity there"


@pytest.mark.parametrize("step", [euler, heun, midpoint])
def test_a_straight_line_takes_one_step(step: Step) -> None:
    x = Method("", step, [1000.0]).sample(lambda x, t: torch.full_like(x, 3.0), torch.ones(1))
    assert float(x) == -2


def test_euler_is_what_the_predictor_does(
    random_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synthetic, "SHAPE", (64, 96))
    predictor = load("ppd-tiny", checkpoint=random_checkpoint, device="cpu")
    frame = synthetic.entries(1)[0].load()
    sampler = steps.Sampler(predictor, frame.photo)
    depth = sampler.depth(Method("", euler, timesteps(3)))
    expected = predictor.predict(frame.photo, steps=3).values
    # Two orders of the same float32 sums; random weights make values of 3 and more.
    np.testing.assert_allclose(depth, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    assert sampler.calls == 3


def test_the_table_of_a_model(random_checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "SHAPE", (64, 96))
    predictor = load("ppd-tiny", checkpoint=random_checkpoint, device="cpu")
    methods = [Method("one", euler, timesteps(1)), Method("two", midpoint, timesteps(2))]
    first, means = list(evaluate(predictor, 2, methods))
    assert [row.calls for row in means.values()] == [1, 4]
    assert first["one"].scores != means["one"].scores != means["two"].scores
    head, one, two = table(means)
    assert head.split()[:4] == ["calls", "ms", "AbsRel", "d1"]
    assert one.split()[:2] == ["one", "1"] and two.split()[:2] == ["two", "4"]
    assert f"{means['two'].scores[0]:.4f}" in two


def test_every_way_starts_from_noise_with_a_name_of_its_own() -> None:
    assert len({method.name for method in steps.METHODS}) == len(steps.METHODS)
    assert all(method.times[0] == pytest.approx(T, abs=1e-6) for method in steps.METHODS)
