"""Camera files: numbers and matrices, Open3D's, and what holds for every format."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from camera_checks import pinhole

from ppdcli.errors import InputError, UsageError
from ppdcli.files.cameras import table
from ppdcli.files.cameras.camera_file import given_cameras, read_cameras
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.stated import Contents, StatedCamera, number
from ppdcli.files.cameras.table import KIND, CameraFormat
from ppdcli.files.open3d_import import import_open3d
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion, rays


@pytest.mark.parametrize(
    "text",
    [
        "500,510,310,250",
        "500 510 310 250\n",
        "# fx fy cx cy\n500\n510\n310\n250\n",
        "500 0 310\n0 510 250\n0 0 1\n",
        "500, 0, 310\n0, 510, 250\n0, 0, 1",
        "500 0 310 0 510 250 0 0 1",
        "5.0e+02,0,310,0,510,250,0,0,1\r\n",
        "[[500. 0. 310.]\n [0. 510. 250.]\n [0. 0. 1.]]",
        "500 0 0\n0 510 0\n310 250 1  # transposed\n",
        "500 1e-5 310\n0 510 250\n0 0 1",  # a solver's zero
    ],
)
def test_numbers_and_matrices(write, text: str) -> None:
    found = read_cameras(write(text)).for_image("a.jpg", 640, 480)
    assert pinhole(found) == (500, 510, 310, 250)
    assert (found.camera.width, found.camera.height) == (640, 480)
    assert found.source.startswith("text file ") and not found.warnings


def test_text_of_windows(write) -> None:
    for data in ("500,510,310,250".encode("utf-16"), b"\xef\xbb\xbf500,510,310,250\r\n"):
        assert pinhole(read_cameras(write(data)).for_image("a.jpg", 640, 480))[0] == 500


def test_numpy_writes_matrices(tmp_path: Path) -> None:
    matrix = np.array([[500.25, 0, 310], [0, 510, 250], [0, 0, 1]])
    np.savetxt(tmp_path / "rows", matrix)
    np.savetxt(tmp_path / "columns", matrix.T, delimiter=",", header="K of the left camera")
    (tmp_path / "printed").write_text(str(matrix))
    for name in ("rows", "columns", "printed"):
        found = read_cameras(tmp_path / name).for_image("a.jpg", 640, 480)
        assert pinhole(found) == (500.25, 510, 310, 250)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("500 0 310 0 510 250 0 0", "holds 8 numbers"),
        ("500", "holds 1 numbers"),
        ("500,510,nan,250", "not a finite number"),
        ("500,-510,310,250", "must be positive"),
        ("0 0 310\n0 510 250\n0 0 1", "must be positive"),
        ("500 0 310\n0 -510 250\n0 0 1", "must be positive"),
        ("500 0 0\n0 510 0\n0 0 1", "no principal point"),
        ("500 3 310\n0 510 250\n0 0 1", "a skew of 3"),
        ("500 0 0\n3 510 0\n310 250 1", "a skew of 3"),
        ("500 0 310\n0 510 250\n0 0 0", "no camera matrix"),
        ("1000 0 620\n0 1020 500\n0 0 2", "no camera matrix"),
        ("1 2 3\n4 5 6\n7 8 9", "no camera matrix"),
        ("500 0 310\n2 510 250\n0 0 1", "no camera matrix"),
        ("0 0 0 0 0 0 0 0 0", "no camera matrix"),
    ],
)
def test_bad_numbers(write, text: str, cause: str) -> None:
    path = write(text)
    with pytest.raises(InputError, match=cause) as error:
        read_cameras(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)


def test_given_on_the_command_line(write, tmp_path: Path) -> None:
    found = given_cameras("500, 510,310,250").for_image("a.jpg", 640, 480)
    assert (pinhole(found), found.source) == ((500, 510, 310, 250), "given intrinsics")
    path = write("600,610,310,250", "a,b.txt")
    assert pinhole(given_cameras(str(path)).for_image("a.jpg", 640, 480))[0] == 600
    for text, cause in (
        (str(tmp_path / "missing.txt"), "no such file; give a camera file, or fx,fy,cx,cy"),
        ("500,x,310,250", "not numbers"),
        ("500,510", "2 numbers"),
        ("1," * 300, "not numbers"),
    ):
        with pytest.raises(UsageError, match=cause):
            given_cameras(text)


def test_open3d_by_hand(write) -> None:
    matrix = [500, 0, 0, 0, 510, 0, 310, 250, 1]  # column by column
    found = read_cameras(write({"width": 640, "height": 480, "intrinsic_matrix": matrix}))
    assert pinhole(found.for_image("a.jpg", 640, 480)) == (500, 510, 310, 250)


def test_written_by_open3d(tmp_path: Path) -> None:
    o3d = import_open3d()
    intrinsic = o3d.camera.PinholeCameraIntrinsic(640, 480, 500.5, 510.25, 310, 250)
    parameters = o3d.camera.PinholeCameraParameters()
    parameters.intrinsic, parameters.extrinsic = intrinsic, np.eye(4)
    o3d.io.write_pinhole_camera_intrinsic(str(tmp_path / "intrinsic.json"), intrinsic)
    o3d.io.write_pinhole_camera_parameters(str(tmp_path / "parameters.json"), parameters)
    # What Open3D makes of a flat depth image is the witness for axes and pixel centres.
    depth = o3d.geometry.Image(np.full((480, 640), 2, np.float32))
    cloud = o3d.geometry.PointCloud.create_from_depth_image(depth, intrinsic, depth_scale=1.0)
    expected = np.asarray(cloud.points).reshape(480, 640, 3)
    for name in ("intrinsic.json", "parameters.json"):
        found = read_cameras(tmp_path / name).for_image("a.jpg", 640, 480)
        assert pinhole(found) == (500.5, 510.25, 310, 250)
        np.testing.assert_allclose(2 * rays(found.camera), expected[..., :2], atol=1e-6)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        ({"intrinsic": 5}, "not a camera file of a known format"),
        ({"intrinsic": {"intrinsic_matrix": [500, "x"] * 6}}, "'x', not a finite number"),
        ({"intrinsic_matrix": [1, 2, 3]}, "3 numbers instead of 9"),
        ({"intrinsic_matrix": [500, 0, 0, 0, 510, 0, 310, 250, None]}, "'None', not a finite"),
        ({"intrinsic_matrix": [500, 0, 0, 0, 510, 0, 310, 250, 1], "width": 640}, "height is"),
    ],
)
def test_bad_open3d(write, data: dict, cause: str) -> None:
    with pytest.raises(InputError, match=cause):
        read_cameras(write(data))


SIZED = "1 OPENCV 640 480 500 510 310.5 250.5 -0.1 0.02 0.001 -0.002\n"


@pytest.mark.parametrize("size", [(320, 240), (1280, 960), (2560, 1920), (213, 160), (214, 160)])
def test_resized_photos(write, size: tuple[int, int]) -> None:
    found = read_cameras(write(SIZED)).for_image("a.jpg", *size)
    assert found.camera == Camera(500, 510, 310, 250, 640, 480).resized(*size)


@pytest.mark.parametrize("size", [(640, 360), (480, 640), (640, 488), (2560, 1900), (1, 1)])
def test_photos_of_another_shape(write, size: tuple[int, int]) -> None:
    path = write(SIZED)
    if size == (1, 1):  # anything may have become a single pixel
        assert read_cameras(path).for_image("a.jpg", 1, 1).camera.width == 1
        return
    line = f"a camera of 640x480 does not fit the image x/a.jpg of {size[0]}x{size[1]}"
    with pytest.raises(InputError, match=line) as error:
        read_cameras(path).for_image("x/a.jpg", *size)
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_by_exif(write, orientation: int) -> None:
    stored, lens = (
        Camera(500, 510, 310, 250, 640, 480),
        Distortion.of("opencv", -0.1, 0.02, 0.001, -0.002),
    )
    upright = stored.rotated(orientation)
    found = read_cameras(write(SIZED)).for_image(
        "a.jpg", upright.width, upright.height, orientation
    )
    assert found.camera == upright
    assert found.distortion == lens.rotated(orientation)
    assert found.source.endswith("turned with the photo") == (orientation > 1)


def test_a_camera_of_the_upright_photo_is_not_turned(write) -> None:
    found = read_cameras(write(SIZED)).for_image("a.jpg", 640, 480, orientation=6)
    assert found.camera == Camera(500, 510, 310, 250, 640, 480)
    assert found.distortion == Distortion.of("opencv", -0.1, 0.02, 0.001, -0.002)
    # Nearly square: the exact size goes before a resized one.
    path = write("1 PINHOLE 1000 1001 900 910 500 490\n")
    assert read_cameras(path).for_image("a.jpg", 1000, 1001, orientation=6).camera.fx == 900
    assert read_cameras(path).for_image("a.jpg", 1001, 1000, orientation=6).camera.fx == 910


def test_a_square_camera_is_of_the_stored_photo(write) -> None:
    path = write("1 PINHOLE 600 600 500 510 310.5 250.5\n")
    found = read_cameras(path).for_image("a.jpg", 600, 600, orientation=6)
    assert found.camera == Camera(500, 510, 310, 250, 600, 600).rotated(6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_numbers_that_are_typed_are_of_the_upright_photo(orientation: int) -> None:
    found = given_cameras("300,310,130,140").for_image("a.jpg", 320, 240, orientation)
    assert found.camera == Camera(300, 310, 130, 140, 320, 240)


def test_numbers_without_a_size_go_by_the_nearer_centre(write) -> None:
    stored = read_cameras(write("500 510 310 250")).for_image("a.jpg", 480, 640, orientation=6)
    assert stored.camera == Camera(500, 510, 310, 250, 640, 480).rotated(6)
    upright = read_cameras(write("500 510 250 310")).for_image("a.jpg", 480, 640, orientation=6)
    assert upright.camera == Camera(500, 510, 250, 310, 480, 640)


def test_intrinsics_for_another_image_size(write) -> None:
    cameras = read_cameras(write("3000 3000 2000 1500"))
    with pytest.raises(InputError, match=r"2000,1500 lies outside the image a\.jpg of 640x480"):
        cameras.for_image("a.jpg", 640, 480)
    (warning,) = cameras.for_image("a.jpg", 6000, 4500).warnings
    assert "another image size" in warning
    (warning,) = read_cameras(write("35 35 2000 1500")).for_image("a.jpg", 4000, 3000).warnings
    assert "millimetres" in warning


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("# nothing\n", "holds no camera, only comments"),
        ("hello world", "not a camera file of a known format; give fx,fy,cx,cy.*COLMAP.*ROS.*JSON"),
        ("{}", "not a camera file of a known format"),
        ('{"fl_x": 500', "damaged JSON at line 1"),
        ("[" * 2_000, "cannot be read as YAML"),
        ('{"a":' * 100_000, "damaged JSON"),
        ("a: [1, 2", "cannot be read as YAML at line"),
        ("a: 1\nb: 2", "not a camera file of a known format"),
        (
            "camera_matrix: !!python/object/apply:os.system ['touch owned']",
            "cannot be read as YAML",
        ),
        ("- 1\n- a\n", "not a camera file of a known format"),
        ("x: 1\n" * 300_000, "larger than any camera's YAML"),
        ("1.5 2.5 " * 20_000, "not a camera file of a known format"),
        (
            b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(99),
            "is a binary file, and not a camera file of a known format",
        ),
        (b"caf\xe9", "a binary file, and not a camera"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a binary file, and not a camera"),
        (b"\0", "a binary file, and not a camera"),
        (b"PK\x03\x04" + bytes(200), "a binary file, and not a camera"),
        ("<!DOCTYPE html><html></html>", "not a camera file of a known format"),
        ("<svg/>", "not a camera file of a known format"),
        ("<a><b></a>", "damaged XML at line 1"),
        ("<!DOCTYPE x [<!ENTITY y 'z'>]><x>&y;</x>", "defines entities"),
        ("<a>" * 99 + "</a>" * 99, "no XML that a camera has"),
    ],
)
def test_other_files(write, content: str | bytes, cause: str) -> None:
    path = write(content)
    with pytest.raises(InputError, match=cause) as error:
        read_cameras(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value) and len(str(error.value)) < 600
    assert not Path("owned").exists()


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_cameras(tmp_path / "missing")
    path = tmp_path / "huge"
    with path.open("wb") as stream:
        stream.truncate(KIND.most + 1)
    with pytest.raises(InputError, match=r"more than the 67\.1 MB"):
        read_cameras(path)


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, ppdcli.files.cameras.camera_file; "
        "print([m for m in ('cv2', 'torch', 'open3d', 'scipy', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_row_makes_a_format(write, monkeypatch: pytest.MonkeyPatch) -> None:
    def fits(content: Content) -> bool:
        return content.lines[:1] == ["DUMMY CAMERA 1"]

    def read(content: Content) -> Contents:
        focal = number(content.lines[1], "the focal length", content.where)
        return Contents("dummy", (StatedCamera("", (focal, focal), None, (640, 480)),))

    path = write("DUMMY CAMERA 1\n600\n")
    with pytest.raises(InputError, match="not a camera file of a known format"):
        read_cameras(path)
    monkeypatch.setattr(table, "FORMATS", [*table.FORMATS, CameraFormat("dummy", fits, read)])
    found = read_cameras(path).for_image("a.jpg", 320, 240)
    assert pinhole(found) == (300, 300, 159.5, 119.5) and found.source == f"dummy file {path}"
    with pytest.raises(InputError, match="the focal length is 'wide', not a finite number"):
        read_cameras(write("DUMMY CAMERA 1\nwide\n"))
    with pytest.raises(InputError, match=r"not a camera file.*JSON with fx, fy, cx, cy, dummy"):
        read_cameras(write("something else"))


@pytest.mark.parametrize(
    ("size", "doubt"),
    [
        ((1920, 1080), None),
        ((1900, 1090), None),  # within what lenses are off
        (
            (1600, 1200),
            "of this photo of 1600x1200, but .* 959.5,539.5 is the centre of 1920x1080; if",
        ),
        ((2048, 1152), "taken for those of this photo of 2048x1152"),
        ((2880, 1620), "the intrinsics belong to another image size"),
        (
            (800, 600),
            "outside the image a.jpg of 800x600, as of one of 1920x1080; give the intrinsics of th",
        ),
    ],
)
@pytest.mark.parametrize("typed", [True, False])
def test_numbers_without_a_size(
    write, size: tuple[int, int], doubt: str | None, typed: bool
) -> None:
    text = "1400,1400,959.5,539.5"
    cameras = given_cameras(text if typed else str(write(text)))
    if doubt is not None and "outside" in doubt:
        with pytest.raises(InputError, match=doubt):
            cameras.for_image("a.jpg", *size)
        return
    found = cameras.for_image("a.jpg", *size)
    assert found.camera == Camera(1400, 1400, 959.5, 539.5, *size)
    assert (doubt is None) == (found.warnings == ())
    for line in found.warnings:
        assert re.search(doubt or "", line) and "\n" not in line and line.startswith("a.jpg: ")
