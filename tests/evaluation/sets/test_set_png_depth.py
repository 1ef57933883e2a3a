"""NYUv2 and ScanNet, and what 16-bit PNGs mean: every step, against the authors' arithmetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from set_writers import gradient, load_one, paths, save_photo, save_steps, write_png_set

from ppdcli.errors import InputError
from ppdcli.evaluation.sets.reading import png_metres

STEPS = np.arange(65536).reshape(256, 256)


@pytest.mark.parametrize(("scale", "steps_a_metre"), [("mm", 1000.0), ("kitti", 256.0)])
def test_every_step_of_a_png(tmp_path: Path, scale: str, steps_a_metre: float) -> None:
    save_steps(tmp_path / "d.png", STEPS)
    depth = png_metres(tmp_path / "d.png", scale)
    expected = (STEPS / steps_a_metre).astype(np.float32)
    np.testing.assert_array_equal(depth.ravel()[1:], expected.ravel()[1:])
    assert np.isnan(depth[0, 0])


def test_scannet_is_valid_from_11_to_9999_millimetres(tmp_path: Path) -> None:
    write_png_set(tmp_path, "scannet", STEPS)
    frame = load_one(tmp_path, "scannet")
    np.testing.assert_array_equal(frame.valid, (STEPS >= 11) & (STEPS <= 9999))
    assert frame.depth[4, 210] == np.float32(1.234)
    assert frame.camera is None


def test_nyuv2_is_valid_from_101_to_9999_millimetres(tmp_path: Path) -> None:
    steps = np.arange(480 * 640).reshape(480, 640) % 65536
    write_png_set(tmp_path, "nyuv2", steps)
    frame = load_one(tmp_path, "nyuv2")
    np.testing.assert_array_equal(frame.valid, (steps >= 101) & (steps <= 9999))
    assert frame.depth[1, 594] == np.float32(1.234)
    np.testing.assert_array_equal(frame.photo.rgb, gradient(480, 640))


def test_nyuv2s_camera_is_the_toolboxs_which_counts_pixels_from_one(tmp_path: Path) -> None:
    write_png_set(tmp_path, "nyuv2", np.full((480, 640), 2000))
    camera = load_one(tmp_path, "nyuv2").camera
    assert camera is not None and (camera.width, camera.height) == (640, 480)
    column, row = 40, 30
    x, y = (column - camera.cx) / camera.fx, (row - camera.cy) / camera.fy
    assert x == pytest.approx((41 - 325.582449) / 518.857901, rel=1e-12)
    assert y == pytest.approx((31 - 253.736166) / 519.469611, rel=1e-12)


def test_nyuv2_of_another_size_is_not_the_benchmark(tmp_path: Path) -> None:
    write_png_set(tmp_path, "nyuv2", np.full((427, 561), 2000))
    with pytest.raises(InputError, match=r"depth_0009\.png: is 561x427 instead of 640x480"):
        load_one(tmp_path, "nyuv2")


def test_relative_depth_is_no_truth(tmp_path: Path) -> None:
    photo, depth = paths(tmp_path, "scannet")
    save_photo(photo, gradient(6, 8))
    info = PngInfo()
    for key, value in {"kind": "relative", "scale": "0.001", "offset": "0"}.items():
        info.add_text(key, value)
    Image.fromarray(np.full((6, 8), 2000, np.uint16)).save(depth, pnginfo=info)
    with pytest.raises(InputError, match="holds relative depth; a benchmark needs metres"):
        load_one(tmp_path, "scannet")
