"""KITTI: the crop, the rectangle that is scored, and the range."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from set_writers import gradient, load_one, write_png_set

from ppdcli.errors import InputError
from ppdcli.evaluation.frames import Crop

TEN_METRES = 2560


@pytest.mark.parametrize(
    ("height", "width", "top", "left"),
    [(375, 1242, 23, 13), (370, 1226, 18, 5), (376, 1241, 24, 12), (352, 1216, 0, 0)],
)
def test_the_crop_is_the_bottom_centre_of_both(
    tmp_path: Path, height: int, width: int, top: int, left: int
) -> None:
    y, x = np.mgrid[:height, :width]
    steps = 5000 + 20 * x + y % 20
    write_png_set(tmp_path, "kitti", steps)
    frame = load_one(tmp_path, "kitti")
    assert frame.crop == Crop(height, width, top, left, 352, 1216)
    assert frame.depth.shape == frame.valid.shape == (352, 1216)
    expected = steps[top : top + 352, left : left + 1216] / 256
    np.testing.assert_array_equal(frame.depth, expected.astype(np.float32))
    expected = gradient(height, width)[top : top + 352, left : left + 1216]
    np.testing.assert_array_equal(frame.photo.rgb, expected)


def test_the_eigen_rectangle_is_what_is_scored(tmp_path: Path) -> None:
    """0.3324324 * 352 = 117.02, 0.91351351 * 352 = 321.56; 43.71 and 1172.29 of 1216."""
    write_png_set(tmp_path, "kitti", np.full((375, 1242), TEN_METRES))
    frame = load_one(tmp_path, "kitti")
    expected = np.zeros((352, 1216), bool)
    expected[117:321, 43:1172] = True
    np.testing.assert_array_equal(frame.valid, expected)
    assert (frame.depth == 10).all() and frame.camera is None


def test_valid_between_a_tenth_and_80_metres(tmp_path: Path) -> None:
    steps = np.full((375, 1242), TEN_METRES)
    at = {0: False, 1: False, 25: False, 26: True, 20479: True, 20480: False, 65535: False}
    row, column = 23 + 200, 13 + 600
    steps[row, column : column + len(at)] = list(at)
    write_png_set(tmp_path, "kitti", steps)
    frame = load_one(tmp_path, "kitti")
    assert frame.valid[200, 600 : 600 + len(at)].tolist() == list(at.values())
    assert frame.valid.sum() == 204 * 1129 - 5


@pytest.mark.parametrize("shape", [(351, 1216), (352, 1215)])
def test_smaller_than_the_crop(tmp_path: Path, shape: tuple[int, int]) -> None:
    write_png_set(tmp_path, "kitti", np.full(shape, TEN_METRES))
    with pytest.raises(InputError, match=f"{shape[1]}x{shape[0]} is smaller than .* 1216x352"):
        load_one(tmp_path, "kitti")
