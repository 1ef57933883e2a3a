"""Large clouds are thinned evenly, and the same way each time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ppdcli.viewer.thinning import thinned_in_space, thinned_in_view

Thin = Callable[[np.ndarray, int], tuple[np.ndarray, float]]
BOTH = pytest.mark.parametrize("thin", [thinned_in_view, thinned_in_space])


def grid(height: int, width: int) -> np.ndarray:
    """A wall that a camera sees, a point for each pixel."""
    v, u = np.mgrid[:height, :width].reshape(2, -1)
    points = np.column_stack(((u - width / 2) / width, (v - height / 2) / width, np.ones(u.size)))
    return (3 * points).astype(np.float32)


@BOTH
@pytest.mark.parametrize("most", [1, 2, 1000, 5000])
def test_it_keeps_as_many_as_it_may(thin: Thin, most: int) -> None:
    kept, side = thin(grid(150, 200), most)
    assert most / 2 <= len(kept) <= most
    assert (np.diff(kept) > 0).all() and side > 0


@BOTH
def test_a_cloud_that_is_small_enough_stays_whole(thin: Thin) -> None:
    kept, side = thin(grid(10, 10), 100)
    np.testing.assert_array_equal(kept, np.arange(100))
    assert side == 0


@BOTH
def test_what_stays_is_spread_evenly(thin: Thin) -> None:
    kept, _ = thin(grid(150, 200), 3000)
    v, u = np.divmod(kept, 200)
    parts, _, _ = np.histogram2d(v, u, bins=(3, 4), range=((0, 150), (0, 200)))
    assert parts.min() > 0.85 * parts.max()


@BOTH
def test_points_that_are_apart_all_stay_before_crowded_ones(thin: Thin) -> None:
    crowd = np.float32([[0.1, 0.1, 3]]) + np.float32(1e-5) * grid(100, 100)
    lone = np.float32([[-2, -2, 3], [2, 2, 3]])
    kept, _ = thin(np.concatenate((crowd, lone)), 1000)
    assert {len(crowd), len(crowd) + 1} <= set(kept)


@BOTH
def test_points_in_one_place(thin: Thin) -> None:
    kept, _ = thin(np.ones((100, 3), np.float32), 10)
    assert 1 <= len(kept) <= 10
