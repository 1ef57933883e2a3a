"""Unprojection against the authors' numbers, and what a cloud says about itself."""

from pathlib import Path

import numpy as np
import pytest

from ppdcli.depth import DepthMap
from ppdcli.errors import InputError, UsageError
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.cloud import make_cloud, unproject
from ppdcli.geometry.scale import near_far_depth

GOLDEN = Path(__file__).parents[1] / "data" / "parity" / "depth2pcd.npz"
CAMERA = Camera(50, 60, 9.5, 7.5, 20, 16)
RGB = np.random.default_rng(0).integers(0, 256, (16, 20, 3)).astype(np.uint8)
PROVENANCE = {"model": "ppd-tiny", "seed": "3", "steps": "4"}


def soft_step() -> np.ndarray:
    depth = np.full((16, 20), 5, np.float32)
    depth[:, :10] = 2
    depth[:, 10] = 3
    return depth


def test_points_and_colours_equal_the_reference() -> None:
    with np.load(GOLDEN) as golden:
        (fx, _, cx), (_, fy, cy), _ = golden["in.intrinsics"].tolist()
        depth, rgb, mask = golden["in.depth"], golden["in.color_rgb"], golden["in.mask"]
        camera = Camera(fx, fy, cx, cy, depth.shape[1], depth.shape[0])
        points, colors = unproject(depth, camera, rgb, mask)
        np.testing.assert_allclose(points, golden["out.points"], rtol=1e-6)
        np.testing.assert_allclose(colors / 255, golden["out.colors"], atol=1e-6)
        all_points, _ = unproject(depth, camera, rgb)
        np.testing.assert_allclose(all_points, golden["out.points_nomask"], rtol=1e-6)
        assert points.dtype == np.float32 and colors.dtype == np.uint8

        cloud = make_cloud(
            DepthMap(np.where(mask, depth, np.nan), "metric"), rgb, camera, "opengl", False
        )
        np.testing.assert_allclose(cloud.points, golden["out.ply_points"], rtol=1e-6)


def test_pixels_without_depth_are_dropped() -> None:
    depth = np.full((16, 20), 2, np.float32)
    depth[0, :4] = np.nan, np.inf, 0, -1
    points, colors = unproject(depth, CAMERA, RGB)
    assert len(points) == len(colors) == 16 * 20 - 4
    np.testing.assert_array_equal(colors[0], RGB[0, 4])


def test_points_project_back_to_their_pixels() -> None:
    depth = np.random.default_rng(1).uniform(1, 9, (16, 20)).astype(np.float32)
    points, _ = unproject(depth, CAMERA, RGB)
    u = points[:, 0] / points[:, 2] * CAMERA.fx + CAMERA.cx
    v = points[:, 1] / points[:, 2] * CAMERA.fy + CAMERA.cy
    np.testing.assert_allclose(u.reshape(16, 20), np.tile(np.arange(20), (16, 1)), atol=1e-4)
    np.testing.assert_allclose(v.reshape(16, 20), np.tile(np.arange(16)[:, None], 20), atol=1e-4)


def test_axes() -> None:
    depth_map = DepthMap(soft_step(), "metric")
    opencv = make_cloud(depth_map, RGB, CAMERA, "opencv", False).points
    opengl = make_cloud(depth_map, RGB, CAMERA, "opengl", False).points
    assert (opencv[:, 2] > 0).all()
    np.testing.assert_array_equal(opengl, opencv * [1, -1, -1])


def test_edge_clean_removes_and_counts() -> None:
    depth_map = DepthMap(soft_step(), "metric", provenance=PROVENANCE)
    clean = make_cloud(depth_map, RGB, CAMERA)
    assert (clean.removed, len(clean.points)) == (16, 16 * 19)
    assert not (clean.points[:, 2] == 3).any()
    kept = make_cloud(depth_map, RGB, CAMERA, edge_clean=False)
    assert (kept.removed, len(kept.points)) == (0, 16 * 20)


def test_comments_of_a_metric_cloud() -> None:
    depth_map = DepthMap(soft_step(), "metric", provenance=PROVENANCE)
    comments = make_cloud(depth_map, RGB, CAMERA, "opengl").comments
    for expected in (
        "unit m",
        "kind metric",
        "model ppd-tiny",
        "seed 3",
        "steps 4",
        "axes opengl (x right, y up, z backward)",
        "intrinsics 50 60 9.5 7.5 of 20x16 (fx fy cx cy in pixels, first centre at 0,0)",
        "points_removed 16 (edge-clean)",
    ):
        assert expected in comments
    assert any(comment.startswith("program ppdcli ") for comment in comments)
    assert not any("not metric" in comment or "neither" in comment for comment in comments)


def test_a_relative_cloud_says_so_and_keeps_its_nearest_points() -> None:
    relative = np.linspace(-0.05, 1, 320, dtype=np.float32).reshape(16, 20)
    cloud = make_cloud(DepthMap(relative, "relative"), RGB, CAMERA, edge_clean=False)
    assert len(cloud.points) == 320
    np.testing.assert_allclose(
        cloud.points[:, 2], near_far_depth(relative, 1, 10).ravel(), rtol=1e-6
    )
    text = "\n".join(cloud.comments)
    assert "unit relative" in text
    assert "neither the scale nor the depth proportions are metric" in text


def test_errors() -> None:
    depth_map = DepthMap(soft_step(), "metric")
    with pytest.raises(UsageError, match="camera is for 20x16 but the photo is 5x4"):
        make_cloud(depth_map, RGB[:4, :5], CAMERA)
    with pytest.raises(UsageError, match="camera is for 40x32"):
        make_cloud(depth_map, RGB, CAMERA.resized(40, 32))
    with pytest.raises(UsageError, match="axes"):
        make_cloud(depth_map, RGB, CAMERA, "blender")  # type: ignore[arg-type]
    for kind in ("metric", "relative"):
        with pytest.raises(InputError):
            make_cloud(DepthMap(np.full((16, 20), np.nan), kind), RGB, CAMERA)
