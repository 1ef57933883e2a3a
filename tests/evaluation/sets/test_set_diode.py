"""DIODE: mask, range, and the steep places that are left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from set_writers import gradient, load_one, paths, save_photo, write_diode

from ppdcli.errors import InputError

SHAPE = (768, 1024)
ONES = np.ones(SHAPE)


def flat(metres: float = 5.0) -> np.ndarray:
    return np.full(SHAPE, metres, np.float32)


def valid(root: Path, depth: np.ndarray, mask: np.ndarray = ONES) -> np.ndarray:
    write_diode(root, depth, mask)
    return load_one(root, "diode").valid


def test_depth_as_stored_and_the_photo_whole(tmp_path: Path) -> None:
    depth = np.random.default_rng(0).uniform(1, 2, SHAPE).astype(np.float32)
    write_diode(tmp_path, depth, ONES)
    frame = load_one(tmp_path, "diode")
    np.testing.assert_array_equal(frame.depth, depth)
    np.testing.assert_array_equal(frame.photo.rgb, gradient(*SHAPE))
    assert frame.camera is None and frame.crop is None


def test_only_a_mask_of_1_is_valid(tmp_path: Path) -> None:
    mask = ONES.copy()
    mask[10, 20:24] = 0, 0.5, 2, np.nan
    expected = np.ones(SHAPE, bool)
    expected[10, 20:24] = False
    for kind in (np.float64, np.float32):
        np.testing.assert_array_equal(valid(tmp_path, flat(), mask.astype(kind)), expected)
    np.testing.assert_array_equal(valid(tmp_path, flat(), expected), expected)


def test_the_ends_of_the_range_are_valid(tmp_path: Path) -> None:
    for metres, expected in ((0.6, True), (0.5999, False), (350.0, True), (350.01, False)):
        assert (valid(tmp_path, flat(metres)) == expected).all(), metres


@pytest.mark.parametrize(("slope", "steep"), [(0.0374, False), (0.0376, True)])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_slope_counts_eight_times(tmp_path: Path, slope: float, steep: bool, axis: int) -> None:
    """8 * 0.0374 = 0.299, 8 * 0.0376 = 0.301."""
    along = np.arange(SHAPE[axis]) * slope + 1
    depth = np.broadcast_to(along[:, None] if axis == 0 else along, SHAPE).astype(np.float32)
    inside = valid(tmp_path, depth)[1:-1, 1:-1]
    assert (inside != steep).all()


def test_the_slopes_of_both_axes_add_up(tmp_path: Path) -> None:
    """8 * (0.02 + 0.02) = 0.32 is steep, though 8 * hypot(0.02, 0.02) = 0.23 were not."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    assert not valid(tmp_path, (1 + 0.02 * (x + y)).astype(np.float32))[1:-1, 1:-1].any()
    assert not valid(tmp_path, (40 + 0.02 * (x - y)).astype(np.float32))[1:-1, 1:-1].any()
    assert valid(tmp_path, (1 + 0.018 * (x + y)).astype(np.float32))[1:-1, 1:-1].all()


def test_borders_are_reflected_with_their_pixel(tmp_path: Path) -> None:
    """So the outermost columns see half of the slope: 4 * 0.0740 = 0.296, 4 * 0.0760 = 0.304."""
    for slope, steep in ((0.074, False), (0.076, True)):
        depth = np.broadcast_to(1 + slope * np.arange(SHAPE[1]), SHAPE).astype(np.float32)
        there = valid(tmp_path, depth)
        assert not there[:, 1:-1].any()
        assert (there[:, [0, -1]] != steep).all()


def test_a_step_takes_the_pixel_on_either_side(tmp_path: Path) -> None:
    for step, steep in ((0.07, False), (0.08, True)):  # 4 * 0.07 = 0.28, 4 * 0.08 = 0.32
        depth = flat()
        depth[:, 500:] += step
        expected = np.ones(SHAPE, bool)
        expected[:, 499:501] = not steep
        np.testing.assert_array_equal(valid(tmp_path, depth), expected)


def test_depth_that_is_masked_makes_its_neighbours_steep(tmp_path: Path) -> None:
    depth, mask = flat(), ONES.copy()
    depth[100, 200] = mask[100, 200] = 0
    expected = np.ones(SHAPE, bool)
    expected[99:102, 199:202] = False
    np.testing.assert_array_equal(valid(tmp_path, depth, mask), expected)


def test_what_is_not_a_number_is_invalid_alone(tmp_path: Path) -> None:
    depth = flat()
    depth[100, 200] = np.nan
    expected = np.ones(SHAPE, bool)
    expected[100, 200] = False
    np.testing.assert_array_equal(valid(tmp_path, depth), expected)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (flat(), r"holds float32 of shape \(768, 1024\)"),
        (np.zeros((768, 1024, 3), np.float32), r"of shape \(768, 1024, 3\)"),
        (np.zeros((768, 1024, 1), np.uint16), "holds uint16"),
        (np.zeros((480, 640, 1), np.float32), "is 640x480 instead of 1024x768"),
        (np.array([{}]), r"cannot be read as \.npy"),
    ],
)
def test_other_depth(tmp_path: Path, values: np.ndarray, message: str) -> None:
    write_diode(tmp_path, flat(), ONES)
    depth = paths(tmp_path, "diode")[1]
    np.save(depth, values)
    with pytest.raises(InputError, match=f"^{depth}: .*{message}"):
        load_one(tmp_path, "diode")


def test_a_missing_mask_or_one_of_another_size(tmp_path: Path) -> None:
    write_diode(tmp_path, flat(), np.ones((768, 1023)))
    mask = paths(tmp_path, "diode")[2]
    with pytest.raises(InputError, match=f"^{mask}: is 1023x768 instead of 1024x768"):
        load_one(tmp_path, "diode")
    mask.unlink()
    with pytest.raises(InputError, match=f"^{mask}: no such file"):
        load_one(tmp_path, "diode")


def test_a_photo_of_another_size(tmp_path: Path) -> None:
    write_diode(tmp_path, flat(), ONES)
    save_photo(paths(tmp_path, "diode")[0], gradient(384, 512))
    with pytest.raises(InputError, match=r"is 1024x768 but its photo .* is 512x384"):
        load_one(tmp_path, "diode")
