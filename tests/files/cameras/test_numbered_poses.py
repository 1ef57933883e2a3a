"""Poses of files that name no photos: Open3D's trajectories, and recordings of Record3D."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from posed_scenes import CAMERA, poses
from scipy.spatial.transform import Rotation

from ppdcli.errors import InputError
from ppdcli.files.cameras.camera_file import read_cameras
from ppdcli.files.cameras.poses import read_poses
from ppdcli.files.cameras.world_model import WorldModel
from ppdcli.files.open3d_import import import_open3d
from ppdcli.geometry.posed import Pose

POSES = poses(12)


def write_trajectory(path: Path) -> Path:
    """Writes the poses by Open3D itself."""
    o3d = import_open3d()
    rows = []
    for pose in POSES:
        row = o3d.camera.PinholeCameraParameters()
        numbers = (CAMERA.fx, CAMERA.fy, CAMERA.cx, CAMERA.cy)
        row.intrinsic = o3d.camera.PinholeCameraIntrinsic(CAMERA.width, CAMERA.height, *numbers)
        row.extrinsic = np.vstack(
            (np.column_stack((pose.rotation, pose.translation)), [0, 0, 0, 1])
        )
        rows.append(row)
    trajectory = o3d.camera.PinholeCameraTrajectory()
    trajectory.parameters = rows
    o3d.io.write_pinhole_camera_trajectory(str(path), trajectory)
    return path


def recording(some: list[Pose] = POSES) -> dict[str, Any]:
    rows = []
    for pose in some:
        arkit = pose.rotation.T @ np.diag([1, -1, -1])
        rows.append([*Rotation.from_matrix(arkit).as_quat(), *pose.centre])
    k = [CAMERA.fx, 0, 0, 0, CAMERA.fy, 0, CAMERA.cx, CAMERA.cy, 1]
    return {"K": k, "w": CAMERA.width, "h": CAMERA.height, "fps": 60, "dw": 8, "poses": rows}


def write_recording(path: Path) -> Path:
    path.write_text(json.dumps(recording()))
    return path


def read(path: Path) -> WorldModel:
    model = read_poses(path)
    assert model is not None
    return model


@pytest.mark.parametrize(
    ("write", "format_"), [(write_trajectory, "Open3D"), (write_recording, "Record3D")]
)
def test_poses_go_to_the_photos_with_their_numbers(
    tmp_path: Path, write: Callable[[Path], Path], format_: str
) -> None:
    path = write(tmp_path / "poses.json")
    model = read(path)
    assert model.format == format_ and model.points is None
    assert "names no photos" in model.notes[0] and "from 0 to 11" in model.notes[0]
    for number, photo in ((0, "rgbd/0.jpg"), (3, "color/00003.png"), (11, "in/frame-000011.jpg")):
        found = model.pose(model.index_of(photo))
        np.testing.assert_allclose(found.rotation, POSES[number].rotation, atol=1e-9)
        np.testing.assert_allclose(found.translation, POSES[number].translation, atol=1e-9)
    for photo in ("12.jpg", "photo.jpg", "3/photo.jpg"):
        with pytest.raises(InputError, match=rf"^{photo}: is not in .*, which has 12 images"):
            model.index_of(photo)
    camera = read_cameras(path).for_image("00003.png", CAMERA.width, CAMERA.height).camera
    assert camera == CAMERA


def test_open3d_cameras_that_differ_are_refused(tmp_path: Path) -> None:
    path = write_trajectory(tmp_path / "camera_trajectory.json")
    data = json.loads(path.read_text())
    data["parameters"][4]["intrinsic"]["intrinsic_matrix"][0] = 300.0
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"camera_trajectory\.json: has 2 different cameras"):
        read_cameras(path)
    assert len(read(path).poses) == 12


@pytest.mark.parametrize("rows", [None, [], 7, [1], {}])
def test_open3d_files_without_poses_are_refused(tmp_path: Path, rows: object) -> None:
    path = tmp_path / "camera_trajectory.json"
    path.write_text(json.dumps({"class_name": "PinholeCameraTrajectory", "parameters": rows}))
    for reader in (read_cameras, read_poses):
        with pytest.raises(InputError, match=r"camera_trajectory\.json: lists no poses"):
            reader(path)
    path.write_text(json.dumps({"class_name": "PinholeCameraTrajectory", "parameters": [{}]}))
    with pytest.raises(InputError, match="pose 0 has no intrinsic"):
        read_cameras(path)


@pytest.mark.parametrize(
    ("extrinsic", "said"),
    [
        (None, "not numbers"),
        ("x", "not numbers"),
        ([1.0] * 12, "of 12 numbers"),
        ([0.0] * 16, "mirrors"),
        (np.diag([1.0, 1, -1, 1]).ravel().tolist(), "mirrors"),
        (np.diag([2.0, 2, 2, 1]).ravel().tolist(), "is no rotation"),
        ([float("nan")] * 16, "not numbers"),
    ],
)
def test_a_bad_open3d_pose_fails_alone(tmp_path: Path, extrinsic: object, said: str) -> None:
    path = write_trajectory(tmp_path / "camera_trajectory.json")
    data = json.loads(path.read_text())
    data["parameters"][2]["extrinsic"] = extrinsic
    path.write_text(json.dumps(data))
    model = read(path)
    model.index_of("1.jpg")
    with pytest.raises(InputError, match=rf"^2\.jpg: .*{said}.* in .*; export it again"):
        model.index_of("2.jpg")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (None, "not numbers"),
        ([0, 0, 0, 0, 1, 2, 3], "without a rotation"),
        ([0, 0, 0, 1], "of 4 numbers"),
        ([0, 0, 0, "one", 1, 2, 3], "not numbers"),
    ],
)
def test_a_bad_pose_of_a_recording_fails_alone(tmp_path: Path, row: object, said: str) -> None:
    path = tmp_path / "metadata"
    data = recording()
    data["poses"][2] = row
    path.write_text(json.dumps(data))
    model = read(path)
    model.index_of("1.jpg")
    with pytest.raises(InputError, match=rf"^2\.jpg: .*{said}"):
        model.index_of("2.jpg")


def test_a_recording_without_poses(tmp_path: Path) -> None:
    path = tmp_path / "metadata"
    data = recording()
    del data["poses"]
    path.write_text(json.dumps(data | {"perFrameIntrinsicCoeffs": []}))
    assert read_poses(path) is None
    path.write_text(json.dumps(data | {"poses": {}}))
    with pytest.raises(InputError, match="poses is no list of poses"):
        read_poses(path)
