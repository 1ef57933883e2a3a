"""Depth is exact, light behaves."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.scenes.furnished.camera import Camera, take
from ppdcli.scenes.furnished.finishes import Finish
from ppdcli.scenes.furnished.models.model import Material, Model
from ppdcli.scenes.furnished.scene import Scene, Sky, sun, turned
from ppdcli.scenes.furnished.shell import Shell
from ppdcli.scenes.samples import SKY_DEPTH

pytestmark = pytest.mark.usefixtures("embree")
HEIGHT, WIDTH = 60, 80
GREY = Finish((0.5, 0.5, 0.5))


def _camera(roll: float = 0.0) -> Camera:
    return Camera(np.array([0.3, 1.5, -4.0]), np.array([0.0, 0.6, 0.0]), roll, 60.0)


def _box_on_plane() -> Scene:
    scene, shell = Scene(), Shell()
    shell.quad((-30, 0, -30), (60, 0, 0), (0, 0, 60), GREY)
    shell.box((0, 0.5, 0), (0.5, 0.5, 0.5), GREY)
    scene.place(shell.part(), turned((0, 0, 0), 0))
    scene.sky = Sky(outdoors=True)
    return scene


def _rays(camera: Camera, shift: float = 0.0) -> np.ndarray:
    """(H, W, 3) rays in the world, 1 long along the optical axis."""
    focal = WIDTH / 2 / np.tan(np.radians(camera.fov) / 2)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    right = (x + shift - (WIDTH - 1) / 2) / focal
    up = ((HEIGHT - 1) / 2 - y + shift) / focal
    return np.stack([right, up, np.ones_like(right)], -1) @ camera.axes().T


def _analytic(camera: Camera, shift: float = 0.0) -> np.ndarray:
    rays, eye = _rays(camera, shift), camera.place
    with np.errstate(divide="ignore", invalid="ignore"):
        ground = np.where(rays[..., 1] < 0, -eye[1] / rays[..., 1], np.inf)
        point = eye + ground[..., None] * rays
        inside = (np.abs(point[..., [0, 2]]) <= 30).all(-1)
        ground = np.where(inside, ground, np.inf)
        low = (np.array([-0.5, 0, -0.5]) - eye) / rays
        high = (np.array([0.5, 1, 0.5]) - eye) / rays
    enter, leave = np.minimum(low, high).max(-1), np.maximum(low, high).min(-1)
    box = np.where((enter < leave) & (enter > 0), enter, np.inf)
    return np.minimum(np.minimum(ground, box), SKY_DEPTH)


@pytest.mark.parametrize("roll", [0.0, 0.3])
def test_depth_of_a_box_on_a_plane_is_exact(roll: float) -> None:
    camera = _camera(roll)
    light, depth = take(_box_on_plane(), camera, HEIGHT, WIDTH)
    expected = _analytic(camera)
    assert depth.dtype == np.float32
    # A pixel whose centre is on the box's outline to a hundredth may fall on either side of it.
    sure = np.abs(_analytic(camera, 0.01) / _analytic(camera, -0.01) - 1) < 0.01
    assert sure.mean() > 0.97
    assert depth[sure] == pytest.approx(expected[sure], rel=1e-4)
    assert (depth[sure & (expected == SKY_DEPTH)] == SKY_DEPTH).all()
    assert (expected == SKY_DEPTH).any()
    assert (expected < 5).any()
    assert np.isfinite(light).all()
    assert light.min() >= 0


def test_picture_is_the_same_again() -> None:
    scene = _box_on_plane()
    scene.lights.append(sun(np.array([1.0, 1, -1]), np.ones(3), 0.01))
    first, again = (take(scene, _camera(), HEIGHT, WIDTH) for _ in range(2))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])


def test_box_casts_a_shadow() -> None:
    scene = _box_on_plane()
    # The sun is low at the right: the shadow falls to the left of the box.
    scene.lights.append(sun(np.array([1.0, 0.7, 0.0]), np.full(3, 2.0), 0.003))
    camera = Camera(np.array([0.0, 4.0, -4.0]), np.array([0.0, 0.0, 0.0]), 0.0, 60.0)
    light, _ = take(scene, camera, HEIGHT, WIDTH, hard=True)
    to_shadow, to_sunny = np.array([-1.1, 0, 0]), np.array([1.1, 0, 0])
    places = []
    for point in (to_shadow, to_sunny):
        local = camera.axes().T @ (point - camera.place)
        focal = WIDTH / 2 / np.tan(np.radians(30))
        x, y = local[:2] / local[2] * focal
        places.append((round((HEIGHT - 1) / 2 - y), round((WIDTH - 1) / 2 + x)))
    assert light[places[0]].mean() < 0.6 * light[places[1]].mean()


def test_a_turned_and_scaled_model_is_where_it_should_be() -> None:
    from ppdcli.scenes.furnished.parts import part_of

    vertices = np.array([[-1, 0, 0], [1, 0, 0], [1, 2, 0], [-1, 2, 0]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    uv = np.zeros((2, 3, 2), np.float32)
    model = Model(vertices, triangles, uv, np.zeros(2, np.int32), (Material(),))
    scene = Scene()
    # Turned by 90 degrees, the card that looked along +z stands in the plane x = 3.
    scene.place(part_of(model), turned((3.0, 0.0, 5.0), np.pi / 2, 0.5))
    scene.sky = Sky(outdoors=True)
    camera = Camera(np.array([0.0, 0.5, 5.0]), np.array([3.0, 0.5, 5.0]), 0.0, 40.0)
    _, depth = take(scene, camera, 41, 41)
    assert depth[20, 20] == pytest.approx(3.0, abs=1e-4)
    # 1 m wide and 1 m high at 3 m.
    seen = np.count_nonzero(depth < 4, axis=1).max(), np.count_nonzero(depth < 4, axis=0).max()
    assert np.abs(np.array(seen) - 20.5 / np.tan(np.radians(20)) / 3).max() <= 1.01


def test_rays_pass_cut_out_parts_of_a_texture() -> None:
    from ppdcli.scenes.furnished.parts import part_of

    vertices = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    uv = ((vertices[triangles][..., :2] + 1) / 2).astype(np.float32)
    texture = np.full((8, 8, 4), 200, np.uint8)
    texture[:4, :, 3] = 0  # the upper half is not there
    leaf = Model(vertices, triangles, uv, np.zeros(2, np.int32), (Material(texture=0),), (texture,))
    scene = Scene()
    scene.place(part_of(leaf), turned((0, 0, 3), 0))
    scene.place(part_of(leaf), turned((0, 0, 6), 0, 3.0))
    scene.sky = Sky(outdoors=True)
    camera = Camera(np.zeros(3), np.array([0, 0, 1.0]), 0.0, 30.0)
    _, depth = take(scene, camera, 40, 40)
    assert depth[30, 20] == pytest.approx(3, abs=1e-4)
    assert depth[10, 20] == SKY_DEPTH


def test_box_texture_runs_on_around_no_seam() -> None:
    """Two quads side by side continue one picture."""
    rng = np.random.default_rng(0)
    picture = np.dstack(
        [rng.integers(0, 255, (128, 128, 3), dtype=np.uint8), np.full((128, 128), 255, np.uint8)]
    )
    finish = Finish((0.5, 0.5, 0.5), picture, 0.7)

    def seen(parts: int) -> np.ndarray:
        scene, shell = Scene(), Shell()
        for k in range(parts):
            shell.quad((-1 + 2 * k / parts, -1, 2), (2 / parts, 0, 0), (0, 2, 0), finish)
        scene.place(shell.part(), turned((0, 0, 0), 0))
        scene.sky = Sky(outdoors=True)
        return take(scene, Camera(np.zeros(3), np.array([0, 0, 1.0]), 0.0, 40.0), 40, 40)[0]

    assert seen(2) == pytest.approx(seen(1), abs=2e-3)
