"""nerfstudio's transforms.json."""

import math

import pytest
from camera_checks import pinhole

from ppdcli.errors import InputError
from ppdcli.files.cameras.camera_file import ImageCamera, read_cameras
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion

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
        ({"frames": []}, "not a camera file of a known format"),
        ({"frames": [], "fl_x": 500}, "frames is no list"),
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
