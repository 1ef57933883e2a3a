"""The scale from one known length."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.errors import InputError
from ppdcli.geometry.known_length import near_far_of_length, scale_of
from ppdcli.geometry.scale import near_far_depth

RELATIVE = np.array([[0.0, 0.3, 0.7, 1.0]], np.float32)
RAYS = np.array([[-0.5, 0.1, 1], [0.2, 0, 1], [0.4, -0.2, 1], [0.1, 0.3, 1]])


def placed(near: float, far: float) -> np.ndarray:
    return RAYS * near_far_depth(RELATIVE, near, far)[0][:, None].astype(float)


@pytest.mark.parametrize("metres", [0.002, 0.5, 3.0, 250.0])
@pytest.mark.parametrize("pair", [(0, 3), (1, 2), (3, 1)])
@pytest.mark.parametrize("start", [(1.0, 10.0), (0.5, 3.0)])
def test_the_points_are_as_far_apart_as_stated(
    metres: float, pair: tuple[int, int], start: tuple[float, float]
) -> None:
    points = placed(*start)
    near, far = near_far_of_length(points[pair[0]], points[pair[1]], start, metres)
    again = placed(near, far)
    assert np.linalg.norm(again[pair[0]] - again[pair[1]]) == pytest.approx(metres, rel=1e-4)
    assert far / near == pytest.approx(start[1] / start[0])


def test_a_length_that_is_right_already_changes_nothing() -> None:
    points = placed(1, 10)
    length = float(np.linalg.norm(points[0] - points[2]))
    assert near_far_of_length(points[0], points[2], (1, 10), length) == pytest.approx((1, 10))


def test_a_metric_cloud_has_one_factor() -> None:
    assert scale_of(np.array([0, 0, 1]), np.array([3, 4, 1]), 2.5) == pytest.approx(0.5)


def test_one_point_has_no_length() -> None:
    point = np.array([0.1, 0, 2])
    with pytest.raises(InputError, match="the same"):
        scale_of(point, point, 1)
    with pytest.raises(InputError, match="the same"):
        near_far_of_length(point, point, (1, 10), 1)


def test_a_length_beyond_all_scales_is_refused() -> None:
    points = placed(1, 10)
    with pytest.raises(InputError, match="no scale"):
        near_far_of_length(points[0], points[1], (1, 10), 1e12)
