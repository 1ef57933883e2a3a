"""Alignment and scores against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.evaluation.metrics import Scores, align_log, require_depth, score

ALL = np.ones((1, 3), bool)


def scene(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A map that errs, the truth, and a mask."""
    rng = np.random.default_rng(seed)
    depth = np.exp(rng.uniform(-1, 4, (20, 30))).astype(np.float32)
    relative = (0.3 * np.log1p(depth) + rng.normal(0, 0.1, depth.shape) - 0.2).astype(np.float32)
    return relative, depth, rng.random(depth.shape) < 0.8


def row(*values: float) -> np.ndarray:
    return np.array([values])


# Alignment ---------------------------------------------------------------------------------------


def test_a_line_in_log_depth_is_undone_exactly() -> None:
    _, depth, mask = scene()
    for relative in (np.log1p(depth), 0.02 * np.log1p(depth) + 7, 900 * np.log1p(depth) - 3):
        np.testing.assert_allclose(align_log(relative, depth, mask)[mask], depth[mask], rtol=1e-4)


def test_the_fit_is_polyfits() -> None:
    for seed in range(5):
        relative, depth, mask = scene(seed)
        line = np.polyfit(relative[mask], np.log1p(depth[mask]), 1)
        expected = np.clip(np.expm1(np.polyval(line, relative)), 1e-3, depth[mask].max())
        np.testing.assert_allclose(align_log(relative, depth, mask), expected, rtol=1e-5)


def test_a_fit_by_hand() -> None:
    """log(depth + 1) = 1, 2, 6 at 0, 1, 2: slope 2.5, mean 3."""
    depth = np.expm1(row(1, 2, 6))
    expected = np.expm1(row(0.5, 3, 5.5))
    np.testing.assert_allclose(align_log(row(0, 1, 2), depth, ALL), expected)


def test_scale_and_shift_of_the_map_do_not_matter() -> None:
    relative, depth, mask = scene()
    expected = align_log(relative, depth, mask)
    for scale, shift in ((5, 0), (0.01, -3), (100, 50)):
        changed = align_log(scale * relative.astype(np.float64) + shift, depth, mask)
        np.testing.assert_allclose(changed, expected, rtol=1e-5)  # in float32


@pytest.mark.parametrize("value", [0.0, 0.1, -1e9])
def test_a_constant_map_becomes_the_best_constant(value: float) -> None:
    _, depth, mask = scene()
    best = np.expm1(np.log1p(depth[mask].astype(float)).mean())
    aligned = align_log(np.full(depth.shape, value), depth, mask)
    np.testing.assert_allclose(aligned, best, rtol=1e-6)


def test_a_map_that_is_upside_down_is_not_turned_over() -> None:
    relative, depth, mask = scene()
    best = np.expm1(np.log1p(depth[mask].astype(float)).mean())
    np.testing.assert_allclose(align_log(-relative, depth, mask), best, rtol=1e-6)


def test_what_is_masked_neither_fits_nor_limits() -> None:
    relative, depth, mask = scene()
    expected = align_log(relative, depth, mask)
    spoiled, deep = relative.copy(), depth.copy()
    spoiled[~mask], deep[~mask] = np.nan, 1e6
    np.testing.assert_array_equal(align_log(spoiled, deep, mask)[mask], expected[mask])


def test_depths_stay_between_a_millimetre_and_the_farthest() -> None:
    depth = np.expm1(row(0.1, 1, 1))
    aligned = align_log(row(0, 1, 1e3), depth, ALL)
    assert aligned.min() >= 1e-3 and aligned.max() == depth.max()


def test_nothing_to_fit_is_an_error() -> None:
    with pytest.raises(ValueError, match="no valid pixel"):
        align_log(row(1, 2, 3), row(1, 2, 3), ~ALL)


# Scores ------------------------------------------------------------------------------------------


def test_scores_by_hand() -> None:
    """Errors of 20 %, 30 % and 50 %: one ratio below 1.25."""
    scores = score(row(1.2, 1.4, 15), row(1, 2, 10), ALL)
    assert scores.abs_rel == pytest.approx((0.2 + 0.3 + 0.5) / 3, abs=1e-4)
    assert scores.delta1 == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("name", "limit"),
    [("delta_half", 1.1180), ("delta1", 1.25), ("delta2", 1.5625), ("delta3", 1.9531)],
)
def test_every_delta_has_its_own_limit_either_way(name: str, limit: float) -> None:
    truth, mask = np.full((1, 4), 10.0), np.ones((1, 4), bool)
    ratios = row(1.0, limit - 1e-3, limit + 1e-3, 2.5)
    for predicted in (10 * ratios, 10 / ratios):
        assert getattr(score(predicted, truth, mask), name) == 0.5


def test_a_hundredth_of_a_millimetre_is_added_to_what_is_divided_by() -> None:
    """As in the authors' code; by hand, at depths so small that it matters."""
    one = np.ones((1, 1), bool)
    near = score(row(2e-5), row(1e-5), one)
    assert near.abs_rel == pytest.approx(0.5)  # 1e-5 / 2e-5
    assert near.delta_half == 1  # max(1/3, 2/2)
    far = score(row(1e-5), row(3e-5), one)
    assert far.abs_rel == pytest.approx(0.5)  # 2e-5 / 4e-5
    assert (far.delta1, far.delta2) == (0, 1)  # max(3/2, 1/4)


def test_delta1_counts_both_directions_up_to_a_ratio_of_1_25() -> None:
    truth = np.full((1, 4), 10.0)
    scores = score(np.array([[12.49, 12.51, 8.01, 7.99]]), truth, np.ones((1, 4), bool))
    assert scores.delta1 == 0.5


def test_the_truth_is_perfect() -> None:
    _, depth, mask = scene()
    scores = score(depth, depth, mask)
    assert scores == Scores(0, 1, 1, 1, 1)


def test_masked_pixels_do_not_score() -> None:
    mask = np.array([[True, True, False]])
    scores = score(row(1, 2, np.nan), row(1, 2, 3), mask)
    assert scores.abs_rel == 0 and scores.delta1 == 1


def test_nothing_to_score_is_an_error() -> None:
    with pytest.raises(ValueError, match="no valid pixel"):
        score(row(1, 2, 3), row(1, 2, 3), ~ALL)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0, -1.0])
def test_what_is_no_depth_is_refused_and_not_passed_over(value: float) -> None:
    predicted = row(1, value, value)
    with pytest.raises(ValueError, match="not positive and finite at 2 of 3 valid pixels"):
        score(predicted, row(1, 2, 3), ALL)
    require_depth(predicted, np.array([[True, False, False]]))
