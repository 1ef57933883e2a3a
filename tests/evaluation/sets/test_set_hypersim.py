"""Hypersim: distances become depth, and the camera fits it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from set_writers import gradient, listed, load_one, paths, save_hdf5, save_photo, save_steps
from set_writers import write_hypersim as write

from ppdcli.errors import InputError, PpdError
from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.sets.catalog import open_set

SHAPE = (768, 1024)


def load_png(root: Path, steps: np.ndarray) -> Frame:
    """Of Marigold's preparation."""
    save_photo(root / "rgb_cam_00_fr0000.png", gradient(*SHAPE))
    save_steps(root / "depth_plane_cam_00_fr0000.png", steps)
    line = "rgb_cam_00_fr0000.png depth_plane_cam_00_fr0000.png"
    (entry,) = open_set("hypersim", root, listed(root, "x", line)).entries
    return entry.load()


def test_depth_by_hand(tmp_path: Path) -> None:
    """886.81 / sqrt(511.5^2 + 383.5^2 + 886.81^2) = 0.8111886 in the corners, 1 in the middle."""
    write(tmp_path, np.full(SHAPE, 2.0))
    depth = load_one(tmp_path, "hypersim").depth
    corners = depth[[0, 0, -1, -1], [0, -1, 0, -1]]
    np.testing.assert_allclose(corners, 2 * 0.8111885856, rtol=1e-6)
    np.testing.assert_allclose(depth[383:385, 511:513], 2, rtol=1e-6)


def test_a_wall_is_flat_with_the_camera(tmp_path: Path) -> None:
    write(tmp_path, np.zeros(SHAPE))
    camera = load_one(tmp_path, "hypersim").camera
    assert camera is not None
    assert camera.describe() == "886.81 886.81 511.5 383.5 of 1024x768"
    assert camera.fov_degrees == pytest.approx(60, abs=1e-3)
    y, x = np.mgrid[:768, :1024]
    points = 3 * np.stack(((x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy, x * 0 + 1))
    write(tmp_path, np.linalg.norm(points, axis=0).astype(np.float16))
    np.testing.assert_allclose(load_one(tmp_path, "hypersim").depth, 3, rtol=1e-3)


def test_what_a_ray_did_not_meet_is_invalid(tmp_path: Path) -> None:
    distance = np.full(SHAPE, 5.0)
    distance[10, 10:14] = np.nan, np.inf, 0, -1
    write(tmp_path, distance)
    expected = np.ones(SHAPE, bool)
    expected[10, 10:14] = False
    np.testing.assert_array_equal(load_one(tmp_path, "hypersim").valid, expected)


def test_the_range_is_that_of_depth_not_of_distance(tmp_path: Path) -> None:
    distance = np.full(SHAPE, 5.0)
    distance[0, 0], distance[0, 1] = 80.1, 80.2  # 65 / 0.81119 = 80.13; beside it 80.10
    distance[383, 511], distance[383, 512] = 65.001, 0.0999
    distance[384, 511], distance[384, 512] = 64.999, 0.1001
    write(tmp_path, distance)
    valid = load_one(tmp_path, "hypersim").valid
    assert valid[0, :2].tolist() == [True, False]
    assert valid[383:385, 511:513].tolist() == [[False, False], [True, True]]


def test_prepared_pngs_hold_depth_in_millimetres(tmp_path: Path) -> None:
    steps = np.arange(768 * 1024).reshape(SHAPE) % 65536
    frame = load_png(tmp_path, steps)
    np.testing.assert_array_equal(frame.valid, (steps >= 101) & (steps <= 64999))
    assert frame.depth[1, 210] == np.float32(1.234) and frame.camera is not None


def test_other_files(tmp_path: Path) -> None:
    write(tmp_path, np.full(SHAPE, 5.0))
    photo, depth = paths(tmp_path, "hypersim")
    save_hdf5(depth, np.full((384, 512), 5.0))
    with pytest.raises(InputError, match=f"^{depth}: is 512x384 instead of 1024x768"):
        load_one(tmp_path, "hypersim")
    save_hdf5(depth, np.full(SHAPE, 5.0), dataset="depth")
    with pytest.raises(InputError, match=f"^{depth}: cannot be read as HDF5 .*dataset"):
        load_one(tmp_path, "hypersim")
    save_hdf5(depth, np.array([b"text"]))
    with pytest.raises(InputError, match=f"^{depth}: cannot be read as HDF5"):
        load_one(tmp_path, "hypersim")
    save_hdf5(depth, np.full(SHAPE, 5.0))
    photo.write_bytes(depth.read_bytes())
    with pytest.raises(InputError, match=f"^{photo}: is not an image"):
        load_one(tmp_path, "hypersim")


def test_a_prepared_png_of_another_size(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is 512x384 instead of 1024x768"):
        load_png(tmp_path, np.full((384, 512), 5000))


def test_without_h5py_the_way_on_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, np.full(SHAPE, 5.0))
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(PpdError, match=r"needs h5py; pip install 'ppdcli\[evaluate\]'") as caught:
        load_one(tmp_path, "hypersim")
    assert not isinstance(caught.value, InputError), "no other image can be read either"
    assert load_png(tmp_path, np.full(SHAPE, 5000)).valid.all()
