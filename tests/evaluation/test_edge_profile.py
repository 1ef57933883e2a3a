"""Error by distance to the nearest edge: counted by hand, and against all pairs of pixels."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.evaluation.edge_profile import BINS, error_by_distance


def test_a_row_by_hand() -> None:
    """An edge at column 2 of 100; off by 10 % to its left, 50 % at it, 20 % to its right."""
    depth = np.full((1, 100), 4.0)
    edges = np.zeros((1, 100), bool)
    edges[0, 2] = True
    predicted = depth.copy()
    predicted[0, :2], predicted[0, 2], predicted[0, 3:] = 4.4, 2.0, 3.2
    sums, counts = error_by_distance(predicted, depth, np.ones((1, 100), bool), edges)
    # 0 | 1 | 2 | 3 | 4, 5 | 6, 7 | 8-11 | 12-15 | 16-23 | 24-31 | 32-63 | 64-97 | no edge
    assert counts.tolist() == [1, 2, 2, 1, 2, 2, 4, 4, 8, 8, 32, 34, 0]
    right = [0, 0.2, 0.2, 0.2, 0.4, 0.4, 0.8, 0.8, 1.6, 1.6, 6.4, 6.8, 0]
    left = [0.5, 0.1, 0.1] + [0] * 10
    np.testing.assert_allclose(sums, np.add(left, right))
    assert len(BINS) == len(sums) and counts.dtype == np.int64


def test_distances_are_straight_lines() -> None:
    rng = np.random.default_rng(0)
    depth, predicted = rng.uniform(1, 5, (2, 30, 40))
    valid = rng.random((30, 40)) < 0.8
    edges = rng.random((30, 40)) < 0.005
    edges[0, 0] = True
    sums, counts = np.zeros(len(BINS)), np.zeros(len(BINS), int)
    places = np.argwhere(edges)
    for y, x in np.argwhere(valid):
        away = np.sqrt(((places - (y, x)) ** 2).sum(axis=1)).min()
        k = max(i for i, low in enumerate(BINS) if low <= away)
        sums[k] += abs(depth[y, x] - predicted[y, x]) / depth[y, x]
        counts[k] += 1
    got = error_by_distance(predicted, depth, valid, edges)
    np.testing.assert_allclose(got[0], sums)
    np.testing.assert_array_equal(got[1], counts)
    assert (counts[:7] > 0).all() and counts[-1] == 0


def test_without_edges_all_pixels_are_counted_apart() -> None:
    depth = np.full((3, 4), 2.0)
    valid = np.ones((3, 4), bool)
    valid[0, 0] = False
    sums, counts = error_by_distance(depth * 1.5, depth, valid, np.zeros((3, 4), bool))
    assert counts.tolist() == [0] * (len(BINS) - 1) + [11]
    np.testing.assert_allclose(sums, [0] * (len(BINS) - 1) + [5.5])


def test_invalid_pixels_do_not_count_but_their_edges_do() -> None:
    depth = np.full((1, 5), 2.0)
    edges = np.array([[True, False, False, False, False]])
    predicted = np.array([[np.nan, 2.2, 2.2, -1, 2.2]])
    valid = np.array([[False, True, True, False, True]])
    sums, counts = error_by_distance(predicted, depth, valid, edges)
    assert counts.tolist()[:5] == [0, 1, 1, 0, 1] and counts.sum() == 3
    assert sums.sum() == pytest.approx(0.3)
    sums, counts = error_by_distance(predicted, depth, np.zeros((1, 5), bool), edges)
    assert counts.sum() == 0 and sums.sum() == 0


def test_what_is_no_depth_is_refused() -> None:
    depth = np.full((1, 3), 2.0)
    with pytest.raises(ValueError, match="not positive and finite at 1 of 3"):
        error_by_distance(np.array([[1, np.nan, 2]]), depth, depth > 0, depth > 3)
