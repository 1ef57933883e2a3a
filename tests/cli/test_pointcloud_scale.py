"""``ppd pointcloud``: metres, cameras from files, depth that exists, normals and voxels."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from standins import INTERCEPT, SLOPE, Moge, scene, use_moge
from typer.testing import Result

from ppdcli import loading
from ppdcli.depth import DepthMap
from ppdcli.files import exr, npy, png
from ppdcli.files.open3d_import import import_open3d
from ppdcli.models.pixel_perfect import PixelPerfectDepth

HEIGHT, WIDTH = 96, 128
TRUTH = np.expm1(SLOPE * scene(HEIGHT, WIDTH) + INTERCEPT)
Cloud = Callable[..., Result]


@pytest.fixture
def moge(monkeypatch: pytest.MonkeyPatch) -> Moge:
    """MoGe-2's stand-in, on this machine."""
    model = Moge()
    use_moge(monkeypatch, model)
    return model


def points(path: str = "ppd-out/photo.ply") -> np.ndarray:
    return np.asarray(import_open3d().io.read_point_cloud(path).points)


def depths(path: str = "ppd-out/photo.ply") -> np.ndarray:
    """Z of a cloud that has all pixels."""
    return points(path)[:, 2].reshape(HEIGHT, WIDTH)


def comments() -> str:
    data = Path("ppd-out/photo.ply").read_bytes()
    return data[: data.index(b"end_header")].decode()


def refusal(result: Result, code: int) -> str:
    """The one line that says why there is no cloud."""
    assert result.exit_code == code, result.stderr
    assert not Path("ppd-out/photo.ply").exists()
    lines = [x for x in result.stderr.splitlines() if x.startswith(("error: ", "failed: "))]
    assert len(lines) == 1
    return lines[0]


# --- known depths ------------------------------------------------------------------------------


def rows_of(depth: np.ndarray, count: int = 60) -> str:
    rng = np.random.default_rng(1)
    v, u = rng.integers(HEIGHT, size=count), rng.integers(WIDTH, size=count)
    return "\n".join(f"{x} {y} {depth[y, x]:.6f}" for x, y in zip(u, v, strict=True))


def test_sparse_points_give_metres(cloud: Cloud) -> None:
    Path("points.txt").write_text("# u v depth\n" + rows_of(TRUTH))
    result = cloud("--align", "points.txt", "--fov", 60, "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["unit"] == "m"
    assert "60 of 60 points agree" in report["scale_from"]
    assert "points.txt" in report["scale_from"]
    np.testing.assert_allclose(depths(), TRUTH, rtol=1e-4)
    assert "comment unit m" in comments() and "comment scale_from " in comments()
    assert "scale 2 and shift 0.5 in log(depth + 1)" in result.stderr


@pytest.mark.parametrize("name", ["known.png", "known.npy", "known.exr"])
def test_a_depth_cameras_map_with_holes_gives_metres(cloud: Cloud, name: str) -> None:
    holes = np.where(np.random.default_rng(2).random(TRUTH.shape) < 0.7, np.nan, TRUTH)
    known = DepthMap(holes.astype(np.float32), "metric")
    if name.endswith("png"):
        png.write(Path(name), known, "mm")
    else:
        (npy if name.endswith("npy") else exr).write(Path(name), known)
    assert cloud("--align", name, "--fov", 60).exit_code == 0
    np.testing.assert_allclose(depths(), TRUTH, rtol=1e-3)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("500 500 2\n600 600 3\n700 700 4", "misses the image"),
        ("1 1 2", "give 3 or more"),
        ("1 1 2\n2 2 two", "line 2"),
        (rows_of(np.full_like(TRUTH, 4)), "lie between 4 and 4 m, too close together"),
        (rows_of(8 - TRUTH / 3), "falls where predicted depth rises"),
    ],
)
def test_known_depths_that_fix_no_scale(cloud: Cloud, rows: str, said: str) -> None:
    Path("points.txt").write_text(rows)
    line = refusal(cloud("--align", "points.txt", "--fov", 60), 3)
    assert "photo.png" in line and "points.txt" in line and said in line


def test_a_map_of_another_shape_is_refused_before_the_prediction(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PixelPerfectDepth, "sample", lambda *_: pytest.fail("it predicts"))
    npy.write(Path("known.npy"), DepthMap(TRUTH[:, :50], "metric"))
    line = refusal(cloud("--align", "known.npy", "--fov", 60), 3)
    assert "50x96" in line and "128x96" in line


# --- MoGe-2 ------------------------------------------------------------------------------------


def test_metres_by_moge_leave_the_sky_out(cloud: Cloud, moge: Moge) -> None:
    result = cloud("--metric", "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["unit"] == "m"
    assert report["camera"] == "estimated by MoGe-2, 70.0 degrees across"
    focal = WIDTH / 2 / np.tan(np.radians(35))
    np.testing.assert_allclose(report["intrinsics"][:2], focal, rtol=1e-5)
    sky = round(HEIGHT / 10) * WIDTH
    assert report["points"] == len(points()) == pytest.approx(HEIGHT * WIDTH - sky, abs=2 * WIDTH)
    kept = cloud("--metric", "--keep-sky", "--json")
    assert json.loads(kept.stdout)["points"] == HEIGHT * WIDTH


def test_moges_seconds_count_once(
    cloud: Cloud, moge: Moge, monkeypatch: pytest.MonkeyPatch
) -> None:
    infer = moge.infer

    def slow(*arguments: Any, **options: Any) -> Any:
        time.sleep(0.3)  # longer than everything else takes
        return infer(*arguments, **options)

    monkeypatch.setattr(moge, "infer", slow)
    for options in ([], ["--metric"]):
        timings = json.loads(cloud("--json", *options).stdout)["timings"]
        assert ("metric" in timings) == bool(options), "as in the JSON of ppd predict"
        assert sum(timings.values()) <= 2 * timings["total"] + 0.01


def test_a_known_camera_goes_before_moges(cloud: Cloud, moge: Moge) -> None:
    report = json.loads(cloud("--metric", "--fov", 50, "--json").stdout)
    assert report["camera"] == "given field of view"
    assert moge.asked[0][1] == pytest.approx(50)


def test_moge_that_is_here_gives_the_camera_of_a_relative_cloud(cloud: Cloud, moge: Moge) -> None:
    report = json.loads(cloud("--json").stdout)
    assert report["camera"].startswith("estimated by MoGe-2")
    assert report["unit"] == "relative"
    moge.asked.clear()
    cloud("--fov", 50)
    assert not moge.asked, "nothing is left to ask it"


# --- cameras -----------------------------------------------------------------------------------


def test_a_camera_file_with_a_lens(cloud: Cloud) -> None:
    Path("cameras.txt").write_text(f"1 OPENCV {WIDTH} {HEIGHT} 100 110 64 48 -0.1 0.01 0 0\n")
    result = cloud("--intrinsics", "cameras.txt", "--near-far", "1,9", "--json")
    report = json.loads(result.stdout)
    assert report["intrinsics"] == [100, 110, 63.5, 47.5]  # the first centre is at 0 here
    assert "cameras.txt" in report["camera"]
    assert "distortion opencv k1=-0.1" in comments()


def test_a_camera_of_another_image_is_that_photos_failure(cloud: Cloud) -> None:
    Path("cameras.txt").write_text("1 PINHOLE 640 640 500 500 320 320\n")
    line = refusal(cloud("--intrinsics", "cameras.txt"), 3)
    assert "640x640" in line and "128x96" in line


@pytest.mark.parametrize("text", ["0 0 0\n0 0 0\n0 0 1\n", "", "nonsense"])
def test_a_file_that_is_no_camera_ends_the_run_before_it_starts(
    cloud: Cloud, text: str, no_model: None
) -> None:
    Path("k.txt").write_text(text)
    assert "k.txt" in refusal(cloud("--intrinsics", "k.txt"), 1)


def test_the_stored_image_is_turned_with_its_camera(cloud: Cloud) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # upright after a quarter turn clockwise
    with Image.open("photo.png") as image:
        image.rotate(90, expand=True).save("turned.jpg", exif=exif, quality=95)
    Path("k.txt").write_text("100 0 40\n0 110 60\n0 0 1\n")
    result = cloud("--intrinsics", "k.txt", "--json", "--near-far", "1,9", photo="turned.jpg")
    report = json.loads(result.stdout)
    assert report["error"] is None, report
    fx, fy, cx, cy = report["intrinsics"]
    assert (fx, fy) == (110, 100)
    assert (cx, cy) == (WIDTH - 1 - 60, 40)


# --- depth that exists -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["known.png", "known.npy", "known.exr"])
def test_a_depth_file_is_unprojected_without_a_model(
    cloud: Cloud, no_model: None, name: str
) -> None:
    known = DepthMap(TRUTH, "metric")
    if name.endswith("png"):
        png.write(Path(name), known, "mm")
    else:
        (npy if name.endswith("npy") else exr).write(Path(name), known)
    result = cloud("--depth", name, "--fov", 60, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["unit"] == "m"
    np.testing.assert_allclose(depths(), TRUTH, atol=6e-4)


def test_a_relative_depth_file_takes_a_scale(cloud: Cloud, no_model: None) -> None:
    exr.write(Path("known.exr"), DepthMap(scene(HEIGHT, WIDTH), "relative"))
    assert cloud("--depth", "known.exr", "--near-far", "1,9", "--fov", 60).exit_code == 0
    assert depths().min() == pytest.approx(1) and depths().max() == pytest.approx(9)
    Path("points.txt").write_text(rows_of(TRUTH))
    assert cloud("--depth", "known.exr", "--align", "points.txt", "--fov", 60).exit_code == 0
    np.testing.assert_allclose(depths(), TRUTH, rtol=1e-4)


def test_a_png_without_a_word_is_what_is_wanted_of_it(cloud: Cloud, no_model: None) -> None:
    bare = np.rint(scene(HEIGHT, WIDTH) / scene(HEIGHT, WIDTH).max() * 65535).astype(np.uint16)
    Image.fromarray(bare).save("bare.png")
    result = cloud("--depth", "bare.png", "--near-far", "1,9", "--fov", 60)
    assert result.exit_code == 0 and "unit" not in result.stderr
    assert depths().min() == pytest.approx(1) and depths().max() == pytest.approx(9)
    result = cloud("--depth", "bare.png", "--fov", 60)
    assert "bare.png: does not state its unit; read as millimetres; if it is" in result.stderr
    np.testing.assert_allclose(depths(), bare / 1000, atol=1e-3)


def test_a_bare_array_is_said_to_be_taken_for_metres(cloud: Cloud, no_model: None) -> None:
    np.save("known.npy", TRUTH)
    result = cloud("--depth", "known.npy", "--fov", 60)
    assert result.exit_code == 0
    assert "known.npy: does not state its unit; read as metres; if it is" in result.stderr


def test_a_depth_file_and_moge(cloud: Cloud, moge: Moge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "load_model", lambda *_, **__: pytest.fail("only MoGe-2"))
    exr.write(Path("known.exr"), DepthMap(scene(HEIGHT, WIDTH), "relative"))
    report = json.loads(cloud("--depth", "known.exr", "--metric", "--json").stdout)
    assert report["unit"] == "m"
    assert report["camera"].startswith("estimated by MoGe-2")


@pytest.mark.parametrize(
    ("depth", "said"),
    [
        (TRUTH[:, :50], "128x96"),
        (np.full_like(TRUTH, np.nan), "holds no depth at any pixel"),
    ],
)
def test_depth_files_that_do_not_do(cloud: Cloud, depth: np.ndarray, said: str) -> None:
    npy.write(Path("known.npy"), DepthMap(depth.astype(np.float32), "metric"))
    assert said in refusal(cloud("--depth", "known.npy", "--fov", 60), 3)


def test_metric_depth_takes_no_second_scale(cloud: Cloud) -> None:
    exr.write(Path("known.exr"), DepthMap(TRUTH, "metric"))
    line = refusal(cloud("--depth", "known.exr", "--near-far", "1,9", "--fov", 60), 3)
    assert "known.exr: is metric already" in line


# --- normals and voxels ------------------------------------------------------------------------


def test_normals_look_at_the_camera(cloud: Cloud) -> None:
    assert cloud("--normals", "--near-far", "1,9").exit_code == 0
    read = import_open3d().io.read_point_cloud("ppd-out/photo.ply")
    normals, places = np.asarray(read.normals), np.asarray(read.points)
    assert len(normals) == len(places) == HEIGHT * WIDTH
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
    assert ((normals * places).sum(axis=1) <= 0).all()


def test_points_without_a_normal_are_counted(cloud: Cloud) -> None:
    depth = np.full((HEIGHT, WIDTH), 2, np.float32)
    depth[10:30, 10:30] = np.nan
    depth[20, 20] = 2
    np.save("depth.npy", depth)
    result = cloud("--depth", "depth.npy", "--fov", 60, "--normals", "--json")
    report = json.loads(result.stdout)
    assert report["points_without_normal"] == 1
    assert report["points"] == np.isfinite(depth).sum() - 1
    assert "photo.png: 1 point without a normal" in result.stderr


def test_a_voxel_in_metres_of_a_cloud_that_is_relative_is_pointed_out(cloud: Cloud) -> None:
    said = "--voxel 0.5 is in metres, but this cloud is not"
    assert said in cloud("--voxel", 0.5, "--fov", 60).stderr
    assert said not in cloud("--voxel", 0.5, "--fov", 60, "--near-far", "1,9").stderr


def test_voxels_thin_the_cloud(cloud: Cloud) -> None:
    report = json.loads(cloud("--voxel", 0.5, "--near-far", "1,9", "--json").stdout)
    places = points()
    assert report["points"] == len(places) < HEIGHT * WIDTH / 4
    assert f"voxel 0.5, {len(places)} of {HEIGHT * WIDTH} points kept" in comments()


# --- usage -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--metric", "--near-far", "1,9"], "each fix the scale"),
        (["--snap"], "--snap moves what --edge-clean finds"),
        (["--keep-sky"], "--keep-sky needs --metric"),
        (["--voxel", "0"], "--voxel 0: give a length above 0"),
        (["--intrinsics", "missing.txt"], "no such file"),
        (["--intrinsics", "1,1,1,1", "--fov", "60"], "both name the camera"),
    ],
)
def test_wrong_usage(cloud: Cloud, options: list[str], said: str, no_model: None) -> None:
    assert said in refusal(cloud(*options), 2)


@pytest.mark.parametrize("option", ["--depth", "--align"])
def test_what_belongs_to_one_image_takes_no_folder(
    cloud: Cloud, option: str, no_model: None
) -> None:
    Image.new("RGB", (20, 20)).save("other.png")
    line = refusal(cloud(option, "x.npy", photo="."), 2)
    assert f"{option} is of one image; 2 are given" in line


# --- the picture -------------------------------------------------------------------------------


def test_a_side_view_beside_the_cloud_or_alone(cloud: Cloud) -> None:
    result = cloud("-f", "ply,side", "--near-far", "1,9", "--json")
    assert json.loads(result.stdout)["outputs"] == ["ppd-out/photo.ply", "ppd-out/photo_side.png"]
    with Image.open("ppd-out/photo_side.png") as image:
        first = np.array(image)
        assert image.size == (1280, 480) and "Not data" in image.text["Comment"]
    assert cloud("-f", "side", "--near-far", "1,9", "--axes", "opengl").exit_code == 0
    np.testing.assert_array_equal(np.array(Image.open("ppd-out/photo_side.png")), first)
    assert cloud("-f", "side", "--near-far", "1,9", "-o", "view.png").exit_code == 0
    np.testing.assert_array_equal(np.array(Image.open("view.png")), first)


def test_a_side_view_is_never_taken_for_a_photo(cloud: Cloud) -> None:
    assert cloud("-f", "side", "-o", ".").exit_code == 0
    assert Path("photo_side.png").is_file()
    result = cloud("--json", "-o", ".", photo=".")
    assert [json.loads(line)["path"] for line in result.stdout.splitlines()] == ["photo.png"]


def test_an_unknown_format(cloud: Cloud) -> None:
    assert "--format 'obj': choose from ply, glb, html, side" in refusal(cloud("-f", "obj"), 2)
