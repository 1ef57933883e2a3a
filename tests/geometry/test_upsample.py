"""Depth at the photo's size: smooth inside a surface, nothing invented between two."""

import cv2
import numpy as np
import pytest

from ppdcli.errors import InputError
from ppdcli.geometry import upsample
from ppdcli.geometry.upsample import area_mean, downsample_depth, upsample_depth

SIZES = [(97, 131), (120, 160), (61, 300), (40, 54), (33, 44)]


def bilinear(values: np.ndarray, height: int, width: int) -> np.ndarray:
    return cv2.resize(values, (width, height), interpolation=cv2.INTER_LINEAR)


def two_levels(rng: np.random.Generator, h: int = 30, w: int = 40) -> np.ndarray:
    """Near (0.2) blobs, wires and single pixels on a far (0.9) wall, with ripple on both."""
    blobs = cv2.GaussianBlur(rng.normal(size=(h, w)), (0, 0), 2) > 0.05
    blobs[h // 2] = True
    blobs[rng.random((h, w)) < 0.02] ^= True
    return (np.where(blobs, 0.2, 0.9) + rng.uniform(-0.002, 0.002, (h, w))).astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", range(4))
def test_two_levels_stay_two_levels(seed: int, size: tuple[int, int]) -> None:
    source = two_levels(np.random.default_rng(seed))
    between = (bilinear(source, *size) > 0.21) & (bilinear(source, *size) < 0.89)
    assert between.mean() > 0.05  # what plain bilinear would invent
    result = upsample_depth(source, *size)
    assert result.shape == size and result.dtype == np.float32
    assert not ((result > 0.2021) & (result < 0.8979)).any()
    assert result.min() >= source.min() - 1e-6 and result.max() <= source.max() + 1e-6


def heaviest_group_mean(
    source: np.ndarray,
    y: float,
    x: float,
    edge: float,
    small: np.ndarray | None = None,
    color: np.ndarray | None = None,
) -> float:
    """The definition, by hand, for one output pixel at the source position (y, x)."""
    h, w = source.shape
    corners = []
    for row, weight_y in ((np.floor(y), 1 - y % 1), (np.floor(y) + 1, y % 1)):
        for column, weight_x in ((np.floor(x), 1 - x % 1), (np.floor(x) + 1, x % 1)):
            at = int(np.clip(row, 0, h - 1)), int(np.clip(column, 0, w - 1))
            weight = weight_y * weight_x
            if small is not None and color is not None:
                weight *= 0.01 + np.exp(-((small[at] - color) ** 2).sum() / (2 * 15.0**2))
            corners.append((float(source[at]), weight))
    holes = sum(weight for value, weight in corners if np.isnan(value))
    groups: list[list[tuple[float, float]]] = []
    for value, weight in sorted(corner for corner in corners if not np.isnan(corner[0])):
        if not groups or value - groups[-1][-1][0] > edge:
            groups.append([])
        groups[-1].append((value, weight))
    if holes > sum(weight for group in groups for _, weight in group):
        return np.nan
    best = max(groups, key=lambda group: sum(weight for _, weight in group))
    return sum(v * weight for v, weight in best) / sum(weight for _, weight in best)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("with_guide", [False, True])
def test_every_output_is_bilinear_or_the_mean_of_the_heaviest_group(
    with_guide: bool, seed: int, size: tuple[int, int]
) -> None:
    rng = np.random.default_rng(seed)
    source = rng.random((30, 40)).astype(np.float32)
    source[rng.random(source.shape) < 0.1] = np.nan
    rgb = cv2.resize(rng.integers(0, 256, (15, 20, 3)).astype(np.uint8), size[::-1])
    guide = rgb if with_guide else None
    small = area_mean(rgb, 30, 40) if with_guide else None
    smooth = bilinear(source, *size)
    result = upsample_depth(source, *size, edge=0.05, guide=guide)
    grouped = []
    for row in range(0, size[0], 5):
        for column in range(0, size[1], 3):
            y, x = (row + 0.5) * 30 / size[0] - 0.5, (column + 0.5) * 40 / size[1] - 0.5
            color = rgb[row, column].astype(float)
            expected = heaviest_group_mean(source, y, x, 0.05, small, color)
            is_group_mean = np.isclose(result[row, column], expected, atol=2e-5, equal_nan=True)
            assert is_group_mean or abs(result[row, column] - smooth[row, column]) < 1e-5
            grouped.append(is_group_mean)
    assert np.mean(grouped) > 0.9
    assert 0.01 < np.isnan(result).mean() < 0.3


@pytest.mark.parametrize("size", [(7, 9), (3, 4), (15, 20), (1, 1)])
def test_area_means_count_each_pixel_once(size: tuple[int, int]) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (15, 20, 3)).astype(np.uint8)
    rows, columns = (np.arange(n + 1) * full // n for n, full in zip(size, (15, 20), strict=True))
    means = area_mean(rgb, *size)
    assert means.dtype == np.float32
    for i, j in np.ndindex(size):
        block = rgb[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
        np.testing.assert_allclose(means[i, j], block.reshape(-1, 3).mean(axis=0), rtol=1e-6)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("range_", [1.0, 50.0])
def test_smooth_maps_equal_bilinear(size: tuple[int, int], range_: float) -> None:
    y, x = np.mgrid[:30, :40].astype(np.float32)
    for smooth in (x / 39, (x + 2 * y) / 97, np.sin(x / 9) * np.cos(y / 7)):
        source = (smooth * range_).astype(np.float32)
        result = upsample_depth(source, *size)
        np.testing.assert_allclose(result, bilinear(source, *size), atol=1e-5 * range_)


def test_a_floor_up_to_its_horizon_stays_smooth() -> None:
    """log(z + 1) of z = 100 / rows below the horizon: the steepest ramp that photos hold."""
    rows = np.arange(60, 2, -1, dtype=np.float32)[:, None]
    source = np.broadcast_to(np.log1p(100 / rows), (58, 20)).astype(np.float32)
    result = upsample_depth(source, 232, 80)
    np.testing.assert_allclose(result, bilinear(source, 232, 80), atol=1e-5)


def test_a_step_on_a_slope_is_still_a_step() -> None:
    x = np.arange(40, dtype=np.float32)
    row = x * 0.01 + np.where(x < 20, 0, 0.6)
    result = upsample_depth(np.tile(row, (8, 1)).astype(np.float32), 32, 160)
    assert not ((result > 0.2) & (result < 0.79)).any()


def test_three_surfaces_in_one_cell_stay_apart() -> None:
    source = np.array([[0.1, 0.5], [0.9, 0.9]], np.float32)
    result = upsample_depth(source, 16, 16, edge=0.01)
    assert set(np.unique(np.round(result, 6))) <= set(np.float32([0.1, 0.5, 0.9]))
    assert len(np.unique(np.round(result, 6))) == 3


def test_ties_go_to_the_nearer_surface() -> None:
    # Three times the size of two pixels: the middle output is as far from one as from the other.
    for row in ([0.9, 0.2], [0.2, 0.9]):
        result = upsample_depth(np.array([row], np.float32), 1, 3, edge=0.01)
        assert result[0, 1] == np.float32(0.2)


def test_thin_wire_survives() -> None:
    source = np.full((20, 20), 0.9, np.float32)
    source[:, 10] = 0.1
    result = upsample_depth(source, 80, 80)
    assert (result[:, 40:44] == np.float32(0.1)).all()
    assert ((result == np.float32(0.1)) | (result == np.float32(0.9))).all()


def test_holes() -> None:
    source = np.full((10, 10), 0.5, np.float32)
    source[:, 5:] = np.nan
    source[0, 0] = np.inf
    result = upsample_depth(source, 40, 40)
    # The hole ends where its weight is more than half, and its rim keeps the surface's value.
    assert np.isnan(result[4:, 20:]).all() and (result[4:, :20] == 0.5).all()
    assert np.isnan(result[0, 0])
    half = upsample_depth(np.array([[0.5, np.nan]], np.float32), 1, 3)
    np.testing.assert_array_equal(half, [[0.5, 0.5, np.nan]])
    assert np.isnan(upsample_depth(np.full((2, 2), np.nan, np.float32), 4, 4)).all()


def test_the_same_size_is_untouched() -> None:
    source = np.random.default_rng(0).random((5, 7))
    assert upsample_depth(source, 5, 7) is source


def test_shrinking_takes_nearest_pixels() -> None:
    source = np.random.default_rng(0).random((12, 15)).astype(np.float32)
    np.testing.assert_array_equal(upsample_depth(source, 4, 5), source[1::3, 1::3])
    np.testing.assert_array_equal(downsample_depth(source, 4, 5), source[1::3, 1::3])
    mixed = upsample_depth(source, 4, 60)
    np.testing.assert_array_equal(mixed, upsample_depth(source[1::3], 4, 60))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
def test_tiny_maps(shape: tuple[int, int]) -> None:
    source = np.full(shape, 0.25, np.float32)
    np.testing.assert_array_equal(upsample_depth(source, 31, 17), np.full((31, 17), 0.25))


def test_an_empty_map_is_refused() -> None:
    with pytest.raises(InputError):
        upsample_depth(np.empty((0, 4), np.float32), 8, 8)


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    source = two_levels(np.random.default_rng(0))
    whole = upsample_depth(source, 120, 160)
    monkeypatch.setattr(upsample, "CHUNK_PIXELS", 1000)
    np.testing.assert_array_equal(upsample_depth(source, 120, 160), whole)


# --- guided by the photo -----------------------------------------------------------------------


def disk(size: int) -> np.ndarray:
    """(size, size) bool: a disk, whose edge no coarse grid follows."""
    y, x = np.mgrid[0:size, 0:size]
    return (y - 0.47 * size) ** 2 + (x - 0.53 * size) ** 2 < (0.31 * size) ** 2


def guided(inside: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Depth of a disk before a slanted wall, and a noisy photo of it."""
    size = len(inside)
    wall = 0.8 + 0.1 * np.linspace(0, 1, size)[None] * np.ones((size, 1))
    depth = np.where(inside, 0.2, wall).astype(np.float32)
    rgb = np.where(inside[..., None], (200, 120, 60), (70, 90, 160)).astype(np.float64)
    noise = np.random.default_rng(seed).normal(0, 5, rgb.shape)
    return depth, np.clip(rgb + noise, 0, 255).astype(np.uint8)


def test_the_edge_follows_the_photo() -> None:
    inside = disk(160)
    depth, rgb = guided(inside)
    coarse = downsample_depth(depth, 20, 20)
    plain, with_photo = (upsample_depth(coarse, 160, 160, guide=g) for g in (None, rgb))
    wrong_plain, wrong = (((up < 0.5) != inside).mean() for up in (plain, with_photo))
    assert wrong_plain > 0.02
    assert wrong < wrong_plain / 4
    away = np.abs(with_photo - depth)[(with_photo < 0.5) == inside]
    assert away.max() < 0.02, "inside a surface nothing but the interpolation changes"


@pytest.mark.parametrize("seed", range(3))
def test_no_value_lies_between_two_surfaces_with_a_guide_either(seed: int) -> None:
    rng = np.random.default_rng(seed)
    levels = np.array([0.1, 0.4, 0.9], np.float32)
    coarse = levels[rng.integers(3, size=(12, 15))]
    rgb = rng.integers(0, 256, (97, 120, 3)).astype(np.uint8)
    full = upsample_depth(coarse, 97, 120, edge=0.05, guide=rgb)
    assert np.isin(full, levels).all()


def test_a_photo_of_one_colour_changes_nothing() -> None:
    depth, _ = guided(disk(160))
    coarse = downsample_depth(depth, 20, 20)
    grey = np.full((160, 160, 3), 99, np.uint8)
    expected = upsample_depth(coarse, 160, 160)
    np.testing.assert_allclose(upsample_depth(coarse, 160, 160, guide=grey), expected, atol=1e-6)


def test_holes_follow_the_photo_too() -> None:
    inside = disk(160)
    depth, rgb = guided(inside)
    coarse = downsample_depth(np.where(inside, depth, np.nan), 20, 20)
    full = upsample_depth(coarse, 160, 160, guide=rgb)
    assert (np.isnan(full) == inside).mean() < 0.01


def test_a_guide_is_chunked_and_shrinks_without_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    depth, rgb = guided(disk(160))
    coarse = downsample_depth(depth, 20, 23)
    whole = upsample_depth(coarse, 160, 160, guide=rgb)
    monkeypatch.setattr(upsample, "CHUNK_PIXELS", 1000)
    np.testing.assert_array_equal(upsample_depth(coarse, 160, 160, guide=rgb), whole)
    view = np.flip(np.flip(rgb, 1).copy(), 1)  # the same pixels, in another order of memory
    np.testing.assert_array_equal(upsample_depth(coarse, 160, 160, guide=view), whole)
    small = upsample_depth(depth, 40, 160, guide=rgb[:40])
    np.testing.assert_array_equal(small, upsample_depth(depth, 40, 160))
