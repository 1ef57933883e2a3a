"""The fit of relative depth to depths of an unknown unit."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.errors import InputError
from ppdcli.geometry.log_fit import fit_log


def scene(unit: float, count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Relative depth and depth in a unit of 1 / ``unit`` metres."""
    metres = np.random.default_rng(3).uniform(1.5, 12, count)
    return (np.log1p(metres) - 0.4) / 3, metres * unit


@pytest.mark.parametrize("unit", [0.001, 0.37, 1.0, 250.0])
def test_any_unit_is_found_exactly(unit: float) -> None:
    relative, depth = scene(unit)
    fit = fit_log(relative, depth)
    assert fit.agree.all()
    assert np.abs(fit.apply(relative) / depth - 1).max() < 0.03
    assert fit.spread < 0.01


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_outliers_do_not_matter(share: float) -> None:
    relative, depth = scene(2.0)
    rng = np.random.default_rng(1)
    wrong = rng.random(depth.size) < share
    noisy = depth * np.exp(rng.normal(0, 0.01, depth.size))
    noisy[wrong] = rng.uniform(0.5, 40, int(wrong.sum()))
    fit = fit_log(relative, noisy)
    assert np.median(np.abs(fit.apply(relative) / depth - 1)) < 0.015
    assert fit.agree[~wrong].mean() > 0.99
    assert f"{int(fit.agree.sum())} of 400 known depths agree" in fit.describe()


def test_a_few_points_are_enough() -> None:
    relative, depth = scene(0.1, 8)
    assert np.abs(fit_log(relative, depth).apply(relative) / depth - 1).max() < 0.1


def test_equal_seeds_give_equal_fits() -> None:
    relative, depth = scene(1.0, 3000)
    depth[::3] *= 2
    first, second = (fit_log(relative, depth, seed=4) for _ in range(2))
    assert (first.slope, first.intercept) == (second.slope, second.intercept)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda x, d: (x[:5], d[:5]), "overlap at 5 points, and 8 are needed"),
        (lambda x, d: (np.full_like(x, np.nan), d), "overlap at 0 points"),
        (lambda x, d: (x, np.full_like(d, 4.0)), "all at one depth (4 to 4)"),
        (lambda x, d: (np.full_like(x, 0.5), 4 + d / 200), "all at one"),
        (lambda x, d: (x, 14 - d), "does not rise"),
    ],
)
def test_points_that_fix_no_scale_are_refused(spoil, said: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as caught:
        fit_log(*spoil(*scene(1.0)))
    assert said in str(caught.value)


def test_where_there_is_no_relative_depth_there_is_none() -> None:
    relative, depth = scene(1.0)
    fitted = fit_log(relative, depth).apply(np.array([[np.nan, 0.2], [-50.0, 1e6]]))
    assert fitted.dtype == np.float32
    assert np.isnan(fitted[0, 0]) and fitted[0, 1] > 0 and np.isnan(fitted[1]).all()
