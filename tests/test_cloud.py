"""Unprojection against the authors' numbers, and what a cloud says about itself."""

from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest

from ppdcli.axes import Axes, from_opencv, to_opencv
from ppdcli.cloud import PointCloud, make_cloud, thinned
from ppdcli.cloud_options import CloudOptions
from ppdcli.depth import DepthMap
from ppdcli.depth_data import Kind
from ppdcli.errors import InputError, UsageError
from ppdcli.geometry import normals as normals_module
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion, rays
from ppdcli.geometry.normals import surface_normals
from ppdcli.geometry.scale import near_far_depth
from ppdcli.geometry.unproject import unproject

GOLDEN = Path(__file__).parent / "data" / "parity" / "depth2pcd.npz"
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
        masked = np.where(mask, depth, np.nan)
        points, taken = unproject(masked, camera)
        np.testing.assert_allclose(points, golden["out.points"], rtol=1e-6)
        np.testing.assert_allclose(rgb[taken] / 255, golden["out.colors"], atol=1e-6)
        np.testing.assert_array_equal(taken, mask)
        all_points, _ = unproject(depth, camera)
        np.testing.assert_allclose(all_points, golden["out.points_nomask"], rtol=1e-6)
        assert points.dtype == np.float32

        cloud = make_cloud(
            DepthMap(masked, "metric"), rgb, camera, CloudOptions("opengl", edge_clean=False)
        )
        np.testing.assert_allclose(cloud.points, golden["out.ply_points"], rtol=1e-6)


def test_pixels_without_depth_are_dropped() -> None:
    depth = np.full((16, 20), 2, np.float32)
    depth[0, :4] = np.nan, np.inf, 0, -1
    points, taken = unproject(depth, CAMERA)
    assert len(points) == taken.sum() == 16 * 20 - 4
    assert not taken[0, :4].any()


def test_points_project_back_to_their_pixels() -> None:
    depth = np.random.default_rng(1).uniform(1, 9, (16, 20)).astype(np.float32)
    points, _ = unproject(depth, CAMERA)
    u = points[:, 0] / points[:, 2] * CAMERA.fx + CAMERA.cx
    v = points[:, 1] / points[:, 2] * CAMERA.fy + CAMERA.cy
    np.testing.assert_allclose(u.reshape(16, 20), np.tile(np.arange(20), (16, 1)), atol=1e-4)
    np.testing.assert_allclose(v.reshape(16, 20), np.tile(np.arange(16)[:, None], 20), atol=1e-4)


def test_axes() -> None:
    depth_map = DepthMap(soft_step(), "metric")
    opencv = make_cloud(depth_map, RGB, CAMERA, CloudOptions("opencv", edge_clean=False)).points
    opengl = make_cloud(depth_map, RGB, CAMERA, CloudOptions("opengl", edge_clean=False)).points
    assert (opencv[:, 2] > 0).all()
    np.testing.assert_array_equal(opengl, opencv * [1, -1, -1])
    blender = make_cloud(depth_map, RGB, CAMERA, CloudOptions("blender", edge_clean=False)).points
    x, y, z = opencv.T
    np.testing.assert_array_equal(blender, np.stack([x, z, -y], axis=1))


@pytest.mark.parametrize("axes", get_args(Axes))
def test_there_and_back(axes: Axes) -> None:
    points = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    turned = from_opencv(points, axes)
    np.testing.assert_array_equal(to_opencv(turned, axes), points)
    across = np.cross(turned[0], turned[1])  # right-handed stays right-handed
    np.testing.assert_allclose(
        across, from_opencv(np.cross(points[:1], points[1:2]), axes)[0], atol=1e-6
    )


def test_edge_clean_removes_and_counts() -> None:
    depth_map = DepthMap(soft_step(), "metric", provenance=PROVENANCE)
    clean = make_cloud(depth_map, RGB, CAMERA)
    assert (clean.removed, len(clean.points)) == (16, 16 * 19)
    assert not (clean.points[:, 2] == 3).any()
    kept = make_cloud(depth_map, RGB, CAMERA, CloudOptions(edge_clean=False))
    assert (kept.removed, len(kept.points)) == (0, 16 * 20)


def test_comments_of_a_metric_cloud() -> None:
    depth_map = DepthMap(soft_step(), "metric", provenance=PROVENANCE)
    comments = make_cloud(depth_map, RGB, CAMERA, CloudOptions("opengl")).comments
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
    cloud = make_cloud(DepthMap(relative, "relative"), RGB, CAMERA, CloudOptions(edge_clean=False))
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
        make_cloud(depth_map, RGB, CAMERA, CloudOptions("unity"))  # type: ignore[arg-type]
    for kind in ("metric", "relative"):
        with pytest.raises(InputError):
            make_cloud(DepthMap(np.full((16, 20), np.nan), kind), RGB, CAMERA)


# --- lenses, normals, voxels -------------------------------------------------------------------


def test_a_bent_ray_is_followed() -> None:
    lens = Distortion.of("opencv", -0.2, 0.05, 0.01, -0.01)
    depth = np.random.default_rng(2).uniform(2, 5, (16, 20)).astype(np.float32)
    cloud = make_cloud(
        DepthMap(depth, "metric"), RGB, CAMERA, CloudOptions(edge_clean=False), distortion=lens
    )
    matrix = np.array([[CAMERA.fx, 0, CAMERA.cx], [0, CAMERA.fy, CAMERA.cy], [0, 0, 1]])
    bent = np.array([-0.2, 0.05, 0.01, -0.01])
    points = cloud.points.astype(np.float64)
    pixels, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, bent)
    v, u = np.mgrid[0:16, 0:20]
    np.testing.assert_allclose(pixels[:, 0], np.column_stack((u.ravel(), v.ravel())), atol=1e-3)
    np.testing.assert_array_equal(cloud.points[:, 2], depth.ravel())
    assert f"distortion {lens.describe()}, undone" in cloud.comments


def test_pixels_beyond_the_lens_are_no_points() -> None:
    lens = Distortion.of("opencv", -4.0)  # turns back soon
    slopes = rays(CAMERA, lens)
    seen = np.isfinite(slopes[..., 0])
    assert 0 < seen.sum() < seen.size
    depth_map = DepthMap(np.full((16, 20), 2, np.float32), "metric")
    cloud = make_cloud(depth_map, RGB, CAMERA, distortion=lens)
    assert len(cloud.points) == seen.sum()
    assert cloud.removed == 0
    np.testing.assert_array_equal(cloud.colors, RGB[seen])
    left_out = f"{(~seen).sum()} pixels outside its field left out"
    assert f"distortion {lens.describe()}, undone, {left_out}" in cloud.comments


@pytest.mark.parametrize("axes", get_args(Axes))
def test_normals_of_a_slanted_plane(axes: Axes) -> None:
    normal = np.array((0.3, -0.5, -0.8))
    normal /= np.linalg.norm(normal)
    slopes = np.ones((16, 20, 3))
    slopes[..., 0] = (np.arange(20) - CAMERA.cx) / CAMERA.fx
    slopes[..., 1] = ((np.arange(16) - CAMERA.cy) / CAMERA.fy)[:, None]
    depth = (-2 / (slopes @ normal)).astype(np.float32)
    cloud = make_cloud(DepthMap(depth, "metric"), RGB, CAMERA, CloudOptions(axes, normals=True))
    assert cloud.normals is not None and cloud.normals.dtype == np.float32
    expected = np.tile(from_opencv(normal[None], axes), (len(cloud.points), 1))
    np.testing.assert_allclose(cloud.normals, expected, atol=1e-3)


def test_normals_do_not_lead_across_an_edge() -> None:
    depth = np.full((16, 20), 5, np.float32)
    depth[:, :10] = 2
    normals = surface_normals(depth, np.zeros((16, 20, 2)) + _grid_slopes())
    np.testing.assert_allclose(normals, np.broadcast_to((0, 0, -1), (16, 20, 3)), atol=1e-5)


def _grid_slopes() -> np.ndarray:
    v, u = np.mgrid[0:16, 0:20]
    return np.stack(((u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy), axis=-1)


def test_normals_need_neighbours() -> None:
    depth = np.full((16, 20), np.nan, np.float32)
    depth[3:6, 3:6] = 2
    depth[10, 10] = 2
    cloud = make_cloud(
        DepthMap(depth, "metric"), RGB, CAMERA, CloudOptions(edge_clean=False, normals=True)
    )
    assert (len(cloud.points), cloud.without_normal) == (9, 1)
    assert "normals 1 point without one left out" in cloud.comments
    assert cloud.normals is not None and np.isfinite(cloud.normals).all()


def test_normals_are_the_same_in_one_chunk_or_many(monkeypatch: pytest.MonkeyPatch) -> None:
    depth = np.random.default_rng(3).uniform(2, 3, (16, 20)).astype(np.float32)
    whole = surface_normals(depth, _grid_slopes())
    monkeypatch.setattr(normals_module, "CHUNK_ROWS", 3)
    np.testing.assert_array_equal(surface_normals(depth, _grid_slopes()), whole)


def test_voxels_keep_the_mean_of_each_cell() -> None:
    points = np.array([[0.1, 0.1, 0.1], [0.3, 0.1, 0.1], [-0.1, 0.1, 0.1], [5, 5, 5]], np.float32)
    colors = np.array([[0, 0, 0], [10, 20, 31], [7, 7, 7], [9, 9, 9]], np.uint8)
    normals = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, -1]], np.float32)
    cloud = thinned(PointCloud(points, colors, ("unit m",), 3, normals), 0.5)
    assert cloud.normals is not None
    order = np.argsort(cloud.points[:, 0])
    np.testing.assert_allclose(
        cloud.points[order], [[-0.1, 0.1, 0.1], [0.2, 0.1, 0.1], [5, 5, 5]], atol=1e-6
    )
    np.testing.assert_array_equal(cloud.colors[order], [[7, 7, 7], [5, 10, 16], [9, 9, 9]])
    half = 0.5**0.5
    np.testing.assert_allclose(
        cloud.normals[order], [[0, 0, 1], [half, half, 0], [0, 0, -1]], atol=1e-6
    )
    assert cloud.comments == ("unit m", "voxel 0.5, 3 of 4 points kept")
    assert cloud.removed == 3


def test_normals_that_cancel_leave_a_unit_normal() -> None:
    normals = np.array([[0, 0, 1], [0, 0, -1]], np.float32)
    points = np.zeros((2, 3), np.float32)
    cloud = thinned(PointCloud(points, np.zeros((2, 3), np.uint8), normals=normals), 1)
    np.testing.assert_array_equal(cloud.normals, normals[:1])


def test_voxels_that_are_too_small_are_refused() -> None:
    points = np.array([[0, 0, 0], [1e6, 1e6, 1e6]], np.float32)
    with pytest.raises(UsageError, match="too small for this cloud; give larger ones"):
        thinned(PointCloud(points, np.zeros((2, 3), np.uint8)), 1e-6)


def test_voxels_are_counted_as_numpy_counts_them() -> None:
    rng = np.random.default_rng(4)
    points = rng.uniform(-3, 3, (5000, 3)).astype(np.float32)
    cloud = thinned(PointCloud(points, np.zeros((5000, 3), np.uint8)), 0.25)
    assert len(cloud.points) == len(np.unique(np.floor(points / 0.25).astype(int), axis=0))


def test_a_mask_leaves_points_out_but_not_from_the_filters_view() -> None:
    depth = soft_step()  # 2, then 3 in one column, then 5
    mask = np.ones(depth.shape, bool)
    mask[:, 11:] = False  # the far side, as the sky
    cloud = make_cloud(DepthMap(depth, "metric"), RGB, CAMERA, mask=mask)
    assert cloud.removed == 16, "the column that hangs before the sky"
    assert len(cloud.points) == 16 * 10
    assert (cloud.points[:, 2] == 2).all()
    kept = make_cloud(
        DepthMap(depth, "metric"), RGB, CAMERA, CloudOptions(edge_clean=False), mask=mask
    )
    assert (len(kept.points), kept.removed) == (16 * 11, 0)


@pytest.mark.parametrize("near_far", [None, (1.0, 9.0)])
def test_snapped_points_are_kept_on_one_of_the_two_surfaces(
    near_far: tuple[float, float] | None,
) -> None:
    x = np.arange(40)
    depth = np.tile(np.interp(x, [17.5, 22.5], [2.0, 5.0]), (30, 1)).astype(np.float32)
    rgb = np.where((x < 20)[None, :, None], (200, 60, 50), (40, 70, 190)) * np.ones((30, 1, 1))
    camera = Camera(50, 50, 19.5, 14.5, 40, 30)
    depth_map = DepthMap(depth, "metric" if near_far is None else "relative")
    near, far = near_far or (2.0, 5.0)
    photo = rgb.astype(np.uint8)
    cleaned = make_cloud(depth_map, photo, camera, near_far=near_far)
    snapped = make_cloud(depth_map, photo, camera, CloudOptions(snap=True), near_far=near_far)
    assert cleaned.removed > 0 and snapped.removed == 0
    assert len(snapped.points) == 30 * 40
    z = snapped.points[:, 2].reshape(30, 40)
    np.testing.assert_allclose(z, np.where(x < 20, near, far) * np.ones((30, 1)), rtol=1e-5)


def test_snapping_takes_a_larger_photo_and_a_smaller_one() -> None:
    for height, width in ((32, 40), (8, 10)):
        rgb = np.zeros((height, width, 3), np.uint8)
        camera = CAMERA.resized(width, height)
        cloud = make_cloud(DepthMap(soft_step(), "metric"), rgb, camera, CloudOptions(snap=True))
        assert len(cloud.points) <= height * width
        assert set(np.unique(cloud.points[:, 2])) <= {2.0, 3.0, 5.0}


@pytest.mark.parametrize("kind", ["metric", "relative"])
def test_removed_points_are_kept_apart_where_that_is_asked_for(kind: Kind) -> None:
    depth_map = DepthMap(soft_step(), kind)
    made = make_cloud(depth_map, RGB, CAMERA, CloudOptions(keep_flying=True))
    plain = make_cloud(depth_map, RGB, CAMERA)
    everything = make_cloud(depth_map, RGB, CAMERA, CloudOptions(edge_clean=False))
    assert plain.flying is None and made.flying is not None
    np.testing.assert_array_equal(made.points, plain.points)
    assert len(made.flying) == made.removed == 16
    both = np.concatenate((made.points, made.flying))
    assert {tuple(row) for row in both} == {tuple(row) for row in everything.points}


def test_removed_points_of_an_enlarged_map_are_where_they_would_be_without_the_filter() -> None:
    rgb = RGB.repeat(4, axis=0).repeat(4, axis=1)
    depth_map, camera = DepthMap(soft_step(), "metric"), CAMERA.resized(80, 64)
    made = make_cloud(depth_map, rgb, camera, CloudOptions("blender", keep_flying=True))
    assert made.flying is not None and len(made.flying) == made.removed > 0
    depths = made.flying[:, 1]
    assert depths.min() >= 2 and depths.max() <= 5
