"""Depth Pro's boundary F1: by hand, and against plain loops over pixels."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from ppdcli.evaluation.boundary import RATIOS, BoundaryScores, boundary_f1


def boxes(seed: int, shape: tuple[int, int] = (24, 32)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    depth = np.full(shape, 6.0)
    for _ in range(6):
        top, left = rng.integers(0, shape[0] - 6), rng.integers(0, shape[1] - 6)
        height, width = rng.integers(2, 10, 2)
        depth[top : top + height, left : left + width] = rng.uniform(1, 5)
    return depth


def by_loops(predicted: np.ndarray, depth: np.ndarray, valid: np.ndarray) -> float:
    """The same by the definition, a pixel and a direction at a time."""
    height, width = depth.shape
    total = 0.0
    for t in RATIOS:
        precision, recall = 0.0, 0.0
        for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
            right = guessed = true = 0
            for y in range(height):
                for x in range(width):
                    v, u = y + dy, x + dx
                    if not (0 <= v < height and 0 <= u < width and valid[y, x] and valid[v, u]):
                        continue
                    a = predicted[v, u] / predicted[y, x] > t
                    b = depth[v, u] / depth[y, x] > t
                    guessed, true, right = guessed + a, true + b, right + (a and b)
            precision += right / max(guessed, 1) / 4
            recall += right / max(true, 1) / 4
        if precision + recall > 0:
            total += t * 2 * precision * recall / (precision + recall)
    return total / sum(RATIOS)


def score(predicted: np.ndarray, depth: np.ndarray) -> BoundaryScores:
    return boundary_f1(predicted, depth, np.ones(depth.shape, bool))


def test_ten_ratios_from_5_to_25_per_cent() -> None:
    assert (len(RATIOS), RATIOS[0], RATIOS[-1]) == (10, 1.05, 1.25)
    np.testing.assert_allclose(np.diff(RATIOS), 0.2 / 9)


@pytest.mark.parametrize("seed", range(3))
def test_it_is_what_loops_give(seed: int) -> None:
    rng = np.random.default_rng(seed)
    depth = boxes(seed)
    predicted = cv2.GaussianBlur(depth, (0, 0), 0.6) * np.exp(0.03 * rng.normal(size=depth.shape))
    valid = rng.random(depth.shape) < 0.9
    f1 = boundary_f1(predicted, depth, valid).f1
    assert f1 == pytest.approx(by_loops(predicted, depth, valid), abs=1e-12)
    assert 0.2 < f1 < 0.95


def test_by_hand() -> None:
    """Two of three occlusions found to the right, one of them wrong by the ratio; one made up.

    Truth 1 2 2 2 1.2 4: rises 1 -> 2 and 1.2 -> 4, falls 2 -> 1.2; up and down nothing.
    Prediction 1 2 2 4 4 4.4: rises 1 -> 2, 2 -> 4 and, up to 1.1, 4 -> 4.4; falls nowhere.
    """
    scores = score(np.array([[1, 2, 2, 4, 4, 4.4]]), np.array([[1, 2, 2, 2, 1.2, 4]]))
    small = np.array(RATIOS) < 1.1
    np.testing.assert_allclose(scores.recall, np.where(small, 2 / 2, 1 / 2) / 4)
    np.testing.assert_allclose(scores.precision, np.where(small, 2 / 3, 1 / 2) / 4)
    f1 = np.where(small, 2 * (2 / 3) / (5 / 3), 1 / 2) / 4
    assert scores.f1 == pytest.approx((f1 * RATIOS).sum() / sum(RATIOS))
    assert scores.reason is None


def test_a_square_against_itself_is_perfect_and_upside_down_is_worthless() -> None:
    square = np.full((9, 9), 4.0)
    square[3:6, 3:6] = 2.0
    assert score(square, square).f1 == pytest.approx(1)
    assert score(square, square).recall == score(square, square).precision == (1.0,) * 10
    assert score(8 / square, square).f1 == 0


def test_a_missing_direction_counts_nothing_as_in_the_authors_code() -> None:
    step = np.full((5, 6), 2.0)
    step[:, 3:] = 4.0
    assert score(step, step).f1 == pytest.approx(0.25)


def test_scale_does_not_matter() -> None:
    depth = boxes(0)
    predicted = cv2.GaussianBlur(depth, (0, 0), 0.6)
    expected = score(predicted, depth).f1
    assert score(64 * predicted, depth).f1 == score(predicted, depth / 128).f1 == expected


def test_more_blur_is_worse() -> None:
    depth = boxes(1)
    blurred = [score(cv2.GaussianBlur(depth, (0, 0), s), depth).f1 for s in (0.5, 1, 2, 4)]
    assert blurred == sorted(blurred, reverse=True) and blurred[0] > 2 * blurred[2]


def test_the_edge_must_be_where_it_is() -> None:
    depth = boxes(1)
    assert score(np.roll(depth, 1, axis=(0, 1)), depth).f1 < 0.5


def test_invalid_pixels_are_in_no_pair() -> None:
    depth = boxes(2)
    valid = np.random.default_rng(2).random(depth.shape) < 0.8
    predicted = cv2.GaussianBlur(depth, (0, 0), 0.6)
    expected = boundary_f1(predicted, depth, valid)
    for filling in (np.nan, 0.0, -1.0, 1e9):
        a, b = np.where(valid, predicted, filling), np.where(valid, depth, filling)
        assert boundary_f1(a, b, valid) == expected


def test_a_truth_without_occlusions_has_no_score() -> None:
    flat = np.full((5, 6), 2.0)
    gentle = np.tile(1.04 ** np.arange(6), (5, 1))
    for depth in (flat, gentle):
        scores = score(boxes(0)[:5, :6], depth)
        assert math.isnan(scores.f1) and scores.reason == "the true depth has no occlusion"
    nothing = boundary_f1(flat, boxes(0)[:5, :6], np.zeros((5, 6), bool))
    assert math.isnan(nothing.f1)


def test_what_is_no_depth_is_refused() -> None:
    depth = boxes(0)
    predicted = depth.copy()
    predicted[3, 4] = np.nan
    with pytest.raises(ValueError, match="not positive and finite at 1 of 768"):
        score(predicted, depth)
