"""Meshes of clouds: never more faces than asked for, and still the same surface."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.cloud import PointCloud
from ppdcli.cloud_data import CloudPixels
from ppdcli.errors import InputError
from ppdcli.files.cloud_mesh import mesh_of
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.unproject import unproject

HEIGHT, WIDTH = 200, 260
CAMERA = Camera.from_fov(60, WIDTH, HEIGHT)


def cloud_of(depth: np.ndarray) -> PointCloud:
    points, taken = unproject(depth.astype(np.float32), CAMERA)
    rgb = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    colors = rgb[taken]
    return PointCloud(points, colors, pixels=CloudPixels(rgb, taken, CAMERA))


def floor() -> np.ndarray:
    """A floor up to the horizon in the middle of the picture; nothing above."""
    rows = np.arange(HEIGHT) - CAMERA.cy
    depth = 1.5 * CAMERA.fy / np.where(rows > 0.4, rows, np.nan)
    return np.repeat(depth[:, None], WIDTH, axis=1)


def pieces() -> np.ndarray:
    """Many small squares at depths of their own."""
    rng = np.random.default_rng(5)
    return np.kron(rng.uniform(1, 9, (HEIGHT // 4, WIDTH // 4)), np.ones((4, 4)))


@pytest.mark.parametrize("most", [100, 2000, 10_000])
@pytest.mark.parametrize("depth", [floor(), pieces()])
def test_there_are_never_more_faces_than_asked_for(depth: np.ndarray, most: int) -> None:
    try:
        mesh = mesh_of(cloud_of(depth), "opencv", most)
    except InputError as error:
        assert most == 100 and "no two neighbouring pixels" in str(error)
        return
    assert most / 20 < len(mesh.faces) <= most


def test_a_far_floor_stays_where_it_is() -> None:
    mesh = mesh_of(cloud_of(floor()), "opencv", 3000)
    x, y, z = mesh.vertices.T.astype(np.float64)  # y up, z backward
    np.testing.assert_allclose(y / z, 1.5 / -z, atol=0.02)  # 1.5 m below the camera
    assert abs(x / z).max() < 1
