"""The smooth correction of a fitted map."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.geometry.smooth_field import LARGEST, SmoothField, explain, fit_field


def error_at(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return 0.06 * np.sin(2.5 * u) - 0.04 * v**2


def spread_out(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    return rng.random(count), rng.random(count), rng.random(count)


@pytest.mark.parametrize("count", [100, 2000])
def test_a_smooth_error_is_found(count: int) -> None:
    u, v, x = spread_out(count)
    noise = np.random.default_rng(1).normal(0, 0.005, count)
    field = fit_field(u, v, x, error_at(u, v) + noise)
    assert field is not None
    other = spread_out(3000)
    left = np.abs(error_at(other[0], other[1]) - field.at(*other))
    assert left.mean() < 0.3 * np.abs(error_at(other[0], other[1])).mean()


def test_an_error_that_depends_on_depth_is_found() -> None:
    u, v, x = spread_out(1500)
    error = np.where(x > 0.5, 0.05, -0.05) * u
    field = fit_field(u, v, x, error)
    assert field is not None and field.nodes.shape[2] > 1
    assert np.abs(error - field.at(u, v, x)).mean() < 0.5 * np.abs(error).mean()


def test_there_is_no_field_of_few_points_or_of_noise() -> None:
    u, v, x = spread_out(39)
    assert fit_field(u, v, x, error_at(u, v)) is None
    u, v, x = spread_out(500)
    assert fit_field(u, v, x, np.random.default_rng(2).normal(0, 0.02, 500)) is None


def test_the_field_fades_where_there_are_no_points() -> None:
    u, v, x = spread_out(400)
    field = fit_field(u / 4, v, x, np.full(400, 0.1))
    assert field is not None
    near, far = field.at(np.array([0.1, 1.0]), np.array([0.5, 0.5]), np.array([0.5, 0.5]))
    assert near == pytest.approx(0.1, abs=0.02) and abs(far) < near


def test_a_correction_is_limited() -> None:
    field = SmoothField(np.full((5, 6, 1), 9.0), 0, 1, 0.01)
    assert field.at(*spread_out(10)) == pytest.approx(LARGEST)


def test_a_wrong_region_is_told_from_wrong_points() -> None:
    u, v, x = spread_out(1200)
    rng = np.random.default_rng(4)
    region = (u < 0.45) & (v > 0.3)
    error = np.where(region, 0.45, 0.0) + rng.normal(0, 0.01, u.size)
    wrong = rng.random(u.size) < 0.2
    error[wrong] += rng.normal(0, 0.7, int(wrong.sum()))
    error[::50] = np.nan
    field, left = explain(u, v, x, error)
    assert field is not None and np.isnan(left[::50]).all()
    inside = region & (u < 0.35) & (v > 0.4) & ~wrong & np.isfinite(error)
    assert (np.abs(left[inside]) < 0.1).mean() > 0.97
    lonely = wrong & (np.abs(error - 0.45 * region) > 0.5)
    assert (np.abs(left[lonely]) > 0.15).mean() > 0.95


def test_the_spread_is_that_of_points_that_the_field_has_not_seen() -> None:
    u, v, x = spread_out(300)
    noise = np.random.default_rng(6).normal(0, 0.02, u.size)
    field = fit_field(u, v, x, error_at(u, v) * 3 + noise)
    assert field is not None and field.spread == pytest.approx(0.022, abs=0.005)
