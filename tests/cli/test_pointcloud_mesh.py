"""``ppd pointcloud -f glb``: a mesh with the photo on it, as its users ask for it."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import Result

Ppd = Callable[..., Result]
CAMERA = ("--fov", "60")


@pytest.fixture
def of_depth(photo: Path) -> list[object]:
    """A photo with a depth map of two planes, one before the other."""
    depth = np.full((40, 60), 4, np.float32)
    depth[10:30, 20:40] = 2
    np.save("planes.npy", depth)
    return [photo, "--depth", "planes.npy", *CAMERA]


def parts(path: str) -> tuple[dict[str, Any], dict[int, np.ndarray]]:
    """What a GLB states, and its arrays: positions, normals, places in the texture, faces."""
    data = Path(path).read_bytes()
    (size,) = struct.unpack_from("<I", data, 12)
    stated = json.loads(data[20 : 20 + size])
    body, kinds = data[28 + size :], {"VEC3": ("<f4", 3), "VEC2": ("<f4", 2), "SCALAR": ("<u4", 3)}
    arrays = {}
    for number, accessor in enumerate(stated["accessors"]):
        view, (kind, width) = stated["bufferViews"][number], kinds[accessor["type"]]
        start, length = view["byteOffset"], view["byteLength"]
        arrays[number] = np.frombuffer(body[start : start + length], kind).reshape(-1, width)
    return stated, arrays


@pytest.mark.parametrize("axes", ["opencv", "blender"])
def test_a_mesh_has_gltfs_axes_and_metres_whatever_those_of_the_cloud(
    ppd: Ppd, of_depth: list[object], axes: str
) -> None:
    result = ppd("pointcloud", *of_depth, "-f", "glb,ply", "--axes", axes)
    assert result.exit_code == 0, result.stderr
    stated, arrays = parts("ppd-out/photo.glb")
    points, normals, _, faces = arrays.values()
    np.testing.assert_allclose(np.unique(points[:, 2].round(5)), [-4, -2])  # z is backward
    assert points[:, 0].max() > 2 and points[:, 1].max() > 1  # right and up
    assert "unit m" in stated["asset"]["extras"]["comments"]
    assert not any(line.startswith("axes") for line in stated["asset"]["extras"]["comments"])
    depths = points[faces][..., 2]
    assert (depths.max(axis=1) == depths.min(axis=1)).all(), "no face between the two planes"
    np.testing.assert_allclose(normals, np.tile((0, 0, 1), (len(normals), 1)), atol=1e-5)


def test_the_photo_lies_where_the_camera_saw_it(ppd: Ppd, of_depth: list[object]) -> None:
    ppd("pointcloud", *of_depth, "-f", "glb")
    _, arrays = parts("ppd-out/photo.glb")
    points, at = arrays[0], arrays[2]
    focal = 30 / np.tan(np.radians(30))
    u = focal * points[:, 0] / -points[:, 2] + 29.5
    v = focal * points[:, 1] / points[:, 2] + 19.5
    np.testing.assert_allclose(at, np.column_stack(((u + 0.5) / 60, (v + 0.5) / 40)), atol=1e-5)


def test_the_file_names_the_format_and_faces_are_limited(ppd: Ppd, of_depth: list[object]) -> None:
    assert ppd("pointcloud", *of_depth, "-o", "a.glb", "--faces", "500").exit_code == 0
    few = len(parts("a.glb")[1][3])
    assert ppd("pointcloud", *of_depth, "-o", "b.GLB").exit_code == 0
    many = len(parts("b.GLB")[1][3])
    assert 0 < few <= 500 < many


def test_another_number_of_faces_makes_the_mesh_again_and_not_the_cloud(
    ppd: Ppd, of_depth: list[object]
) -> None:
    options = [*of_depth, "-f", "ply,glb"]
    ppd("pointcloud", *options)
    before = Path("ppd-out/photo.ply").stat().st_mtime_ns
    result = ppd("pointcloud", *options, "--faces", "1000")
    assert "1 made again: faces 200000 -> 1000" in result.stderr
    assert Path("ppd-out/photo.ply").stat().st_mtime_ns == before


def test_a_thinned_cloud_makes_no_mesh(ppd: Ppd, of_depth: list[object]) -> None:
    result = ppd("pointcloud", *of_depth, "-f", "glb", "--voxel", "0.1")
    assert result.exit_code == 2 and "--voxel thins the cloud" in result.stderr


def test_points_that_touch_no_other_make_no_mesh(ppd: Ppd, photo: Path) -> None:
    depth = np.full((40, 60), np.nan, np.float32)
    depth[::4, ::4] = 2
    np.save("dots.npy", depth)
    result = ppd("pointcloud", photo, "--depth", "dots.npy", *CAMERA, "-f", "glb")
    assert result.exit_code == 3
    assert "photo.jpg: no two neighbouring pixels are on one surface" in result.stderr
    assert not list(Path("ppd-out").glob("*.glb"))
