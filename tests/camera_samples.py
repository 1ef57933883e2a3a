"""Sound camera files of many programs, for the tests that damage files."""

from __future__ import annotations

import io
import json

import numpy as np

K = [[525.5, 0, 320.5], [0, 526.5, 240.5], [0, 0, 1]]
K9 = [525.5, 0, 320.5, 0, 526.5, 240.5, 0, 0, 1]
FLAT = {"fx": 525.5, "fy": 526.5, "cx": 320.5, "cy": 240.5}
SIZE = {"width": 640, "height": 480}
KALIBR = """cam0:
  camera_model: pinhole
  intrinsics: [525.5, 526.5, 320.5, 240.5]
  distortion_model: radtan
  distortion_coeffs: [-0.1, 0.02, 0.001, -0.001]
  resolution: [640, 480]
cam1:
  camera_model: pinhole
  intrinsics: [525.5, 526.5, 320.5, 240.5]
  distortion_model: fov
  distortion_coeffs: [0.9]
  resolution: [320, 240]
"""
KITTI = """S_00: 1.392000e+03 5.120000e+02
K_00: 980 0 690 0 970 245 0 0 1
D_00: -3.7e-01 2.0e-01 1.3e-03 1.7e-03 -7.2e-02
S_rect_00: 640 480
P_rect_00: 720 0 310 0 0 720 173 0 0 0 1 0
"""
ORBSLAM = """%YAML:1.0
Camera.type: "KannalaBrandt8"
Camera.fx: 525.5
Camera.fy: 526.5
Camera.cx: 320.5
Camera.cy: 240.5
Camera.k1: 0.01
Camera.width: 640
Camera.height: 480
"""
MIDDLEBURY = "cam0=[525.5 0 320.5; 0 526.5 240.5; 0 0 1]\nbaseline=193\nwidth=640\nheight=480\n"
OPENCV_XML = """<?xml version="1.0"?>
<opencv_storage>
<image_width>640</image_width>
<image_height>480</image_height>
<camera_matrix type_id="opencv-matrix">
  <rows>3</rows>
  <cols>3</cols>
  <dt>d</dt>
  <data>525.5 0. 320.5 0. 526.5 240.5 0. 0. 1.</data></camera_matrix>
<distortion_coefficients type_id="opencv-matrix">
  <rows>1</rows>
  <cols>5</cols>
  <dt>d</dt>
  <data>-0.1 0.02 0.001 -0.001 0.</data></distortion_coefficients>
</opencv_storage>
"""
METASHAPE = """<?xml version="1.0" encoding="UTF-8"?>
<document version="2.0.0"><chunk label="1">
<sensors>
<sensor id="0" label="phone" type="frame"><resolution width="640" height="480"/>
<calibration type="frame" class="adjusted"><resolution width="640" height="480"/>
<f>525.5</f><cx>-3.5</cx><cy>2.5</cy><k1>-0.1</k1><p1>0.001</p1><b1>1</b1></calibration></sensor>
<sensor id="1" label="other" type="fisheye">
<calibration type="fisheye" class="adjusted"><resolution width="640" height="480"/>
<f>325.5</f><k4>0.001</k4></calibration></sensor>
</sensors>
<cameras>
<camera id="0" sensor_id="0" label="photo1"/>
<camera id="1" sensor_id="1" label="photo2"/>
</cameras></chunk></document>
"""


def texts() -> dict[str, str]:
    """By name."""
    rows = [
        {"id": k, "img_name": f"photo{k}", **SIZE, "fx": 500.5 + k, "fy": 501} for k in range(3)
    ]
    trees = {
        "record3d": {
            "K": [525.5, 0, 0, 0, 526.5, 0, 320.5, 240.5, 1],
            "w": 640,
            "h": 480,
            "fps": 60,
        }
        | {"dw": 192, "dh": 256, "poses": [[0, 0, 0, 1, 0, 0, 0]]},
        "realsense": {**SIZE, "fx": 525.5, "fy": 526.5, "ppx": 320.5, "ppy": 240.5}
        | {"model": "distortion.brown_conrady", "coeffs": [-0.1, 0.02, 0.001, 0.001, 0]},
        "replica": {"camera": {**FLAT, "w": 640, "h": 480}, "distortion": {"k1": 0.1, "p1": 0.001}},
        "matrix": {"K": K, "dist_coeffs": [0.1, 0, 0, 0], "resolution": [640, 480]},
        "bop": {str(k): {"cam_K": K9, "depth_scale": 0.1} for k in range(3)},
        "splatting": rows,
        "opencv-json": {"camera_matrix": {"type_id": "opencv-matrix", "data": K9}, **SIZE},
    }
    return {
        "camera-4x4": "525.5 0 320.5 0\n0 526.5 240.5 0\n0 0 1 0\n0 0 0 1\n",
        "camera-kalibr": KALIBR,
        "camera-kitti": KITTI,
        "camera-orbslam": ORBSLAM,
        "camera-middlebury": MIDDLEBURY,
        "camera-opencv-xml": OPENCV_XML,
        "camera-metashape": METASHAPE,
        **{f"camera-{name}": json.dumps(tree, indent=1) for name, tree in trees.items()},
    }


def arrays() -> dict[str, bytes]:
    """By name, with the suffix."""
    alone, packed, stored = io.BytesIO(), io.BytesIO(), io.BytesIO()
    named = {"mtx": np.array(K), "dist": np.zeros((1, 5)), "rvecs": np.zeros((4, 3, 1))}
    np.save(alone, np.array(K))
    np.savez_compressed(packed, **named)
    np.savez(stored, **named, width=640, height=480, distortion_model="radtan")
    return {
        "camera-array.npy": alone.getvalue(),
        "camera-packed.npz": packed.getvalue(),
        "camera-stored.npz": stored.getvalue(),
    }
