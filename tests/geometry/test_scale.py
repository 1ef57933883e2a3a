"""Relative depth between two known distances."""

import numpy as np
import pytest

from ppdcli.errors import InputError, UsageError
from ppdcli.geometry.scale import near_far_depth, relative_again


def test_a_map_made_from_known_metres_comes_back() -> None:
    metres = np.random.default_rng(0).uniform(0.5, 80, (20, 30))
    relative = (0.27 * np.log(metres + 1) - 0.11).astype(np.float32)
    depth = near_far_depth(relative, metres.min(), metres.max())
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, metres, rtol=1e-4)


def test_holes_stay_holes_and_do_not_count() -> None:
    relative = np.array([[np.nan, 0.2], [np.inf, 0.7]], np.float32)
    np.testing.assert_allclose(
        near_far_depth(relative, 2, 9), [[np.nan, 2], [np.nan, 9]], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("near", "far"), [(0, 5), (-1, 5), (5, 5), (6, 5), (1, np.inf), (np.nan, 5), (1, np.nan)]
)
def test_bad_near_and_far(near: float, far: float) -> None:
    with pytest.raises(UsageError, match="0 < near < far"):
        near_far_depth(np.eye(3), near, far)


@pytest.mark.parametrize(
    ("value", "cause"), [(0.5, "constant"), (np.nan, "no valid pixel"), (np.inf, "no valid pixel")]
)
def test_maps_without_a_range(value: float, cause: str) -> None:
    with pytest.raises(InputError, match=cause):
        near_far_depth(np.full((3, 3), value, np.float32), 1, 2)


def test_the_way_back() -> None:
    relative = np.random.default_rng(0).uniform(-0.1, 1.2, (9, 7)).astype(np.float32)
    depth = near_far_depth(relative, 0.5, 30)
    np.testing.assert_allclose(relative_again(depth, relative, 0.5, 30), relative, atol=1e-5)
