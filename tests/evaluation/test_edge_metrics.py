"""Measures of what happens at depth edges: each on a scene small enough to count by hand."""

import cv2
import numpy as np
import pytest

from ppdcli.evaluation.edge_metrics import (
    Reference,
    Score,
    depth_edges,
    flying_points,
    placed_truth,
    scaled_points,
    thin_structure,
    total,
    true_points,
)
from ppdcli.geometry.camera import Camera

SHAPE = (30, 40)
CAMERA = Camera.from_fov(60, 40, 30)


def step(near: float = 2.0, far: float = 4.0) -> np.ndarray:
    return np.tile(np.where(np.arange(40) < 20, near, far), (30, 1)).astype(np.float32)


def reference(truth: np.ndarray, valid: np.ndarray | None = None) -> Reference:
    return Reference(truth, CAMERA, np.ones(truth.shape, bool) if valid is None else valid)


def test_only_what_is_between_two_surfaces_flies() -> None:
    depth = step()
    depth[5, 20] = 3.0
    depth[6, 20] = 2.05  # within 3 % of the near surface
    depth[7, 20] = 1.0  # nearer than both
    depth[8, 20] = 9.0  # farther than both
    depth[9, 20] = np.nan
    depth[10, 30] = 3.0  # no near surface within 4 pixels
    flying = flying_points(depth, step())
    assert flying[5, 20] and flying.sum() == 1


def test_a_surface_moved_by_up_to_four_pixels_does_not_fly() -> None:
    for shift, flies in ((4, False), (5, False)):
        assert flying_points(np.roll(step(), shift, axis=1), step()).any() == flies
    assert flying_points(np.full(SHAPE, 3.0, np.float32), step()).sum() == 30 * 8


def test_a_slope_does_not_fly() -> None:
    slope = np.tile(2 * 1.1 ** np.arange(40), (30, 1))
    assert not flying_points(slope * 1.02, slope).any()


def test_a_true_point_has_true_company() -> None:
    truth = step()
    np.testing.assert_array_equal(true_points(truth * 1.005, truth), True)
    assert not true_points(truth * 1.02, truth).any()
    lone = truth * 1.1
    lone[10, 10] = truth[10, 10]
    lone[20] = truth[20]  # a line, as where a ramp crosses the truth
    assert not true_points(lone, truth).any()
    lone[21:23] = truth[21:23]
    assert true_points(lone, truth)[21, 1:-1].all()
    assert not true_points(np.full(SHAPE, np.nan), truth).any()


@pytest.mark.parametrize("pixels", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("turn", [False, True])
def test_thin_is_up_to_four_pixels_wide(pixels: int, turn: bool) -> None:
    truth = np.full(SHAPE, 4.0, np.float32)
    truth[10 : 10 + pixels] = 3.0
    truth = truth.T if turn else truth
    np.testing.assert_array_equal(thin_structure(truth), (truth == 3) & (pixels <= 4))


def test_thin_is_nearer_than_both_sides() -> None:
    diagonal = np.where(np.abs(np.subtract.outer(np.arange(30), np.arange(30))) < 2, 2.0, 3.0)
    thin = thin_structure(diagonal)
    assert not thin[diagonal == 3].any()
    assert thin[2:-2, 2:-2][diagonal[2:-2, 2:-2] == 2].all(), "up to where the corner hides a side"
    assert not thin_structure(5 - diagonal).any(), "a slit is none"
    assert not thin_structure(np.where(diagonal == 2, 2.9, 3.0)).any(), "nor is a ripple"
    assert not thin_structure(step()).any()
    assert not thin_structure(np.tile(2 * 1.1 ** np.arange(40), (30, 1))).any()


def test_edges_are_jumps_that_no_plane_explains() -> None:
    expected = np.zeros(SHAPE, bool)
    expected[:, 19:21] = True
    np.testing.assert_array_equal(depth_edges(step()), expected)
    np.testing.assert_array_equal(depth_edges(step().T), expected.T)
    assert not depth_edges(step(2.0, 2.08)).any()
    floor = np.tile(60 / np.arange(1, 41), (30, 1))
    assert not depth_edges(floor).any()


def test_scaled_points_are_apart_as_in_space_over_depth() -> None:
    depth = np.full(SHAPE, 5.0)
    depth[:, 20:] = 5.05
    points = scaled_points(depth, CAMERA)
    np.testing.assert_allclose(np.linalg.norm(points[3, 4] - points[3, 5]), 1 / CAMERA.fx)
    np.testing.assert_allclose((points[3, 20] - points[3, 19])[2], 0.01, rtol=0.01)
    np.testing.assert_allclose(
        scaled_points(depth * 7, CAMERA)[..., 2] - points[..., 2], np.log(7), rtol=1e-5
    )


def test_scores_count_what_a_filter_did() -> None:
    truth = step()
    dirty = truth.copy()
    dirty[:, 20] = 3.0
    cleaned = dirty.copy()
    cleaned[:20, 20] = np.nan  # 20 of 30 flying points
    cleaned[:5, :4] = np.nan  # 20 true ones
    cleaned[10, 10] = 3.9  # moved away from the truth
    valid = np.ones(SHAPE, bool)
    valid[:, 35:] = False
    s = reference(truth, valid).score(dirty, cleaned)
    assert (s.points, s.lost) == (30 * 35, 40)
    assert (s.flying, s.flying_left) == (30, 10)
    assert (s.true, s.true_kept) == (30 * 34, 30 * 34 - 21)
    assert (s.thin, s.thin_kept) == (0, 0)


def test_thin_points_are_counted_apart() -> None:
    truth = np.full(SHAPE, 4.0, np.float32)
    truth[10:12] = 3.0
    cleaned = truth.copy()
    cleaned[10, :15] = np.nan
    s = reference(truth).score(truth, cleaned)
    assert (s.thin, s.thin_kept, s.true, s.true_kept) == (80, 65, 1200, 1185)


def test_a_point_snapped_back_is_no_longer_flying() -> None:
    truth = step()
    dirty = truth.copy()
    dirty[:, 20] = 3.0
    s = reference(truth).score(dirty, truth)
    assert (s.flying, s.flying_left, s.lost) == (30, 0, 0)
    assert s.accuracy == s.completeness == 0


def test_distances_are_those_of_the_edge_band_in_units_of_depth() -> None:
    truth = step()
    cleaned = truth.copy()
    cleaned[:, 20] = 3.0
    band = 12 + 2  # columns: 6 on either side of the two at the edge
    s = reference(truth).score(truth, cleaned)
    pixel = 1 / CAMERA.fx
    to_far = np.hypot(np.log(4 / 3), 0)
    assert s.accuracy == pytest.approx(min(to_far, np.log(3 / 2)) / band, rel=1e-4)
    assert s.completeness == pytest.approx(pixel / band, rel=1e-4)  # the next column stands in
    cleaned[:, 20] = np.nan
    s = reference(truth).score(truth, cleaned)
    assert s.accuracy == 0 and s.completeness == pytest.approx(pixel / band, rel=1e-4)
    far_away = truth.copy()
    far_away[:, 38:] = 100
    assert reference(truth).score(truth, far_away).accuracy == 0, "outside the band"


def test_invalid_pixels_are_neither_points_nor_truth() -> None:
    truth = step()
    valid = truth == 2
    dirty = truth.copy()
    dirty[:, 19:21] = 3.0
    s = reference(truth, valid).score(dirty, dirty)
    assert (s.points, s.flying) == (600, 30)
    band = 7
    assert s.accuracy == pytest.approx(np.log(3 / 2) / band, rel=0.02)


def test_every_nth_point_gives_about_the_same_distance() -> None:
    rng = np.random.default_rng(0)
    truth = step()
    dirty = truth * np.exp(0.05 * rng.standard_normal(SHAPE)).astype(np.float32)
    all_of_them = reference(truth).score(dirty, dirty)
    some = reference(truth).score(dirty, dirty, every=2)
    assert some.accuracy == pytest.approx(all_of_them.accuracy, rel=0.2)
    assert some.accuracy != all_of_them.accuracy


def test_a_scene_without_edges_or_points_has_no_distance() -> None:
    flat = np.full(SHAPE, 3.0)
    assert np.isnan(reference(flat).score(flat, flat).accuracy)
    nothing = reference(step()).score(step(), np.full(SHAPE, np.nan))
    assert np.isnan(nothing.accuracy) and nothing.lost == 1200


def test_totals_add_counts_and_average_distances() -> None:
    a = Score(10, 1, 2, 3, 4, 5, 6, 7, 0.2, 0.4)
    b = Score(20, 1, 1, 1, 1, 1, 1, 1, 0.4, 0.8)
    none = Score(1, 0, 0, 0, 0, 0, 0, 0, float("nan"), float("nan"))
    s = total([a, b, none])
    assert (s.points, s.lost, s.thin_kept) == (31, 2, 8)
    assert s.accuracy == pytest.approx(0.3) and s.completeness == pytest.approx(0.6)
    assert np.isnan(total([none]).accuracy)


def test_a_placed_truth_takes_the_surfaces_errors_but_not_their_blur() -> None:
    truth = step()
    wrong = np.where(truth == 2, 2 * 1.2, 4 * 0.9).astype(np.float32)
    np.testing.assert_allclose(placed_truth(truth, wrong), wrong, rtol=1e-4)
    blurred = cv2.GaussianBlur(wrong, (0, 0), 0.7)
    assert np.abs(blurred / wrong - 1).max() > 0.1
    np.testing.assert_allclose(placed_truth(truth, blurred), wrong, rtol=1e-3)


def test_a_wire_is_placed_by_its_own_pixels() -> None:
    truth = np.full(SHAPE, 4.0, np.float32)
    truth[15] = 2.0
    depth = truth * np.where(truth == 2, 1.1, 0.9).astype(np.float32)
    np.testing.assert_allclose(placed_truth(truth, depth), depth, rtol=1e-3)
