"""Poses and points: of COLMAP, compared with its own library, and of nerfstudio."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from colmap_models import write_model
from posed_scenes import poses

from ppdcli.errors import InputError
from ppdcli.files.cameras.camera_file import read_cameras
from ppdcli.files.cameras.poses import read_poses, require_one_world
from ppdcli.files.cameras.world_model import WorldModel

NAMES = [f"left/{k}.jpg" for k in range(4)]
POSES = poses(4)


def read(path: Path) -> WorldModel:
    model = read_poses(path)
    assert model is not None
    return model


@pytest.mark.parametrize("text", [False, True])
def test_colmap_agrees_with_its_own_library(tmp_path: Path, text: bool) -> None:
    written = write_model(tmp_path, NAMES, POSES, text=text)
    again = pycolmap.Reconstruction(str(tmp_path))
    for path in (tmp_path, tmp_path / f"cameras.{'txt' if text else 'bin'}"):
        model = read(path)
        assert sorted(model.images) == NAMES and model.points is not None
        assert len(model.points.places) == written.num_points3D()
        assert model.points.seen is not None
        for image in again.images.values():
            index = model.index_of(f"photos/{image.name}")
            theirs = image.cam_from_world().matrix()
            np.testing.assert_allclose(model.pose(index).rotation, theirs[:, :3], atol=1e-9)
            np.testing.assert_allclose(model.pose(index).translation, theirs[:, 3], atol=1e-9)
            np.testing.assert_allclose(model.pose(index).centre, image.projection_center())
            mine = model.points.places[model.points.seen[index]]
            observed = image.get_observation_points2D()
            expected = [again.point3D(point.point3D_id).xyz for point in observed]
            key = [tuple(row) for row in np.round(mine, 9)]
            assert sorted(key) == sorted(tuple(row) for row in np.round(expected, 9))


def test_observations_may_be_in_the_tracks_alone(tmp_path: Path) -> None:
    write_model(tmp_path, NAMES, POSES, text=True)
    whole = read(tmp_path)
    path = tmp_path / "images.txt"
    lines = path.read_text().splitlines()
    heads = [line for line in lines if ".jpg" in line]
    path.write_text("".join(f"{line}\n\n" for line in heads))
    bare = read(tmp_path)
    assert whole.points is not None and bare.points is not None
    assert whole.points.seen is not None and bare.points.seen is not None
    for mine, theirs in zip(bare.points.seen, whole.points.seen, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_model_without_points_has_none(tmp_path: Path) -> None:
    write_model(tmp_path, NAMES, POSES)
    (tmp_path / "points3D.bin").unlink()
    assert read(tmp_path).points is None
    write_model(tmp_path, NAMES, POSES, each=0)
    assert read(tmp_path).points is None


def test_names_lead_to_images(tmp_path: Path) -> None:
    write_model(tmp_path, ["left/1.jpg", "right/1.jpg", "2.jpg", "3.png"], POSES)
    model = read(tmp_path)
    assert model.images[model.index_of("in/right/1.jpg")] == "right/1.jpg"
    assert model.images[model.index_of("elsewhere/2.jpg")] == "2.jpg"
    with pytest.raises(InputError, match=r"^in/4\.jpg: is not in .*which has 4 images, such as"):
        model.index_of("in/4.jpg")
    with pytest.raises(InputError, match=r"^1\.jpg: could be 2 images of"):
        model.index_of("1.jpg")


def test_two_models_are_told_apart(tmp_path: Path) -> None:
    for number in (0, 1):
        write_model(tmp_path / "sparse" / str(number), NAMES, POSES[:: 1 - 2 * number])
    with pytest.raises(InputError, match=r"2 of its folders have \(0, 1\); give one"):
        read_cameras(tmp_path / "sparse")
    first, second = (read(tmp_path / "sparse" / number) for number in "01")
    require_one_world(first, read(tmp_path / "sparse/0"))
    with pytest.raises(InputError, match="two different models"):
        require_one_world(first, second)
    write_model(tmp_path / "sparse/0", NAMES, POSES, text=True)
    assert "images.bin is read" in " ".join(read(tmp_path / "sparse/0").notes)


def test_damaged_models_are_refused(tmp_path: Path) -> None:
    for name, said in (("images.bin", "damaged or truncated"), ("points3D.bin", "damaged")):
        folder = tmp_path / name
        write_model(folder, NAMES, POSES)
        data = (folder / name).read_bytes()
        for cut in (3, 30, len(data) // 2, len(data) - 1):
            (folder / name).write_bytes(data[:cut])
            with pytest.raises(InputError, match=said):
                read(folder)
    (tmp_path / "images.bin" / "images.bin").unlink()
    with pytest.raises(InputError, match="has no images"):
        read(tmp_path / "images.bin")


@pytest.mark.parametrize("line", ["1 0 0 0 0 0 0 0 3 left/0.jpg", "1 1 0 0 0 0 nan 0 3 left/0.jpg"])
def test_an_image_without_a_pose_fails_alone(tmp_path: Path, line: str) -> None:
    write_model(tmp_path, NAMES, POSES, text=True)
    path = tmp_path / "images.txt"
    lines = [one for one in path.read_text().splitlines() if not one.startswith("#")]
    head = next(k for k, one in enumerate(lines) if "left/0.jpg" in one)
    lines[head] = line.replace("nan", "1e999")
    path.write_text("\n".join(lines))
    model = read(tmp_path)
    with pytest.raises(InputError, match=r"left/0\.jpg: (has a pose without|cannot be used)"):
        model.index_of("left/0.jpg")
    model.index_of("left/1.jpg")


def test_points_of_another_model_are_refused(tmp_path: Path) -> None:
    write_model(tmp_path / "a", NAMES, POSES, text=True)
    path = tmp_path / "a/points3D.txt"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    path.write_text("\n".join(f"9000{line}" for line in lines))
    with pytest.raises(InputError, match="has none of the points"):
        read(tmp_path / "a")


def transforms(tmp_path: Path, **more: object) -> Path:
    frames = []
    for name, pose in zip(NAMES, POSES, strict=True):
        matrix = np.eye(4)
        matrix[:3, :3] = pose.rotation.T @ np.diag([1, -1, -1])
        matrix[:3, 3] = pose.centre
        frames.append({"file_path": name, "transform_matrix": matrix.tolist()})
    path = tmp_path / "transforms.json"
    path.write_text(json.dumps({"fl_x": 500, "w": 640, "h": 480, "frames": frames, **more}))
    return path


def test_nerfstudio_poses(tmp_path: Path) -> None:
    model = read(transforms(tmp_path))
    assert model.points is None
    for name, pose in zip(NAMES, POSES, strict=True):
        found = model.pose(model.index_of(f"photos/{name}"))
        np.testing.assert_allclose(found.rotation, pose.rotation, atol=1e-12)
        np.testing.assert_allclose(found.translation, pose.translation, atol=1e-12)


def test_nerfstudio_points(tmp_path: Path) -> None:
    made = write_model(tmp_path / "model", NAMES, POSES)
    made.export_PLY(str(tmp_path / "sparse_pc.ply"))
    points = read(transforms(tmp_path, ply_file_path="sparse_pc.ply")).points
    assert points is not None and points.seen is None
    assert len(points.places) == made.num_points3D()
    model = read(transforms(tmp_path, ply_file_path="gone.ply"))
    assert model.points is None and "which are not there" in model.notes[0]


def test_bad_matrices_fail_alone(tmp_path: Path) -> None:
    path = transforms(tmp_path)
    data = json.loads(path.read_text())
    bad = [None, [[1, 2, 3]], (2 * np.eye(4)).tolist(), [["x"] * 4] * 4]
    for frame, matrix in zip(data["frames"], bad, strict=True):
        frame["transform_matrix"] = matrix
    path.write_text(json.dumps(data))
    model = read(path)
    for name in NAMES:
        with pytest.raises(InputError, match=f"^{name}: "):
            model.index_of(name)


def test_other_camera_files_have_no_poses(tmp_path: Path) -> None:
    (tmp_path / "k.txt").write_text("500 500 320 240")
    assert read_poses(tmp_path / "k.txt") is None
    path = transforms(tmp_path)
    data = json.loads(path.read_text())
    for frame in data["frames"]:
        del frame["transform_matrix"]
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match="no frame has a transform_matrix"):
        read_poses(path)
    write_model(tmp_path / "model", NAMES, POSES)
    shutil.rmtree(tmp_path / "model")
    with pytest.raises(InputError, match="no such file"):
        read_poses(tmp_path / "model")
