"""``ppd pointcloud --world``: photos whose colours hide their depth, and real COLMAP models."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from colmap_models import write_model
from PIL import Image
from posed_scenes import CAMERA, cast
from scipy.spatial.transform import Rotation
from standins import Moge, use_moge
from torch import Tensor
from torch.nn.functional import interpolate
from typer.testing import Result
from world_photos import (
    COLMAP,
    NAMES,
    POSES,
    comments,
    failures,
    hidden_in_colors,
    require_the_scene,
)

from ppdcli import loading
from ppdcli.announce import silent
from ppdcli.cloud_options import CloudOptions
from ppdcli.commands import world as world_command
from ppdcli.commands.world import WORLD, WorldRequest
from ppdcli.files import glb_reading, ply_reading, world_cache
from ppdcli.files.cameras.camera_file import given_cameras
from ppdcli.files.cameras.poses import read_poses
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion
from ppdcli.geometry.posed import Pose
from ppdcli.jobs.plan import Format
from ppdcli.model_request import ModelRequest, Sampling
from ppdcli.models.moge2 import MoGe2Prediction
from ppdcli.viewer.mesh_scene import mesh_scene

World = Callable[..., Result]


def test_photos_become_one_cloud(world: World) -> None:
    result = world(*COLMAP)
    assert result.exit_code == 0, result.stderr
    require_the_scene()
    assert "unit arbitrary, that of sparse/0" in comments()
    assert "axes world, those of the poses in sparse/0" in comments()
    assert "points_unsupported" in comments() and "property float nx" in comments()
    assert "points of 5 photos; of" in result.stderr and "unit arbitrary" in result.stderr
    assert not list(Path("ppd-out").glob("*.ply"))


def test_the_model_of_the_cameras_is_enough(world: World) -> None:
    assert world("--intrinsics", "sparse/0", "-q").exit_code == 0
    require_the_scene()


def test_a_rerun_predicts_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world(*COLMAP).exit_code == 0
    before = Path("scene.ply").read_bytes()
    monkeypatch.setattr(loading, "load_model", lambda *_, **__: pytest.fail("the model was loaded"))
    again = world(*COLMAP)
    assert again.exit_code == 0 and "5 skipped" in again.stderr
    assert Path("scene.ply").read_bytes() == before
    assert world(*COLMAP, "--voxel", 0.2).exit_code == 0
    assert len(ply_reading.read(Path("scene.ply")).points) < 4000
    assert "voxel 0.2" in comments()


def test_other_poses_make_it_again(world: World) -> None:
    assert world(*COLMAP).exit_code == 0
    write_model(Path("sparse/0"), NAMES, POSES, each=100)
    assert "5 made again" in world(*COLMAP).stderr


@pytest.mark.parametrize("name", ["__version__", "LAYOUT"])
def test_maps_of_another_version_are_made_again(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert world(*COLMAP).exit_code == 0
    module = world_cache if name == "LAYOUT" else world_command
    monkeypatch.setattr(module, name, 99)
    again = world(*COLMAP)
    assert again.exit_code == 0 and "5 made again" in again.stderr
    assert "-> 99" in again.stderr


def test_the_order_of_photos_does_not_matter(world: World) -> None:
    assert world(*COLMAP).exit_code == 0
    before = Path("scene.ply").read_bytes()
    Path("list.txt").write_text("\n".join(f"photos/{name}" for name in NAMES[:0:-1]))
    assert world(*COLMAP, "--from", "list.txt", photos="photos/0.png").exit_code == 0
    assert Path("scene.ply").read_bytes() == before


@pytest.mark.parametrize("to", ["scene.html", "scene.glb", "scene.png"])
def test_other_formats(world: World, to: str) -> None:
    result = world(*COLMAP, to=to)
    assert result.exit_code == 0, result.stderr
    data = Path(to).read_bytes()
    if to == "scene.html":
        text = data.decode()
        scene = json.loads(
            text.split('<script id="scene" type="application/json">')[1].split("<")[0]
        )
        assert len(scene["cameras"]) == 5 and {len(row) for row in scene["cameras"]} == {15}
        assert scene["unit"].startswith("unit arbitrary, that of sparse/0\n")
    elif to == "scene.glb":
        read = glb_reading.read(Path(to))
        shown = mesh_scene("scene", read.data, read.triangles, read.comments, read.depths)
        assert shown.facts["about"] == "points"
        assert str(shown.facts["unit"]).startswith("unit arbitrary, that of sparse/0\n")
    else:
        with Image.open(to) as picture:
            assert picture.size == (1280, 480)


def test_glb_points_are_upright_and_coloured(world: World) -> None:
    assert world(*COLMAP, to="scene.glb").exit_code == 0
    data = Path("scene.glb").read_bytes()
    size = int.from_bytes(data[12:16], "little")
    stated = json.loads(data[20 : 20 + size])
    count = stated["accessors"][0]["count"]
    points = np.frombuffer(data, "<f4", 3 * count, 28 + size).reshape(-1, 3)
    # The floor is the lowest, and glTF's y points up.
    assert abs(points[:, 1].min() + 1) < 0.1
    assert stated["meshes"][0]["primitives"][0]["mode"] == 0
    assert any("axes opengl" in line for line in stated["asset"]["extras"]["comments"])


# --- photos that are turned, resized, distorted -------------------------------------------------


def test_a_photo_that_is_stored_on_its_side(world: World) -> None:
    with Image.open("photos/1.png") as upright:
        turned = upright.rotate(90, expand=True)  # stored on its side
    exif = turned.getexif()
    exif[0x0112] = 6  # to be shown upright, turn it by 90 degrees clockwise
    turned.save("photos/1.png", exif=exif)
    camera = Camera(CAMERA.fy, CAMERA.fx, CAMERA.cy, 127 - CAMERA.cx, 96, 128)
    # The x axis of the stored image is the -y axis of the upright one.
    turn = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    stored = Pose(turn @ POSES[1].rotation, turn @ POSES[1].translation)
    write_model(Path("sparse/0"), NAMES[1:2], [stored], camera)
    result = world(*COLMAP, photos="photos/1.png", to="one.ply")
    assert result.exit_code == 0, result.stderr
    assert "100.0 % could not be checked" in result.stderr
    view = world_cache.read(Path("ppd-out/.ppd-world/1_world.npz"))
    np.testing.assert_allclose(view.pose.rotation, POSES[1].rotation, atol=1e-9)
    np.testing.assert_allclose(view.pose.translation, POSES[1].translation, atol=1e-9)
    good = np.isfinite(view.depth)
    assert good.mean() > 0.9
    assert np.abs(view.depth / cast(POSES[1]) - 1)[good].mean() < 0.01


def test_a_camera_of_another_size_is_scaled_or_refused(world: World) -> None:
    write_model(Path("sparse/0"), NAMES, POSES, CAMERA.resized(512, 384))
    assert world(*COLMAP).exit_code == 0
    require_the_scene()
    write_model(Path("sparse/0"), NAMES, POSES, CAMERA.resized(512, 200))
    result = world(*COLMAP)
    assert result.exit_code == 1 and result.stderr.count("which has another shape") == 5


def test_a_distorted_camera(world: World) -> None:
    lens = Distortion.of("opencv", -0.12, 0.03)
    for name, pose in zip(NAMES, POSES, strict=True):
        Image.fromarray(hidden_in_colors(cast(pose, lens=lens))).save(f"photos/{name}")
    write_model(Path("sparse/0"), NAMES, POSES, model="OPENCV", parameters=(-0.12, 0.03, 0.0, 0.0))
    result = world(*COLMAP)
    assert result.exit_code == 0, result.stderr
    require_the_scene()


# --- nerfstudio --------------------------------------------------------------------------------


def write_transforms(**more: object) -> None:
    frames = []
    for name, pose in zip(NAMES, POSES, strict=True):
        matrix = np.eye(4)
        matrix[:3, :3] = pose.rotation.T @ np.diag([1, -1, -1])
        matrix[:3, 3] = pose.centre
        frames.append({"file_path": f"photos/{name}", "transform_matrix": matrix.tolist()})
    numbers = {"fl_x": 104, "fl_y": 104, "cx": 64, "cy": 48, "w": 128, "h": 96}
    Path("transforms.json").write_text(json.dumps({**numbers, "frames": frames, **more}))


def test_nerfstudio_with_points(world: World) -> None:
    write_model(Path("model"), NAMES, POSES).export_PLY("points.ply")
    write_transforms(ply_file_path="points.ply")
    assert world("--intrinsics", "transforms.json").exit_code == 0
    require_the_scene()
    write_transforms()
    refused = world("--intrinsics", "transforms.json")
    assert refused.exit_code == 2 and "has no points" in refused.stderr
    assert world("--intrinsics", "transforms.json", "--align", "points.ply").exit_code == 0
    require_the_scene()


def test_a_trajectory_of_open3d_with_points(world: World) -> None:
    write_model(Path("model"), NAMES, POSES).export_PLY("points.ply")
    k = [104, 0, 0, 0, 104, 0, 63.5, 47.5, 1]
    rows = []
    for pose in POSES:
        extrinsic = np.vstack((np.column_stack((pose.rotation, pose.translation)), [0, 0, 0, 1]))
        intrinsic = {"width": 128, "height": 96, "intrinsic_matrix": k}
        rows.append({"extrinsic": extrinsic.T.ravel().tolist(), "intrinsic": intrinsic})
    kind = {"class_name": "PinholeCameraTrajectory", "parameters": rows}
    Path("camera_trajectory.json").write_text(json.dumps(kind))
    Image.fromarray(hidden_in_colors(cast(POSES[0]))).save("photos/5.png")
    result = world("--intrinsics", "camera_trajectory.json", "--align", "points.ply")
    assert result.exit_code == 3 and len(failures(result)) == 1
    assert "photos/5.png: is not in camera_trajectory.json" in result.stderr
    assert "a photo has the pose of the number in its name, from 0 to 4" in result.stderr
    require_the_scene()


# --- metres ------------------------------------------------------------------------------------


class KnowsThePhotos(Moge):
    """Stands in for MoGe-2: recognises the photos, and knows their depth in metres."""

    def __init__(self) -> None:
        super().__init__()
        self._depths = [cast(pose) for pose in POSES]
        self._looks = [hidden_in_colors(depth)[..., 0] / 255 for depth in self._depths]

    def infer(self, image: Tensor, fov_x: float | None = None) -> MoGe2Prediction:
        found = super().infer(image, fov_x)
        small = interpolate(image.reshape(1, 3, *image.shape[-2:])[:, :1], (96, 128))[0, 0].numpy()
        depth = self._depths[int(np.argmin([np.abs(look - small).mean() for look in self._looks]))]
        height, width = found.depth.shape[-2:]
        rows, columns = (np.arange(new) * old // new for new, old in ((height, 96), (width, 128)))
        values = torch.from_numpy(depth[np.ix_(rows, columns)])[None]
        return MoGe2Prediction(values, torch.ones_like(values, dtype=torch.bool), found.intrinsics)


def write_recording() -> None:
    rows = []
    for pose in POSES:
        turn = Rotation.from_matrix(pose.rotation.T @ np.diag([1, -1, -1]))
        rows.append([*turn.as_quat(), *pose.centre])
    k = [104, 0, 0, 0, 104, 0, 63.5, 47.5, 1]
    Path("metadata").write_text(json.dumps({"K": k, "w": 128, "h": 96, "fps": 60, "poses": rows}))


@pytest.mark.parametrize("poses_in_metres", ["transforms.json", "metadata"])
def test_poses_in_metres_need_no_points(
    world: World, monkeypatch: pytest.MonkeyPatch, poses_in_metres: str
) -> None:
    use_moge(monkeypatch, KnowsThePhotos())
    write_transforms()
    write_recording()
    result = world("--intrinsics", poses_in_metres, "--metric")
    assert result.exit_code == 0, result.stderr
    require_the_scene()
    assert {"unit m", "kind metric"} <= {
        line.removeprefix("comment ") for line in comments().splitlines()
    }
    assert "its unit is taken for the metre; scale of each photo by MoGe-2" in result.stderr
    assert "unit m" in result.stderr.splitlines()[-1]


# --- shares and processes --------------------------------------------------


def test_shares_are_merged_at_the_end(world: World) -> None:
    assert world(*COLMAP, "-o", "at-once", to="at-once.ply").exit_code == 0
    for number in (1, 2):
        part = world(*COLMAP, "--shard", f"{number}/2")
        assert part.exit_code == 0 and "is not merged yet" in part.stderr
        assert not Path("scene.ply").exists()
    whole = world(*COLMAP)
    assert whole.exit_code == 0 and "5 skipped" in whole.stderr
    assert Path("scene.ply").read_bytes() == Path("at-once.ply").read_bytes()


def test_other_processes_can_be_sent_the_order(tmp_path: Path) -> None:
    write_model(tmp_path, NAMES, POSES)
    world = read_poses(tmp_path)
    assert world is not None
    request = WorldRequest(
        ModelRequest("ppd-tiny"),
        Sampling(),
        (Format(WORLD, "_world.npz"),),
        False,
        None,
        ("cpu",),
        silent,
        str(tmp_path),
        given_cameras(str(tmp_path)),
        world,
        world.points,
        False,
        CloudOptions(),
    )
    order = request.orders()[0]
    again = pickle.loads(pickle.dumps(order))
    assert again.settings() == order.settings()
