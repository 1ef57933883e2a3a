"""Clouds near edges: by hand, by brute force, and controls that blur the truth."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from ppdcli.errors import UsageError
from ppdcli.evaluation.edge_cloud import EdgeScores, edge_chamfer, flying_rate
from ppdcli.evaluation.edge_recall import EdgeRecall, edge_recall
from ppdcli.evaluation.true_edges import EdgeSettings, edge_band, true_edges
from ppdcli.geometry.camera import Camera

SETTINGS = EdgeSettings()
SHAPE = (60, 80)
CAMERA = Camera.from_fov(60, 80, 60)
ALL = np.ones(SHAPE, bool)


def step(near: float = 2.0, far: float = 4.0) -> np.ndarray:
    """Near on the left, columns 0 to 39."""
    return np.tile(np.where(np.arange(80) < 40, near, far), (60, 1)).astype(np.float32)


def room(seed: int) -> np.ndarray:
    """Boxes, a ball and a wire before a wall above a floor."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    depth = np.minimum(9.0, 80 / np.maximum(y - 20, 1))
    for _ in range(4):
        top, left = rng.integers(0, 45), rng.integers(0, 65)
        depth[top : top + 15, left : left + 12] = rng.uniform(2, 7)
    ball = np.hypot(y - rng.integers(15, 45), x - rng.integers(15, 65))
    depth = np.where(ball < 9, 2.5 - np.sqrt(np.maximum(81 - ball**2, 0)) / 20, depth)
    depth[:, rng.integers(5, 75)] = 1.2
    return depth.astype(np.float32)


def blurred(depth: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(depth, (0, 0), sigma)


def chamfer(predicted: np.ndarray, depth: np.ndarray, **settings: int) -> EdgeScores:
    chosen = replace(SETTINGS, **settings)
    band = edge_band(depth, ALL, chosen)
    return edge_chamfer(predicted, depth, ALL, band, CAMERA, chosen)


# Edges -------------------------------------------------------------------------------------------


def test_an_edge_is_thin_and_its_band_is_dilated() -> None:
    edges = true_edges(step(), ALL, SETTINGS)
    columns = np.flatnonzero(edges[30])
    assert columns.tolist() in ([39], [40]) and edges[1:-1, columns[0]].all()
    assert edges.sum() == edges[:, columns[0]].sum()
    for dilation in (0, 3):
        band = edge_band(step(), ALL, replace(SETTINGS, dilation=dilation))
        assert np.flatnonzero(band[30]).tolist() == list(
            range(columns[0] - dilation, columns[0] + dilation + 1)
        )
    np.testing.assert_array_equal(true_edges(step().T, ALL.T, SETTINGS), edges.T)


@pytest.mark.parametrize("aperture", [3, 5, 7])
def test_thresholds_are_steps_of_log_depth(aperture: int) -> None:
    """Just below and just above, for any unit and any depth."""
    for low, high in ((0.05, 0.1), (0.3, 0.4)):
        settings = replace(SETTINGS, canny_low=low, canny_high=high, aperture=aperture)
        for near in (0.002, 2.0, 2000.0):
            below = step(near, near * math.exp(0.98 * high))
            above = step(near, near * math.exp(1.02 * high))
            assert not true_edges(below, ALL, settings).any()
            assert true_edges(above, ALL, settings).any()


def test_a_weak_edge_counts_where_it_goes_on_from_a_strong_one() -> None:
    weak = np.full(60, 0.07)  # between the two thresholds
    strong = weak.copy()
    strong[:20] = np.linspace(0.15, 0.07, 20)
    fading = strong.copy()
    fading[20:50] = np.linspace(0.07, 0.03, 30)
    counts = []
    for jump in (weak, strong, fading):
        depth = step(2.0) * np.where(step() == 2, 1, np.exp(jump)[:, None] / 2)
        edges = true_edges(depth, ALL, SETTINGS)
        assert not edges[:, :39].any() and not edges[:, 41:].any()
        counts.append(int(edges.any(axis=1).sum()))
    assert counts[0] == 0 and counts[1] >= 58 and 30 <= counts[2] <= 38


@pytest.mark.parametrize("turn", range(4))
def test_floors_and_walls_have_no_edges_however_steep(turn: int) -> None:
    rows = np.arange(60, 1, -1)
    floor = np.rot90(np.repeat((60 / rows)[:, None], 80, axis=1), turn)
    assert floor.max() == 30, "twice the depth at the last two rows"
    everywhere = np.ones(floor.shape, bool)
    assert not true_edges(floor, everywhere, SETTINGS).any()
    for hole in (floor > 12, (floor > 7) & (floor < 9)):
        assert not true_edges(np.where(hole, np.nan, floor), ~hole, SETTINGS).any()
    for metres, edges in ((12, False), (40, True)):  # a wall that stands on it, and one behind
        wall = np.where(floor > 12, metres, floor)
        assert true_edges(wall, everywhere, SETTINGS).any() == edges


def test_a_soft_edge_is_one() -> None:
    """A sensor's: over three pixels, none of whose steps stands out from its neighbours'."""
    for between in ((2.5, 3.2), (2.4, 3.0), (8 / 3.5, 8 / 3)):
        depth = step()
        depth[:, 39:41] = between
        assert true_edges(depth, ALL, SETTINGS)[1:-1, 38:42].any(axis=1).all()


def test_the_smallest_soft_edge_that_canny_finds_is_one() -> None:
    """Two steps of 0.03: at the pixel between them the gradient is that of a step of 0.06."""
    depth = step(2.0, 2.0 * math.exp(0.06))
    depth[:, 40] = 2.0 * math.exp(0.03)
    for threshold, edges in ((0.055, True), (0.065, False)):
        settings = replace(SETTINGS, canny_low=threshold, canny_high=threshold)
        assert true_edges(depth, ALL, settings).any() == edges


def test_a_slanted_edge_needs_no_smaller_step() -> None:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    for jump, edges in ((0.085, False), (0.105, True)):
        depth = 2 * np.exp(jump * (x > y + 10))
        assert true_edges(depth, ALL, SETTINGS).any() == edges


def test_a_hole_is_no_edge() -> None:
    valid = ALL.copy()
    valid[10:30, 10:30] = False
    valid[40:42, :] = False
    valid[5, 70] = False
    for filling in (np.nan, np.inf, 0.0, -1.0, 900.0):
        depth = np.where(valid, 3.0, filling)
        assert not true_edges(depth, valid, SETTINGS).any()
        assert not edge_band(depth, valid, SETTINGS).any()


def test_a_jump_across_a_hole_is_no_edge_but_one_beside_it_is() -> None:
    valid = ALL.copy()
    valid[:30, 37:43] = False
    edges = true_edges(np.where(valid, step(), np.nan), valid, SETTINGS)
    assert not edges[:28].any() and edges[32:, 38:41].any(axis=1).all()
    beside = ALL.copy()
    beside[:, 41:44] = False  # a column beyond the edge
    edges = true_edges(np.where(beside, step(), np.nan), beside, SETTINGS)
    assert edges[:, 39:41].any(axis=1)[1:-1].all() and not edges[:, 41:].any()


def test_edges_and_band_are_of_valid_pixels_only() -> None:
    valid = np.random.default_rng(0).random(SHAPE) < 0.9
    depth = np.where(valid, room(0), np.nan)
    edges, band = true_edges(depth, valid, SETTINGS), edge_band(depth, valid, SETTINGS)
    assert edges.any() and not (edges & ~valid).any() and not (band & ~valid).any()
    assert not (edges & ~band).any()
    assert not true_edges(depth, np.zeros(SHAPE, bool), SETTINGS).any()


# Chamfer -----------------------------------------------------------------------------------------


def test_a_flying_column_by_hand() -> None:
    """Depths 2 2 4 4 at X/Z = 0, 1/2, 1, 3/2; the third is predicted at 3.

    In metres (X, Z) is (0, 2) (1, 2) (4, 4) (6, 4); (4, 4) is predicted at (3, 3), 1.414 away,
    and has no nearer neighbour: from (1, 2) it is 2.236, and between (4, 4) and (6, 4) it is 2.
    In log depth it is log(4 / 3) = 0.288 away, nearer than (1/2, log 2) is.
    """
    truth, predicted = np.array([[2.0, 2, 4, 4]]), np.array([[2.0, 2, 3, 4]])
    mask, camera = np.ones((1, 4), bool), Camera(2, 2, 0, 0, 4, 1)
    scores = edge_chamfer(predicted, truth, mask, mask, camera, SETTINGS)
    assert scores.accuracy == scores.completeness == pytest.approx(math.sqrt(2) / 4)
    assert scores.chamfer == pytest.approx(math.sqrt(2) / 2)
    assert scores.log_accuracy == scores.log_completeness == pytest.approx(math.log(4 / 3) / 4)
    assert scores.log_chamfer == pytest.approx(math.log(4 / 3) / 2)
    assert (scores.points, scores.reason) == (4, None)


def test_accuracy_and_completeness_are_told_apart() -> None:
    """All on the near plane: every predicted point is near a true one, but not the reverse."""
    truth = np.where(step() == 2, 2, 50).astype(np.float32)
    scores = chamfer(np.full(SHAPE, 2.0), truth)
    assert scores.accuracy < 0.2 and scores.completeness > 20
    assert scores.log_accuracy < 0.1 and scores.log_completeness > 1.4
    assert scores.chamfer == scores.accuracy + scores.completeness


@pytest.mark.parametrize("seed", range(2))
def test_it_is_what_brute_force_gives(seed: int) -> None:
    depth = room(seed)
    predicted = blurred(depth, 1.0) * np.float32(1.05)
    valid = np.random.default_rng(seed).random(SHAPE) < 0.9
    settings = replace(SETTINGS, dilation=1)
    band = edge_band(depth, valid, settings)
    scores = edge_chamfer(predicted, depth, valid, band, CAMERA, settings)
    v, u = np.nonzero(band)
    a, b = (u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy
    expected = []
    for log in (False, True):
        clouds = []
        for z in (predicted[band].astype(float), depth[band].astype(float)):
            clouds.append(np.stack((a, b, np.log(z)) if log else (a * z, b * z, z), axis=1))
        apart = np.linalg.norm(clouds[0][:, None] - clouds[1][None], axis=2)
        there, back = apart.min(axis=1).mean(), apart.min(axis=0).mean()
        expected += [there, back, there + back]
    got = (scores.accuracy, scores.completeness, scores.chamfer)
    got += (scores.log_accuracy, scores.log_completeness, scores.log_chamfer)
    assert got == pytest.approx(expected, rel=1e-4)
    assert scores.points == band.sum() > 300


def test_the_truth_is_perfect_even_by_samples() -> None:
    for samples in (100, 10_000):
        scores = chamfer(room(0), room(0), samples=samples)
        assert scores.chamfer == scores.log_chamfer == 0 and scores.points > 100


@pytest.mark.parametrize("seed", range(3))
def test_more_blur_is_worse(seed: int) -> None:
    depth = room(seed)
    scores = [chamfer(blurred(depth, sigma), depth) for sigma in (0.5, 1, 2, 4)]
    for field in ("chamfer", "log_chamfer"):
        column = [getattr(s, field) for s in scores]
        assert column[0] > 0 and column == sorted(column)


def test_samples_estimate_the_mean_and_follow_the_seed() -> None:
    depth = room(1)
    predicted = blurred(depth, 1.5)
    whole = chamfer(predicted, depth)
    settings = replace(SETTINGS, samples=400)
    band = edge_band(depth, ALL, settings)
    some = [
        edge_chamfer(predicted, depth, ALL, band, CAMERA, settings, seed) for seed in (0, 0, 1, 2)
    ]
    assert some[0] == some[1] != some[2] != some[3]
    assert np.mean([s.chamfer for s in some[1:]]) == pytest.approx(whole.chamfer, rel=0.1)
    assert {s.points for s in some} == {whole.points} and whole.points > 1000


def test_near_and_far_edges_count_alike_in_log_depth() -> None:
    depth = room(0)
    predicted = blurred(depth, 1.0)
    near, far = chamfer(predicted, depth), chamfer(7 * predicted, 7 * depth)
    assert far.log_chamfer == pytest.approx(near.log_chamfer, rel=1e-3)
    assert far.chamfer == pytest.approx(7 * near.chamfer, rel=1e-3)


def test_pixels_outside_the_band_do_not_matter() -> None:
    depth = room(0)
    valid = np.random.default_rng(0).random(SHAPE) < 0.9
    band = edge_band(depth, valid, SETTINGS)
    predicted = blurred(depth, 1.0)
    expected = edge_chamfer(predicted, depth, valid, band, CAMERA, SETTINGS)
    a, b = np.where(band, predicted, np.nan), np.where(band, depth, -1)
    assert edge_chamfer(a, b, valid, band, CAMERA, SETTINGS) == expected
    assert edge_chamfer(a, b, valid, band | ~valid, CAMERA, SETTINGS) == expected


def test_no_edge_gives_no_score_but_a_reason() -> None:
    flat = np.full(SHAPE, 3.0)
    scores = chamfer(flat + 1, flat)
    assert math.isnan(scores.chamfer) and math.isnan(scores.log_chamfer)
    assert (scores.points, scores.reason) == (0, "the true depth has no edge")
    band = edge_band(flat, ALL, SETTINGS)
    assert math.isnan(flying_rate(flat, flat, ALL, band))
    recall = edge_recall(flat, flat, ALL, SETTINGS)
    assert math.isnan(recall.recall) and math.isnan(recall.ramp) and recall.edges == 0


# Flying ------------------------------------------------------------------------------------------


def test_flying_is_a_share_of_the_band() -> None:
    truth = step()
    band = edge_band(truth, ALL, replace(SETTINGS, dilation=2))
    dirty = truth.copy()
    dirty[:, 39] = 3.0
    assert band[30].sum() == 5
    assert flying_rate(dirty, truth, ALL, band) == pytest.approx(0.2)
    assert flying_rate(truth, truth, ALL, band) == 0


def test_holes_neither_fly_nor_hide_what_does() -> None:
    truth = step()
    dirty = truth.copy()
    dirty[:, 39] = 3.0
    valid = ALL.copy()
    valid[:, 43:50] = False
    valid[:30, 39] = False
    band = edge_band(truth, ALL, replace(SETTINGS, dilation=2)) & valid
    for filling in (np.nan, 0.0, -1.0, 3.0):  # 3 is where it flies, were it true
        a, b = np.where(valid, dirty, filling), np.where(valid, truth, filling)
        assert flying_rate(a, b, valid, band) == pytest.approx(30 / (30 * 4 + 30 * 5))


# Recall and ramp ---------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_truth_shows_all_of_its_edges_and_is_sharp(seed: int) -> None:
    valid = np.random.default_rng(seed).random(SHAPE) < 0.95
    for mask in (ALL, valid):
        depth = room(seed)
        recall = edge_recall(depth, depth, mask, SETTINGS)
        assert (recall.recall, recall.ramp) == (1, 0) and recall.edges > 100


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize(
    ("across", "recall", "ramp"),
    [
        ([0, 0, 0, 0, 1, 1, 1, 1], 1, 0),
        ([0, 0, 0, 0, 0.5, 1, 1, 1], 1, 1),
        ([0, 0, 0, 0.3, 0.7, 1, 1, 1], 1, 2),
        ([0, 0, 0, 0.15, 0.85, 1, 1, 1], 1, 0),  # a fifth from either end is sharp enough
        ([0, 0.2, 0.4, 0.6, 0.8, 1, 1, 1], 1, 3),  # from the second to the last but one
        ([0, 0, 0, 0, 0.52, 0.52, 0.52, 0.52], 1, 0),  # half of the jump, but sharp
        ([0, 0, 0, 0, 0.48, 0.48, 0.48, 0.48], 0, math.nan),
        ([0, 0, 1, 1, 1, 1, 1, 1], 1, 0),  # off by 2 pixels
        ([0, 0, 0, 0, 0, 0, 1, 1], 1, 0),
        ([0, 1, 1, 1, 1, 1, 1, 1], 0, math.nan),  # off by 3
        ([0, 0, 0, 0, 0, 0, 0, 1], 0, math.nan),
        ([1, 1, 1, 1, 0, 0, 0, 0], 0, math.nan),  # upside down
        ([0, 0, 0, 0, 0, 0, 0, 0], 0, math.nan),
        ([0.5, 0.5, 0.5, 0.5, 2, 2, 2, 2], 1, 0),  # elsewhere and too high, but an edge
        ([0, 0, 0, 1, 0, 1, 1, 1], 1, 0),  # there and back again
        ([0.5, 0.5, 0.5, 0, 1, 0.5, 0.5, 0.5], 1, 0),  # beside the jump is not in between
    ],
)
def test_edges_by_hand(across: list[float], recall: float, ramp: float, turn: int) -> None:
    """Log depth from 0 to 1 across columns 36 to 43; the true jump lies between 39 and 40."""
    truth = step(1.0, math.e)
    log = np.concatenate((np.full(36, across[0]), across, np.full(36, across[-1])))
    predicted = np.exp(np.tile(log, (60, 1)))
    predicted, truth = (np.rot90(a, turn) for a in (predicted, truth))
    got = edge_recall(predicted, truth, np.ones(truth.shape, bool), SETTINGS)
    assert got.edges >= 58
    assert (got.recall, got.ramp) == pytest.approx((recall, ramp), nan_ok=True)


def test_levels_that_the_truth_has_are_no_ramp() -> None:
    """A staircase of three, predicted as it is, misplaced in depth, and with a step between."""
    truth = step(1.0, math.e)
    truth[:, 40:42] = math.exp(0.5)
    for predicted in (truth, 3 * truth**0.8):
        assert edge_recall(predicted, truth, ALL, SETTINGS) == EdgeRecall(
            1, 0, edge_recall(truth, truth, ALL, SETTINGS).edges
        )
    between = truth.copy()
    between[:, 40] = math.exp(0.25)
    assert edge_recall(between, truth, ALL, SETTINGS).ramp > 0.4


def test_a_wire_is_shown_or_not() -> None:
    truth = np.full(SHAPE, math.e)
    truth[:, 40] = 1.0
    shown = edge_recall(truth, truth, ALL, SETTINGS)
    assert shown.recall == 1 and shown.edges >= 100, "both of its sides"
    assert edge_recall(np.full(SHAPE, math.e), truth, ALL, SETTINGS).recall == 0
    faint = np.where(truth == 1, math.exp(0.6), truth)
    assert edge_recall(faint, truth, ALL, SETTINGS).recall == 0
    assert edge_recall(np.where(truth == 1, math.exp(0.4), truth), truth, ALL, SETTINGS).recall == 1


def test_a_row_that_does_not_jump_shows_nothing() -> None:
    """A wire crosses the edge: Canny goes on across it, by what is above and below."""
    truth = step()
    truth[30] = 1.9
    crossing = true_edges(truth, ALL, SETTINGS)[30, 38:42]
    assert crossing.any()
    assert edge_recall(np.full(SHAPE, 3.0), truth, ALL, SETTINGS).recall == 0


@pytest.mark.parametrize("seed", range(3))
def test_blur_first_makes_ramps_and_then_hides_edges(seed: int) -> None:
    depth = room(seed)
    got = [edge_recall(blurred(depth, s), depth, ALL, SETTINGS) for s in (0.5, 1, 2, 4)]
    assert [g.recall for g in got] == sorted((g.recall for g in got), reverse=True)
    assert got[0].recall > 0.95 and got[3].recall < 0.5
    assert 0 < got[0].ramp < got[1].ramp < got[2].ramp


def test_scale_and_layout_do_not_matter() -> None:
    depth = room(0)
    predicted = blurred(depth, 0.7)
    expected = edge_recall(predicted, depth, ALL, SETTINGS)
    # Powers of two change no digit of log depth but the last ones.
    assert edge_recall(8 * predicted, depth, ALL, SETTINGS).recall == expected.recall
    squared = edge_recall(predicted**1.2, depth, ALL, SETTINGS)
    assert squared.ramp == pytest.approx(expected.ramp, rel=0.05)


def test_invalid_pixels_change_nothing() -> None:
    depth = room(0)
    valid = np.random.default_rng(0).random(SHAPE) < 0.9
    predicted = blurred(depth, 0.7)
    expected = edge_recall(predicted, depth, valid, SETTINGS)
    for filling in (np.nan, 0.0, -1.0, 900.0):
        a, b = np.where(valid, predicted, filling), np.where(valid, depth, filling)
        assert edge_recall(a, b, valid, SETTINGS) == expected


# Bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
def test_what_is_no_depth_is_refused(value: float) -> None:
    predicted, truth = step(), step()
    predicted[30, 38] = value
    band = edge_band(truth, ALL, SETTINGS)
    for refuse in (
        lambda: edge_chamfer(predicted, truth, ALL, band, CAMERA, SETTINGS),
        lambda: flying_rate(predicted, truth, ALL, band),
        lambda: edge_recall(predicted, truth, ALL, SETTINGS),
    ):
        with pytest.raises(ValueError, match="not positive and finite at 1 of"):
            refuse()


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        ({"canny_low": 0.0}, "0 < low <= high"),
        ({"canny_low": 0.2}, "0 < low <= high"),
        ({"canny_high": math.inf}, "0 < low <= high"),
        ({"canny_high": math.nan}, "0 < low <= high"),
        ({"aperture": 4}, "give 3, 5 or 7"),
        ({"dilation": -1}, "0 pixels or more"),
        ({"samples": 0}, "1 point or more"),
    ],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float], cause: str) -> None:
    with pytest.raises(UsageError, match=cause):
        replace(SETTINGS, **wrong)


def test_settings_are_stated() -> None:
    line = EdgeSettings(0.02, 0.3, 5, 7, 1234, "mm").describe()
    for part in ("0.02", "0.3", "aperture 5", "7 px", "1234 points", "mm", "log depth", "sum"):
        assert part in line
    assert "\n" not in line
