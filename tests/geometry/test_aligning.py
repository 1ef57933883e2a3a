"""Relative depth of one photo, brought to the scale of known points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ppdcli.errors import InputError
from ppdcli.geometry.aligning import align_photo

HEIGHT, WIDTH = 60, 80
Known = tuple[np.ndarray, np.ndarray, np.ndarray]


def error_at(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return 0.06 * np.sin(2.5 * u) - 0.04 * v**2


def known_of(depth: np.ndarray, count: int) -> Known:
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
    aligned = align_photo(relative, *known)
    assert np.abs(aligned.fit.apply(relative) / depth - 1).mean() > 0.012
    assert np.abs(aligned.depth / depth - 1).mean() < 0.006
    assert aligned.spread < aligned.fit.spread and "after a smooth field" in aligned.describe()
    assert aligned.field is not None and aligned.trusted.all()


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


def test_a_photo_with_a_wrong_region_is_aligned() -> None:
    relative, depth = bent_map()
    wrong = relative.copy()
    wrong[:, :30] = (np.log1p(np.expm1(3 * relative[:, :30]) * 0.6) / 3).astype(np.float32)
    u, v, known = known_of(depth, 900)
    rng = np.random.default_rng(2)
    known[rng.random(900) < 0.1] *= 3
    aligned = align_photo(wrong, u, v, known)
    error = np.abs(np.log(aligned.values / depth))
    assert np.median(error[:, :25]) < 0.04 and np.median(error[:, 35:]) < 0.03
    assert aligned.agree.mean() > 0.75


@pytest.mark.parametrize("share", [0.2, 0.45])
def test_wrong_points_do_not_matter(share: float) -> None:
    relative, depth = bent_map()
    u, v, known = known_of(depth, 900)
    rng = np.random.default_rng(3)
    wrong = rng.random(900) < share
    known[wrong] *= np.exp(rng.uniform(-1.5, 1.5, int(wrong.sum())))
    aligned = align_photo(relative, u, v, known)
    assert np.median(np.abs(aligned.values / depth - 1)) < 0.02
    assert aligned.agree[~wrong].mean() > 0.98


@pytest.mark.parametrize(
    "spoil",
    [
        lambda known, rng: rng.permutation(known),
        lambda known, rng: np.exp(rng.uniform(-9, 9, known.size)),
        lambda known, rng: 20 + 2 * np.sin(known) + rng.normal(0, 0.5, known.size),
    ],
)
@pytest.mark.parametrize("count", [30, 400])  # without a field, and with one
def test_points_of_another_picture_are_refused(
    spoil: Callable[[np.ndarray, np.random.Generator], np.ndarray], count: int
) -> None:
    relative, depth = bent_map()
    u, v, known = known_of(depth, count)
    with pytest.raises(InputError, match=r"do not follow|does not rise|agree|at one"):
        align_photo(relative, u, v, spoil(known, np.random.default_rng(5)))


def test_a_slope_without_a_prediction_is_refused() -> None:
    # Noise instead of a prediction: the field alone would explain a floor that runs away.
    rows = np.arange(HEIGHT)[:, None] * np.ones(WIDTH)
    depth = 9 - 6 * rows / HEIGHT
    relative = np.random.default_rng(0).random((HEIGHT, WIDTH)).astype(np.float32)
    with pytest.raises(InputError, match=r"do not follow|does not rise"):
        align_photo(relative, *known_of(depth, 600))
