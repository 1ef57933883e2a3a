"""Measures of consistency over time, with controls whose scores are known."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.evaluation.temporal import (
    align_film,
    optical_flow_warping,
    temporal_alignment_error,
    temporal_gradient_matching,
    trajectory_error_change,
)
from ppdcli.geometry.camera import Camera
from ppdcli.scenes.primitives.stage import primitive_stage
from ppdcli.scenes.sequences import Clip, film_walk

SHAPE = (48, 64)


@pytest.fixture(scope="module", params=[(3, 0), (1, 2)], ids=["static", "moving"])
def clip(request: pytest.FixtureRequest) -> Clip:
    index, things = request.param
    return film_walk(primitive_stage(7, index, 1, things), 8, SHAPE, (7, index))


def tec(clip: Clip, relative: np.ndarray) -> float:
    metres = align_film(relative, clip.depth, clip.valid)
    return trajectory_error_change(metres, clip.depth, clip.valid, clip.flow, clip.visible)


def opw(clip: Clip, relative: np.ndarray) -> float:
    metres = align_film(relative, clip.depth, clip.valid)
    return optical_flow_warping(metres, clip.flow, clip.visible)


def tae(clip: Clip, relative: np.ndarray) -> float:
    metres = align_film(relative, clip.depth, clip.valid)
    return temporal_alignment_error(metres, clip.valid, clip.poses, clip.camera)


def truth(clip: Clip) -> np.ndarray:
    """What a perfect model says: affine in log(depth + 1)."""
    return 0.1 + 0.2 * np.log1p(clip.depth.astype(np.float64))


def flickering(clip: Clip) -> np.ndarray:
    """The truth under another scale and shift in each frame."""
    rng = np.random.default_rng(0)
    scale = np.exp(rng.normal(0, 0.1, (len(clip.depth), 1, 1)))
    return truth(clip) * scale + rng.normal(0, 0.01, scale.shape)


def frozen(clip: Clip) -> np.ndarray:
    return np.broadcast_to(truth(clip)[:1], clip.depth.shape)


def test_the_truth_does_not_flicker(clip: Clip) -> None:
    assert tec(clip, truth(clip)) < 1e-6
    metres = align_film(truth(clip), clip.depth, clip.valid)
    assert temporal_gradient_matching(metres, clip.depth, clip.valid) < 1e-5


def test_an_error_that_stays_with_its_surface_does_not_count(clip: Clip) -> None:
    """A smooth function of the true point: the same wrong value wherever the camera is."""
    z = np.log1p(clip.depth.astype(np.float64))
    wrong = np.expm1(1.1 * z + 0.02)
    assert trajectory_error_change(wrong, clip.depth, clip.valid, clip.flow, clip.visible) < 0.01
    rng = np.random.default_rng(0)
    dancing = np.expm1(1.1 * z + 0.1 * rng.normal(0, 1, (len(z), 1, 1)))
    assert trajectory_error_change(dancing, clip.depth, clip.valid, clip.flow, clip.visible) > 0.05


def test_a_random_scale_for_each_frame_is_flicker_by_every_measure(clip: Clip) -> None:
    assert tec(clip, flickering(clip)) > 0.03
    assert opw(clip, flickering(clip)) > 2 * opw(clip, truth(clip))
    assert tae(clip, flickering(clip)) > 2 * tae(clip, truth(clip))


def test_a_frozen_map_changes_as_much_as_the_truth_moves(clip: Clip) -> None:
    change = tec(clip, frozen(clip))
    assert change > 1e-3
    moved = optical_flow_warping(np.log1p(clip.depth).astype(np.float64), clip.flow, clip.visible)
    assert change < 0.2 and moved < 0.2
    metres = align_film(frozen(clip), clip.depth, clip.valid)
    still = np.abs(np.diff(metres, axis=0)).max()
    assert still == 0


def test_a_median_over_time_lowers_flicker(clip: Clip) -> None:
    noisy = truth(clip) + np.random.default_rng(1).normal(0, 0.02, (len(clip.depth), 1, 1))
    padded = np.concatenate([noisy[:1], noisy, noisy[-1:]])
    median = np.median([padded[:-2], padded[1:-1], padded[2:]], axis=0)
    assert tec(clip, median) < 0.8 * tec(clip, noisy)


def test_one_fit_serves_the_whole_film() -> None:
    depth = np.tile(np.linspace(1, 6, 20).reshape(4, 5), (2, 1, 1))
    valid = np.ones(depth.shape, bool)
    relative = 3 - 2 * -np.log1p(depth)
    np.testing.assert_allclose(align_film(relative, depth, valid), depth)
    relative[1] += 1  # a shift of one frame is not repaired
    assert np.abs(align_film(relative, depth, valid) - depth).max() > 0.01


def plane(away: float, still: bool = True) -> tuple[np.ndarray, np.ndarray, Camera]:
    """A wall ahead, and a camera that comes closer by 0.1 m a frame unless it stands still."""
    depth = np.stack([np.full((20, 30), away - (0 if still else 0.1 * t)) for t in range(3)])
    poses = np.tile(np.eye(4), (3, 1, 1))
    poses[:, 2, 3] = 0 if still else 0.1 * np.arange(3)
    return depth, poses, Camera(25.0, 25.0, 14.5, 9.5, 30, 20)


def test_warping_punishes_a_camera_that_comes_closer_and_the_others_do_not() -> None:
    depth, poses, camera = plane(4.0, still=False)
    flow = np.zeros((2, 20, 30, 2))  # close to the axis; what a wall shows elsewhere is the same
    visible = np.ones((2, 20, 30), bool)
    assert optical_flow_warping(depth, flow, visible) == pytest.approx(0.1)
    assert trajectory_error_change(depth, depth, depth > 0, flow, visible) == 0
    assert temporal_alignment_error(depth, depth > 0, poses, camera) == pytest.approx(0, abs=1e-9)


def test_the_alignment_error_is_that_of_the_formula() -> None:
    depth, poses, camera = plane(4.0)
    predicted = depth * np.array([1.0, 1.1, 1.1])[:, None, None]
    # Frames 0 and 1: 0.1 / 1.1 forward and 0.1 / 1 back; frames 1 and 2 agree.
    expected = 100 * (0.1 / 1.1 + 0.1) / (2 * 2)
    found = temporal_alignment_error(predicted, depth > 0, poses, camera)
    assert found == pytest.approx(expected)


def test_gradient_matching_ignores_where_the_truth_moves() -> None:
    depth = np.full((2, 4, 4), 10.0)
    depth[1, 0] = 1.0  # something comes by
    predicted = depth.copy()
    predicted[1, 1] += 0.5
    predicted[1, 0] += 7.0
    valid = np.ones(depth.shape, bool)
    assert temporal_gradient_matching(predicted, depth, valid) == pytest.approx(0.5 / 3)


def test_errors_are_not_mixed_across_an_edge() -> None:
    """A target between near and far has no error of its own."""
    depth = np.full((2, 6, 8), 4.0)
    depth[:, :, 4:] = 2.0
    predicted = depth.copy()
    predicted[1, :, 4:] *= 2
    flow = np.zeros((1, 6, 8, 2))
    flow[..., 0] = 0.5
    visible = np.zeros((1, 6, 8), bool)
    visible[0, :, 3] = True
    assert np.isnan(trajectory_error_change(predicted, depth, depth > 0, flow, visible))
    visible[0, :, 1] = True
    assert trajectory_error_change(predicted, depth, depth > 0, flow, visible) == 0


def test_without_pixels_there_is_no_score() -> None:
    depth = np.ones((2, 4, 5))
    nothing, flow = np.zeros((1, 4, 5), bool), np.zeros((1, 4, 5, 2))
    none = np.zeros(depth.shape, bool)
    camera = Camera(5.0, 5.0, 2.0, 1.5, 5, 4)
    assert np.isnan(trajectory_error_change(depth, depth, none, flow, nothing))
    assert np.isnan(optical_flow_warping(depth, flow, nothing))
    assert np.isnan(temporal_gradient_matching(depth, depth, none))
    assert np.isnan(temporal_alignment_error(depth, none, np.tile(np.eye(4), (2, 1, 1)), camera))
