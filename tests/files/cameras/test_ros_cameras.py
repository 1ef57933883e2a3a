"""ROS calibrations and messages, and OpenCV's calibrations, which have their names."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from camera_checks import pinhole

from ppdcli.errors import InputError
from ppdcli.files.cameras.camera_file import read_cameras
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion

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
        ("height: 480", "height: 480.5", "not the size of an image"),
        ("height: 480", "high: 480", "height is 'None'"),
        ("roi: \n", "roi: 5\nbroken:\n", "roi has no entries"),
        ("D: [-0.1", "D: {-0.1", "cannot be read as YAML at line"),
        ("D: [-0.1, 0.02, 1e-05, -0.002, 0.0]", "D: 5", "D is not a list"),
        ("D: [-0.1, 0.02, 1e-05, -0.002, 0.0]\n", "", "model plumb_bob without D; add it"),
        ("[-0.1, 0.02, 1e-05, -0.002, 0.0]", "[-0.1, 0.02, 1e-05]", "3 distortion coefficients"),
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


@pytest.mark.parametrize("colon", [": [", ":["])
def test_calibration_of_older_opencv(write, colon: str) -> None:
    text = (
        "%YAML:1.0\n---\nimage_width: 640\nimage_height: 480\ncamera_matrix: !!opencv-matrix\n"
        "   rows: 3\n   cols: 3\n   dt: d\n   data: [ 5.0000000000000000e+02, 0., 310., 0., 510.,\n"
        "       250., 0., 0., 1. ]\ndistortion_coefficients: !!opencv-matrix\n   rows: 5\n"
        "   cols: 1\n   dt: d\n   data: [ -1.0e-01, 2.0e-02, 0., 0., 0. ]\n"
    )
    text = text.replace(": [", colon)  # as OpenCV reads it, too
    found = read_cameras(write(text)).for_image("a.jpg", 640, 480)
    assert found.camera == Camera(500, 510, 310, 250, 640, 480)
    assert found.distortion == Distortion.of("opencv", -0.1, 0.02)
