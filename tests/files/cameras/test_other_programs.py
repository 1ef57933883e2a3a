"""Camera files as other programs write them: values, sizes, centres and lenses come out right."""

from __future__ import annotations

import json
from typing import Any

import pytest
from camera_checks import pinhole
from camera_texts import (
    BROWN,
    EUROC,
    FLAT,
    K_ROWS,
    KITTI,
    MIDDLEBURY,
    ORBSLAM,
    REALSENSE,
    RECORD3D,
    SIZE,
    VINS,
    kalibr,
)

from ppdcli.errors import InputError
from ppdcli.files.cameras.camera_file import read_cameras
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion

PINHOLES: dict[str, Any] = {
    "4x4 text": "500 0 310 0\n0 510 250 0\n0 0 1 0\n0 0 0 1\n",
    "4x4 on one line": "500 0 310 0 0 510 250 0 0 0 1 0 0 0 0 1",
    "4x4 transposed": "500 0 0 0\n0 510 0 0\n310 250 1 0\n0 0 0 1\n",
    "3x4 text": "500 0 310 0\n0 510 250 0\n0 0 1 0\n",
    "4x3 text": "500 0 0\n0 510 0\n310 250 1\n0 0 0\n",
    "4x4 list": json.dumps([[500, 0, 310, 0], [0, 510, 250, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
    "flat": FLAT,
    "flat with size": {**FLAT, **SIZE, "t_00": 1.0, "blur_score": 120.0, "timestamp": 1},
    "flat YAML": "fx: 500\nfy: 510\ncx: 310\ncy: 250\nimage_width: 640\nimage_height: 480\n",
    "RealSense": {**REALSENSE, "model": "distortion.inverse_brown_conrady"},
    "RealSense by number": {**REALSENSE, "model": 2},
    "Replica": {"camera": {**FLAT, "w": 640, "h": 480, "scale": 6553.5}},
    "one of two below": {"intrinsics": FLAT, "imu": {"rate": 200}, **SIZE},
    "matrix in JSON": {"K": K_ROWS, **SIZE},
    "matrix and size": {"camera_matrix": K_ROWS, "image_size": [640, 480], "dist_coeffs": [0] * 5},
    "4x4 in JSON": {"intrinsic": [[500, 0, 310, 0], [0, 510, 250, 0], [0, 0, 1, 0], [0, 0, 0, 1]]},
    "list of four": {"intrinsics": [500, 510, 310, 250], "resolution": [640, 480]},
    "BOP": {"cam_K": [500, 0, 310, 0, 510, 250, 0, 0, 1], "depth_scale": 0.1},
    "device": {**FLAT, "model": "iPhone14,2"},
    "Record3D": RECORD3D,
    "KITTI object": KITTI,
    "KITTI of another data set": KITTI + "P1: " + "0.0 " * 12 + "\nP3: " + "0.0 " * 12 + "\n",
    "Kalibr without a lens": kalibr("none", "[]"),
    "ORB-SLAM rectified": ORBSLAM.replace("PinHole", "Rectified"),
    "ORB-SLAM 3": "%YAML:1.0\nFile.version: '1.0'\nCamera.type: 'PinHole'\nCamera1.fx: 500.0\n"
    "Camera1.fy: 510.0\nCamera1.cx: 310.0\nCamera1.cy: 250.0\nCamera1.k1: 0.0\n",
}  # fmt: skip

LENSES: dict[str, tuple[Any, Distortion]] = {
    "EuRoC": (EUROC, Distortion.of("opencv", *BROWN[:4])),
    "Kalibr": (
        kalibr("radtan", "[-0.1, 0.02, 0.001, -0.002]"),
        Distortion.of("opencv", *BROWN[:4]),
    ),
    "Kalibr equidistant": (
        kalibr("equidistant", "[-0.1, 0.02, 0.001, -0.002]"),
        Distortion.of("fisheye", *BROWN[:4]),
    ),
    "Kalibr FOV": (
        kalibr("fov", "[0.9]"),
        Distortion.of("fov", 0.9),
    ),
    "Kalibr with another name": (
        kalibr("radtan", "[-0.1, 0.02, 0.001, -0.002]").replace("distortion_coeffs", "distortion"),
        Distortion.of("opencv", *BROWN[:4]),
    ),
    "one of a rig": (
        {"color_intrinsics": K_ROWS, "color_dist_coeffs": BROWN, "image_size": [640, 480]},
        Distortion.of("opencv", *BROWN),
    ),
    "ORB-SLAM": (ORBSLAM, Distortion.of("opencv", *BROWN[:4])),
    "ORB-SLAM fisheye": (
        ORBSLAM.replace("PinHole", "KannalaBrandt8").replace("p1", "k3").replace("p2", "k4"),
        Distortion.of("fisheye", *BROWN[:4]),
    ),
    "VINS": (VINS, Distortion.of("opencv", *BROWN[:4])),
    "RealSense": (
        {**REALSENSE, "model": "distortion.brown_conrady", "coeffs": BROWN},
        Distortion.of("opencv", *BROWN),
    ),
    "RealSense fisheye": (
        {**REALSENSE, "model": "distortion.kannala_brandt4", "coeffs": [*BROWN[:4], 0]},
        Distortion.of("fisheye", *BROWN[:4]),
    ),
    "RealSense fisheye with zeros": (
        {**REALSENSE, "model": "kannala_brandt4", "coeffs": [0] * 5},
        Distortion.of("fisheye"),
    ),
    "flat with names": (
        {**FLAT, **SIZE, "k1": -0.1, "k2": 0.02, "p1": 0.001, "p2": -0.002, "k3": 0.003},
        Distortion.of("opencv", *BROWN),
    ),
    "lens below": (
        {**SIZE, "K": K_ROWS, "distortion": {"model": "radtan", "k1": -0.1, "k2": 0.02}},
        Distortion.of("opencv", -0.1, 0.02),
    ),
    "camera and lens below": (
        {**SIZE, "intrinsics": FLAT, "distortion": BROWN},
        Distortion.of("opencv", *BROWN),
    ),
    "fisheye by its model": (
        {**FLAT, **SIZE, "camera_model": "OPENCV_FISHEYE", "dist": [0.1, 0, 0, 0]},
        Distortion.of("fisheye", 0.1),
    ),
}


@pytest.mark.parametrize("name", PINHOLES)
def test_pinholes(write, name: str) -> None:
    path = write(PINHOLES[name])
    found = read_cameras(path).for_image("photo.jpg", 640, 480)
    assert pinhole(found) == (500, 510, 310, 250)
    assert f" file {path}" in found.source and not found.warnings


@pytest.mark.parametrize("name", LENSES)
def test_lenses(write, name: str) -> None:
    content, lens = LENSES[name]
    found = read_cameras(write(content)).for_image("photo.jpg", 640, 480)
    assert found.camera == Camera(500, 510, 310, 250, 640, 480)
    assert found.distortion == lens


@pytest.mark.parametrize(
    "name",
    ["flat with size", "RealSense", "Record3D", "Replica", "one of two below", "EuRoC", "VINS"],
)
def test_a_stated_size_scales(write, name: str) -> None:
    content = PINHOLES.get(name) or LENSES[name][0]
    found = read_cameras(write(content)).for_image("photo.jpg", 320, 240)
    assert found.camera == Camera(500, 510, 310, 250, 640, 480).resized(320, 240)
    with pytest.raises(InputError, match="a camera of 640x480 does not fit the image photo"):
        read_cameras(write(content)).for_image("photo.jpg", 640, 360)


def test_middlebury_by_the_name_of_the_image(write) -> None:
    cameras = read_cameras(write(MIDDLEBURY, "calib.txt"))
    assert pinhole(cameras.for_image("Adirondack/im0.png", 640, 480)) == (500, 510, 310, 250)
    assert pinhole(cameras.for_image("im1.png", 640, 480)) == (500, 510, 350, 250)
    with pytest.raises(InputError, match=r"calib\.txt: has no image a\.png among its 2.*'im0'"):
        cameras.for_image("a.png", 640, 480)


def test_gaussian_splatting_by_the_name_of_the_image(write) -> None:
    rows = [
        {"id": k, "img_name": name, **SIZE, "position": [0, 0, 0], "fx": fx, "fy": 510}
        for k, (name, fx) in enumerate([("a", 500), ("sub/b", 600)])
    ]
    cameras = read_cameras(write(json.dumps(rows), "cameras.json"))
    assert pinhole(cameras.for_image("x/a.png", 640, 480)) == (500, 510, 319.5, 239.5)
    assert cameras.for_image("sub/b.jpg", 640, 480).camera.fx == 600
    with pytest.raises(InputError, match=r"has no image c\.jpg among its 2"):
        cameras.for_image("c.jpg", 640, 480)
    rows[0] |= {"cx": 310, "cy": 250}
    cameras = read_cameras(write(json.dumps(rows)))
    assert pinhole(cameras.for_image("x/a.png", 640, 480)) == (500, 510, 310, 250)


RAW_KITTI = """calib_time: 09-Jan-2012 13:57:47
corner_dist: 9.950000e-02
S_00: 1.392000e+03 5.120000e+02
K_00: 980 0 690 0 970 245 0 0 1
D_00: -3.7e-01 2.0e-01 1.3e-03 1.7e-03 -7.2e-02
R_00: 1 0 0 0 1 0 0 0 1
S_rect_00: 1.242000e+03 3.750000e+02
R_rect_00: 1 0 0 0 1 0 0 0 1
P_rect_00: 720 0 610 0 0 720 173 0 0 0 1 0
S_02: 1.392000e+03 5.120000e+02
K_02: 960 0 696 0 957 224 0 0 1
D_02: -3.7e-01 2.0e-01 1.3e-03 1.7e-03 -7.2e-02
S_rect_02: 1.242000e+03 3.750000e+02
P_rect_02: 721 0 609 44.8 0 721 172 0.2 0 0 1 0.003
"""


def test_kitti_by_folder_and_size(write) -> None:
    cameras = read_cameras(write(RAW_KITTI, "calib_cam_to_cam.txt"))
    rectified = cameras.for_image("drive/image_02/data/0000000001.png", 1242, 375)
    assert pinhole(rectified) == (721, 721, 609, 172)
    assert rectified.source.endswith("P_rect_02")
    raw = cameras.for_image("drive/image_00/data/0000000001.png", 1392, 512)
    assert raw.camera.fx == 980 and raw.distortion == Distortion.of(
        "opencv", -0.37, 0.2, 1.3e-3, 1.7e-3, -0.072
    )
    cause = (
        r"holds 4 cameras \(P_rect_00, .*\) and does not say which one took a\.png; put the photo"
    )
    with pytest.raises(InputError, match=cause):
        cameras.for_image("a.png", 1242, 375)


def test_kalibr_by_folder(write) -> None:
    entry = "  camera_model: pinhole\n  intrinsics: [{}, 510, 310, 250]\n  resolution: [640, 480]\n"
    cameras = read_cameras(write("cam0:\n" + entry.format(500) + "cam1:\n" + entry.format(600)))
    assert cameras.for_image("mav0/cam0/data/1.png", 640, 480).camera.fx == 500
    assert cameras.for_image("mav0/cam1/data/1.png", 640, 480).camera.fx == 600
    with pytest.raises(InputError, match=r"holds 2 cameras \(cam0, cam1\).*folder, such as cam0"):
        cameras.for_image("1.png", 640, 480)


def test_several_cameras_below(write) -> None:
    data = {"color": {**FLAT, **SIZE}, "depth": {**FLAT, "fx": 400, "width": 320, "height": 240}}
    cameras = read_cameras(write(data))
    assert cameras.for_image("a.jpg", 640, 480).camera.fx == 500
    assert cameras.for_image("a.jpg", 320, 240).camera.fx == 400
    assert cameras.for_image("depth/a.jpg", 640, 480).camera.fx == 800
    with pytest.raises(InputError, match=r"holds 2 cameras \(color, depth\).*keep one camera, or"):
        cameras.for_image("a.jpg", 1280, 960)
    frames = {str(k): {"cam_K": [500 + k, 0, 310, 0, 510, 250, 0, 0, 1]} for k in range(3)}
    assert read_cameras(write(frames)).for_image("rgb/000002.png", 640, 480).camera.fx == 502
    frames["9" * 5000] = frames.pop("0")
    assert read_cameras(write(frames)).for_image("2.png", 640, 480).camera.fx == 502


def test_a_pair_of_cameras_with_sides(write) -> None:
    other = [[600, 0, 310], [0, 510, 250], [0, 0, 1]]
    pair = {"K_left": K_ROWS, "D_left": BROWN, "K_right": other, "D_right": [0] * 5, **SIZE}
    cameras = read_cameras(write(pair))
    left = cameras.for_image("left/0001.png", 640, 480)
    assert left.camera.fx == 500 and left.distortion == Distortion.of("opencv", *BROWN)
    assert pinhole(cameras.for_image("right.png", 640, 480))[0] == 600
    with pytest.raises(InputError, match=r"holds 2 cameras \(K_left, K_right\).*such as left"):
        cameras.for_image("0001.png", 640, 480)
