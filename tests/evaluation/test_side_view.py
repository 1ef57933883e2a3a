"""The picture that shows points in the air."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ppdcli import load
from ppdcli.evaluation import side_view
from ppdcli.evaluation.side_view import GAP, SHAPE, columns, framing, view
from ppdcli.geometry.camera import Camera

CAMERA = Camera(60.0, 60.0, 39.5, 29.5, 80, 60)
RED, BLUE = (255, 0, 0), (0, 0, 255)


def two_walls() -> tuple[np.ndarray, np.ndarray]:
    """A near red wall on the left and a far blue one on the right."""
    depth = np.full((60, 80), 2.0, np.float32)
    depth[:, 40:] = 3.0
    rgb = np.zeros((60, 80, 3), np.uint8)
    rgb[:, :40], rgb[:, 40:] = RED, BLUE
    return depth, rgb


def drawn(picture: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return (picture == color).all(-1)


def test_what_is_farther_along_a_ray_is_to_the_left() -> None:
    depth, rgb = two_walls()
    frame = framing(depth, CAMERA)
    places = []
    for z in (2.0, 2.5):
        one = np.full_like(depth, np.nan)
        one[30, 40] = z
        rows, columns = np.nonzero((view(one, rgb, CAMERA, frame) != 255).any(-1))
        assert rows.size == 4, "a point is 2 x 2 pixels"
        places.append((rows.mean(), columns.mean()))
    (near_row, near), (far_row, far) = places
    assert near_row == pytest.approx(far_row, abs=1)
    assert near - far == pytest.approx(
        0.5 * np.sin(np.radians(side_view.TURN)) / frame.width * SHAPE[1], abs=3
    )


def test_most_of_the_cloud_is_in_the_frame() -> None:
    depth, rgb = two_walls()
    picture = view(depth, rgb, CAMERA, framing(depth, CAMERA))
    assert picture.shape == (*SHAPE, 3) and picture.dtype == np.uint8
    assert drawn(picture, RED).sum() > 500 and drawn(picture, BLUE).sum() > 500


def test_a_hanging_point_is_seen_between_the_walls() -> None:
    depth, rgb = two_walls()
    frame = framing(depth, CAMERA)
    clean = view(depth, rgb, CAMERA, frame)
    depth[20:40, 39:41] = 2.5
    hanging = view(depth, rgb, CAMERA, frame)
    assert ((clean == 255).all(-1) & ~(hanging == 255).all(-1)).sum() > 20


def test_no_depth_is_no_point() -> None:
    depth, rgb = two_walls()
    frame = framing(depth, CAMERA)
    depth[:, :40] = np.nan
    assert not drawn(view(depth, rgb, CAMERA, frame), RED).any()


def test_near_points_hide_far_ones() -> None:
    """Two points on one line of the viewer's sight; he looks from the camera's left."""
    depth, _ = two_walls()
    frame = framing(depth, CAMERA)
    towards = np.array([np.sin(np.radians(side_view.TURN)), 0, np.cos(np.radians(side_view.TURN))])
    points = np.array([frame.middle, frame.middle + 0.4 * towards])
    seen = []
    for order in ([0, 1], [1, 0]):
        # A grid of two pixels in a row whose rays meet the points.
        camera = Camera(1.0, 1.0, 0.0, 0.0, 2, 1)
        colors = np.array([[RED, BLUE]], np.uint8)[:, order]
        with pytest.MonkeyPatch.context() as patch:
            both = (points[order].astype(np.float32), np.ones((1, 2), bool))
            patch.setattr(side_view, "unproject", lambda depth, camera, both=both: both)
            seen.append(view(np.ones((1, 2)), colors, camera, frame))
    assert np.array_equal(*seen)
    assert drawn(seen[0], RED).sum() == 4 and not drawn(seen[0], BLUE).any()


def test_columns_of_truth_and_models() -> None:
    predictor = load("ppd-tiny", device="cpu")
    truth, one, two = columns(1, [(predictor, 1), (predictor, 2)])
    assert truth.shape == one.shape == (2 * SHAPE[0] + GAP, SHAPE[1], 3)
    assert not np.array_equal(one, two) and not np.array_equal(truth, one)


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, random_checkpoint: Path
) -> None:
    arguments = ["side_view", "-o", str(tmp_path / "a.png"), f"{random_checkpoint}@1"]
    monkeypatch.setattr("sys.argv", arguments)
    side_view.main()
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (3 * SHAPE[1] + 2 * GAP, 2 * SHAPE[0] + GAP)
