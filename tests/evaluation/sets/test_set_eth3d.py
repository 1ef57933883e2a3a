"""ETH3D: raw floats, brought to another size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from set_writers import gradient, load_one, paths, save_photo, write_eth3d

from ppdcli.errors import InputError
from ppdcli.evaluation.frames import Frame
from ppdcli.evaluation.sets.eth3d import read_sized


def small(tmp_path: Path, photo: np.ndarray, depth: np.ndarray, scored: tuple[int, int]) -> Frame:
    Image.fromarray(photo).save(tmp_path / "photo.png")
    (tmp_path / "depth").write_bytes(depth.astype("<f4").tobytes())
    return read_sized(tmp_path / "photo.png", tmp_path / "depth", depth.shape, scored)


def test_depth_is_that_of_the_upper_left_pixel(tmp_path: Path) -> None:
    """As cv2's nearest: row floor(k * 9 / 4), column floor(k * 12 / 5)."""
    depth = np.arange(1, 109).reshape(9, 12)
    frame = small(tmp_path, gradient(9, 12), depth, (4, 5))
    np.testing.assert_array_equal(frame.depth, depth[np.ix_([0, 2, 4, 6], [0, 2, 4, 7, 9])])
    assert frame.depth.dtype == np.float32 and frame.valid.all()


def test_the_photo_is_of_means_over_areas(tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (9, 12, 3), np.uint8)
    frame = small(tmp_path, rgb, np.ones((9, 12)), (3, 4))
    means = rgb.reshape(3, 3, 4, 3, 3).astype(float).mean(axis=(1, 3))
    np.testing.assert_array_equal(frame.photo.rgb, np.rint(means))
    assert frame.photo.rgb.dtype == np.uint8


def test_a_photo_may_be_larger_or_smaller_in_proportion(tmp_path: Path) -> None:
    frame = small(tmp_path, gradient(18, 24), np.ones((9, 12)), (3, 4))
    assert frame.photo.rgb.shape == (3, 4, 3)
    assert frame.photo.rgb[1, 2].tolist() == [14, 8, 0]  # means 14.5 and 8.5, to the even one
    with pytest.raises(InputError, match=r"photo\.png: 9x12 is not of the proportions .* 12x9"):
        small(tmp_path, gradient(12, 9), np.ones((9, 12)), (3, 4))


def test_valid_is_finite_and_above_a_centimetre(tmp_path: Path) -> None:
    depth = np.array([[0.0, 0.01, 0.0101, 5], [1e6, np.inf, np.nan, -1]])
    frame = small(tmp_path, gradient(2, 4), depth, (2, 4))
    assert frame.valid.tolist() == [[False, False, True, True], [True, False, False, False]]


def test_the_true_size(tmp_path: Path) -> None:
    """4032 rows of 6048 to 1360 of 2048: a pixel each 2.965 rows and 2.953 columns."""
    photo, depth = paths(tmp_path, "eth3d")
    save_photo(photo, np.full((1008, 1512, 3), 77, np.uint8))
    with depth.open("wb") as stream:  # a file with holes takes no disk
        for row, column, metres in ((2, 2, 3.5), (5, 2, 4.5), (2000, 3000, 6.5), (4029, 6045, 9)):
            stream.seek((row * 6048 + column) * 4)
            stream.write(np.array(metres, "<f4").tobytes())
        stream.truncate(97_542_144)
    frame = load_one(tmp_path, "eth3d")
    assert frame.photo.rgb.shape == (1360, 2048, 3) and (frame.photo.rgb == 77).all()
    assert frame.depth.shape == (1360, 2048)
    # 1 * 2.965 = 2.96, 2 * 2.965 = 5.93; 1359 * 2.9647 = 4029.04, 2047 * 2.953125 = 6045.05
    assert frame.depth[1, 1] == 3.5 and frame.depth[2, 1] == 4.5 and frame.depth[1359, 2047] == 9
    assert frame.valid.sum() == 3, "2000 and 3000 are between the rows and columns that are taken"


@pytest.mark.parametrize("size", [0, 100, 97_542_143, 97_542_145])
def test_another_number_of_bytes(tmp_path: Path, size: int) -> None:
    write_eth3d(tmp_path, gradient(8, 12), np.ones(1))
    depth = paths(tmp_path, "eth3d")[1]
    with depth.open("wb") as stream:
        stream.truncate(size)
    message = f"^{depth}: has {size} bytes instead of the 97542144 of 6048x4032 raw float32"
    with pytest.raises(InputError, match=message):
        load_one(tmp_path, "eth3d")


def test_a_broken_photo(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "depth").write_bytes(bytes(16))
    with pytest.raises(InputError, match=r"photo\.jpg: "):
        read_sized(tmp_path / "photo.jpg", tmp_path / "depth", (2, 2), (1, 1))
