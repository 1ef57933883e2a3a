"""The picture of one pixel row through time."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.errors import UsageError
from ppdcli.evaluation.time_strip import time_strips


def test_a_steady_film_has_upright_stripes_and_a_flickering_one_has_not() -> None:
    steady = np.tile(np.linspace(1, 5, 12), (4, 3, 1))
    flickering = steady * np.array([1, 1.3, 0.8, 1])[:, None, None]
    picture = time_strips([steady, flickering], 1, lines=2)
    assert picture.shape == (8 + 4 + 8, 12, 3) and picture.dtype == np.uint8
    assert (picture[:8] == picture[0]).all() and (picture[8:12] == 255).all()
    assert (picture[12:14] == picture[0]).all()  # the same colours for all films
    assert (picture[14] != picture[0]).any() and (picture[16] != picture[0]).any()


def test_photos_keep_their_colours() -> None:
    photos = np.random.default_rng(0).integers(0, 255, (3, 4, 5, 3), np.uint8)
    np.testing.assert_array_equal(time_strips([photos], 2, lines=1), photos[:, 2])


@pytest.mark.parametrize(
    ("films", "row", "message"),
    [
        ([], 0, "no film"),
        ([np.ones((2, 3, 4)), np.ones((2, 3, 5))], 0, "one width"),
        ([np.ones((2, 3, 4))], 3, "outside"),
        ([np.ones((2, 3, 4))], -1, "outside"),
    ],
)
def test_what_cannot_be_drawn_is_refused(films: list[np.ndarray], row: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        time_strips(films, row)
