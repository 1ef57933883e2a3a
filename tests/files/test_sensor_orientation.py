"""Depth maps of the stored image are turned as EXIF turns the photo; ours never are."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import OpenEXR
import pytest
from PIL import Image

from ppdcli.depth import DepthMap
from ppdcli.files import exr, npy, png
from ppdcli.files.depth_files import read_depth, turned_with_photo
from ppdcli.files.sparse_depth import read_sparse_depth
from ppdcli.geometry.upright import turned_upright

HEIGHT, WIDTH = 48, 64
_Y, _X = np.mgrid[:HEIGHT, :WIDTH]
STORED = (1 + _X * 0.05 + _Y * 0.001).astype(np.float32)


def of_others(path: Path, values: np.ndarray) -> Path:
    if path.suffix == ".exr":
        header = {"type": OpenEXR.scanlineimage, "compression": OpenEXR.ZIP_COMPRESSION}
        OpenEXR.File(header, {"Z": np.ascontiguousarray(values)}).write(str(path))
    elif path.suffix == ".png":
        cv2.imwrite(str(path), (values * 1000).astype(np.uint16))
    else:
        np.save(path, values)
    return path


def sides(orientation: int) -> tuple[int, int]:
    """Width and height of the shown photo, twice the map's."""
    width, height = (HEIGHT, WIDTH) if orientation >= 5 else (WIDTH, HEIGHT)
    return 2 * width, 2 * height


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".exr", ".png", ".npy"])
def test_a_map_of_the_stored_image_is_turned_with_the_photo(
    tmp_path: Path, suffix: str, orientation: int
) -> None:
    path = of_others(tmp_path / f"lidar{suffix}", STORED)
    depth = read_depth(path, "metric", "mm" if suffix == ".png" else None)
    turned = turned_with_photo(path, depth, *sides(orientation), orientation)
    np.testing.assert_allclose(turned.values, turned_upright(STORED, orientation), atol=1e-3)
    if orientation == 1:
        assert turned.notes == ()
    else:
        (note,) = turned.notes
        assert f"{path}: is taken for one of the stored image" in note
        assert ("shape cannot tell" in note) == (orientation < 5)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_map_of_the_shown_photo_is_taken_as_it_is(tmp_path: Path, orientation: int) -> None:
    path = of_others(tmp_path / "shown.npy", STORED.T)
    depth = read_depth(path, "metric")
    turned = turned_with_photo(path, depth, *sides(orientation), orientation)
    np.testing.assert_array_equal(turned.values, STORED.T)
    assert turned.notes == ()


def test_a_square_is_of_the_stored_image(tmp_path: Path) -> None:
    square = np.ascontiguousarray(STORED[:, :HEIGHT])
    path = of_others(tmp_path / "square.exr", square)
    turned = turned_with_photo(path, read_depth(path), 96, 96, 6)
    np.testing.assert_array_equal(turned.values, np.rot90(square, -1))
    assert "shape cannot tell" in turned.notes[0]


def test_our_own_maps_are_of_the_shown_photo(tmp_path: Path) -> None:
    ours = DepthMap(STORED, "metric")
    exr.write(tmp_path / "a.exr", ours)
    png.write(tmp_path / "a.png", ours, "mm")
    for path in (tmp_path / "a.exr", tmp_path / "a.png"):
        same = turned_with_photo(path, read_depth(path), WIDTH, HEIGHT, 3)
        np.testing.assert_allclose(same.values, STORED, atol=1e-3)
        assert same.notes == ()
    npy.write(tmp_path / "a.npy", ours)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), STORED)
    assert read_depth(tmp_path / "a.npy", "metric").as_shown
    np.save(tmp_path / "b.npy", STORED)
    assert not read_depth(tmp_path / "b.npy", "metric").as_shown


@pytest.mark.parametrize("orientation", [3, 6])
def test_a_png_may_state_its_own_orientation(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "scan.png"
    Image.fromarray((STORED * 1000).astype(np.uint16)).save(path, exif=exif.tobytes())
    depth = read_depth(path, scale="mm")
    np.testing.assert_allclose(depth.values, turned_upright(STORED, orientation), atol=1e-3)
    assert depth.notes == (f"{path}: is turned by its own EXIF orientation {orientation}",)
    same = turned_with_photo(path, depth, *sides(orientation), orientation)
    np.testing.assert_array_equal(same.values, depth.values)


@pytest.mark.parametrize("orientation", [3, 6])
def test_known_depths_are_turned_likewise(tmp_path: Path, orientation: int) -> None:
    path = of_others(tmp_path / "lidar.exr", STORED)
    width, height = sides(orientation)
    known = read_sparse_depth(path, width, height, orientation=orientation)
    upright = turned_upright(STORED, orientation)
    rows, columns = (known.v / 2).round().astype(int), (known.u / 2).round().astype(int)
    np.testing.assert_allclose(known.depth, upright[rows, columns])
    assert "turned with the photo" in known.notes[0]
