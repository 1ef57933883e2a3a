"""What a depth map gives to Python users: arrays, metres, clouds, pictures."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from abacus import INTERCEPT, SLOPE, abacus
from PIL import Image

import ppdcli
from ppdcli.cloud import make_cloud
from ppdcli.cloud_options import CloudOptions
from ppdcli.depth import DepthMap
from ppdcli.errors import InputError, PpdError, UsageError
from ppdcli.files import npy, png
from ppdcli.files.choices import Choices
from ppdcli.files.formats import DEPTH_FORMATS
from ppdcli.geometry.camera import Camera
from ppdcli.photo import Photo

HEIGHT, WIDTH = 60, 80
RELATIVE = (np.linspace(0.1, 0.9, WIDTH)[None] + np.zeros((HEIGHT, 1))).astype(np.float32)
LEVELS = np.rint(RELATIVE * 255).astype(np.uint8)
PHOTO = Photo(np.repeat(LEVELS[..., None], 3, axis=2), "ramp.jpg")
METRES = np.expm1(SLOPE * RELATIVE + INTERCEPT).astype(np.float32)
CAMERA = Camera.from_fov(60, WIDTH, HEIGHT)
DEPTH = DepthMap(RELATIVE, "relative", provenance={"model": "ppd-tiny"}, photo=PHOTO)


def known(count: int = 12) -> np.ndarray:
    rng = np.random.default_rng(0)
    u, v = rng.integers(0, WIDTH, count), rng.integers(0, HEIGHT, count)
    return np.column_stack([u, v, METRES[v, u]])


# --- arrays and lines ----------------------------------------------------------------------------


def test_it_is_an_array() -> None:
    assert np.asarray(DEPTH) is RELATIVE and DEPTH.shape == (HEIGHT, WIDTH)
    assert np.asarray(DEPTH, np.float64).dtype == np.float64
    copied = np.array(DEPTH)
    assert copied is not RELATIVE and not np.shares_memory(copied, RELATIVE)
    assert np.nanmax(DEPTH) == RELATIVE.max() and (np.subtract(DEPTH, 1) < 0).all()  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("depth", "line"),
    [
        (DEPTH, "<DepthMap 80x60, relative, 0.1 to 0.9, by ppd-tiny>"),
        (
            DepthMap(np.array([[2, np.nan, 7]], np.float32), "metric"),
            "<DepthMap 3x1, metric, 2 to 7 m, 1 pixel without depth>",
        ),
        (
            DepthMap(np.full((2, 2), np.nan, np.float32), "metric"),
            "<DepthMap 2x2, metric, no depth>",
        ),
        (PHOTO, "<Photo 'ramp.jpg', 80x60>"),
        (Photo(PHOTO.rgb, "two\nlines\x1b"), r"<Photo 'two\\nlines\\x1b', 80x60>"),
    ],
)
def test_one_line_says_what_it_is(depth: object, line: str) -> None:
    assert repr(depth) == line


def test_full_size_follows_the_photos_edges() -> None:
    rgb = np.zeros((64, 96, 3), np.uint8)
    rgb[:, 41:] = 255  # an edge that the small map has only roughly
    small = np.where(np.arange(24) < 10, 0.2, 0.8).astype(np.float32)[None].repeat(16, 0)
    depth = DepthMap(small, "relative", photo=Photo(rgb, "edge"))
    full = depth.full_size()
    assert full.shape == (64, 96) and full.photo is depth.photo
    np.testing.assert_array_equal(np.unique(full.values), np.unique(small))
    np.testing.assert_array_equal(full.values[:, :41], np.float32(0.2))
    np.testing.assert_array_equal(full.values[:, 41:], np.float32(0.8))
    with pytest.raises(UsageError, match="full_size needs the photo"):
        replace(depth, photo=None).full_size()


def test_a_transparent_photo_is_filled_before_it_is_cut_out() -> None:
    rgba = np.dstack([np.repeat(LEVELS[..., None], 3, axis=2), np.full_like(LEVELS, 255)])
    rgba[10:30, 20:50, 3] = 0
    predictor = abacus()
    shown = predictor.predict(rgba)
    (hidden,) = predictor.predict_batch([rgba], keep_hidden=True)
    np.testing.assert_array_equal(shown.full_size().values, hidden.full_size().values)
    clouds = [depth.to_pointcloud(camera=CAMERA) for depth in (shown, hidden)]
    np.testing.assert_array_equal(clouds[0].points, clouds[1].points)
    assert len(clouds[0]) < HEIGHT * WIDTH - 500


# --- metres --------------------------------------------------------------------------------------


def test_metres_by_near_and_far() -> None:
    metric = DEPTH.to_metric(near_far=(0.5, 20))
    assert metric.unit == "m" and metric.photo is PHOTO
    assert metric.values.min() == pytest.approx(0.5) and metric.values.max() == pytest.approx(20)
    assert metric.provenance["scale_from"] == "near-far 0.5,20 m"


@pytest.mark.parametrize("form", ["array", "list", "file", "map", "steps"])
def test_metres_by_known_points(form: str, tmp_path: Path) -> None:
    points: Any = known()
    options: dict[str, Any] = {}
    if form == "list":
        points = [tuple(row) for row in points.tolist()]
    elif form == "file":
        path = tmp_path / "known.txt"
        np.savetxt(path, points)
        points = path
    elif form == "map":
        points = str(tmp_path / "known.npy")
        np.save(points, np.where(np.arange(WIDTH) % 7 == 0, METRES, np.nan))
    elif form == "steps":
        points = tmp_path / "known.png"
        cv2.imwrite(str(points), np.rint(METRES * 256).astype(np.uint16))
        options = {"scale": "kitti"}
    metric = DEPTH.to_metric(known=points, **options)
    np.testing.assert_allclose(metric.values, METRES, rtol=0.01)
    assert metric.kind == "metric" and "agree within" in metric.provenance["scale_from"]


def test_points_are_of_the_photo_whatever_the_size_of_the_map() -> None:
    small = replace(DEPTH, values=np.ascontiguousarray(RELATIVE[::2, ::2]))
    np.testing.assert_allclose(small.to_metric(known=known()).values, METRES[::2, ::2], rtol=0.05)
    alone = replace(DEPTH, photo=None)
    np.testing.assert_allclose(alone.to_metric(known=known()).values, METRES, rtol=0.01)


def test_points_that_are_none_are_told_and_left_out() -> None:
    points = np.vstack([known(), [(500, 3, 2), (5, 5, np.nan), (6, 6, 0)]])
    with pytest.warns(ppdcli.PpdWarning) as told:
        metric = DEPTH.to_metric(known=points)
    said = [str(warning.message) for warning in told]
    assert said == [
        "the known depths: 1 of 15 points lie outside the 80x60 photo and are left out",
        "the known depths: 2 points without a depth above 0 are left out",
    ]
    np.testing.assert_array_equal(metric.values, DEPTH.to_metric(known=known()).values)


def test_metres_by_moge2() -> None:
    model = abacus(metric=True)
    relative = model.predict(PHOTO)
    metric = relative.to_metric(moge2=model)
    expected = model.predict(PHOTO, metric=True)
    np.testing.assert_array_equal(metric.values, expected.values)
    assert metric.camera == expected.camera is not None
    sky = np.isnan(metric.values)
    assert sky[: HEIGHT // 10 - 2].all() and not sky[HEIGHT // 10 + 2 :].any()
    kept = relative.to_metric(moge2=model, keep_sky=True)
    assert np.isfinite(kept.values).all()
    estimate = model.estimate(PHOTO)
    np.testing.assert_array_equal(relative.to_metric(moge2=estimate).values, metric.values)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "give one of them"),
        ({"near_far": (1, 2), "known": [(1, 2, 3)]}, "give one of them"),
        ({"near_far": (2, 1)}, "0 < near < far is needed"),
        ({"near_far": 3}, "near_far takes two numbers"),
        ({"near_far": (1, 2, 3)}, "near_far takes two numbers"),
        ({"known": []}, r"give an array of shape \(N, 3\)"),
        ({"known": [(1, 2)]}, r"give an array of shape \(N, 3\)"),
        ({"known": METRES}, r"give an array of shape \(N, 3\)"),
        ({"known": "abc.txt"}, r"abc\.txt"),
        ({"known": [("a", 2, 3)]}, r"give an array of shape \(N, 3\)"),
        ({"known": [(np.nan, 2, 3)]}, "u or v is not finite"),
        ({"known": [(900, 2, 3)]}, "the known depths: misses the image"),
        ({"known": [(9, 2, 0)]}, "no point in the image has a depth above 0"),
        ({"known": [(9, 2, 3), (8, 1, 3)]}, "overlap at 2 points"),
        ({"moge2": 3}, "moge2 takes a model that was loaded with metric=True"),
        ({"moge2": abacus()}, "load the model with metric=True"),
        ({"known": "x.png", "scale": "inch"}, "scale inch is no depth scale"),
    ],
)
def test_metres_that_cannot_be(options: dict[str, Any], said: str) -> None:
    with pytest.raises(PpdError, match=said) as error:
        DEPTH.to_metric(**options)
    assert "\n" not in str(error.value) and "--" not in str(error.value)


def test_metres_need_a_relative_map_and_moge2_a_photo() -> None:
    with pytest.raises(UsageError, match="is metric already"):
        DepthMap(METRES, "metric").to_metric(near_far=(1, 2))
    with pytest.raises(UsageError, match="needs the photo"):
        replace(DEPTH, photo=None).to_metric(moge2=abacus(metric=True))


# --- clouds --------------------------------------------------------------------------------------


def test_a_cloud_of_the_photo_that_it_knows() -> None:
    cloud = DEPTH.to_pointcloud(camera=CAMERA, edge_clean=False)
    expected = make_cloud(DEPTH, PHOTO.rgb, CAMERA, CloudOptions(edge_clean=False))
    np.testing.assert_array_equal(cloud.points, expected.points)
    np.testing.assert_array_equal(cloud.colors, PHOTO.rgb.reshape(-1, 3))
    assert cloud.normals is None and cloud.unit == "relative" and len(cloud) == HEIGHT * WIDTH
    given = DEPTH.to_pointcloud(PHOTO.rgb, CAMERA, "opencv", False)
    np.testing.assert_array_equal(given.points, cloud.points)
    with pytest.raises(UsageError, match="to_pointcloud needs the photo"):
        replace(DEPTH, photo=None).to_pointcloud(camera=CAMERA)


def test_every_form_of_a_camera(tmp_path: Path) -> None:
    file = tmp_path / "camera.txt"
    file.write_text(f"{CAMERA.fx} 0 {CAMERA.cx}\n0 {CAMERA.fy} {CAMERA.cy}\n0 0 1\n")
    numbers = (CAMERA.fx, CAMERA.fy, CAMERA.cx, CAMERA.cy)
    expected = DEPTH.to_pointcloud(camera=CAMERA).points
    forms = (
        numbers,
        list(numbers),
        np.array(numbers),
        file,
        str(file),
        ",".join(map(str, numbers)),
    )
    for camera in forms:
        np.testing.assert_allclose(DEPTH.to_pointcloud(camera=camera).points, expected, rtol=1e-5)
    np.testing.assert_allclose(DEPTH.to_pointcloud(fov=60).points, expected, rtol=1e-6)
    own = replace(DEPTH, camera=CAMERA).to_pointcloud().points
    np.testing.assert_array_equal(own, expected)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "has no camera; give one, .* or its field of view as fov"),
        ({"camera": CAMERA, "fov": 60}, "give one"),
        ({"fov": 0}, "between 0 and 180"),
        ({"camera": (1, 2, 3)}, "3 numbers instead of 4"),
        ({"camera": (0, 2, 3, 4)}, "focal lengths must be positive"),
        ({"camera": (np.nan, 2, 3, 4)}, "is not finite"),
        ({"camera": 60}, "60 is not a camera; give a Camera, four numbers"),
        ({"camera": (True, 2, 3, 4)}, "is not a camera"),
        ({"camera": np.eye(3)}, "is not a camera"),
        ({"camera": "missing.yaml"}, "no such file"),
        ({"camera": CAMERA.resized(160, 120)}, "camera is for 160x120"),
        ({"camera": CAMERA, "axes": "unity"}, "axes 'unity'"),
        ({"camera": CAMERA, "voxel": 0}, "voxel 0"),
        ({"camera": CAMERA, "voxel": -1}, "voxel -1"),
        ({"camera": CAMERA, "near_far": (2, 1)}, "0 < near < far"),
        ({"camera": CAMERA, "rgb": 3}, "is not a photo"),
        ({"camera": CAMERA, "rgb": np.zeros((100, 80), np.uint8)}, "of other proportions"),
    ],
)
def test_clouds_that_cannot_be(options: dict[str, Any], said: str) -> None:
    with pytest.raises(PpdError, match=said) as error:
        DEPTH.to_pointcloud(**options)
    assert "\n" not in str(error.value) and "--" not in str(error.value)


def test_a_camera_that_can_hardly_be_is_pointed_out() -> None:
    with pytest.warns(ppdcli.PpdWarning, match="may be in millimetres"):
        DEPTH.to_pointcloud(camera=(4.2, 4.2, 39.5, 29.5))
    with pytest.warns(ppdcli.PpdWarning, match="is the centre of 60x60"):
        DEPTH.to_pointcloud(camera=(70, 70, 29.5, 29.5))


def test_a_panorama_has_no_pinhole_cloud() -> None:
    rgb = np.zeros((300, 600, 3), np.uint8)
    wide = DepthMap(np.ones((30, 60), np.float32), "metric", photo=Photo(rgb, "wide"))
    with pytest.raises(InputError, match="if it is a usual photo, give camera or fov"):
        replace(wide, camera=Camera.from_fov(60, 60, 30)).to_pointcloud()
    assert len(wide.to_pointcloud(fov=60, edge_clean=False)) == 300 * 600
    stated = replace(wide, photo=Photo(rgb, "pano", projection="equirectangular"))
    with pytest.raises(InputError, match="an equirectangular panorama"):
        stated.to_pointcloud(fov=60)


def test_the_sky_shows_where_the_edges_before_it_are() -> None:
    values = np.where(np.arange(WIDTH) < 40, 2, 70).astype(np.float32)[None].repeat(HEIGHT, 0)
    values[:, 40] = 9  # flies between the wall and the sky
    whole = DepthMap(values, "metric", CAMERA, photo=PHOTO)
    cut = whole.masked(np.arange(WIDTH)[None] < np.full((HEIGHT, 1), 41))
    assert np.isnan(cut.values[:, 41:]).all()
    cloud = cut.to_pointcloud()
    assert set(np.unique(cloud.points[:, 2])) == {2} and cloud.removed == HEIGHT
    np.testing.assert_array_equal(np.isnan(cut.full_size().values), np.isnan(cut.values))


# --- pictures and files --------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(60, 80), (3000, 90), (2, 1300)])
@pytest.mark.parametrize("kind", ["relative", "metric"])
def test_a_notebook_shows_depth(shape: tuple[int, int], kind: Any) -> None:
    values = np.random.default_rng(0).uniform(1, 2, shape).astype(np.float32)
    depth = DepthMap(values, kind)
    with Image.open(io.BytesIO(depth._repr_png_())) as picture:
        assert picture.format == "PNG" and 1 <= max(picture.size) <= 640
    page = depth._repr_html_()
    assert page.startswith('<img src="data:image/png;base64,') and "&lt;DepthMap" in page
    nothing = DepthMap(np.full(shape, np.nan, np.float32), kind)
    assert "no depth" in nothing._repr_html_()


def test_what_a_png_cannot_hold_is_told(tmp_path: Path) -> None:
    far = DepthMap(np.array([[2.0, 99.0]], np.float32), "metric")
    with pytest.warns(ppdcli.PpdWarning, match=r"farther than the 65\.53 m"):
        far.save(tmp_path / "a.png")


# --- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["metric", "relative"])
@pytest.mark.parametrize("name", ["a.png", "a.exr", "a.npy"])
def test_our_own_files_come_back(tmp_path: Path, kind: Any, name: str) -> None:
    depth = DepthMap(METRES if kind == "metric" else RELATIVE, kind)
    depth.save(tmp_path / name)
    found = ppdcli.read_depth(tmp_path / name, kind if name == "a.npy" else None)
    assert isinstance(found, DepthMap) and found.unit == depth.unit
    np.testing.assert_allclose(found.values, depth.values, atol=6e-4)


def test_others_files_and_their_units(tmp_path: Path) -> None:
    path = tmp_path / "depth.png"
    cv2.imwrite(str(path), np.rint(METRES * 5000).astype(np.uint16))
    for scale in ("tum", 0.0002):
        found = ppdcli.read_depth(path, scale=scale)
        np.testing.assert_allclose(found.values, METRES, atol=2e-4)
    relative = ppdcli.read_depth(str(path), "relative")
    assert relative.unit == "relative" and relative.values.max() <= 1
    npz = tmp_path / "d.npz"
    np.savez(npz, depth=METRES)
    np.testing.assert_array_equal(ppdcli.read_depth(npz, "metric").values, METRES)
    with pytest.warns(ppdcli.PpdWarning, match="half of its depths are beyond"):
        ppdcli.read_depth(path, scale=1)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("missing.npy", {}, r"missing\.npy: no such file"),
        ("m.npy", {}, r"m\.npy: .*say whether they are metric or relative"),
        ("m.npy", {"kind": "disparity"}, "kind 'disparity': give metric or relative"),
        ("m.npy", {"kind": "metric", "scale": "mm"}, "leave out the depth scale"),
        ("m.npy", {"kind": "relative", "scale": "mm"}, "relative depth has none"),
        ("steps.npy", {"kind": "metric"}, "give a depth scale: mm, kitti, tum"),
        ("steps.png", {}, r"steps\.png: .*name its scale"),
        ("steps.png", {"scale": "cm"}, "scale cm is no depth scale"),
        ("steps.png", {"scale": 1000}, "1000 steps per metre are 1/1000"),
        ("steps.png", {"scale": -1}, "is no depth scale"),
        ("ours.png", {"kind": "relative"}, r"ours\.png: holds metric depth, not relative"),
        ("ours.exr", {"kind": "relative"}, r"ours\.exr: holds metric depth, not relative"),
        ("ours.exr", {"scale": "mm"}, "leave out the depth scale"),
        ("ours_preview.png", {}, "is no 16-bit grey PNG"),
        ("ours.png", {"photo": np.zeros((50, 20), np.uint8)}, "of other proportions"),
        ("ours.png", {"photo": 3}, "is not a photo"),
    ],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, name: str, options: dict[str, Any], said: str
) -> None:
    metric = DepthMap(METRES, "metric")
    np.save(tmp_path / "m.npy", METRES)
    np.save(tmp_path / "steps.npy", np.rint(METRES * 1000).astype(np.uint16))
    cv2.imwrite(str(tmp_path / "steps.png"), np.rint(METRES * 1000).astype(np.uint16))
    for file in ("ours.png", "ours.exr"):
        metric.save(tmp_path / file)
    DEPTH_FORMATS["preview"].write(tmp_path / "ours_preview.png", metric, Choices())
    with pytest.raises(PpdError, match=said) as error:
        ppdcli.read_depth(tmp_path / name, **options)
    assert not re.search(r"\n| --", str(error.value))


def test_a_sensors_map_is_turned_with_its_photo(tmp_path: Path) -> None:
    np.save(tmp_path / "d.npy", METRES)  # of the image as it is stored, 80 x 60
    turned = Photo(np.zeros((WIDTH, HEIGHT, 3), np.uint8), "t", orientation=6)
    with pytest.warns(ppdcli.PpdWarning, match="turned with the photo"):
        found = ppdcli.read_depth(tmp_path / "d.npy", "metric", photo=turned)
    np.testing.assert_array_equal(found.values, np.rot90(METRES, -1))
    assert found.photo is turned
    npy.write(tmp_path / "own.npy", DepthMap(METRES, "metric"))
    png.write(tmp_path / "own.png", DepthMap(METRES, "metric"), "mm")
    photo = Photo(np.zeros((HEIGHT, WIDTH, 3), np.uint8), "t", orientation=3)
    for name in ("own.npy", "own.png"):
        found = ppdcli.read_depth(tmp_path / name, "metric", photo=photo)
        np.testing.assert_allclose(found.values, METRES, atol=6e-4)
