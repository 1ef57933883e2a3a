from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from parity import Golden, ParityRecord

from ppdcli.models.flow import T, euler_sample, euler_step, interpolate, timesteps, warm_start

GOLDEN = Golden("schedule")


@pytest.mark.parametrize("steps", [1, 2, 4, 10, 20, 50])
def test_timestep_table_parity(steps: int, parity: ParityRecord) -> None:
    table = timesteps(steps)
    parity.check_exact(GOLDEN, f"out.timesteps_{steps}", table, "timesteps")
    parity.check_exact(GOLDEN, f"out.next_{steps}", [*table[1:], -1], "timesteps")


def test_every_step_count_has_its_entries() -> None:
    for steps in range(1, T + 1):
        table = timesteps(steps)
        assert len(table) == steps
        assert table[0] == T
        assert table[-1] >= 0
        assert all(a > b for a, b in pairwise(table))


@pytest.mark.parametrize("steps", [0, -3, 1001])
def test_impossible_step_counts_are_refused(steps: int) -> None:
    with pytest.raises(ValueError, match=str(steps)):
        timesteps(steps)


def test_shifted_times_crowd_towards_one_end() -> None:
    assert timesteps(4, 1.0) == timesteps(4)
    assert timesteps(2, 3) == pytest.approx([1000, 750], abs=1)
    assert timesteps(2, 1 / 3) == pytest.approx([1000, 250], abs=1)
    assert timesteps(4, 0.1) == pytest.approx([1000, 231, 91, 32], abs=1)


def test_interpolation_parity(parity: ParityRecord) -> None:
    x_t = interpolate(*(GOLDEN.tensor(f"in.{name}") for name in ("x0", "xT", "t")))
    parity.check_relative(GOLDEN, "out.forward", x_t, "interpolation")


def test_euler_parity(parity: ParityRecord) -> None:
    x, velocity = GOLDEN.tensor("in.x0"), GOLDEN.tensor("in.pred")
    table = timesteps(int(GOLDEN["in.step_count"]))
    stepped = [
        euler_step(x[:1], velocity[:1], t, s) for t, s in zip(table, [*table[1:], 0], strict=True)
    ]
    parity.check_relative(GOLDEN, "out.euler_step", torch.stack(stepped), "Euler step")

    times = GOLDEN["in.t"].tolist()
    for key, end in (("out.pred_x0", 0), ("out.pred_xT", T)):
        ends = [euler_step(x[i], velocity[i], t, end) for i, t in enumerate(times)]
        parity.check_relative(GOLDEN, key, torch.stack(ends), "Euler step")


@pytest.mark.parametrize("steps", [1, 4, 29, 1000])
def test_the_true_velocity_leads_to_x0(steps: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x0 = torch.randn((2, 1, 4, 4), generator=generator)
    noise = torch.randn((2, 1, 4, 4), generator=generator)
    result = euler_sample(lambda x_t, t: noise - x0, noise, timesteps(steps))
    torch.testing.assert_close(result, x0, atol=1e-4, rtol=0)


def test_the_sampler_asks_at_the_timesteps_and_reports_each_step() -> None:
    asked: list[list[float]] = []
    done: list[int] = []

    def velocity(x_t: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        asked.append(t.tolist())
        return torch.zeros_like(x_t)

    euler_sample(velocity, torch.zeros(2, 1, 4, 4), timesteps(4), done.append)
    assert asked == [[t] for t in (1000, 750, 500, 249)]
    assert done == [1, 2, 3, 4]


def test_a_warm_start_leaves_out_half_of_the_steps() -> None:
    guess, noise = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)
    left, x_t = warm_start(timesteps(4), guess, noise)
    assert list(left) == [500, 249]
    assert torch.equal(x_t, torch.full((1, 1, 2, 2), 0.5))
    assert list(warm_start(timesteps(1), guess, noise)[0]) == [1000]


def test_a_right_guess_stays() -> None:
    """With the true velocity, sampling from the point between guess and noise gives the guess."""
    guess, noise = torch.rand(1, 1, 4, 4), torch.randn(1, 1, 4, 4)
    left, x_t = warm_start(timesteps(6), guess, noise)
    x_0 = euler_sample(lambda x, t: noise - guess, x_t, left)
    torch.testing.assert_close(x_0, guess)
