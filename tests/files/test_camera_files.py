"""Camera files: hand-written ones, those of their own programs, and broken ones."""

import json
import math
import struct
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from ppdcli.errors import InputError, UsageError
from ppdcli.files.cameras.camera_file import ImageCamera, given_cameras, read_cameras
from ppdcli.files.cameras.table import KIND
from ppdcli.files.open3d_import import import_open3d
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion, rays


@pytest.fixture
def write(tmp_path: Path):
    """Writes a file, by default under a name that says nothing, and gives its path."""

    def put(content: str | bytes | dict, name: str = "file") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        text = json.dumps(content) if isinstance(content, dict) else content
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return put


def pinhole(found: ImageCamera) -> tuple[float, float, float, float]:
    assert found.distortion is None
    return found.camera.fx, found.camera.fy, found.camera.cx, found.camera.cy


# --- numbers and matrices


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


# --- COLMAP

CAMERAS = """# Camera list
3 SIMPLE_PINHOLE 640 480 500 320.5 240.5
40 OPENCV 800 600 700 710 400 300 -0.1 0.02 0.001 -0.002
7 FOV 640 480 500 500 320 240 0.9
"""
IMAGES = """# Image list
1 1 0 0 0 0 0 0 3 left/a.jpg
10.5 20.5 -1 30 40 5

2 1 0 0 0 0.5 0 1e-3 40 right/a.jpg

9 1 0 0 0 0 0 0 7 odd one.jpg
1 2 -1
"""


@pytest.fixture
def colmap(write) -> Path:
    write(IMAGES, "sparse/images.txt")
    return write(CAMERAS, "sparse/cameras.txt")


def test_colmap_by_image(colmap: Path) -> None:
    for path in (colmap, colmap.parent):
        cameras = read_cameras(path)
        left = cameras.for_image("photos/left/a.jpg", 640, 480)
        assert pinhole(left) == (500, 500, 320, 240)
        assert left.source == f"COLMAP file {path} camera 3"
        right = cameras.for_image("right/a.jpg", 800, 600)
        assert right.camera == Camera(700, 710, 399.5, 299.5, 800, 600)
        assert right.distortion == Distortion.of("opencv", -0.1, 0.02, 0.001, -0.002)


def test_colmap_names(colmap: Path) -> None:
    cameras = read_cameras(colmap)
    assert cameras.for_image("C:\\in\\left\\a.jpg", 640, 480).camera.fx == 500
    with pytest.raises(InputError, match=r"cameras\.txt: names several images a\.jpg"):
        cameras.for_image("a.jpg", 640, 480)
    with pytest.raises(InputError, match=r"has no image b\.jpg among its 3, such as 'left/a\.jpg'"):
        cameras.for_image("left/b.jpg", 640, 480)
    with pytest.raises(InputError, match=r"camera 7: its model FOV cannot be undistorted"):
        cameras.for_image("odd one.jpg", 640, 480)


def test_a_whole_recorded_path_goes_before_a_longer_one(write) -> None:
    write("1 1 0 0 0 0 0 0 1 a.jpg\n\n2 1 0 0 0 0 0 0 2 sub/a.jpg\n\n", "images.txt")
    lines = "1 PINHOLE 64 48 50 50 32 24\n2 PINHOLE 64 48 60 60 32 24\n"
    cameras = read_cameras(write(lines, "cameras.txt"))
    focal = [
        cameras.for_image(name, 64, 48).camera.fx for name in ("a.jpg", "x/a.jpg", "sub/a.jpg")
    ]
    assert focal == [50, 50, 60]


def test_a_single_camera_serves_every_image(write) -> None:
    path = write("12 RADIAL 640 480 500 320 240 -0.1 0.02\n")
    found = read_cameras(path).for_image("anything.jpg", 640, 480)
    assert found.distortion == Distortion.of("opencv", -0.1, 0.02)
    # Cameras that are all the same are one.
    lines = "1 PINHOLE 64 48 50 50 32 24\n9 PINHOLE 64 48 50 50 32 24\n"
    assert read_cameras(write(lines)).for_image("anything.jpg", 64, 48).camera.fx == 50


@pytest.mark.parametrize(
    ("cameras", "images", "cause"),
    [
        ("# none\n", None, "holds no camera"),
        ("1 PINHOLE 64 48 50 50 32\n", None, "camera 1: 3 parameters instead of 4 for PINHOLE"),
        ("1 PINHOLE 64 48 50 50 32 x\n", None, "'x', not a finite number"),
        ("1 PINHOLE 64 48 -50 50 32 24\n", None, "must be positive"),
        ("1 PINHOLE 64 0 50 50 32 24\n", None, "no size of an image"),
        ("1 PINHOLE 64 48 50 50 32 24\nrest\n", None, "the line 'rest' is not CAMERA_ID"),
        ("1 FOV 64 48 50 50 32 24 1\n", None, "camera 1: its model FOV cannot"),
        ("1 NEWLENS 64 48 50 1\n", None, "camera 1: its model NEWLENS cannot"),
        ("1 PINHOLE 64 48 5 5 32 24\n1 PINHOLE 64 48 6 6 32 24\n", None, "camera 1 occurs twice"),
        (CAMERAS, "1 1 0 0 0 0 0 0 8 a.jpg\n\n", "image 'a.jpg' is of camera 8"),
        (CAMERAS, "1 1 0 0 a.jpg\n", "the line '1 1 0 0 a.jpg' is not IMAGE_ID"),
        (CAMERAS, "1 1 0 0 0 0 0 0 3 a\n\n2 1 0 0 0 0 0 0 40 a\n\n", "names the image 'a' twice"),
    ],
)
def test_bad_colmap_text(write, cameras: str, images: str | None, cause: str) -> None:
    if images is not None:
        write(images, "images.txt")
    path = write(cameras, "cameras.txt")
    with pytest.raises(InputError, match=cause) as error:
        read_cameras(path)
    assert str(path.parent) in str(error.value) and "\n" not in str(error.value)


def test_several_cameras_without_images(write) -> None:
    with pytest.raises(InputError, match=r"holds 3 cameras and does not say which one took a\.jpg"):
        read_cameras(write(CAMERAS)).for_image("a.jpg", 640, 480)


def test_a_folder_without_cameras(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no cameras\.txt or cameras\.bin.*sparse/0"):
        read_cameras(tmp_path)


def test_the_image_list_is_not_the_camera_list(write) -> None:
    with pytest.raises(InputError, match=r"COLMAP's list of images; give cameras\.txt"):
        read_cameras(write(IMAGES))


def binary_camera(camera_id: int, model: int, *values: float, side: int = 64) -> bytes:
    return struct.pack(f"<iiQQ{len(values)}d", camera_id, model, side, 48, *values)


def binary_image(image_id: int, camera_id: int, name: str, points: int = 2) -> bytes:
    head = struct.pack("<I7dI", image_id, 1, 0, 0, 0, 0, 0, 0, camera_id)
    return head + name.encode() + b"\0" + struct.pack("<Q", points) + bytes(24 * points)


def test_colmap_binary_by_hand(write) -> None:
    cameras = binary_camera(5, 1, 50, 55, 32.5, 24.5) + binary_camera(70, 0, 60, 32.5, 24.5)
    path = write(struct.pack("<Q", 2) + cameras, "cameras.bin")
    images = binary_image(1, 70, "a.jpg", 3) + binary_image(2, 5, "ü b.jpg", 0)
    write(struct.pack("<Q", 2) + images, "images.bin")
    # The binary model goes first, as in COLMAP, and each list is of its own kind.
    write("5 PINHOLE 64 48 9 9 32 24\n70 PINHOLE 64 48 8 8 32 24\n", "cameras.txt")
    write("1 1 0 0 0 0 0 0 5 a.jpg\n\n", "images.txt")
    for source in (path, path.parent):
        found = read_cameras(source)
        assert pinhole(found.for_image("x/a.jpg", 64, 48)) == (60, 60, 32, 24)
        assert pinhole(found.for_image("ü b.jpg", 64, 48)) == (50, 55, 32, 24)
    assert read_cameras(path.with_name("cameras.txt")).for_image("a.jpg", 64, 48).camera.fx == 9
    path.with_name("images.txt").unlink()
    assert read_cameras(path.with_name("cameras.txt")).for_image("a.jpg", 64, 48).camera.fx == 8


ONE = binary_camera(1, 0, 60, 32, 24)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (struct.pack("<Q", 1) + ONE[:-1], "truncated"),
        (struct.pack("<Q", 2) + ONE, "truncated"),
        (struct.pack("<Q", 2**62) + ONE, "states 4611686018427387904 cameras in 56 bytes"),
        (struct.pack("<Q", 1) + ONE + b"\0", "1 bytes are left over"),
        (struct.pack("<Q", 1) + binary_camera(1, 99, 1, 1, 1), "model 99 of 64x48 is unknown"),
        (struct.pack("<Q", 1) + binary_camera(1, -1, 1, 1, 1), "model -1"),
        (struct.pack("<Q", 1) + binary_camera(1, 0, 1, 1, 1, side=2**60), "is unknown"),
        (struct.pack("<Q", 1) + binary_camera(1, 0, math.nan, 1, 1), "not a finite number"),
        (struct.pack("<Q", 1) + binary_camera(1, 7, 9, 9, 9, 9, 1), "camera 1: its model FOV"),
        (struct.pack("<Q", 0), "holds no camera"),
        (struct.pack("<Q", 1) + binary_image(1, 1, "a.jpg"), "no intact COLMAP cameras.bin"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "no intact COLMAP cameras.bin"),
        (b"\0", "no intact COLMAP cameras.bin"),
    ],
)
def test_bad_colmap_binary(write, data: bytes, cause: str) -> None:
    path = write(data)
    with pytest.raises(InputError, match=cause) as error:
        read_cameras(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    "images",
    [
        b"",
        struct.pack("<Q", 2) + binary_image(1, 1, "a.jpg"),
        struct.pack("<Q", 2**63) + binary_image(1, 1, "a.jpg"),
        struct.pack("<Q", 1) + binary_image(1, 1, "a.jpg")[:-1],
        struct.pack("<Q", 1) + binary_image(1, 1, "a.jpg", 0)[:-8] + b"\xff" * 8,
        struct.pack("<Q", 1) + binary_image(1, 1, "a" * 5000),
        struct.pack("<Q", 1) + binary_image(1, 1, "a.jpg").replace(b"a.jpg", b"\xff.jpg"),
    ],
)
def test_bad_colmap_binary_images(write, images: bytes) -> None:
    write(images, "images.bin")
    path = write(struct.pack("<Q", 2) + ONE + binary_camera(2, 0, 70, 32, 24), "cameras.bin")
    with pytest.raises(InputError, match=r"images\.bin: is damaged or truncated"):
        read_cameras(path)


LENSES = {
    "SIMPLE_PINHOLE": [500, 311, 252],
    "PINHOLE": [500, 510, 311, 252],
    "SIMPLE_RADIAL": [500, 311, 252, -0.1],
    "RADIAL": [500, 311, 252, -0.1, 0.03],
    "OPENCV": [500, 510, 311, 252, -0.1, 0.03, 2e-3, -1e-3],
    "OPENCV_FISHEYE": [300, 310, 311, 252, -0.02, 0.003, -1e-3, 2e-4],
    "FULL_OPENCV": [500, 510, 311, 252, 0.2, 0.1, 1e-3, 2e-3, 0.02, 0.25, 0.12, 0.01],
    "SIMPLE_RADIAL_FISHEYE": [300, 311, 252, -0.02],
    "RADIAL_FISHEYE": [300, 311, 252, -0.02, 0.004],
    "SIMPLE_FISHEYE": [300, 311, 252],
    "FISHEYE": [300, 310, 311, 252],
}


@pytest.mark.parametrize("kind", ["text", "binary"])
def test_models_written_by_colmap(tmp_path: Path, kind: str) -> None:
    pycolmap = pytest.importorskip("pycolmap")
    model = pycolmap.Reconstruction()
    for index, (lens, parameters) in enumerate(LENSES.items()):
        camera = pycolmap.Camera(
            model=lens, width=640, height=480, params=parameters, camera_id=10 + 7 * index
        )
        model.add_camera_with_trivial_rig(camera)
        image = pycolmap.Image(
            name=f"{lens}/my photo.jpg", camera_id=camera.camera_id, image_id=3 + 2 * index
        )
        image.points2D = pycolmap.Point2DList([pycolmap.Point2D(np.ones(2))] * index)
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d())
    model.write_text(tmp_path) if kind == "text" else model.write_binary(tmp_path)
    cameras = read_cameras(tmp_path)
    for index, lens in enumerate(LENSES):
        found = cameras.for_image(f"photos/{lens}/my photo.jpg", 640, 480)
        theirs = model.cameras[10 + 7 * index]
        v, u = np.mgrid[3:480:29, 2:640:31]
        mine = rays(found.camera, found.distortion)[v, u].reshape(-1, 2).astype(np.float64)
        # Its first pixel centre is at (0.5, 0.5).
        centres = np.stack([u, v], axis=-1).reshape(-1, 2) + 0.5
        np.testing.assert_allclose(mine, theirs.cam_from_img(centres), atol=3e-6)
        projected = theirs.img_from_cam(np.column_stack([mine, np.ones(len(mine))]))
        np.testing.assert_allclose(projected, centres, atol=2e-3)


def test_our_list_of_models_is_colmaps() -> None:
    pycolmap = pytest.importorskip("pycolmap")
    from ppdcli.files.cameras.colmap import _MODELS, _PARAMETERS

    ids = {int(value): name for name, value in pycolmap.CameraModelId.__members__.items()}
    for model_id, (name, count) in enumerate(_MODELS):
        assert ids[model_id] == name
        camera = pycolmap.Camera.create_from_model_name(1, name, 500, 640, 480)
        assert len(camera.params) == count
        if name in _PARAMETERS:
            # It numbers a radial coefficient only where there are several.
            names = camera.params_info.replace(",", "").split()
            assert ["k1" if word == "k" else word for word in names] == _PARAMETERS[name].split()


# --- ROS

CALIBRATION = """image_width: 640
image_height: 480
camera_name: narrow_stereo
camera_matrix:
  rows: 3
  cols: 3
  data: [500.0, 0.0, 310.0, 0.0, 510.0, 250.0, 0.0, 0.0, 1.0]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [-0.1, 0.02, 1e-05, -0.002, 0.0]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
projection_matrix:
  rows: 3
  cols: 4
  data: [480.0, 0.0, 312.0, 0.0, 0.0, 490.0, 251.0, 0.0, 0.0, 0.0, 1.0, 0.0]
"""

INFO = """header:
  seq: 2468773
  stamp:
    secs: 1416402182
    nsecs: 127162000
  frame_id: "camera"
height: 480
width: 640
distortion_model: "plumb_bob"
D: [-0.1, 0.02, 1e-05, -0.002, 0.0]
K: [500.0, 0.0, 310.0, 0.0, 510.0, 250.0, 0.0, 0.0, 1.0]
R: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
P: [480.0, 0.0, 312.0, 0.0, 0.0, 490.0, 251.0, 0.0, 0.0, 0.0, 1.0, 0.0]
binning_x: 0
binning_y: 0
roi:
  x_offset: 0
  y_offset: 0
  height: 0
  width: 0
  do_rectify: False
---
""".replace(":\n", ": \n")  # as rostopic prints it

INFO_2 = """header:
  stamp:
    sec: 1680000000
    nanosec: 5
  frame_id: camera_optical
height: 480
width: 640
distortion_model: plumb_bob
d:
- -0.1
- 0.02
- 1.0e-05
- -0.002
- 0.0
k:
- 500.0
- 0.0
- 310.0
- 0.0
- 510.0
- 250.0
- 0.0
- 0.0
- 1.0
r: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
p: [480.0, 0.0, 312.0, 0.0, 0.0, 490.0, 251.0, 0.0, 0.0, 0.0, 1.0, 0.0]
binning_x: 0
binning_y: 0
roi:
  x_offset: 0
  y_offset: 0
  height: 0
  width: 0
  do_rectify: false
---
"""


@pytest.mark.parametrize("text", [CALIBRATION, INFO, INFO_2, INFO * 2, "---\n" + INFO_2])
def test_ros_is_of_the_raw_image_and_says_so(write, text: str) -> None:
    found = read_cameras(write(text)).for_image("frame0000.jpg", 640, 480)
    assert found.camera == Camera(500, 510, 310, 250, 640, 480)
    assert found.distortion == Distortion.of("opencv", -0.1, 0.02, 1e-5, -0.002)
    (warning,) = found.warnings
    assert "480,490,312,251" in warning and "image_rect" in warning


def test_a_long_dump(write) -> None:
    # Only the headers differ, so it is as quick to read as a short one.
    dump = "".join(INFO.replace("2468773", str(seq)) for seq in range(3000))
    assert read_cameras(write(dump)).for_image("a.jpg", 640, 480).camera.fx == 500


def test_the_rectified_intrinsics_are_of_the_photos_size(write) -> None:
    found = read_cameras(write(INFO)).for_image("frame0000.jpg", 320, 240)
    assert found.camera.fx == 250
    assert "240,245,155.75,125.25" in found.warnings[0]


def test_a_ros_camera_without_distortion_is_not_in_doubt(write) -> None:
    text = INFO.replace("[-0.1, 0.02, 1e-05, -0.002, 0.0]", "[0.0, 0.0, 0.0, 0.0, 0.0]")
    text = text.replace(
        "P: [480.0, 0.0, 312.0, 0.0, 0.0, 490.0, 251.0", "P: [500.0, 0, 310.0, 0, 0, 510.0, 250"
    )
    for case in (
        text,
        text.replace('"plumb_bob"', '""'),
        text.replace("D: [0.0, 0.0, 0.0, 0.0, 0.0]", "D: []"),
    ):
        found = read_cameras(write(case)).for_image("a.jpg", 640, 480)
        assert pinhole(found) == (500, 510, 310, 250) and not found.warnings


@pytest.mark.parametrize(
    ("model", "values", "expected"),
    [
        ("rational_polynomial", [1, 2, 3, 4, 5, 6, 7, 8], ("opencv", 1, 2, 3, 4, 5, 6, 7, 8)),
        ("rational_polynomial", [1] * 8 + [0] * 6, ("opencv", *[1] * 8)),
        ("equidistant", [0.1, 0.2, 0.3, 0.4], ("fisheye", 0.1, 0.2, 0.3, 0.4)),
        ("equidistant", [0, 0, 0, 0], ("fisheye",)),
        ("", [0.1, 0.2, 0.3, 0.4], ("opencv", 0.1, 0.2, 0.3, 0.4)),
    ],
)
def test_ros_lenses(write, model: str, values: list, expected: tuple) -> None:
    text = INFO.replace("[-0.1, 0.02, 1e-05, -0.002, 0.0]", str(values)).replace("plumb_bob", model)
    found = read_cameras(write(text)).for_image("a.jpg", 640, 480)
    assert found.distortion == Distortion.of(*expected)


def test_region_of_interest_and_binning(write) -> None:
    # As the Baxter robot publishes it: the sensor is 1280x800, width and height are the part's.
    text = (
        "height: 400\nwidth: 640\ndistortion_model: plumb_bob\nD: []\n"
        "K: [403.9, 0.0, 631.0, 0.0, 403.9, 375.5, 0.0, 0.0, 1.0]\nbinning_x: 2\nbinning_y: 2\n"
        "roi: \n  x_offset: 320\n  y_offset: 200\n  height: 400\n  width: 640\n"
    )
    cameras = read_cameras(write(text))
    assert pinhole(cameras.for_image("a.jpg", 640, 400)) == (403.9, 403.9, 311, 175.5)
    binned = cameras.for_image("a.jpg", 320, 200)
    assert pinhole(binned) == (201.95, 201.95, 155.25, 87.5)


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        (
            "K: [500.0, 0.0, 310.0, 0.0, 510.0, 250.0, 0.0, 0.0, 1.0]",
            "K: [0, 0, 0, 0, 0, 0, 0, 0, 0]",
            "not calibrated",
        ),
        ("K: [500.0,", "K: [", "8 numbers instead of 9"),
        ("K: [500.0,", "K: [.nan,", "not a finite number"),
        ("K: [500.0,", "K: [true,", "not a finite number"),
        ("K: [500.0,", "K: [-500.0,", "must be positive"),
        ("K: [500.0, 0.0,", "K: [500.0, 7.0,", "a skew of 7"),
        ("plumb_bob", "double_sphere", "distortion model double_sphere cannot be undistorted"),
        ("-0.002, 0.0]", "-0.002, 0, 0, 0, 0, 0.5]", "9 distortion coefficients"),
        ("height: 480", "height: 480.5", "no size of an image"),
        ("height: 480", "high: 480", "height is 'None'"),
        ("roi: \n", "roi: 5\nbroken:\n", "roi has no entries"),
        ("D: [-0.1", "D: {-0.1", "cannot be read as YAML at line"),
        ("D: [-0.1, 0.02, 1e-05, -0.002, 0.0]", "D: 5", "D is not a list"),
    ],
)
def test_bad_ros(write, old: str, new: str, cause: str) -> None:
    path = write(INFO.replace(old, new))
    with pytest.raises(InputError, match=cause) as error:
        read_cameras(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def test_a_dump_of_two_cameras(write) -> None:
    with pytest.raises(InputError, match="2 different cameras; keep one message"):
        read_cameras(write(INFO + INFO.replace("500.0", "501.0")))


def test_ros_distortion_under_another_name_is_not_dropped(write) -> None:
    text = CALIBRATION.replace("distortion_coefficients", "dist_coeff")
    with pytest.raises(InputError, match="dist_coeff is not a known entry"):
        read_cameras(write(text))


def test_calibration_written_by_pyyaml(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    matrix = np.array([[500.0, 0, 310], [0, 510, 250], [0, 0, 1]])
    lens = [-3e-5, 1e-7, 0.0, 2e-4, 0.0]  # which YAML readers take for strings

    def entry(values: list, rows: int) -> dict:
        return {"rows": rows, "cols": len(values) // rows, "data": values}

    data = {
        "image_width": 640,
        "image_height": 480,
        "camera_name": "head_camera",
        "camera_matrix": entry(matrix.ravel().tolist(), 3),
        "distortion_model": "plumb_bob",
        "distortion_coefficients": entry(lens, 1),
        "projection_matrix": entry(np.eye(3, 4).ravel().tolist(), 3),
    }
    (tmp_path / "ost.yaml").write_text(yaml.safe_dump(data))
    found = read_cameras(tmp_path / "ost.yaml").for_image("a.jpg", 640, 480)
    assert found.camera == Camera(500, 510, 310, 250, 640, 480)
    assert found.distortion == Distortion.of("opencv", *lens)


@pytest.mark.parametrize("fisheye", [0, 1])
def test_calibration_written_by_opencv(tmp_path: Path, fisheye: int) -> None:
    matrix = np.array([[500.0, 0, 310], [0, 510, 250], [0, 0, 1]])
    lens = np.array([-0.1, 0.02, 1e-5, -0.002])
    storage = cv2.FileStorage(str(tmp_path / "camera.yml"), cv2.FILE_STORAGE_WRITE)
    storage.write("image_width", 640)
    storage.write("image_height", 480)
    storage.write("fisheye_model", fisheye)
    storage.write("camera_matrix", matrix)
    storage.write("distortion_coefficients", lens)
    storage.release()
    found = read_cameras(tmp_path / "camera.yml").for_image("a.jpg", 640, 480)
    assert found.camera == Camera(500, 510, 310, 250, 640, 480)
    assert found.distortion == Distortion.of("fisheye" if fisheye else "opencv", *lens)


def test_calibration_of_older_opencv(write) -> None:
    text = (
        "%YAML:1.0\n---\nimage_width: 640\nimage_height: 480\ncamera_matrix: !!opencv-matrix\n"
        "   rows: 3\n   cols: 3\n   dt: d\n   data: [ 5.0000000000000000e+02, 0., 310., 0., 510.,\n"
        "       250., 0., 0., 1. ]\ndistortion_coefficients: !!opencv-matrix\n   rows: 5\n"
        "   cols: 1\n   dt: d\n   data: [ -1.0e-01, 2.0e-02, 0., 0., 0. ]\n"
    )
    found = read_cameras(write(text)).for_image("a.jpg", 640, 480)
    assert found.camera == Camera(500, 510, 310, 250, 640, 480)
    assert found.distortion == Distortion.of("opencv", -0.1, 0.02)


# --- nerfstudio

FRAMES = [{"file_path": "images/a.png"}, {"file_path": "./images/b.png"}]


def test_nerfstudio_for_all_frames(write) -> None:
    data = {
        **{"camera_model": "OPENCV", "fl_x": 500, "fl_y": 510, "cx": 310.5, "cy": 250.5},
        **{"w": 640.0, "h": 480, "k1": -0.1, "k2": 0.02, "k3": 0.003, "p1": 0.001, "p2": -0.002},
        "frames": FRAMES,
    }
    found = read_cameras(write(data)).for_image("elsewhere/c.png", 640, 480)
    assert found.camera == Camera(500, 510, 310, 250, 640, 480)
    assert found.distortion == Distortion.of("opencv", -0.1, 0.02, 0.001, -0.002, 0.003)
    data["camera_model"] = "OPENCV_FISHEYE"
    data.update(p1=0, p2=0, k4=0.0004)
    path = write(data)
    found = read_cameras(path).for_image("images_2/a.png", 320, 240)
    assert found.source == f"nerfstudio file {path}"
    assert found.camera == Camera(500, 510, 310, 250, 640, 480).resized(320, 240)
    assert found.distortion == Distortion.of("fisheye", -0.1, 0.02, 0.003, 0.0004)


def test_nerfstudio_by_frame(write) -> None:
    shared = {"w": 640, "h": 480, "cx": 320, "cy": 240, "k1": 0.01}
    frames = [
        {**FRAMES[0], "fl_x": 500, "fl_y": 510, "k1": 0},
        {**FRAMES[1], "fl_x": 600},
        {"file_path": "./train/r_0", "fl_x": 700},
    ]
    cameras = read_cameras(write({**shared, "frames": frames}))
    assert pinhole(cameras.for_image("images/a.png", 640, 480)) == (500, 510, 319.5, 239.5)
    second = cameras.for_image("b.png", 640, 480)
    assert (second.camera.fx, second.camera.fy) == (600, 600)
    assert second.distortion == Distortion.of("opencv", 0.01)
    assert cameras.for_image("nerf/train/r_0.png", 640, 480).camera.fx == 700
    with pytest.raises(InputError, match=r"has no image c\.png among its 3"):
        cameras.for_image("images/c.png", 640, 480)


def test_nerfstudio_listed_coefficients(write) -> None:
    listed = [-0.1, 0.02, 0.003, 0, 0.001, -0.002]
    data = {"fl_x": 500, "w": 640, "h": 480, "distortion_params": listed}
    found = read_cameras(write(data)).for_image("a.png", 640, 480)
    assert found.distortion == Distortion.of("opencv", -0.1, 0.02, 0.001, -0.002, 0.003)


@pytest.mark.parametrize("size", [{}, {"w": 800, "h": 800}])
def test_nerf_with_only_an_angle(write, size: dict) -> None:
    data = {"camera_angle_x": math.radians(60), **size, "frames": FRAMES}
    found = read_cameras(write(data)).for_image("r_0.png", 400, 400)
    assert found.camera == Camera.from_fov(60, 400, 400) or pinhole(found) == pytest.approx(
        pinhole(ImageCamera(Camera.from_fov(60, 400, 400), None, ""))
    )


def test_nerf_with_two_angles(write) -> None:
    angles = {
        "camera_angle_x": 2 * math.atan(320 / 500),
        "camera_angle_y": 2 * math.atan(240 / 510),
    }
    found = read_cameras(write({**angles, "w": 640, "h": 480})).for_image("a.png", 640, 480)
    assert pinhole(found) == pytest.approx((500, 510, 319.5, 239.5))


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        ({"frames": []}, "frames is no list"),
        ({"frames": [{}], "fl_x": 500}, "frame 0 has no file_path"),
        ({"frames": FRAMES}, "frame 'images/a.png': neither fl_x nor camera_angle_x"),
        ({"fl_x": "wide"}, "'wide', not a finite number"),
        ({"fl_x": math.nan}, "not a finite number"),
        ({"fl_x": -500}, "must be positive"),
        ({"camera_angle_x": 60}, "they are radians"),
        ({"fl_x": 500, "w": 640}, "h is 'None'"),
        ({"fl_x": 500, "k4": 0.1}, "k4 = 0.1, which cannot"),
        ({"fl_x": 500, "k6": 0.1}, "k6 = 0.1, which cannot"),
        ({"fl_x": 500, "camera_model": "OPENCV_FISHEYE", "p1": 0.1}, "p1 = 0.1, which cannot"),
        ({"fl_x": 500, "camera_model": "EQUIRECTANGULAR"}, "camera_model EQUIRECTANGULAR"),
        ({"fl_x": 500, "ftheta_p0": 1}, "ftheta_p0"),
        ({"camera_angle_x": 1, "is_fisheye": True, "k1": 0.1}, "without fl_x"),
        ({"fl_x": 500, "distortion_params": [1, 2]}, "2 numbers instead of 6"),
        ({"frames": [{**FRAMES[0], "fl_x": 5}, {**FRAMES[0], "fl_x": 6}]}, "a.png' twice"),
    ],
)
def test_bad_nerfstudio(write, data: dict, cause: str) -> None:
    path = write(data)
    with pytest.raises(InputError, match=cause) as error:
        read_cameras(path)
    assert str(path) in str(error.value)


# --- Open3D


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
        ({"intrinsic": 5}, "intrinsic has no entries"),
        ({"intrinsic": {}}, "intrinsic_matrix is not a list"),
        ({"intrinsic_matrix": [1, 2, 3]}, "3 numbers instead of 9"),
        ({"intrinsic_matrix": [500, 0, 0, 0, 510, 0, 310, 250, None]}, "'None', not a finite"),
        ({"intrinsic_matrix": [500, 0, 0, 0, 510, 0, 310, 250, 1], "width": 640}, "height is"),
    ],
)
def test_bad_open3d(write, data: dict, cause: str) -> None:
    with pytest.raises(InputError, match=cause):
        read_cameras(write(data))


# --- the photo's size and orientation

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


# --- anything else


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("# nothing\n", "holds no camera, only comments"),
        ("hello world", "no camera file that is known; give fx,fy,cx,cy.*COLMAP.*ROS.*Open3D"),
        ("{}", "no camera file that is known"),
        ('{"fl_x": 500', "damaged JSON at line 1"),
        ("[" * 2_000, "cannot be read as YAML"),
        ('{"a":' * 100_000, "damaged JSON"),
        ("a: [1, 2", "cannot be read as YAML at line"),
        ("a: 1\nb: 2", "no camera file that is known"),
        (
            "camera_matrix: !!python/object/apply:os.system ['touch owned']",
            "cannot be read as YAML",
        ),
        ("- 1\n- a\n", "no camera file that is known"),
        ("x: 1\n" * 300_000, "larger than any camera's YAML"),
        ("1.5 2.5 " * 20_000, "no camera file that is known"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "no intact COLMAP"),
        (b"caf\xe9", "no intact COLMAP"),
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
    with pytest.raises(InputError, match="more than the 67 MB"):
        read_cameras(path)


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, ppdcli.files.cameras.camera_file; "
        "print([m for m in ('cv2', 'torch', 'open3d', 'scipy', 'yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
