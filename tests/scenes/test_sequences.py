"""Filmed scenes: flow, visibility and poses agree with depth, and seeds decide."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.scenes.camera_path import View, orbit, walk
from ppdcli.scenes.motion import Motion
from ppdcli.scenes.primitives.render import render
from ppdcli.scenes.primitives.shapes import BOX, ELLIPSOID, Material, Scene
from ppdcli.scenes.primitives.stage import PrimitiveStage, primitive_stage
from ppdcli.scenes.primitives.textures import make_texture_bank
from ppdcli.scenes.samples import SKY_DEPTH
from ppdcli.scenes.sequences import Clip, film, film_walk, take_views

BANK = make_texture_bank(1, count=6)
GREY = Material(np.full(3, 0.5), np.full(3, 0.5), 0, 0, 1.0)
SHAPE = (48, 64)


def ball_before_wall(motion: Motion | None = None) -> PrimitiveStage:
    """A ball of 0.5 m, 3 m ahead of the camera, before a wall at 6 m."""
    scene = Scene(1.0, 0.0, 0.0, 60, ground=GREY)
    scene.add(BOX, (0, 0, 6.5), (20, 20, 0.5), GREY)
    scene.add(ELLIPSOID, (0, 1, 3), (0.5, 0.5, 0.5), GREY)
    return PrimitiveStage(scene, BANK, [] if motion is None else [(range(1, 2), motion)])


def reprojected(clip: Clip, t: int) -> np.ndarray:
    """The flow of a static scene by depth, pose and camera alone."""
    height, width = SHAPE
    v, u = np.mgrid[:height, :width].astype(float)
    c, z = clip.camera, clip.depth[t].astype(float)
    points = np.stack([(u - c.cx) / c.fx * z, (v - c.cy) / c.fy * z, z, np.ones_like(z)])
    motion = np.linalg.inv(clip.poses[t + 1]) @ clip.poses[t]
    x, y, ahead, _ = np.tensordot(motion, points, 1)
    return np.stack([c.cx + c.fx * x / ahead - u, c.cy + c.fy * y / ahead - v], -1)


@pytest.mark.parametrize("index", [1, 3, 4])
def test_the_flow_of_a_static_scene_is_the_reprojection_of_its_depth(index: int) -> None:
    clip = film_walk(primitive_stage(7, index, 1, 0), 4, SHAPE, (7, index))
    assert not clip.moving.any()
    for t in range(3):
        surface = clip.valid[t] & np.isfinite(clip.flow[t, ..., 0])
        assert surface.mean() > 0.3 and clip.visible[t][surface].mean() > 0.6
        flow = clip.flow[t][surface]
        np.testing.assert_allclose(flow, reprojected(clip, t)[surface], atol=2e-3)
        assert np.isnan(clip.flow[t][~clip.valid[t]]).all()
    assert np.nanmax(np.abs(clip.flow)) > 0.2


def test_the_first_frame_is_the_scene_as_it_was_composed() -> None:
    stage = ball_before_wall()
    clip = film(stage, [stage.start], SHAPE, 0)
    scene = Scene(1.0, 0.0, 0.0, 60, ground=GREY)
    scene.add(BOX, (0, 0, 6.5), (20, 20, 0.5), GREY)
    scene.add(ELLIPSOID, (0, 1, 3), (0.5, 0.5, 0.5), GREY)
    np.testing.assert_array_equal(clip.depth[0], render(scene, *SHAPE, BANK)[1])
    np.testing.assert_allclose(clip.poses[0][:3], [[1, 0, 0, 0], [0, 1, 0, -1], [0, 0, 1, 0]])


def test_a_step_to_the_right_hides_the_wall_right_of_the_ball() -> None:
    """Seen from further right, the ball moves left before the wall."""
    stage = ball_before_wall()
    views = [stage.start, View(stage.start.place + [0.3, 0, 0], 0.0, 0.0, 0.0)]
    clip = film(stage, views, SHAPE, 0)
    focal, row = clip.camera.fx, 23
    wall, ball = clip.depth[0, row] > 5.9, clip.depth[0, row] < 3
    np.testing.assert_allclose(clip.flow[0, row, wall, 0], -0.3 * focal / 6, rtol=1e-4)
    right = np.flatnonzero(ball).max() + 1
    left = np.flatnonzero(ball).min()
    shown = clip.visible[0, row]
    # The ball covers about 0.3 f (1/3 - 1/6) = 2.8 pixels more on its left side.
    assert not shown[left - 2 : left].any() and shown[left - 8 : left - 4].all()
    assert shown[right + 1 : right + 12].all()
    # What the second frame no longer has inside its borders.
    gone = int(np.ceil(0.3 * focal / 6))
    assert not shown[: gone - 1].any() and shown[gone + 1 : gone + 6].all()


def test_a_moving_thing_has_its_own_flow() -> None:
    motion = Motion(np.array([0.0, 1.0, 3.0]), np.array([0.1, 0.0, 0.0]), 0.0)
    stage = ball_before_wall(motion)
    clip = film(stage, [stage.start] * 3, SHAPE, 0)
    for t in range(2):
        ball = clip.moving[t]
        assert 100 < ball.sum() < 600
        expected = 0.1 * clip.camera.fx / clip.depth[t][ball]
        np.testing.assert_allclose(clip.flow[t][ball, 0], expected, rtol=1e-4)
        still = ~ball & clip.valid[t]
        np.testing.assert_allclose(clip.flow[t][still], 0, atol=1e-3)
        # What the ball covers next is not visible, and nothing else is hidden.
        hidden = ~clip.visible[t] & still
        assert hidden.any() and not (hidden & ~clip.moving[t + 1]).any()
        assert not (clip.visible[t] & still & clip.moving[t + 1]).any()


def test_a_turning_thing_turns_about_its_axis() -> None:
    pivot = np.array([1.0, 0.0, 2.0])
    at = Motion(pivot, np.array([0.0, 0.0, 0.5]), 0.2).at(3)
    np.testing.assert_allclose(at[:3, :3] @ pivot + at[:3, 3], pivot + [0, 0, 1.5])
    np.testing.assert_allclose(at[:3, 2], [np.sin(0.6), 0, np.cos(0.6)])


def test_the_key_decides_everything() -> None:
    def made(key: int) -> Clip:
        return film_walk(primitive_stage(7, 3, 1, 2), 3, (24, 32), (7, key))

    once, again, other = made(3), made(3), made(4)
    for name in ("rgb", "depth", "poses", "moving", "flow", "visible"):
        np.testing.assert_array_equal(getattr(once, name), getattr(again, name))
    assert not np.array_equal(once.poses[1:], other.poses[1:])
    assert once.moving.any()


def test_noise_is_new_in_each_frame_and_the_camera_is_not() -> None:
    stage = ball_before_wall()
    frames = film(stage, [stage.start] * 2, SHAPE, 8).rgb.astype(int)  # a noisy camera
    apart = frames[1] - frames[0]
    assert np.abs(apart).mean() > 0.5 and abs(apart.mean()) < 0.5


def test_posed_views_look_at_one_point_from_around_it() -> None:
    clip = take_views(primitive_stage(7, 3, 1, 0), 6, (24, 32), (7, 3))
    places, ahead = clip.poses[:, :3, 3], clip.poses[:, :3, 2]
    np.testing.assert_allclose(np.linalg.det(clip.poses[:, :3, :3]), 1)
    # The point that is closest to all optical axes.
    across = np.eye(3) - ahead[:, :, None] * ahead[:, None, :]
    point = np.linalg.solve(across.sum(0), (across @ places[:, :, None]).sum(0))[:, 0]
    missed = np.linalg.norm((across @ (point - places)[:, :, None])[..., 0], axis=1)
    away = np.linalg.norm(point - places, axis=1)
    assert missed.max() < 1e-6 * away.max() and np.ptp(ahead @ ahead[0]) > 0.01


@pytest.mark.parametrize("path", [walk, orbit])
def test_no_share_of_a_path_is_no_movement(path: object) -> None:
    start = View(np.array([0.0, 1.0, 0.0]), 0.3, 0.1, 0.02)
    assert callable(path)
    views = path(start, 5, 4.0, np.random.default_rng(0))(0.0)
    assert len(views) == 5
    for view in views if path is walk else views[:1]:
        np.testing.assert_allclose(view.place, start.place)
        np.testing.assert_allclose(view.axes(), start.axes())


def test_a_camera_stops_before_it_runs_into_something() -> None:
    """Most of the view is far away, so the camera's steps are long for the beam 0.9 m ahead."""
    scene = Scene(1.0, 0.0, 0.0, 60, ground=GREY)
    scene.add(BOX, (0, 1, 1.0), (1.0, 0.2, 0.1), GREY)
    scene.add(BOX, (0, 0, 60.5), (90, 90, 0.5), GREY)
    for key in range(8):
        clip = film_walk(PrimitiveStage(scene, BANK, []), 8, (24, 32), (5, key))
        assert clip.depth.min() > 0.3


def test_sky_is_neither_visible_nor_moving() -> None:
    scene = Scene(1.5, 0.0, 0.0, 60, ground=GREY)
    stage = PrimitiveStage(scene, BANK, [])
    views = [stage.start, View(stage.start.place + [0.2, 0, 0.2], 0.01, 0.0, 0.0)]
    clip = film(stage, views, SHAPE, 0)
    sky = clip.depth[0] >= SKY_DEPTH
    assert 0.3 < sky.mean() < 0.7
    assert not clip.visible[0][sky].any() and clip.visible[0][~sky].mean() > 0.8
