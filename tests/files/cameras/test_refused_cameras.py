"""Camera files that are refused: one line with the file, the cause and the way on."""

from __future__ import annotations

import json
from typing import Any

import pytest
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
    kalibr,
)

from ppdcli.errors import InputError
from ppdcli.files.cameras.camera_file import read_cameras

REFUSED = {
    "a pose": ("1 0 0 5\n0 1 0 6\n0 0 1 7\n0 0 0 1\n", "does not end in the row and the column"),
    "a rotation": ("0 1 0 0\n1 0 0 0\n0 0 1 0\n0 0 0 1\n", "no camera matrix"),
    "identity": ("1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n", "no principal point"),
    "OpenGL": ("1.7 0 0 0\n0 2.3 0 0\n0 0 -1 -1\n0 0 -0.2 0\n", "does not end in the row"),
    "3x4 with a shift": ("500 0 310 45\n0 510 250 0\n0 0 1 0\n", "last column that is not zero"),
    "normalised": ("0.8 0.9 0.5 0.5", "parts of the image's size, not pixels; multiply"),
    "normalised matrix": ({"K": [[0.8, 0, 0.5], [0, 0.9, 0.5], [0, 0, 1]]}, "parts of the image's"),
    "OpenSfM-like": ({"fx": 0.85, "fy": 0.85, "cx": 0.0, "cy": 0.01}, "parts of the image's size"),
    "negative": ({**FLAT, "fx": -500}, "must be positive"),
    "zero": ({**FLAT, "fy": 0}, "must be positive"),
    "not finite": ('{"fx": NaN, "fy": 1, "cx": 1, "cy": 1}', "fx is 'nan', not a finite number"),
    "text": ({**FLAT, "fx": "wide"}, "fx is 'wide'"),
    "no size": ({**FLAT, "width": 640}, "height is 'None'"),
    "bad size": ({**FLAT, "w": 640, "h": 0}, "not the size of an image"),
    "three sides": ({**FLAT, "resolution": [640, 480, 3]}, "resolution has 3 numbers instead of 2"),
    "other lens": ({**FLAT, "distortion_model": "double_sphere"}, "double_sphere cannot be"),
    "other camera": ({**FLAT, "camera_model": "EQUIRECTANGULAR"}, "EQUIRECTANGULAR cannot be"),
    "inverse Brown": (
        {**REALSENSE, "model": "distortion.inverse_brown_conrady", "coeffs": BROWN},
        "inverse_brown_conrady cannot be undistorted",
    ),
    "RealSense's number": ({**REALSENSE, "model": 4, "coeffs": BROWN}, "model 4 cannot be"),
    "device with a lens": ({**REALSENSE, "model": "X9", "coeffs": BROWN}, "model X9 cannot be"),
    "coefficients": (
        {**FLAT, "dist": [0.1, 0.2, 0.3]},
        "3 distortion coefficients are no complete",
    ),
    "prism": ({**FLAT, "D": [*BROWN, 0, 0, 0, 1, 0, 0, 0]}, "12 distortion coefficients are more"),
    "k4": ({**FLAT, "k1": 0.1, "k4": 0.1}, "its lens has k4"),
    "device with names": ({**FLAT, "model": "X9", "k1": 0.1}, "model X9 cannot be"),
    "two lenses": ({**FLAT, "dist": BROWN, "distortion": BROWN}, "both state the lens"),
    "another name": ({**FLAT, "my_dist": BROWN}, "my_dist is not a known entry"),
    "radial alone": ({**FLAT, "radial": [0.1, 0.2]}, "radial is not a known entry"),
    "table": (
        {"intrinsicMatrix": K_ROWS, "lensDistortionLookupTable": [0, 1]},
        "not a known entry",
    ),
    "lens in another entry": ({**FLAT, "optics": {"k1": 0.1}}, "optics is not a known entry"),
    "lens of no camera": ({**FLAT, "D_left": BROWN}, "D_left is not a known entry"),
    "lens of another camera": ({"K": K_ROWS, "D1": BROWN}, "D1 is not a known entry"),
    "no coefficients": ({**FLAT, "distortion_model": "radtan"}, "radtan without coefficients"),
    "Kalibr without coefficients": (
        kalibr("radtan", "[]").replace("  distortion_coeffs: []\n", ""),
        "radtan without coefficients; add them",
    ),
    "omnidirectional": ({**FLAT, "xi": 1.2}, "xi, which cannot be undistorted"),
    "Kalibr omni": (
        kalibr("none", "[]", "omni").replace("[500", "[1, 500"),
        "cam0: its camera_model omni cannot be undistorted",
    ),
    "Kalibr count": (EUROC.replace("500, 510, ", "500, "), "intrinsics has 3 numbers instead of 4"),
    "Kalibr lens": (EUROC.replace("radial-tangential", "atan"), "distortion model atan cannot"),
    "Kalibr FOV without a number": (
        EUROC.replace("radial-tangential", "fov").replace("[-0.1, 0.02, 0.001, -0.002]", "[]"),
        "0 distortion coefficients are no complete set",
    ),
    "ORB-SLAM stereo": (ORBSLAM + "LEFT.height: 480\n", "the raw ones have cameras of their own"),
    "ORB-SLAM count": (ORBSLAM.replace("Camera.cy: 250.0\n", ""), "Camera.cy is 'None'"),
    "ORB-SLAM type": (ORBSLAM.replace("PinHole", "Omni"), "Camera.type Omni cannot"),
    "KITTI count": (
        KITTI.replace("P2: 5.0e+02 0", "P2: 5.0e+02"),
        "P2: the projection matrix has 11",
    ),
    "KITTI all zero": ("P2: " + "0 " * 12 + "\n", "all its cameras are zero"),
    "KITTI zero": (KITTI.replace("P0: 5.0e+02", "P0: 0"), "P0: the focal lengths are 0"),
    "Middlebury count": (
        MIDDLEBURY.replace("cam0=[500", "cam0=["),
        "cam0: the camera matrix has 8",
    ),
    "Record3D count": ({**RECORD3D, "K": [500, 510, 310]}, "3 numbers instead of 9"),
    "splatting": ([{"img_name": "a", "fx": -1, "fy": 5, **SIZE}], "image 'a': the focal lengths"),
    "splatting with a lens": (
        [{"img_name": "a", "fx": 5, "fy": 5, **SIZE, "k1": 0.1}],
        r"its lens \(k1\) cannot be undistorted",
    ),
    "splatting name": ([{"img_name": 5, "fx": 5, "fy": 5, **SIZE}], "image 0: has no img_name"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(write, name: str) -> None:
    content, cause = REFUSED[name]
    path = write(json.dumps(content) if isinstance(content, list) else content)
    with pytest.raises(InputError, match=cause) as error:
        read_cameras(path)
    line = str(error.value)
    assert line.startswith(str(path)) and "\n" not in line and "; " in line and len(line) < 600


@pytest.mark.parametrize(
    "data",
    [
        {"K": [1, 2, 3]},
        {"fx": 500},
        {"cx": 500, "cy": 5},
        {"w": 640, "h": 480, "poses": [], "fps": 60},
        {"camera": {"name": "left"}},
        {"k": "v", "height": 5},
        {"frames": [{"rgb_path": "a"}]},
        [{"img_name": "a"}],
        [],
        [[]],
    ],
    ids=str,
)
def test_one_entry_makes_no_format(write, data: Any) -> None:
    with pytest.raises(InputError, match="not a camera file of a known format; give fx,fy,cx,cy"):
        read_cameras(write(json.dumps(data)))
