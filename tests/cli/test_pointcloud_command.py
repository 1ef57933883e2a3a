"""``ppd pointcloud``: the file, the camera and the scale, as its users see them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import Result

import ppdcli
from ppdcli.geometry.scale import near_far_depth

Ppd = Callable[..., Result]
VERTEX = np.dtype([("xyz", "<f4", 3), ("rgb", "u1", 3)])


class Ply:
    """A PLY file, read from the format's description alone."""

    def __init__(self, data: bytes) -> None:
        end = data.index(b"end_header\n") + len(b"end_header\n")
        self.header = data[:end].decode("ascii").splitlines()
        self.comments = [
            line.removeprefix("comment ") for line in self.header if line.startswith("comment ")
        ]
        body = np.frombuffer(data[end:], VERTEX)
        self.points, self.colors = body["xyz"].astype(np.float64), body["rgb"]


def read(path: str) -> Ply:
    return Ply(Path(path).read_bytes())


def with_focal_length(photo: Path, focal_35mm: int) -> Path:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = focal_35mm
    with Image.open(photo) as image:
        image.save("exif.jpg", exif=exif)
    return Path("exif.jpg")


def full_size_depth(photo: Path, checkpoint: Path) -> np.ndarray:
    predictor = ppdcli.load("ppd-tiny", checkpoint=checkpoint, device="cpu")
    return predictor.predict(photo, area=64 * 48).resized(40, 60).values


# --- the file ----------------------------------------------------------------------------------


def test_the_header_is_what_other_programs_expect(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    assert ppd("pointcloud", photo, *tiny).exit_code == 0
    cloud = read("ppd-out/photo.ply")
    assert cloud.header[:2] == ["ply", "format binary_little_endian 1.0"]
    assert [line for line in cloud.header if line.startswith(("element", "property"))] == [
        f"element vertex {len(cloud.points)}",
        "property float x",
        "property float y",
        "property float z",
        "property uchar red",
        "property uchar green",
        "property uchar blue",
    ]


def test_to_a_named_file_and_to_stdout(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    assert ppd("pointcloud", photo, *tiny, "-o", "new/cloud.ply").exit_code == 0
    result = ppd("pointcloud", photo, *tiny, "-o", "-")
    assert result.exit_code == 0
    assert result.stdout_bytes == Path("new/cloud.ply").read_bytes()


def test_a_folder_and_a_second_run(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    Path("in/sub").mkdir(parents=True)
    photo.rename("in/sub/photo.jpg")
    assert ppd("pointcloud", "in", *tiny, "-o", "out").exit_code == 0
    assert Path("out/sub/photo.ply").is_file()
    again = ppd("pointcloud", "in", *tiny, "-o", "out")
    assert again.stderr == "1 skipped\n"


def test_depth_beside_the_photos_is_no_photo(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    assert ppd("predict", ".", *tiny, "-o", ".").exit_code == 0
    assert ppd("pointcloud", ".", *tiny, "-o", ".").exit_code == 0
    assert [path.name for path in Path().glob("*.ply")] == ["photo.ply"]


def test_every_point_is_a_pixel_at_its_predicted_depth(
    ppd: Ppd, photo: Path, tiny: list[str], random_checkpoint: Path
) -> None:
    camera = ["--intrinsics", "70,75,28.5,21", "--near-far", "2,7", "--no-edge-clean"]
    assert ppd("pointcloud", photo, *tiny, *camera, "-o", "all.ply").exit_code == 0
    cloud = read("all.ply")
    x, y, z = cloud.points.T
    v, u = np.divmod(np.arange(40 * 60), 60)
    np.testing.assert_allclose(x / z * 70 + 28.5, u, atol=1e-3)
    np.testing.assert_allclose(y / z * 75 + 21, v, atol=1e-3)
    expected = near_far_depth(full_size_depth(photo, random_checkpoint), 2, 7)
    np.testing.assert_allclose(z, expected.ravel(), rtol=1e-5)
    np.testing.assert_array_equal(cloud.colors, ppdcli.load_photo(photo).rgb.reshape(-1, 3))


def test_edge_clean_leaves_points_out_and_moves_none(
    ppd: Ppd, photo: Path, tiny: list[str]
) -> None:
    options = ["--near-far", "2,7", "--fov", "60"]
    clean = json.loads(ppd("pointcloud", photo, *tiny, *options, "--json").stdout)
    ppd("pointcloud", photo, *tiny, *options, "--no-edge-clean", "-o", "all.ply")
    cloud, everything = read("ppd-out/photo.ply"), read("all.ply")
    assert len(everything.points) == 40 * 60
    assert len(cloud.points) == clean["points"] == 40 * 60 - clean["points_removed"]
    assert clean["points_removed"] > 0
    assert f"points_removed {clean['points_removed']} (edge-clean)" in cloud.comments
    assert "points_removed 0 (edge-clean)" in everything.comments


def test_opengl_axes_turn_the_cloud(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    for axes in ("opencv", "opengl"):
        options = ["--axes", axes, "-o", f"{axes}.ply", "--near-far", "1,9"]
        assert ppd("pointcloud", photo, *tiny, *options).exit_code == 0
    opencv, opengl = read("opencv.ply"), read("opengl.ply")
    np.testing.assert_array_equal(opencv.points * (1, -1, -1), opengl.points)
    assert "axes opencv (x right, y down, z forward)" in opencv.comments
    assert "axes opengl (x right, y up, z backward)" in opengl.comments


# --- scale -------------------------------------------------------------------------------------


@pytest.mark.parametrize("edges", ["--edge-clean", "--no-edge-clean"])
@pytest.mark.parametrize("size", ["64x48", "160x112"])
def test_near_and_far_are_where_they_were_asked_for(
    ppd: Ppd, photo: Path, tiny: list[str], size: str, edges: str
) -> None:
    options = ["--near-far", "1.5,40", "--size", size, edges, "--json"]
    report = json.loads(ppd("pointcloud", photo, *tiny, *options).stdout)
    cloud = read("ppd-out/photo.ply")
    z = cloud.points[:, 2]
    assert (z.min(), z.max()) == (1.5, 40)
    assert report["unit"] == "m"
    assert {"unit m", "kind metric", "scale_from near-far 1.5,40 m"} <= set(cloud.comments)
    assert not any("warning" in comment for comment in cloud.comments)


def test_without_a_scale_the_cloud_says_that_it_is_relative(
    ppd: Ppd, photo: Path, tiny: list[str]
) -> None:
    result = ppd("pointcloud", photo, *tiny, "--fov", 60)
    assert f"{photo}: the cloud is relative" in result.stderr
    assert "--near-far" in result.stderr
    comments = read("ppd-out/photo.ply").comments
    assert {"kind relative", "unit relative"} <= set(comments)
    assert any(comment.startswith("warning relative depth") for comment in comments)


# --- camera ------------------------------------------------------------------------------------


def intrinsics(report: dict[str, object]) -> list[float]:
    values = report["intrinsics"]
    assert isinstance(values, list)
    return values


def test_given_intrinsics(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    result = ppd("pointcloud", photo, *tiny, "--intrinsics", "70,75,28.5,21", "--json")
    report = json.loads(result.stdout)
    assert (report["camera"], report["intrinsics"]) == ("given intrinsics", [70, 75, 28.5, 21])
    assert "assumed" not in result.stderr and "EXIF" not in result.stderr
    comments = read("ppd-out/photo.ply").comments
    assert any(line.startswith("intrinsics 70 75 28.5 21 of 60x40") for line in comments)


def test_given_field_of_view(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    result = ppd("pointcloud", photo, *tiny, "--fov", 90, "--json")
    report = json.loads(result.stdout)
    assert report["camera"] == "given field of view"
    np.testing.assert_allclose(intrinsics(report), [30, 30, 29.5, 19.5])
    assert "assumed" not in result.stderr


def test_the_focal_length_of_exif_is_announced(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    file = with_focal_length(photo, 28)
    result = ppd("pointcloud", file, *tiny, "--json")
    focal = 28 * math.hypot(60, 40) / math.hypot(36, 24)
    np.testing.assert_allclose(intrinsics(json.loads(result.stdout))[:2], [focal, focal])
    assert "exif.jpg: camera estimated from EXIF, 28 mm at 35 mm" in result.stderr
    assert "camera estimated from EXIF, 28 mm at 35 mm" in read("ppd-out/exif.ply").comments


def test_what_the_user_says_wins_over_exif(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    result = ppd("pointcloud", with_focal_length(photo, 28), *tiny, "--fov", 90, "--json")
    assert json.loads(result.stdout)["camera"] == "given field of view"
    assert "EXIF" not in result.stderr


def test_an_assumed_field_of_view_is_announced(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    result = ppd("pointcloud", photo, *tiny)
    camera = "camera with an assumed field of view, 60 degrees on the longer side"
    assert f"{photo}: {camera}" in result.stderr
    assert camera in read("ppd-out/photo.ply").comments


def test_a_focal_length_in_millimetres_is_warned_about(
    ppd: Ppd, photo: Path, tiny: list[str]
) -> None:
    result = ppd("pointcloud", photo, *tiny, "--intrinsics", "4.2,4.2,30,20")
    assert result.exit_code == 0
    assert "may be in millimetres" in result.stderr


# --- report and usage --------------------------------------------------------------------------


def test_json_of_a_cloud(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    result = ppd("pointcloud", photo, *tiny, "--json", "--seed", 3)
    report = json.loads(result.stdout)
    assert len(result.stdout.splitlines()) == 1
    assert list(report) == [
        *("path", "outputs", "status", "model", "seed", "steps", "size", "unit", "timings"),
        *("camera", "intrinsics", "axes", "points", "points_removed", "error", "made_again"),
    ]
    assert report["outputs"] == ["ppd-out/photo.ply"]
    assert (report["seed"], report["unit"], report["axes"]) == (3, "relative", "opencv")
    assert report["points"] == len(read("ppd-out/photo.ply").points)
    parts = {"read", "camera", "encoder", "sampler", "cloud", "write", "total"}
    assert parts == report["timings"].keys()


def test_quiet_is_silent_when_all_is_well(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    assert ppd("pointcloud", photo, *tiny, "-q").output == ""


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--intrinsics", "1,1,0,0", "--fov", "60"], "--intrinsics and --fov"),
        (["--intrinsics", "1,2,3"], "'1,2,3'"),
        (["--intrinsics", "a,b,c,d"], "'a,b,c,d'"),
        (["--intrinsics", "0,1,2,3"], "'0,1,2,3'"),
        (["--fov", "200"], "200"),
        (["--fov", "0"], "field of view 0"),
        (["--fov", "nan"], "nan"),
        (["--near-far", "5,1"], "5,1"),
        (["--near-far", "0,1"], "0,1"),
        (["--near-far", "1,inf"], "1,inf"),
        (["--near-far", "1"], "--near-far 1"),
        (["--axes", "unity"], "choose from opencv, opengl, blender"),
        (["-o", "cloud.obj.png"], "cloud.obj.png"),
        (["-o", "-", "--json"], "--json"),
        (["--device", "tpu"], "tpu"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2_before_any_work(
    ppd: Ppd, photo: Path, no_model: None, options: list[str], named: str
) -> None:
    result = ppd("pointcloud", photo, "-m", "ppd-tiny", *options)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ") and named in line
    assert not Path("ppd-out").exists()


def test_one_pixel_has_no_nearest_and_farthest_point(ppd: Ppd, tiny: list[str]) -> None:
    Image.new("RGB", (1, 1), (1, 2, 3)).save("dot.png")
    result = ppd("pointcloud", "dot.png", *tiny, "--no-edge-clean", "--near-far", "1,2", "-q")
    assert result.exit_code == 3
    assert result.stderr.startswith("failed: dot.png: the depth map is constant")
    assert len(result.stderr.splitlines()) == 1
    assert not Path("ppd-out").exists()


def test_another_list_of_images_is_another_camera(ppd: Ppd, photo: Path, tiny: list[str]) -> None:
    Path("cameras.txt").write_text("1 PINHOLE 60 40 50 50 30 20\n2 PINHOLE 60 40 90 90 30 20\n")
    command = ("pointcloud", photo, *tiny, "--intrinsics", "cameras.txt")
    said = []
    for camera in (1, 1, 2):
        Path("images.txt").write_text(f"1 1 0 0 0 0 0 0 {camera} photo.jpg\n\n")
        said.append(ppd(*command).stderr)
    assert "photo.ply" in said[0]
    assert said[1] == "1 skipped\n"
    assert said[2].splitlines()[-1] == "1 made again: intrinsics file changed"
