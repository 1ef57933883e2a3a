"""Lens distortion: OpenCV projects the rays that we find, and must hit the pixels again."""

import math

import cv2
import numpy as np
import pytest
from PIL import Image

from ppdcli.errors import UsageError
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion, rays
from ppdcli.images.pixels import UPRIGHT

CAMERA = Camera(300.0, 310.0, 331.0, 222.0, 640, 480)
LENSES = {
    "barrel": Distortion.of("opencv", -0.25, 0.07),
    "pincushion": Distortion.of("opencv", 0.2, 0.05),
    "tangential": Distortion.of("opencv", -0.2, 0.05, 2e-3, -3e-3, -0.002),
    "only tangential": Distortion.of("opencv", 0, 0, 5e-3, 4e-3),
    "rational": Distortion.of("opencv", 0.3, 0.1, 1e-3, 2e-3, 0.02, 0.25, 0.12, 0.01),
    "fisheye": Distortion.of("fisheye", -0.02, 0.003, -0.001, 0.0002),
    "equidistant": Distortion.of("fisheye"),
}
THEIRS = {  # lenses that OpenCV does not have; COLMAP's are compared in tests/files/cameras
    "fov": Distortion.of("fov", 0.9),
    "thin prism": Distortion.of(
        "thin_prism_fisheye", -0.02, 0.003, 2e-3, -3e-3, -0.001, 2e-4, 4e-3, -2e-3
    ),
}


def project_by_opencv(points: np.ndarray, camera: Camera, lens: Distortion) -> np.ndarray:
    """(N, 3) points to (N, 2) pixels."""
    matrix = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1.0]])
    project = cv2.fisheye.projectPoints if lens.model == "fisheye" else cv2.projectPoints
    coefficients = np.array(lens.coefficients)
    none = np.zeros((3, 1))
    pixels, _ = project(points[:, None], none, none, matrix, coefficients)
    return pixels.reshape(-1, 2)


@pytest.mark.parametrize("name", LENSES)
def test_opencv_projects_every_ray_onto_its_pixel(name: str) -> None:
    lens = LENSES[name]
    found = rays(CAMERA, lens)
    assert (found.shape, found.dtype) == ((480, 640, 2), np.float32)
    assert np.isfinite(found).all()
    v, u = np.mgrid[:480:7, :640:9]
    points = np.concatenate([found[v, u], np.ones((*v.shape, 1))], axis=-1).reshape(-1, 3)
    pixels = project_by_opencv(points * np.linspace(1, 50, len(points))[:, None], CAMERA, lens)
    np.testing.assert_allclose(pixels, np.stack([u, v], axis=-1).reshape(-1, 2), atol=1e-3)


@pytest.mark.parametrize("name", LENSES)
def test_distort_agrees_with_opencv(name: str) -> None:
    lens = LENSES[name]
    x, y = np.random.default_rng(0).uniform(-1, 1, (2, 200))
    x[0] = y[0] = 0
    points = np.stack([x, y, np.ones_like(x)], axis=1)
    identity = Camera(1, 1, 0, 0, 1, 1)
    expected = project_by_opencv(points, identity, lens)
    np.testing.assert_allclose(np.stack(lens.distort(x, y), axis=1), expected, atol=1e-12)


@pytest.mark.parametrize("name", [*LENSES, *THEIRS])
def test_rays_undo_the_distortion(name: str) -> None:
    lens = {**LENSES, **THEIRS}[name]
    x, y = np.moveaxis(rays(CAMERA, lens).astype(np.float64), -1, 0)
    dx, dy = lens.distort(x, y)
    v, u = np.mgrid[:480, :640]
    np.testing.assert_allclose(dx * CAMERA.fx + CAMERA.cx, u, atol=2e-3)
    np.testing.assert_allclose(dy * CAMERA.fy + CAMERA.cy, v, atol=2e-3)


def test_a_fov_lens_without_an_angle_is_a_pinhole() -> None:
    assert Distortion.of("fov", 0).is_pinhole
    x = np.array([0.0, 0.5, 2.0])
    np.testing.assert_array_equal(Distortion.of("fov", 0).distort(x, x), (x, x))
    np.testing.assert_allclose(Distortion.of("fov", 1e-6).distort(x, x), (x, x), rtol=1e-9)


def row_of_rays(camera: Camera, lens: Distortion, columns: list[int]) -> np.ndarray:
    """x of the rays at some pixels of an image one pixel high."""
    found = rays(camera, lens)[0, columns]
    np.testing.assert_array_equal(np.isnan(found[:, 0]), np.isnan(found[:, 1]))
    return found[:, 0]


def test_a_fisheye_beyond_a_right_angle() -> None:
    # Equidistant with 1 pixel a milliradian: the angle is what the pixel says.
    camera = Camera(1000, 1000, 2000, 0, 4001, 1)
    x = row_of_rays(camera, LENSES["equidistant"], [2000, 2500, 3500, 3569, 3600])
    np.testing.assert_allclose(x[:3], np.tan([0, 0.5, 1.5]), rtol=1e-5)
    assert np.isnan(x[3:]).all()  # 89.9 and 91.7 degrees


def test_no_ray_beyond_where_the_model_turns_back() -> None:
    # r (1 - 0.3 r^2) has its maximum 0.703 at r = 1.054. Past it the formula still has solutions,
    # on the other side of the image: x = -2.2 appears at 0.995.
    lens = Distortion.of("opencv", -0.3)
    assert lens.distort(np.array([-2.2]), np.zeros(1))[0] == pytest.approx(0.9944)
    camera = Camera(1000, 1000, 1000, 0, 2001, 1)
    x = row_of_rays(camera, lens, [1700, 1704, 1994, 296])
    assert 0.95 < x[0] < 1.054
    assert np.isnan(x[1:]).all()


def test_rays_are_nan_where_the_lens_shows_nothing() -> None:
    camera = Camera(100, 100, 99.5, 99.5, 200, 200)
    missing = np.isnan(rays(camera, Distortion.of("opencv", -0.3)))
    assert (missing[..., 0] == missing[..., 1]).all()
    radius = np.hypot(*(np.mgrid[:200, :200] - 99.5)) / 100
    np.testing.assert_array_equal(missing[..., 0], radius > 2 / 3 / math.sqrt(0.9))


def test_without_distortion_it_is_the_pinhole() -> None:
    expected = rays(CAMERA)
    assert expected[0, 0] == pytest.approx([-331 / 300, -222 / 310])
    assert expected[479, 639] == pytest.approx([308 / 300, 257 / 310])
    np.testing.assert_array_equal(rays(CAMERA, Distortion.of("opencv")), expected)
    assert expected[222, 331].tolist() == [0, 0]
    assert expected[222, 631] == pytest.approx([1, 0])
    # A fisheye without coefficients is not a pinhole.
    assert np.abs(rays(CAMERA, Distortion.of("fisheye")) - expected).max() > 0.1


def test_resized_and_cropped_photos_have_the_same_rays() -> None:
    lens = LENSES["tangential"]
    whole = rays(CAMERA, lens)
    part = rays(CAMERA.cropped(40, 30, 200, 100), lens)
    np.testing.assert_allclose(part, whole[30:130, 40:240], atol=3e-6)
    # The centre of a pixel of the halved image is between four of the whole one.
    between = (whole[::2, ::2] + whole[1::2, ::2] + whole[::2, 1::2] + whole[1::2, 1::2]) / 4
    np.testing.assert_allclose(rays(CAMERA.resized(320, 240), lens), between, atol=1e-5)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["tangential", "fisheye", "fov", "thin prism"])
def test_turned_photos_have_the_same_rays(orientation: int, name: str) -> None:
    camera = Camera(70, 75, 30, 17, 64, 48)
    lens = {**LENSES, **THEIRS}[name]
    stored = np.abs(rays(camera, lens)).max(axis=-1)  # the same after any turn or mirroring
    picture = Image.fromarray(stored)
    if orientation in UPRIGHT:
        picture = picture.transpose(UPRIGHT[orientation])
    upright = rays(camera.rotated(orientation), lens.rotated(orientation))
    np.testing.assert_allclose(np.abs(upright).max(axis=-1), np.asarray(picture), atol=1e-5)


def test_bad_coefficients() -> None:
    with pytest.raises(UsageError, match="5 coefficients instead of 4, k1 k2 k3 k4"):
        Distortion.of("fisheye", 1, 2, 3, 4, 5)
    with pytest.raises(UsageError, match="7 coefficients instead of 8"):
        Distortion("opencv", (0.0,) * 7)
    with pytest.raises(UsageError, match="not finite"):
        Distortion.of("opencv", math.nan)
    with pytest.raises(UsageError, match="opencv, fisheye"):
        Distortion("equirectangular", (0.0,))  # type: ignore[arg-type]


def test_description() -> None:
    assert LENSES["equidistant"].describe() == "fisheye k1=0 k2=0 k3=0 k4=0"
    assert "p1=0.002 p2=-0.003" in LENSES["tangential"].describe()
