"""The smooth correction of a fitted map."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.errors import InputError
from ppdcli.geometry.aligning import align_photo
from ppdcli.geometry.smooth_field import LARGEST, SmoothField, fit_field

HEIGHT, WIDTH = 60, 80


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
    field = SmoothField(np.full((5, 6, 1), 9.0), 0, 1)
    assert field.at(*spread_out(10)) == pytest.approx(LARGEST)


def known_of(depth: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    row, column = rng.integers(HEIGHT, size=count), rng.integers(WIDTH, size=count)
    return column.astype(float), row.astype(float), depth[row, column].astype(float)


def bent_map() -> tuple[np.ndarray, np.ndarray]:
    """Relative depth with a smooth error, and the depth in some unit."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    metres = 2 + 4 * (1 - rows / HEIGHT) + (columns > 50) * 3.0
    wrong = metres * np.exp(-error_at((columns + 0.5) / WIDTH, (rows + 0.5) / HEIGHT))
    return (np.log1p(wrong) / 3).astype(np.float32), 5.0 * metres


def test_a_photo_is_aligned() -> None:
    relative, depth = bent_map()
    known = known_of(depth, 600)
    plain = align_photo(relative, *known, field=False)
    aligned = align_photo(relative, *known)
    assert np.abs(plain.depth / depth - 1).mean() > 0.012
    assert np.abs(aligned.depth / depth - 1).mean() < 0.006
    assert aligned.spread < plain.spread and "after a smooth field" in aligned.describe()
    assert plain.field is None and aligned.trusted.all()


def test_what_is_far_from_all_points_is_left_out() -> None:
    relative, depth = bent_map()
    relative[:5] = 1.2  # the sky
    rows = known_of(depth, 600)
    below = rows[1] >= 5
    aligned = align_photo(relative, *(column[below] for column in rows))
    assert np.isnan(aligned.depth[:5]).all() and np.isfinite(aligned.values).all()
    assert np.isfinite(aligned.depth[5:]).all()


def test_a_wall_fixes_no_scale() -> None:
    relative, depth = bent_map()
    u, v, _ = known_of(depth, 100)
    with pytest.raises(InputError, match="all at one depth"):
        align_photo(relative, u, v, np.full(100, 7.0))
