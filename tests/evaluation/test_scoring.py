"""One image through everything: what the scores are of."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.predictors import blurred_truth, constant, vertical_ramp
from ppdcli.evaluation.protocols import Degenerate, Kind
from ppdcli.evaluation.scoring import CHAMFER, NEAR_EDGES, PIXELS, Rules, score_prediction
from ppdcli.evaluation.true_edges import EdgeSettings
from ppdcli.geometry.camera import Camera
from ppdcli.photo import Photo


def make_frame(camera: bool = True) -> Frame:
    """A floor, and a box before it."""
    depth = np.repeat(np.linspace(9, 3, 48)[:, None], 64, axis=1).astype(np.float32)
    depth[14:34, 20:40] = 2.5
    valid = np.ones(depth.shape, bool)
    valid[:3] = False
    photo = Photo(np.zeros((48, 64, 3), np.uint8), "x")
    return Frame(photo, depth, valid, Camera(60, 60, 31.5, 23.5, 64, 48) if camera else None)


@pytest.mark.parametrize(
    ("kind", "space"),
    [
        ("ppd", np.log1p),
        ("log-depth", np.log),
        ("depth", lambda d: d),
        ("disparity", lambda d: 1 / d),
    ],
)
@pytest.mark.parametrize("protocol", ["authors", "least-squares"])
def test_the_truth_is_perfect_in_its_own_space(kind: Kind, space: object, protocol: str) -> None:
    frame = make_frame()
    values = 0.3 * space(frame.depth.astype(np.float64)) + 0.1  # type: ignore[operator]
    scored = score_prediction(frame, values, kind, Rules(protocol))  # type: ignore[arg-type]
    scores = scored.scores
    assert scores["abs_rel"] < 1e-6 and scores["delta_half"] == 1 and scored.note is None
    assert scores["recall"] == 1 and scores["ramp"] == 0 and scores["flying"] == 0
    assert scores["chamfer"] < 1e-5 and scores["log_chamfer"] < 1e-5
    np.testing.assert_allclose(scored.depth[frame.valid], frame.depth[frame.valid], rtol=1e-5)


def test_every_score_has_a_column_and_is_missing_where_it_cannot_be() -> None:
    values = np.log1p(make_frame().depth)
    with_camera = score_prediction(make_frame(), values, "ppd", Rules()).scores
    assert set(with_camera) == {c.key for c in (*PIXELS, *NEAR_EDGES, *CHAMFER)}
    without = score_prediction(make_frame(camera=False), values, "ppd", Rules()).scores
    assert set(without) == {c.key for c in (*PIXELS, *NEAR_EDGES)}
    plain = score_prediction(make_frame(), values, "ppd", Rules(edges=None))
    assert set(plain.scores) == {c.key for c in PIXELS} and plain.sums is None


def test_blur_is_seen_near_edges_first() -> None:
    frame = make_frame()
    few, many = (
        score_prediction(frame, blurred_truth(sigma).predict("x", frame), "ppd", Rules())
        for sigma in (1, 3)
    )
    assert few.scores["log_chamfer"] < many.scores["log_chamfer"]
    assert few.scores["flying"] > 0.05 and many.scores["recall"] < few.scores["recall"]
    assert many.sums is not None and many.counts is not None
    means = many.sums[:-1] / np.maximum(many.counts[:-1], 1)
    assert means[0] > 3 * means[6] and many.counts.sum() == frame.valid.sum()


def test_the_scores_of_an_image_without_edges_are_missing_not_perfect() -> None:
    frame = make_frame()
    floor = replace(frame, depth=np.repeat(frame.depth[:, :1], 64, axis=1))
    scores = score_prediction(floor, np.log1p(floor.depth), "ppd", Rules()).scores
    assert scores["abs_rel"] < 1e-6
    for key in ("recall", "ramp", "flying", "chamfer", "log_chamfer"):
        assert math.isnan(scores[key])


def test_what_cannot_be_scored_says_why() -> None:
    frame = make_frame()
    values = np.log1p(frame.depth)
    with pytest.raises(Degenerate, match="no valid pixel"):
        score_prediction(replace(frame, valid=np.zeros_like(frame.valid)), values, "ppd", Rules())
    values[10, 10:13] = np.nan
    with pytest.raises(Degenerate, match="NaN or infinite at 3 of 2880"):
        score_prediction(frame, values, "ppd", Rules())


def test_the_trivial_predictors() -> None:
    frame = make_frame()
    flat = score_prediction(frame, constant().predict("x", frame), "ppd", Rules())
    assert flat.note == "constant prediction" and np.ptp(flat.depth) == 0
    ramp = vertical_ramp().predict("x", frame)
    np.testing.assert_allclose(ramp[:, 0], np.linspace(1, 0, 48))
    assert ramp.shape == (48, 64) and (np.ptp(ramp, axis=1) == 0).all()
    assert score_prediction(frame, ramp, "ppd", Rules()).scores["abs_rel"] < flat.scores["abs_rel"]


def test_a_smaller_map_comes_to_size_by_the_nearest_pixel() -> None:
    """From 6 pixels to 9 the authors' way is not the way by pixel centres."""
    depth = np.repeat(np.linspace(1, 4, 9)[None], 9, axis=0).astype(np.float32)
    frame = Frame(Photo(np.zeros((9, 9, 3), np.uint8), "x"), depth, depth > 0)
    values = np.repeat(np.arange(6, dtype=np.float32)[None], 6, axis=0)
    rules = Rules("least-squares", edges=None)
    centres = score_prediction(frame, values, "depth", rules).depth[0]
    authors = score_prediction(frame, values, "depth", replace(rules, authors_nearest=True)).depth[
        0
    ]
    pixels = [np.unique(v.round(6), return_inverse=True)[1].tolist() for v in (authors, centres)]
    assert pixels == [[0, 0, 1, 2, 2, 3, 4, 4, 5], [0, 1, 1, 2, 3, 3, 4, 5, 5]]


def test_settings_reach_the_metrics() -> None:
    frame = make_frame()
    values = blurred_truth(2).predict("x", frame)
    wide, narrow = (
        score_prediction(frame, values, "ppd", Rules(edges=EdgeSettings(dilation=d))).scores
        for d in (8, 1)
    )
    assert narrow["flying"] > wide["flying"]
    coarse = score_prediction(
        frame, values, "ppd", Rules(edges=EdgeSettings(canny_low=2, canny_high=3))
    )
    assert math.isnan(coarse.scores["chamfer"])
