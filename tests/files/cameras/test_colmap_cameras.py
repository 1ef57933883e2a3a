"""COLMAP's cameras: hand-written ones, those of its own program, and broken ones."""

import math
import struct
from pathlib import Path

import numpy as np
import pytest
from camera_checks import pinhole

from ppdcli.errors import InputError
from ppdcli.files.cameras.camera_file import read_cameras
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion, rays

CAMERAS = """# Camera list
3 SIMPLE_PINHOLE 640 480 500 320.5 240.5
40 OPENCV 800 600 700 710 400 300 -0.1 0.02 0.001 -0.002
7 SIMPLE_DIVISION 640 480 500 320 240 0.9
"""
IMAGES = """# Image list
1 1 0 0 0 0 0 0 3 left/a.jpg
10.5 20.5 -1 30 40 5

2 1 0 0 0 0.5 0 1e-3 40 right/a.jpg

9 1 0 0 0 0 0 0 7 odd one.jpg
1 2 -1
"""


@pytest.fixture
def colmap(write) -> Path:
    write(IMAGES, "sparse/images.txt")
    return write(CAMERAS, "sparse/cameras.txt")


def test_colmap_by_image(colmap: Path) -> None:
    for path in (colmap, colmap.parent):
        cameras = read_cameras(path)
        left = cameras.for_image("photos/left/a.jpg", 640, 480)
        assert pinhole(left) == (500, 500, 320, 240)
        assert left.source == f"COLMAP file {path} camera 3"
        right = cameras.for_image("right/a.jpg", 800, 600)
        assert right.camera == Camera(700, 710, 399.5, 299.5, 800, 600)
        assert right.distortion == Distortion.of("opencv", -0.1, 0.02, 0.001, -0.002)


def test_colmap_names(colmap: Path) -> None:
    cameras = read_cameras(colmap)
    assert cameras.for_image("C:\\in\\left\\a.jpg", 640, 480).camera.fx == 500
    with pytest.raises(InputError, match=r"cameras\.txt: names several images a\.jpg"):
        cameras.for_image("a.jpg", 640, 480)
    with pytest.raises(InputError, match=r"has no image b\.jpg among its 3, such as 'left/a\.jpg'"):
        cameras.for_image("left/b.jpg", 640, 480)
    with pytest.raises(InputError, match=r"camera 7: its model SIMPLE_DIVISION cannot be"):
        cameras.for_image("odd one.jpg", 640, 480)


def test_a_whole_recorded_path_goes_before_a_longer_one(write) -> None:
    write("1 1 0 0 0 0 0 0 1 a.jpg\n\n2 1 0 0 0 0 0 0 2 sub/a.jpg\n\n", "images.txt")
    lines = "1 PINHOLE 64 48 50 50 32 24\n2 PINHOLE 64 48 60 60 32 24\n"
    cameras = read_cameras(write(lines, "cameras.txt"))
    focal = [
        cameras.for_image(name, 64, 48).camera.fx for name in ("a.jpg", "x/a.jpg", "sub/a.jpg")
    ]
    assert focal == [50, 50, 60]


def test_a_single_camera_serves_every_image(write) -> None:
    path = write("12 RADIAL 640 480 500 320 240 -0.1 0.02\n")
    found = read_cameras(path).for_image("anything.jpg", 640, 480)
    assert found.distortion == Distortion.of("opencv", -0.1, 0.02)
    # Cameras that are all the same are one.
    lines = "1 PINHOLE 64 48 50 50 32 24\n9 PINHOLE 64 48 50 50 32 24\n"
    assert read_cameras(write(lines)).for_image("anything.jpg", 64, 48).camera.fx == 50


@pytest.mark.parametrize(
    ("cameras", "images", "cause"),
    [
        ("# none\n", None, "holds no camera, only comments"),
        ("1 PINHOLE 64 48 50 50 32\n", None, "camera 1: 3 parameters instead of 4 for PINHOLE"),
        ("1 PINHOLE 64 48 50 50 32 x\n", None, "'x', not a finite number"),
        ("1 PINHOLE 64 48 -50 50 32 24\n", None, "must be positive"),
        ("1 PINHOLE 64 0 50 50 32 24\n", None, "not the size of an image"),
        ("1 PINHOLE 64 48 50 50 32 24\nrest\n", None, "the line 'rest' is not CAMERA_ID"),
        ("1 EUCM 64 48 50 50 32 24 1 1\n", None, "camera 1: its model EUCM cannot"),
        ("1 FOV 64 48 50 50 32 24 3.2\n", None, "camera 1: its omega is 3.2, not below pi"),
        ("1 NEWLENS 64 48 50 1\n", None, "camera 1: its model NEWLENS cannot"),
        ("1 PINHOLE 64 48 5 5 32 24\n1 PINHOLE 64 48 6 6 32 24\n", None, "camera 1 occurs twice"),
        (CAMERAS, "1 1 0 0 0 0 0 0 8 a.jpg\n\n", "image 'a.jpg' is of camera 8"),
        (CAMERAS, "1 1 0 0 a.jpg\n", "the line '1 1 0 0 a.jpg' is not IMAGE_ID"),
        (CAMERAS, "1 1 0 0 0 0 0 0 3 a\n\n2 1 0 0 0 0 0 0 40 a\n\n", "names the image 'a' twice"),
    ],
)
def test_bad_colmap_text(write, cameras: str, images: str | None, cause: str) -> None:
    if images is not None:
        write(images, "images.txt")
    path = write(cameras, "cameras.txt")
    with pytest.raises(InputError, match=cause) as error:
        read_cameras(path)
    assert str(path.parent) in str(error.value) and "\n" not in str(error.value)


def test_several_cameras_without_images(write) -> None:
    with pytest.raises(
        InputError,
        match=r"holds 3 cameras \(camera 3, camera 40, .* which one took a\.jpg; put images\.txt",
    ):
        read_cameras(write(CAMERAS)).for_image("a.jpg", 640, 480)


def test_of_several_cameras_without_images_the_only_one_of_the_photos_size(write) -> None:
    cameras = read_cameras(write(CAMERAS))
    for size in ((800, 600), (600, 800)):
        assert cameras.for_image("a.jpg", *size, 6 if size[0] < size[1] else 1).source.endswith(
            "camera 40" if size[0] > size[1] else "camera 40, turned with the photo"
        )
    with pytest.raises(InputError, match="holds 3 cameras"):
        cameras.for_image("a.jpg", 400, 300)  # a resized photo could be of any


def test_a_folder_without_cameras(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no cameras\.txt or cameras\.bin.*sparse/0"):
        read_cameras(tmp_path)


def test_the_image_list_is_not_the_camera_list(write) -> None:
    with pytest.raises(InputError, match=r"COLMAP's list of images; give cameras\.txt"):
        read_cameras(write(IMAGES))


def binary_camera(camera_id: int, model: int, *values: float, side: int = 64) -> bytes:
    return struct.pack(f"<iiQQ{len(values)}d", camera_id, model, side, 48, *values)


def binary_image(image_id: int, camera_id: int, name: str, points: int = 2) -> bytes:
    head = struct.pack("<I7dI", image_id, 1, 0, 0, 0, 0, 0, 0, camera_id)
    return head + name.encode() + b"\0" + struct.pack("<Q", points) + bytes(24 * points)


def test_colmap_binary_by_hand(write) -> None:
    cameras = binary_camera(5, 1, 50, 55, 32.5, 24.5) + binary_camera(70, 0, 60, 32.5, 24.5)
    path = write(struct.pack("<Q", 2) + cameras, "cameras.bin")
    images = binary_image(1, 70, "a.jpg", 3) + binary_image(2, 5, "ü b.jpg", 0)
    write(struct.pack("<Q", 2) + images, "images.bin")
    # The binary model goes first, as in COLMAP, and each list is of its own kind.
    write("5 PINHOLE 64 48 9 9 32 24\n70 PINHOLE 64 48 8 8 32 24\n", "cameras.txt")
    write("1 1 0 0 0 0 0 0 5 a.jpg\n\n", "images.txt")
    for source in (path, path.parent):
        found = read_cameras(source)
        assert pinhole(found.for_image("x/a.jpg", 64, 48)) == (60, 60, 32, 24)
        assert pinhole(found.for_image("ü b.jpg", 64, 48)) == (50, 55, 32, 24)
    assert read_cameras(path.with_name("cameras.txt")).for_image("a.jpg", 64, 48).camera.fx == 9
    path.with_name("images.txt").unlink()
    assert read_cameras(path.with_name("cameras.txt")).for_image("a.jpg", 64, 48).camera.fx == 8


ONE = binary_camera(1, 0, 60, 32, 24)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (struct.pack("<Q", 1) + ONE[:-1], "truncated"),
        (struct.pack("<Q", 2) + ONE, "truncated"),
        (struct.pack("<Q", 2**62) + ONE, "it states more cameras than it has bytes for"),
        (struct.pack("<Q", 1) + ONE + b"\0", "1 bytes are left over"),
        (struct.pack("<Q", 1) + binary_camera(1, 99, 1, 1, 1), "a lens model or an image size"),
        (struct.pack("<Q", 1) + binary_camera(1, -1, 1, 1, 1), "a lens model or an image size"),
        (
            struct.pack("<Q", 1) + binary_camera(1, 0, 1, 1, 1, side=2**60),
            "a lens model or an image size",
        ),
        (struct.pack("<Q", 1) + binary_camera(1, 0, math.nan, 1, 1), "not a finite number"),
        (struct.pack("<Q", 1) + binary_camera(1, 16, 9, 9, 9, 9, 9, 1), "camera 1: its model EUCM"),
        (struct.pack("<Q", 0), "holds no camera"),
        (struct.pack("<Q", 1) + binary_image(1, 1, "a.jpg"), "not an intact COLMAP cameras.bin"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not an intact COLMAP cameras.bin"),
        (b"\0", "not an intact COLMAP cameras.bin"),
    ],
)
def test_bad_colmap_binary(write, data: bytes, cause: str) -> None:
    path = write(data, "cameras.bin")
    with pytest.raises(InputError, match=cause) as error:
        read_cameras(path)
    assert str(path) in str(error.value)


def test_a_damaged_camera_list_of_another_name(write) -> None:
    with pytest.raises(InputError, match=r"not an intact COLMAP cameras\.bin \(it is truncated\)"):
        read_cameras(write(struct.pack("<Q", 1) + ONE[:-1], "copy"))


@pytest.mark.parametrize(
    "images",
    [
        b"",
        struct.pack("<Q", 2) + binary_image(1, 1, "a.jpg"),
        struct.pack("<Q", 2**63) + binary_image(1, 1, "a.jpg"),
        struct.pack("<Q", 1) + binary_image(1, 1, "a.jpg")[:-1],
        struct.pack("<Q", 1) + binary_image(1, 1, "a.jpg", 0)[:-8] + b"\xff" * 8,
        struct.pack("<Q", 1) + binary_image(1, 1, "a" * 5000),
        struct.pack("<Q", 1) + binary_image(1, 1, "a.jpg").replace(b"a.jpg", b"\xff.jpg"),
    ],
)
def test_bad_colmap_binary_images(write, images: bytes) -> None:
    write(images, "images.bin")
    path = write(struct.pack("<Q", 2) + ONE + binary_camera(2, 0, 70, 32, 24), "cameras.bin")
    with pytest.raises(InputError, match=r"images\.bin: is damaged or truncated"):
        read_cameras(path)


LENSES = {
    "SIMPLE_PINHOLE": [500, 311, 252],
    "PINHOLE": [500, 510, 311, 252],
    "SIMPLE_RADIAL": [500, 311, 252, -0.1],
    "RADIAL": [500, 311, 252, -0.1, 0.03],
    "OPENCV": [500, 510, 311, 252, -0.1, 0.03, 2e-3, -1e-3],
    "OPENCV_FISHEYE": [300, 310, 311, 252, -0.02, 0.003, -1e-3, 2e-4],
    "FULL_OPENCV": [500, 510, 311, 252, 0.2, 0.1, 1e-3, 2e-3, 0.02, 0.25, 0.12, 0.01],
    "SIMPLE_RADIAL_FISHEYE": [300, 311, 252, -0.02],
    "RADIAL_FISHEYE": [300, 311, 252, -0.02, 0.004],
    "SIMPLE_FISHEYE": [300, 311, 252],
    "FISHEYE": [300, 310, 311, 252],
    "FOV": [500, 510, 311, 252, 0.9],
    "THIN_PRISM_FISHEYE": [300, 310, 311, 252, -0.02, 3e-3, 2e-3, -1e-3, -1e-3, 2e-4, 4e-3, -2e-3],
}


@pytest.mark.parametrize("kind", ["text", "binary"])
def test_models_written_by_colmap(tmp_path: Path, kind: str) -> None:
    pycolmap = pytest.importorskip("pycolmap")
    model = pycolmap.Reconstruction()
    for index, (lens, parameters) in enumerate(LENSES.items()):
        camera = pycolmap.Camera(
            model=lens, width=640, height=480, params=parameters, camera_id=10 + 7 * index
        )
        model.add_camera_with_trivial_rig(camera)
        image = pycolmap.Image(
            name=f"{lens}/my photo.jpg", camera_id=camera.camera_id, image_id=3 + 2 * index
        )
        image.points2D = pycolmap.Point2DList([pycolmap.Point2D(np.ones(2))] * index)
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d())
    model.write_text(tmp_path) if kind == "text" else model.write_binary(tmp_path)
    cameras = read_cameras(tmp_path)
    for index, lens in enumerate(LENSES):
        found = cameras.for_image(f"photos/{lens}/my photo.jpg", 640, 480)
        theirs = model.cameras[10 + 7 * index]
        v, u = np.mgrid[3:480:29, 2:640:31]
        mine = rays(found.camera, found.distortion)[v, u].reshape(-1, 2).astype(np.float64)
        # Its first pixel centre is at (0.5, 0.5).
        centres = np.stack([u, v], axis=-1).reshape(-1, 2) + 0.5
        np.testing.assert_allclose(mine, theirs.cam_from_img(centres), atol=3e-6, rtol=3e-6)
        projected = theirs.img_from_cam(np.column_stack([mine, np.ones(len(mine))]))
        np.testing.assert_allclose(projected, centres, atol=2e-3)


def test_our_list_of_models_is_colmaps() -> None:
    pycolmap = pytest.importorskip("pycolmap")
    from ppdcli.files.cameras.colmap import MODELS, PARAMETERS

    ids = {int(value): name for name, value in pycolmap.CameraModelId.__members__.items()}
    for model_id, (name, count) in enumerate(MODELS):
        assert ids[model_id] == name
        camera = pycolmap.Camera.create_from_model_name(1, name, 500, 640, 480)
        assert len(camera.params) == count
        if name in PARAMETERS:
            # It numbers a radial coefficient only where there are several.
            names = camera.params_info.replace(",", "").split()
            assert ["k1" if word == "k" else word for word in names] == PARAMETERS[name].split()
