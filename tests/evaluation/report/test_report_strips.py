"""The picture files: the panels' pixels, and names of any length above them."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.evaluation.report.content import Column, Picture, Table
from ppdcli.evaluation.report.panels import GREY, STEPS, depth_palette, error_palette, make_panels
from ppdcli.evaluation.report.strips import (
    HEADER,
    LEAST_CELL,
    MARGIN,
    PAPER,
    draw_strip,
    panel_corners,
    scores_line,
)

TABLE = Table((Column("abs_rel", "AbsRel", "lower", ".3f"),), ())


def picture(
    name: str = "room/1.png", predictor: str = "p", shape: tuple[int, int] = (60, 320)
) -> Picture:
    """Truth 1 m, 4 m on the right; predicted the other way round; no depth at the top."""
    truth = np.ones(shape)
    truth[:, shape[1] // 2 :] = 4
    valid = np.ones(shape, bool)
    valid[:10] = False
    rgb = np.full((*shape, 3), (10, 20, 30), np.uint8)
    return Picture(name, predictor, rgb, truth, truth[:, ::-1], valid, {"abs_rel": 1.875}, "worst")


def strip(picture: Picture) -> np.ndarray:
    return draw_strip(picture, make_panels(picture), TABLE)


def test_the_panels_and_their_colours() -> None:
    image = strip(picture())
    photo, truth, predicted, error = (image[y : y + 60, x : x + 320] for x, y in panel_corners(320))
    near, far = depth_palette()[0], depth_palette()[STEPS]
    assert (photo == (10, 20, 30)).all()
    assert (truth[:10] == GREY).all() and (error[:10] == GREY).all()
    assert (truth[10:, :160] == near).all() and (truth[10:, 160:] == far).all()
    assert (predicted[:, :160] == far).all() and (predicted[:, 160:] == near).all()
    assert (error[10:] == error_palette()[STEPS]).all()  # 300 % and 75 %


def test_the_scales_are_below() -> None:
    image = strip(picture())
    (_, y), (x_truth, _), (x_predicted, _), (x_error, _) = panel_corners(320)
    line = image[y + 60 + 10]
    for left, right, palette in (
        (x_truth, x_predicted + 320, depth_palette()),
        (x_error, x_error + 320, error_palette()),
    ):
        assert (line[left] == palette[0]).all() and (line[right - 1] == palette[STEPS]).all()
        assert (line[right] == PAPER).all()


@pytest.mark.parametrize("length", [1, 30, 255, 3000])
def test_names_of_any_length_stay_inside(length: int) -> None:
    image = strip(picture("W" * length, "M" * length))
    assert image.shape == strip(picture()).shape
    assert (image[:, -MARGIN:] == PAPER).all() and (image[:, :MARGIN] == PAPER).all()
    header = image[MARGIN : MARGIN + HEADER - 25]
    assert (header != PAPER).any()
    # Whatever the name, the scores are there: they differ from a strip without scores.
    bare = picture("W" * length, "M" * length)
    unscored = Picture(
        bare.image, bare.predictor, bare.rgb, bare.truth, bare.predicted, bare.valid, {}, "worst"
    )
    assert (header != strip(unscored)[MARGIN : MARGIN + HEADER - 25]).any()


def test_names_that_no_font_has() -> None:
    box = strip(picture("□"))
    for name in ("写", "\n", "\x00", "\ud800", "\U0001f40c"):
        np.testing.assert_array_equal(strip(picture(name)), box)


def test_small_images_have_room_for_words() -> None:
    image = strip(picture(shape=(12, 16)))
    assert image.shape[1] > 4 * LEAST_CELL
    x, y = panel_corners(16)[1]
    assert (image[y + 11, x] == depth_palette()[0]).all()
    assert (image[y + 5, x + 16 :][: LEAST_CELL - 16] == PAPER).all()


def test_scores_are_written_as_in_the_table() -> None:
    assert scores_line({"abs_rel": 0.12345, "f1": 0.5}, TABLE) == "AbsRel 0.123   f1 0.5"
    assert scores_line({"abs_rel": float("nan")}, TABLE) == "AbsRel -"
