"""Pinhole cameras: conventions and the numbers users type."""

import math

import numpy as np
import pytest
from PIL import Image

from ppdcli.errors import UsageError
from ppdcli.geometry.camera import Camera, parse_intrinsics
from ppdcli.images.pixels import UPRIGHT


def test_field_of_view_spans_the_whole_width() -> None:
    camera = Camera.from_fov(90, 640, 480)
    assert camera.fx == pytest.approx(320)
    assert (camera.fy, camera.cx, camera.cy) == (camera.fx, 319.5, 239.5)
    assert camera.fov_degrees == pytest.approx(90)


def test_field_of_view_of_an_off_centre_camera() -> None:
    left = math.degrees(math.atan(100.5 / 500))
    right = math.degrees(math.atan((640 - 100.5) / 500))
    assert Camera(500, 500, 100, 0, 640, 480).fov_degrees == pytest.approx(left + right)


def test_35mm_focal_length_goes_by_the_diagonal() -> None:
    # A full-frame 3:2 sensor: width and diagonal agree, f = 36 mm is as many pixels as the width.
    assert Camera.from_focal_35mm(36, 3000, 2000).fx == pytest.approx(3000)
    four_thirds = Camera.from_focal_35mm(28, 4000, 3000)
    assert four_thirds.fx == pytest.approx(28 * 5000 / math.hypot(36, 24))
    assert four_thirds == Camera.from_focal_35mm(28, 4000, 3000)
    assert Camera.from_focal_35mm(28, 3000, 4000).fx == four_thirds.fx


def test_resizing_keeps_the_rays() -> None:
    camera = Camera(500, 510, 310, 250, 640, 480)
    half = camera.resized(320, 160)
    assert (half.fx, half.fy, half.width, half.height) == (250, 170, 320, 160)
    # The left and the upper border (-0.5) stay where they are, seen from the camera.
    assert (half.cx + 0.5) / half.fx == pytest.approx((camera.cx + 0.5) / camera.fx)
    assert (half.cy + 0.5) / half.fy == pytest.approx((camera.cy + 0.5) / camera.fy)
    assert half.fov_degrees == pytest.approx(camera.fov_degrees)
    back = half.resized(640, 480)
    assert (back.cx, back.cy) == pytest.approx((310, 250))


def test_cropping_subtracts_the_offset() -> None:
    camera = Camera(500, 510, 310, 250, 640, 480)
    assert camera.cropped(10, 30, 600, 400) == Camera(500, 510, 300, 220, 600, 400)
    assert camera.cropped(0, 0, 640, 480) == camera


@pytest.mark.parametrize("box", [(-1, 0, 9, 9), (0, 472, 9, 9), (0, 0, 641, 9), (0, 0, 0, 9)])
def test_crops_lie_inside_the_image(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(UsageError, match="not inside an image of 640x480"):
        Camera(500, 510, 310, 250, 640, 480).cropped(*box)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_rotation_takes_the_principal_point_along(orientation: int) -> None:
    # The loader turns a picture whose one white pixel is the principal point.
    stored = np.zeros((6, 8), np.uint8)
    stored[1, 5] = 255
    turn = UPRIGHT.get(orientation)
    image = Image.fromarray(stored)
    upright = np.asarray(image if turn is None else image.transpose(turn))
    camera = Camera(500, 600, 5, 1, 8, 6).rotated(orientation)
    assert (camera.height, camera.width) == upright.shape
    assert upright[int(camera.cy), int(camera.cx)] == 255
    assert (camera.fx, camera.fy) == ((500, 600) if orientation < 5 else (600, 500))


@pytest.mark.parametrize("orientation", [0, 9, -1])
def test_unknown_orientations(orientation: int) -> None:
    with pytest.raises(UsageError, match=f"orientation {orientation}: it must be 1 to 8"):
        Camera(500, 600, 5, 1, 8, 6).rotated(orientation)


def test_intrinsics_from_text() -> None:
    expected = Camera(800, 801.5, 319.5, 239.5, 640, 480)
    assert parse_intrinsics("800, 801.5,319.5,239.5", 640, 480) == expected


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("800,800,320", "3 numbers"),
        ("1,2,3,4,5", "5 numbers"),
        ("", "not numbers"),
        ("800,x,320,240", "not numbers"),
        ("800,nan,320,240", "not finite"),
        ("800,800,inf,240", "not finite"),
        ("0,800,320,240", "positive"),
        ("800,-800,320,240", "positive"),
    ],
)
def test_bad_intrinsics(text: str, cause: str) -> None:
    with pytest.raises(UsageError, match=cause) as error:
        parse_intrinsics(text, 640, 480)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize("degrees", [0, -5, 180, math.nan])
def test_bad_field_of_view(degrees: float) -> None:
    with pytest.raises(UsageError, match="field of view"):
        Camera.from_fov(degrees, 640, 480)


@pytest.mark.parametrize(
    "values", [(0, 1, 0, 0, 8, 8), (1, math.nan, 0, 0, 8, 8), (1, 1, 0, 0, 0, 8)]
)
def test_impossible_cameras(values: tuple) -> None:
    with pytest.raises(UsageError):
        Camera(*values)


def test_warning_outside_5_to_150_degrees() -> None:
    assert Camera.from_fov(5.01, 640, 480).warning() is None
    assert Camera.from_fov(149, 640, 480).warning() is None
    # A focal length in millimetres pasted as pixels.
    assert "millimetres" in (Camera(35, 35, 2000, 1500, 4000, 3000).warning() or "")
    assert "another image size" in (Camera.from_fov(4.9, 640, 480).warning() or "")


def test_warning_far_from_the_centre() -> None:
    assert Camera(500, 500, 319.5 + 0.14 * 640, 239.5, 640, 480).warning() is None
    # Intrinsics of 1280x960 for an image of 1920x1440.
    line = Camera(1000, 1000, 639.5, 479.5, 1920, 1440).warning() or ""
    assert "17% of a side" in line and "another image size" in line
    assert "of a side" in (Camera(500, 500, 319.5, 400, 640, 480).warning() or "")
