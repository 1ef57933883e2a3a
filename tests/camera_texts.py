"""Camera files as other programs write them, all of one camera: 500, 510, 310, 250."""

K_ROWS = [[500, 0, 310], [0, 510, 250], [0, 0, 1]]
FLAT = {"fx": 500.0, "fy": 510.0, "cx": 310.0, "cy": 250.0}
SIZE = {"width": 640, "height": 480}
BROWN = [-0.1, 0.02, 0.001, -0.002, 0.003]

KITTI = """P0: 5.0e+02 0 3.1e+02 0 0 5.1e+02 2.5e+02 0 0 0 1 0
P2: 5.0e+02 0 3.1e+02 4.485728e+01 0 5.1e+02 2.5e+02 2.163791e-01 0 0 1 2.745884e-03
R0_rect: 1 0 0 0 1 0 0 0 1
Tr_velo_to_cam: 0 -1 0 0 0 0 -1 0 1 0 0 0
"""
EUROC = """#Default camera
sensor_type: camera
comment: VI-Sensor cam0
T_BS:
  cols: 4
  rows: 4
  data: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
rate_hz: 20
resolution: [640, 480]
camera_model: pinhole
intrinsics: [500, 510, 310, 250] #fu, fv, cu, cv
distortion_model: radial-tangential
distortion_coefficients: [-0.1, 0.02, 0.001, -0.002]
"""
ORBSLAM = """%YAML:1.0
Camera.type: "PinHole"
Camera.fx: 500.0
Camera.fy: 510.0
Camera.cx: 310.0
Camera.cy: 250.0
Camera.k1: -0.1
Camera.k2: 0.02
Camera.p1: 0.001
Camera.p2: -0.002
Camera.width: 640
Camera.height: 480
ORBextractor.nFeatures: 1000
Viewer.PointSize:2
"""
VINS = """%YAML:1.0
---
model_type: PINHOLE
camera_name: camera
image_width: 640
image_height: 480
distortion_parameters:
   k1: -0.1
   k2: 0.02
   p1: 0.001
   p2: -0.002
projection_parameters:
   fx: 500
   fy: 510
   cx: 310
   cy: 250
"""
RECORD3D = {
    **{"h": 480, "w": 640, "dw": 256, "dh": 192, "fps": 60, "poses": [[0, 0, 0, 1, 0, 0, 0]]},
    "K": [500, 0, 0, 0, 510, 0, 310, 250, 1],
}
REALSENSE = {**SIZE, "fx": 500, "fy": 510, "ppx": 310, "ppy": 250, "coeffs": [0] * 5}


def kalibr(model: str, coefficients: str, camera: str = "pinhole") -> str:
    values = "[500, 510, 310, 250]"
    return (
        f"cam0:\n  camera_model: {camera}\n  intrinsics: {values}\n  resolution: [640, 480]\n"
        f"  distortion_model: {model}\n  distortion_coeffs: {coefficients}\n"
    )


MIDDLEBURY = (
    "cam0=[500 0 310; 0 510 250; 0 0 1]\ncam1=[500 0 350; 0 510 250; 0 0 1]\ndoffs=40\n"
    "baseline=193.001\nwidth=640\nheight=480\nndisp=280\n"
)
