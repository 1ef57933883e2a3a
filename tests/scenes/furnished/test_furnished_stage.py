"""Furnished places that are filmed."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.scenes.camera_path import View
from ppdcli.scenes.furnished.camera import Camera, take
from ppdcli.scenes.furnished.models.library import Library
from ppdcli.scenes.furnished.series import Furnished
from ppdcli.scenes.furnished.stage import FurnishedStage, furnished_stage
from ppdcli.scenes.motion import Motion
from ppdcli.scenes.sequences import film, film_walk

SHAPE = (36, 48)


@pytest.fixture(scope="module")
def maker(tiny: Library) -> Furnished:
    return Furnished(tiny)


@pytest.mark.parametrize("roll", [0.0, 0.1])
def test_a_view_is_the_camera_of_the_pictures(roll: float) -> None:
    camera = Camera(np.array([1.0, 1.5, -2.0]), np.array([2.0, 0.3, 4.0]), roll, 60.0)
    view = View(camera.place, 0.0, 0.0, roll).towards(camera.target)
    np.testing.assert_allclose(view.axes(), camera.axes(), atol=1e-12)


@pytest.mark.usefixtures("embree")
def test_a_still_place_is_filmed_as_it_is_photographed(maker: Furnished) -> None:
    place = maker.arrange(3, 0)
    camera = place.camera(np.random.default_rng(1), False)
    stage = FurnishedStage(place, camera, [])
    clip = film(stage, [stage.start] * 2, SHAPE, 0)
    depth = take(place.scene, camera, *SHAPE)[1]
    # The axes are computed in another way, so a ray can hit the neighbour at an edge.
    near = np.isclose(clip.depth[0], depth, rtol=1e-4)
    assert near.mean() > 0.995
    shown = clip.valid[0]
    np.testing.assert_allclose(clip.flow[0][shown], 0, atol=1e-3)
    assert clip.visible[0][shown].all()


@pytest.mark.usefixtures("embree")
@pytest.mark.parametrize("number", [0, 1])
def test_moving_models_have_their_own_flow(maker: Furnished, number: int) -> None:
    place = maker.arrange(3, number)
    camera = place.camera(np.random.default_rng(1), False)
    still = FurnishedStage(place, camera, [])
    area = np.bincount(still.parts(*SHAPE).ravel(), minlength=99)
    placed = max(place.site.placements, key=lambda p: area[p.number])
    step = 0.05 * still.start.axes()[:, 0]
    stage = FurnishedStage(place, camera, [([placed.number], Motion(placed.place, step, 0.0))])
    clip = film(stage, [stage.start] * 3, SHAPE, 0)
    for t in range(2):
        own, all_else = clip.moving[t], ~clip.moving[t] & clip.valid[t]
        assert own.sum() > 40
        expected = 0.05 * clip.camera.fx / clip.depth[t][own]
        np.testing.assert_allclose(clip.flow[t][own, 0], expected, rtol=1e-3)
        np.testing.assert_allclose(clip.flow[t][all_else], 0, atol=1e-3)
    seen_before = clip.moving[0].mean(), clip.depth[0].mean()
    again = film(stage, [stage.start], SHAPE, 0)  # filming changed nothing
    assert (again.moving[0].mean(), again.depth[0].mean()) == seen_before


@pytest.mark.usefixtures("embree")
def test_the_numbers_decide(maker: Furnished) -> None:
    clips = [
        film_walk(furnished_stage(maker, 3, number, SHAPE, 2), 3, SHAPE, (3, number))
        for number in (1, 1, 2)
    ]
    for name in ("rgb", "depth", "poses", "moving", "flow", "visible"):
        np.testing.assert_array_equal(getattr(clips[0], name), getattr(clips[1], name))
    assert not np.array_equal(clips[0].depth, clips[2].depth)


@pytest.mark.usefixtures("embree")
def test_what_stands_on_a_thing_moves_with_it(maker: Furnished) -> None:
    found = 0
    for number in range(6):
        stage = furnished_stage(maker, 3, number, SHAPE, 2)
        motions = stage.motions(2.0)
        np.testing.assert_array_equal(motions[0], np.eye(4))
        found += len(motions) - 1
        assert all(motion[1, 3] == 0 for motion in motions[1:])  # nothing rises
    assert found
