"""What a page is told of a cloud."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.axes import Axes, from_opencv
from ppdcli.errors import InputError
from ppdcli.viewer.cloud_facts import CloudFacts, facts_of
from ppdcli.viewer.cloud_scene import ShownCloud, cloud_scene

COMMENTS = (
    "unit m",
    "model ppd-tiny",
    "axes opencv (x right, y down, z forward)",
    "intrinsics 100 50 49.5 24.5 of 100x50 (fx fy cx cy in pixels, first centre at 0,0)",
    "photo my photo.jpg",
)


def wall(count: int = 2000) -> np.ndarray:
    rng = np.random.default_rng(0)
    slopes = rng.uniform(-0.5, 0.5, (count, 2))
    z = rng.uniform(2, 4, (count, 1))
    return np.concatenate((slopes * z, z), axis=1).astype(np.float32)


def colors(count: int) -> np.ndarray:
    return np.full((count, 3), 200, np.uint8)


def test_comments_are_read_as_they_are_written() -> None:
    facts = facts_of(COMMENTS)
    assert facts.camera is not None and facts.camera.fy == 50 and facts.camera.width == 100
    assert (facts.axes, facts.metric, facts.model) == ("opencv", True, "ppd-tiny")
    assert facts.photo == "my photo.jpg"


@pytest.mark.parametrize(
    "comments",
    [
        (),
        ("axes sideways", "unit cubits", "intrinsics 1 2 3 of 4x5", "intrinsics"),
        ("intrinsics 0 1 1 1 of 2x2", "axes"),
        ("intrinsics 1 1 1 1 of 0x0", "unit"),
        ("intrinsics 1e999 1 1 1 of 2x2",),
    ],
)
def test_comments_of_others_state_nothing(comments: tuple[str, ...]) -> None:
    assert facts_of(comments) == CloudFacts()


@pytest.mark.parametrize("axes", ["opencv", "opengl", "blender"])
def test_the_view_of_the_photo_is_the_start_in_any_axes(axes: Axes) -> None:
    points = wall()
    facts = facts_of(("axes " + axes, *COMMENTS))
    scene = cloud_scene(
        ShownCloud("x", from_opencv(points, axes), colors(len(points)), facts)
    ).facts
    assert scene["encoding"] == "rays"
    assert scene["frame"] == {"left": -0.5, "right": 0.5, "top": 0.5, "bottom": -0.5}
    assert 2 <= scene["near"] < scene["pivot"] < 4
    x = {"opencv": [1, 0, 0], "opengl": [1, 0, 0], "blender": [1, 0, 0]}[axes]
    z = {"opencv": [0, 0, -1], "opengl": [0, 0, 1], "blender": [0, 1, 0]}[axes]
    assert scene["axes"]["x"] == x and scene["axes"]["z"] == z
    assert scene["unit"].startswith("metres\nx right")


def test_a_large_cloud_is_thinned_with_its_flying_pixels_and_says_so() -> None:
    points = wall(9000)
    shown = ShownCloud("x", points, colors(9000), facts_of(COMMENTS), points[:3000])
    scene = cloud_scene(shown, most=2000)
    facts = scene.facts
    assert 1200 < facts["points"] <= 1500 and 300 < facts["removed"] <= 500
    assert facts["flying"] == 3000
    assert len(scene.data) == 6 * (facts["points"] + facts["removed"]) + 3 * facts["points"]
    line = f"the page shows {facts['points']:,} of 9,000 points"
    assert scene.lines == (line,)
    assert facts["about"] == f"ppd-tiny · {facts['points']:,} of 9,000 points shown"
    again = cloud_scene(shown, most=2000)
    assert again.data == scene.data and again.facts == facts


def test_a_cloud_of_which_nothing_is_known() -> None:
    points = wall().astype(np.float64) + (4e5, 5e6, 100)
    scene = cloud_scene(ShownCloud("x", points, None, CloudFacts()))
    facts = scene.facts
    assert (facts["encoding"], facts["frame"], facts["up"]) == ("floats", None, "z")
    assert facts["unit"] == "unit not stated\naround 400000, 5000000, 103"
    stored = np.frombuffer(scene.data, "<f4").reshape(-1, 3)
    np.testing.assert_allclose(stored + (4e5, 5e6, 103), points, atol=1e-6)


def test_points_behind_the_camera_are_shown_without_its_view() -> None:
    points = wall() * np.float32((1, 1, -1))
    scene = cloud_scene(ShownCloud("x", points, None, facts_of(COMMENTS)))
    assert scene.facts["frame"] is None and scene.facts["encoding"] == "floats"


def test_one_point_and_none() -> None:
    scene = cloud_scene(ShownCloud("x", wall(1), colors(1), facts_of(COMMENTS)))
    assert scene.facts["points"] == 1 and scene.facts["about"] == "ppd-tiny · 1 point"
    lone = cloud_scene(ShownCloud("x", wall(1), colors(1), CloudFacts()))
    assert lone.facts["points"] == 1
    with pytest.raises(InputError, match="no points"):
        cloud_scene(ShownCloud("x", wall(0), colors(0), CloudFacts()))


def test_a_lens_that_bends_has_the_frame_of_its_points() -> None:
    facts = facts_of((*COMMENTS, "distortion k1 0.2, undone"))
    frame = cloud_scene(ShownCloud("x", wall(), None, facts)).facts["frame"]
    np.testing.assert_allclose(list(frame.values()), [-0.5, 0.5, 0.5, -0.5], atol=0.01)
