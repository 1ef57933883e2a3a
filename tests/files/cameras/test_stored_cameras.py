"""Cameras in files that libraries write: NumPy, OpenCV's FileStorage, Metashape's XML."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from camera_checks import pinhole

from ppdcli.errors import InputError
from ppdcli.files.cameras.camera_file import read_cameras
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion, rays

K = np.array([[500.0, 0, 310], [0, 510, 250], [0, 0, 1]])
P = np.hstack([K, np.zeros((3, 1))])
PADDED = np.vstack([P, [0, 0, 0, 1]])
DIST = np.array([[-0.1, 0.02, 0.001, -0.002, 0.003]])
LENS = Distortion.of("opencv", *DIST[0])

# --- NumPy


@pytest.mark.parametrize(
    "values",
    [K, K.T, P, PADDED, K[None], np.stack([K] * 4), K.astype(np.float32), K.astype(int), K.ravel()]
    + [np.array([500, 510, 310, 250]), np.asfortranarray(K), K.astype(">f8")],
    ids=range(12),
)
def test_arrays(tmp_path: Path, values: np.ndarray) -> None:
    np.save(tmp_path / "k.npy", values)
    np.savez(tmp_path / "k.npz", values)
    for name in ("k.npy", "k.npz"):
        found = read_cameras(tmp_path / name).for_image("a.jpg", 640, 480)
        assert pinhole(found) == (500, 510, 310, 250)


@pytest.mark.parametrize("name", ["K", "intrinsics", "intrinsic", "camera_matrix", "mtx", "cam_K"])
def test_archives_by_the_usual_names(tmp_path: Path, name: str) -> None:
    rest = {"rvecs": np.zeros((9, 3, 1)), "poses": np.empty(2, object), "depth": np.ones((48, 64))}
    np.savez_compressed(tmp_path / "k.npz", **{name: K}, **rest)
    assert pinhole(read_cameras(tmp_path / "k.npz").for_image("a.jpg", 640, 480))[0] == 500


@pytest.mark.parametrize(
    "more",
    [
        {"dist": DIST, "width": 640, "height": 480},
        {"D": DIST.T, "image_size": np.array([640, 480])},
        {"dist_coeffs": DIST[0], "image_shape": np.array([480, 640]), "distortion_model": "radtan"},
    ],
    ids=str,
)
def test_archives_with_lens_and_size(tmp_path: Path, more: dict[str, Any]) -> None:
    np.savez(tmp_path / "k.npz", mtx=K, **more)
    found = read_cameras(tmp_path / "k.npz").for_image("a.jpg", 320, 240)
    assert found.camera == Camera(500, 510, 310, 250, 640, 480).resized(320, 240)
    assert found.distortion == LENS


def test_four_numbers_in_an_archive(tmp_path: Path) -> None:
    np.savez(tmp_path / "k.npz", fx=500, fy=510, cx=310, cy=250)
    assert pinhole(read_cameras(tmp_path / "k.npz").for_image("a.jpg", 640, 480))[1] == 510


def test_a_pair_in_an_archive(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "k.npz", mtxL=K, distL=DIST, mtxR=K * [[2], [1], [1]], distR=DIST, R=np.eye(3)
    )
    cameras = read_cameras(tmp_path / "k.npz")
    assert cameras.for_image("left/a.png", 640, 480).distortion == LENS
    assert cameras.for_image("right/a.png", 1240, 480).camera.fx == 1000


def test_a_stack_of_different_cameras_does_not_say_which(tmp_path: Path) -> None:
    np.save(tmp_path / "k.npy", np.stack([K, K * [[2], [2], [1]]]))
    with pytest.raises(InputError, match=r"holds 2 cameras \(number 0, number 1\).*keep one"):
        read_cameras(tmp_path / "k.npy").for_image("a.jpg", 640, 480)


@pytest.mark.parametrize(
    ("arrays", "cause"),
    [
        (
            {"depth": np.ones((48, 64)), "conf": np.ones(3)},
            r"no camera matrix \(it holds depth, conf",
        ),
        ({"K": np.ones((480, 640))}, r"float64 of shape \(480, 640\), which is no camera"),
        ({"K": np.eye(4) + np.eye(4, k=3)}, "does not end in the row"),
        ({"K": K * [[np.nan], [1], [1]]}, "K is 'nan', not a finite number"),
        ({"K": -K}, "no camera matrix"),
        ({"K": K / [[640], [480], [1]]}, "parts of the image's size"),
        ({"K": K, "dist": np.ones((2, 4))}, "dist is of 2 cameras, and the matrix of 1"),
        ({"K": K, "dist": np.ones(3)}, "3 distortion coefficients are no complete set"),
        ({"K": np.array([[None] * 3] * 3)}, "Python objects"),
        ({"K": K.astype(complex)}, "complex128 of shape .* which is no camera"),
        ({"K": K, "D": np.ones((4, 5))}, "20 distortion coefficients are more"),
        ({"K": K, "D": DIST.astype(complex)}, "complex128"),
        ({"K": K, "dist": np.array([None])}, "Python objects"),
        ({}, r"not a camera file of a known format"),
    ],
    ids=range(14),
)
def test_bad_archives(tmp_path: Path, arrays: dict[str, np.ndarray], cause: str) -> None:
    np.savez(tmp_path / "k.npz", **arrays)
    with pytest.raises(InputError, match=cause) as error:
        read_cameras(tmp_path / "k.npz")
    assert str(error.value).startswith(str(tmp_path)) and "\n" not in str(error.value)


def test_damaged_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "k.npy", K)
    np.savez(tmp_path / "k.npz", K=K)
    for name in ("k.npy", "k.npz"):
        path = tmp_path / name
        path.write_bytes(path.read_bytes()[:150])
        with pytest.raises(InputError, match=r"k\.np"):
            read_cameras(path)


# --- OpenCV


def stored(path: Path, entries: dict[str, Any]) -> Path:
    storage = cv2.FileStorage(str(path), cv2.FILE_STORAGE_WRITE)
    for name, value in entries.items():
        storage.write(name, value)
    storage.release()
    return path


@pytest.mark.parametrize("suffix", ["yml", "json", "xml"])
@pytest.mark.parametrize(
    "names",
    [
        ("camera_matrix", "distortion_coefficients"),
        ("K", "D"),
        ("cameraMatrix", "distCoeffs"),
        ("camera_matrix", "dist_coeff"),
        ("Camera_Matrix", "Distortion_Coefficients"),
        ("M1", "D1"),
    ],
)
def test_written_by_opencv(tmp_path: Path, suffix: str, names: tuple[str, str]) -> None:
    entries = {"image_width": 640, "image_height": 480, names[0]: K, names[1]: DIST}
    path = stored(tmp_path / f"camera.{suffix}", {"calibration_time": "today", **entries})
    found = read_cameras(path).for_image("a.jpg", 320, 240)
    assert found.camera == Camera(500, 510, 310, 250, 640, 480).resized(320, 240)
    assert found.distortion == LENS and found.source == f"OpenCV file {path}"


@pytest.mark.parametrize("suffix", ["yml", "json", "xml"])
def test_a_pair_written_by_opencv(tmp_path: Path, suffix: str) -> None:
    other = K * [[1.1], [1], [1]]
    same = {"M1": K, "D1": DIST, "M2": K, "D2": DIST}
    path = stored(tmp_path / f"pair.{suffix}", same)
    assert read_cameras(path).for_image("a.jpg", 640, 480).distortion == LENS
    stored(path, {**same, "M2": other})
    with pytest.raises(InputError, match=r"holds 2 cameras \(M1, M2\).*type its fx,fy,cx,cy"):
        read_cameras(path).for_image("a.jpg", 640, 480)


@pytest.mark.parametrize(
    ("entries", "cause"),
    [
        ({"R": np.eye(3)}, "no camera matrix|not a camera file of a known format"),
        ({"camera_matrix": K[:2]}, "6 numbers instead of 9"),
        ({"camera_matrix": K, "distortion_coefficients": DIST[:, :3]}, "3 distortion coefficients"),
        ({"camera_matrix": K, "lens_distortion": DIST}, "lens_distortion is not a known entry"),
        ({"camera_matrix": K, "xi": np.array([[1.2]])}, "xi, which cannot be undistorted"),
    ],
    ids=range(5),
)
@pytest.mark.parametrize("suffix", ["yml", "json", "xml"])
def test_bad_files_of_opencv(tmp_path: Path, suffix: str, entries: dict, cause: str) -> None:
    with pytest.raises(InputError, match=cause):
        read_cameras(stored(tmp_path / f"x.{suffix}", entries))


# --- Metashape

VALUES = {
    "f": 500,
    "cx": -10,
    "cy": 12,
    "k1": -0.1,
    "k2": 0.02,
    "k3": 0.003,
    "p1": -2e-3,
    "p2": 1e-3,
}


def calibration(values: dict[str, float], size: str, **attributes: str) -> str:
    told = " ".join(f'{key.rstrip("_")}="{value}"' for key, value in attributes.items())
    inside = "".join(f"<{key}>{value}</{key}>" for key, value in values.items())
    return f"<calibration {told}>{size}{inside}</calibration>"


def project(sensors: str, cameras: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<document version="2.0.0"><chunk label="1">'
        f"<sensors>{sensors}</sensors><cameras>{cameras}</cameras></chunk></document>"
    )


RESOLUTION = '<resolution width="640" height="480"/>'


def sensor(number: int, values: dict[str, float], kind: str = "frame") -> str:
    adjusted = calibration(values, RESOLUTION, type=kind, class_="adjusted")
    first = calibration({"f": 1}, RESOLUTION, type=kind, class_="initial")
    return (
        f'<sensor id="{number}" label="phone" type="{kind}">{RESOLUTION}{first}{adjusted}</sensor>'
    )


def test_metashape_by_the_name_of_the_photo(write: Callable[..., Path]) -> None:
    cameras = (
        '<camera id="0" sensor_id="0" label="IMG_1"/><camera id="1" sensor_id="3" label="IMG_2"/>'
    )
    sensors = sensor(0, VALUES) + sensor(3, {"f": 600})
    found = read_cameras(write(project(sensors, cameras)))
    first = found.for_image("photos/IMG_1.JPG", 640, 480)
    # cx from the centre; the first pixel centre at (0.5, 0.5); p1 and p2 change places.
    assert first.camera == Camera(500, 500, 320 - 10 - 0.5, 240 + 12 - 0.5, 640, 480)
    assert first.distortion == Distortion.of("opencv", -0.1, 0.02, 1e-3, -2e-3, 0.003)
    assert pinhole(found.for_image("IMG_2.JPG", 640, 480)) == (600, 600, 319.5, 239.5)


def test_metashape_projects_as_its_manual_says(write: Callable[..., Path]) -> None:
    found = read_cameras(write(project(sensor(0, {**VALUES, "b1": 10})))).for_image("a", 640, 480)
    x, y = np.moveaxis(rays(found.camera, found.distortion)[::60, ::80].astype(float), -1, 0)
    r2 = x**2 + y**2
    radial = 1 - 0.1 * r2 + 0.02 * r2**2 + 0.003 * r2**3
    p1, p2 = VALUES["p1"], VALUES["p2"]
    bent_x = x * radial + p1 * (r2 + 2 * x**2) + 2 * p2 * x * y
    bent_y = y * radial + p2 * (r2 + 2 * y**2) + 2 * p1 * x * y
    u = 640 * 0.5 - 10 + bent_x * 500 + bent_x * 10
    v = 480 * 0.5 + 12 + bent_y * 500
    rows, columns = np.mgrid[0:480:60, 0:640:80]
    np.testing.assert_allclose(u, columns + 0.5, atol=2e-3)
    np.testing.assert_allclose(v, rows + 0.5, atol=2e-3)


def test_one_calibration_of_metashape(write: Callable[..., Path]) -> None:
    values = {
        "projection": "fisheye",
        "width": 640,
        "height": 480,
        "f": 300,
        "k1": 0.01,
        "k4": 1e-4,
    }
    found = read_cameras(write(calibration(values, ""))).for_image("a.jpg", 640, 480)
    assert found.camera == Camera(300, 300, 319.5, 239.5, 640, 480)
    assert found.distortion == Distortion.of("thin_prism_fisheye", 0.01, 0, 0, 0, 0, 1e-4)


def test_an_old_version_of_metashape(write: Callable[..., Path]) -> None:
    values = {"fx": 603.5, "fy": 602.25, "cx": 315.5, "cy": 245.5, "k1": -0.1}
    found = read_cameras(write(project(sensor(0, values)))).for_image("a.jpg", 640, 480)
    assert found.camera == Camera(603.5, 602.25, 315, 245, 640, 480)
    assert found.distortion == Distortion.of("opencv", -0.1)
    with pytest.raises(InputError, match="its p1 and p2 are of an old version"):
        read_cameras(write(project(sensor(0, {**values, "p2": 0.1}))))


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (project('<sensor id="0" label="x" type="frame"/>'), "sensor x: is not calibrated"),
        (project(sensor(0, VALUES, "spherical")), "its type spherical cannot be undistorted"),
        (project(sensor(0, {**VALUES, "b2": 3})), r"a skew \(b2 = 3\)"),
        (project(sensor(0, {**VALUES, "k4": 3})), "its lens has k4"),
        (project(sensor(0, {**VALUES, "p3": 3})), "its lens has p3"),
        (project(sensor(0, {**VALUES, "f": 0})), "must be positive"),
        (project(sensor(0, VALUES)).replace("<f>500", "<f>wide"), "f is 'wide'"),
        (re.sub("<resolution.*?/>", "", project(sensor(0, VALUES))), "states no resolution"),
        (project(""), "not a camera file of a known format"),
    ],
    ids=range(9),
)
def test_bad_files_of_metashape(write: Callable[..., Path], text: str, cause: str) -> None:
    with pytest.raises(InputError, match=cause) as error:
        read_cameras(write(text))
    assert "\n" not in str(error.value)
