"""Depth and error as colours: one scale for truth and prediction, errors worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.evaluation.report.content import Picture
from ppdcli.evaluation.report.panels import (
    GREY,
    LARGEST,
    NO_COLOR,
    STEPS,
    depth_palette,
    depth_ticks,
    error_palette,
    make_panels,
)


def picture(
    truth: np.ndarray, predicted: np.ndarray, valid: np.ndarray | None = None, gray: int = 128
) -> Picture:
    valid = np.ones(truth.shape, bool) if valid is None else valid
    rgb = np.full((*truth.shape, 3), gray, np.uint8)
    return Picture("image", "predictor", rgb, truth, predicted, valid, {}, "worst")


def row(*values: float) -> np.ndarray:
    return np.array([values], np.float32)


def test_errors_by_hand() -> None:
    truth = row(2, 2, 2, 4, 4, 2)
    panels = make_panels(picture(truth, row(2, 2.2, 1.8, 5, 400, 2.1)))
    # 0, 10 %, 10 %, 25 % and more are the last colour, 5 %: of 254 steps up to 25 %.
    np.testing.assert_array_equal(panels.error, [[0, 102, 102, 254, 254, 51]])


def test_truth_and_prediction_share_one_scale_of_log_depth() -> None:
    truth, swapped = row(*[1] * 50, *[4] * 50), row(*[4] * 49, 2, *[1] * 49, 900)
    panels = make_panels(picture(truth, swapped))
    assert (panels.near, panels.far) == (1, 4)
    assert (panels.truth[0, 0], panels.truth[0, -1]) == (0, STEPS)
    assert (panels.predicted[0, 0], panels.predicted[0, 50]) == (STEPS, 0)
    assert panels.predicted[0, 49] == STEPS // 2  # 2 m is half-way from 1 m to 4 m
    assert panels.predicted[0, -1] == STEPS  # beyond the range


def test_what_has_no_depth_is_grey() -> None:
    valid = np.array([[True, False, True, True, True]])
    truth = row(1, np.nan, 2, 3, 4)
    panels = make_panels(picture(truth, row(1, 2, np.nan, -1, np.inf), valid))
    grey = NO_COLOR
    assert [grey == v for v in panels.truth[0]] == [False, True, False, False, False]
    # Where only the truth is missing, the prediction is still worth a look.
    assert [grey == v for v in panels.predicted[0]] == [False, False, True, True, True]
    assert [grey == v for v in panels.error[0]] == [False, True, True, True, True]


def test_nothing_valid_and_one_depth_only() -> None:
    truth = np.full((4, 6), 3.0)
    nothing = make_panels(picture(truth, truth, np.zeros((4, 6), bool)))
    assert (nothing.truth == NO_COLOR).all() and (nothing.error == NO_COLOR).all()
    alone = make_panels(picture(truth, truth))
    assert alone.near < 3 < alone.far
    assert (alone.truth == STEPS // 2).all() and (alone.error == 0).all()


def test_outliers_of_the_truth_do_not_set_the_range() -> None:
    truth = np.linspace(2, 6, 1000).reshape(10, 100)
    truth[0, 0], truth[5, 5] = 0.001, 5000
    panels = make_panels(picture(truth, truth))
    assert 2 < panels.near < 2.2 and 5.8 < panels.far < 6


@pytest.mark.parametrize(
    ("shape", "scaled"),
    [
        ((768, 1024), (360, 480)),
        ((1200, 900), (480, 360)),
        ((30, 40), (30, 40)),
        ((352, 1216), (139, 480)),
        ((2, 5000), (1, 480)),
    ],
)
def test_panels_are_small_and_keep_their_shape(
    shape: tuple[int, int], scaled: tuple[int, int]
) -> None:
    panels = make_panels(picture(np.ones(shape), np.ones(shape)))
    assert panels.photo.shape == (*scaled, 3)
    assert panels.truth.shape == panels.predicted.shape == panels.error.shape == scaled
    assert max(scaled) <= LARGEST


def test_scaling_down_makes_no_new_depths() -> None:
    truth = np.where(np.arange(1000) % 3, 1.0, 8.0) * np.ones((500, 1))
    panels = make_panels(picture(truth, truth))
    assert set(np.unique(panels.truth)) == {0, STEPS}
    assert (panels.error == 0).all()


def test_sparse_truth_is_not_lost_in_scaling() -> None:
    # One valid pixel in each place of 4 x 4 pixels, never at its middle.
    valid = np.zeros((800, 1920), bool)
    valid[3::4, ::4] = True
    truth = np.where(valid, 5.0, np.nan)
    panels = make_panels(picture(truth, np.where(valid, 5.5, 50.0), valid))
    assert panels.truth.shape == (200, 480)
    assert (panels.truth != NO_COLOR).all()
    assert (panels.error == 102).all()  # 10 %: the prediction is that of the very same pixels
    # Elsewhere is grey: no valid pixel is shown twice.
    lone = np.zeros((800, 1920), bool)
    lone[402, 1000] = True
    alone = make_panels(picture(np.ones(lone.shape), np.ones(lone.shape), lone))
    assert np.argwhere(alone.truth != NO_COLOR).tolist() == [[100, 250]]


def test_sizes_that_do_not_divide_evenly_stay_inside() -> None:
    rng = np.random.default_rng(0)
    for shape in ((481, 483), (700, 501), (3, 1000)):
        valid = rng.random(shape) < 0.05
        truth = np.where(valid, 2.0, np.nan)
        panels = make_panels(picture(truth, np.full(shape, 2.0), valid))
        assert set(np.unique(panels.error)) == {0, NO_COLOR}
        assert (panels.error == 0).sum() <= valid.sum()


def test_a_photo_of_another_size_is_brought_to_the_depths() -> None:
    small = picture(np.ones((30, 40)), np.ones((30, 40)))
    other = Picture(
        "i", "p", np.full((90, 120, 3), 77, np.uint8), small.truth, small.truth, small.valid, {},
        "best",
    )  # fmt: skip
    panels = make_panels(other)
    assert panels.photo.shape == (30, 40, 3) and (panels.photo == 77).all()


def test_palettes() -> None:
    for palette in (depth_palette(), error_palette()):
        assert palette.shape == (256, 3) and palette.dtype == np.uint8
        assert (palette[NO_COLOR] == GREY).all()
        apart = np.abs(palette[: STEPS + 1].astype(int) - GREY).max(axis=1)
        assert apart.min() > 40  # the grey is none of the colours
    brightness = depth_palette()[: STEPS + 1].astype(int) @ (299, 587, 114)
    assert (np.diff(brightness) < 500).all() and brightness[0] > 5 * brightness[-1]
    assert error_palette()[0].max() < 10 and error_palette()[STEPS].min() > 150


def test_ticks_are_round_and_leave_room() -> None:
    assert depth_ticks(1, 100)[0] == (0, "≤1.0 m") and depth_ticks(1, 100)[-1] == (1, "≥100 m")
    assert depth_ticks(1, 100)[1:-1] == [
        (pytest.approx(np.log10(5) / 2), "5 m"),
        (0.5, "10 m"),
        (pytest.approx(np.log10(20) / 2), "20 m"),
    ]
    for near, far in ((0.221, 8.65), (0.0031, 0.0034), (1.9, 2.1), (0.5, 350), (12, 75)):
        ticks = depth_ticks(near, far)
        positions = [position for position, _ in ticks]
        assert positions == sorted(positions) and len(ticks) >= 2
        assert min(np.diff(positions)) > 0.13
    assert [label for _, label in depth_ticks(0.221, 8.65)] == ["≤0.22 m", "1 m", "2 m", "≥8.7 m"]
    assert depth_ticks(0.0031, 12.4)[0][1] == "≤0.0031 m"
