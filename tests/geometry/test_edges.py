"""The edge-clean filter: what hangs in the air goes, what is thin or steep stays."""

import cv2
import numpy as np
import pytest

from ppdcli.geometry.edges import WIDTH, flying_pixels

FOCAL = 277.0  # 60 degrees across 320 pixels
BY_CHANCE = 2  # pixels a map of 77,000 that noise of 0.5 % may cost


def disc(h: int = 80, w: int = 100, near: float = 2.0, far: float = 5.0) -> np.ndarray:
    y, x = np.mgrid[:h, :w]
    inside = (x - 45) ** 2 + (y - 38) ** 2 < 23**2
    return np.where(inside, near, far).astype(np.float32)


def rays(h: int = 240, w: int = 320, focal: float = FOCAL) -> tuple[np.ndarray, np.ndarray]:
    """X/Z and Y/Z of each pixel."""
    y, x = np.mgrid[:h, :w]
    return (x - (w - 1) / 2) / focal, (y - (h - 1) / 2) / focal


def noisy(depth: np.ndarray, share: float) -> np.ndarray:
    return depth * (1 + share * np.random.default_rng(3).standard_normal(depth.shape))


def profile(values: np.ndarray, rows: int = 40) -> np.ndarray:
    """A depth map that changes along x only."""
    return np.tile(np.asarray(values, np.float32), (rows, 1))


# What goes


@pytest.mark.parametrize("kind", ["depth", "log depth", "1 / depth"])
@pytest.mark.parametrize("pixels", range(1, WIDTH + 1))
@pytest.mark.parametrize("far", [2.3, 2.6, 5.0])
def test_a_ramp_between_two_surfaces_goes(far: float, pixels: int, kind: str) -> None:
    """Straight in whatever space a network or an enlargement works in."""
    to, back = {
        "depth": (lambda z: z, lambda v: v),
        "log depth": (np.log, np.exp),
        "1 / depth": (lambda z: 1 / z, lambda v: 1 / v),
    }[kind]
    ramp = back(np.linspace(to(2.0), to(far), pixels + 2))
    row = np.concatenate(([2.0] * 12, ramp[1:-1], [far] * 12))
    expected = (row > 2.0 * 1.0301) & (row < far / 1.0301)
    assert expected.any()
    for depth in (profile(row), profile(row[::-1]), profile(row).T):
        flying = flying_pixels(depth)
        there = expected if depth[0, 0] == 2 else expected[::-1]
        there = np.broadcast_to(there, (40, row.size))
        np.testing.assert_array_equal(flying, there if depth.shape[0] == 40 else there.T)


def test_a_longer_ramp_is_a_slope() -> None:
    ramp = np.linspace(2.0, 5.0, WIDTH + 3)
    assert not flying_pixels(profile(np.concatenate(([2.0] * 12, ramp, [5.0] * 12)))).any()


@pytest.mark.parametrize("degrees", [0, 10, 22.5, 30, 45, 60])
@pytest.mark.parametrize("width", [2.0, 4.0, 8.0])
def test_a_ramp_in_any_direction_goes(degrees: float, width: float) -> None:
    y, x = np.mgrid[:120, :120]
    angle = np.radians(degrees)
    across = (x - 60) * np.cos(angle) + (y - 60) * np.sin(angle)
    depth = 2 + 3 * np.clip(across / width + 0.5, 0, 1)
    between = ((depth > 2 * 1.03) & (depth < 5 / 1.03))[20:-20, 20:-20]
    flying = flying_pixels(depth)[20:-20, 20:-20]
    assert (flying & between).sum() > 0.9 * between.sum()
    assert not (flying & ~between).any()


@pytest.mark.parametrize("far", [2.5, 5.0, 60.0])
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_what_a_bilinear_enlargement_puts_in_between_goes(scale: int, far: float) -> None:
    size = (100 * scale, 80 * scale)
    depth = cv2.resize(disc(far=far), size, interpolation=cv2.INTER_LINEAR)
    between = (depth > 2 * 1.06) & (depth < far / 1.06)
    flying = flying_pixels(depth)
    assert between.sum() > 200
    assert (flying & between).sum() > 0.9 * between.sum()
    assert not flying[(depth == 2) | (depth == far)].any()


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_what_a_blur_puts_in_between_goes(sigma: float) -> None:
    sharp = disc()
    depth = cv2.GaussianBlur(sharp, (0, 0), sigma)
    between = (depth > 2 * 1.2) & (depth < 5 / 1.2)
    flying = flying_pixels(depth)
    assert between.sum() > 50
    assert (flying & between).sum() > 0.95 * between.sum()
    assert not flying[np.abs(depth / sharp - 1) < 0.02].any()


@pytest.mark.parametrize("axis", [0, 1])
def test_one_pixel_between_two_surfaces_goes(axis: int) -> None:
    depth = profile([2.0] * 10 + [3.0] + [5.0] * 10)
    depth = depth.T if axis else depth
    np.testing.assert_array_equal(flying_pixels(depth), depth == 3)


def test_noise_does_not_hide_a_ramp() -> None:
    depth = profile(np.interp(np.arange(40), [15.5, 20.5], [2.0, 5.0]))
    flying = flying_pixels(noisy(depth, 0.005))
    ramp = (depth > 2 * 1.06) & (depth < 5 / 1.06)
    assert flying[2:-2][ramp[2:-2]].mean() > 0.95
    assert not flying[(depth == 2) | (depth == 5)].any()


# What stays


@pytest.mark.parametrize("noise", [0.0, 0.005])
@pytest.mark.parametrize("turn", [0.0, 0.4, 0.8, 1.2, np.pi / 2])
@pytest.mark.parametrize("degrees", [0, 30, 60, 80, 85, 88, 89.5])
def test_a_plane_stays_at_any_angle(degrees: float, turn: float, noise: float) -> None:
    """At 89.5 degrees it reaches up to its own horizon."""
    right, down = rays()
    tilt = np.radians(degrees)
    inverse = np.sin(tilt) * (np.cos(turn) * right + np.sin(turn) * down) + np.cos(tilt)
    depth = np.where(inverse > 1e-3, 1 / np.maximum(inverse, 1e-3), np.nan)
    assert flying_pixels(noisy(depth, noise)).sum() <= BY_CHANCE * (noise > 0)


@pytest.mark.parametrize("height", [0.5, 1.5, 5.0])
def test_a_floor_stays_up_to_its_horizon(height: float) -> None:
    _, down = rays()
    floor = np.where(down > 0, height / np.maximum(down, 1e-9), np.nan)
    assert not flying_pixels(floor).any()
    assert not flying_pixels(np.fmin(np.nan_to_num(floor, nan=75), 75)).any()  # a sky behind it


@pytest.mark.parametrize("pixels", [1.0, 3.0, 12.0])
def test_a_coarse_floor_stays(pixels: float) -> None:
    """Depth doubles from row to row at the end."""
    rows = np.arange(1, 60)
    assert not flying_pixels(profile(60 * pixels / rows)).any()


@pytest.mark.parametrize("noise", [0.0, 0.005])
@pytest.mark.parametrize("far", [np.nan, 2.5, 20.0])
@pytest.mark.parametrize("radius", [0.1, 0.5, 1.5, 1.9])
def test_a_ball_stays_to_its_rim(radius: float, far: float, noise: float) -> None:
    right, down = rays()
    square = right**2 + down**2 + 1
    inside = 4 - square * (4 - radius**2)  # of a ball 2 ahead
    ball = (2 - np.sqrt(np.maximum(inside, 0))) / square
    depth = np.where(inside > 0, ball, far)
    assert flying_pixels(noisy(depth, noise)).sum() <= BY_CHANCE * (noise > 0)


def test_a_clean_step_loses_nothing() -> None:
    assert not flying_pixels(disc()).any()


@pytest.mark.parametrize("noise", [0.0, 0.005])
@pytest.mark.parametrize("pixels", [1, 2, 3])
@pytest.mark.parametrize("kind", ["row", "column", "diagonal", "grid", "dots"])
def test_thin_structure_stays(kind: str, pixels: int, noise: float) -> None:
    y, x = np.mgrid[:60, :60]
    wire = {
        "row": abs(y - 30) < pixels,
        "column": abs(x - 30) < pixels,
        "diagonal": abs(x - y) < pixels,
        "grid": (y % 11 < pixels) | (x % 9 < pixels),
        "dots": (y % 11 < pixels) & (x % 9 < pixels),
    }[kind]
    background = 6 + 0.02 * x  # not square to the camera
    assert not flying_pixels(noisy(np.where(wire, 2.0, background), noise)).any()


@pytest.mark.parametrize("pixels", [1, 2, 5])
def test_a_checkerboard_of_two_depths_stays(pixels: int) -> None:
    y, x = np.mgrid[:60, :60]
    depth = np.where((x // pixels + y // pixels) % 2, 2.0, 3.0)
    assert not flying_pixels(noisy(depth, 0.005)).any()


@pytest.mark.parametrize("pixels", [2, 3, 6])
def test_a_staircase_of_depths_stays(pixels: int) -> None:
    assert not flying_pixels(profile(2 * 1.2 ** (np.arange(60) // pixels))).any()


@pytest.mark.parametrize("eye", [2.1, 2.3, 2.7])
def test_stairs_stay(eye: float) -> None:
    """Seen from in front: risers square to the camera, treads at a grazing angle, 4 pixels high
    or more. Of lower ones the middle goes: they look like soft edges."""
    _, down = rays(384, 30, 443)
    depth = np.full(down.shape, np.inf)
    for k in range(9):
        front, low, top = 2 + 0.28 * k, 0.17 * k, 0.17 * (k + 1)
        riser = (eye - down * front >= low) & (eye - down * front < top)
        tread = (eye - top) / np.maximum(down, 1e-9)
        on_tread = (tread >= front) & (tread <= front + 0.28)
        depth = np.where(riser, np.fmin(depth, front), depth)
        depth = np.where(on_tread, np.fmin(depth, tread), depth)
    assert np.isfinite(depth).all(axis=1).sum() > 70
    assert not flying_pixels(depth).any()


def test_a_narrow_surface_at_middle_depth_stays() -> None:
    """A table leg two pixels wide between a near box and a far wall."""
    assert not flying_pixels(profile([2.0] * 10 + [3.0] * 2 + [5.0] * 10)).any()


def test_a_slope_cut_off_by_a_clean_edge_stays() -> None:
    """The narrow side of a box: it climbs from the front and ends before a wall."""
    side = 2 * 1.05 ** np.arange(1, 6)
    assert not flying_pixels(profile([2.0] * 12 + [*side] + [9.0] * 12)).any()
    assert not flying_pixels(profile([1.0] * 12 + [*side] + [side[-1]] * 12)).any()


def test_a_slanted_plane_beside_a_step_stays() -> None:
    y, x = np.mgrid[:60, :60]
    plane = 1 / (0.02 * (x + 1.0))
    assert not flying_pixels(np.where(x + y // 7 > 34, 0.4, plane)).any()


# How it behaves


@pytest.mark.parametrize("scale", [1e-3, 0.5, 1e3])
def test_the_unit_of_depth_does_not_matter(scale: float) -> None:
    depth = cv2.GaussianBlur(disc(), (0, 0), 1.3)
    assert flying_pixels(depth).any()
    np.testing.assert_array_equal(flying_pixels(depth * scale), flying_pixels(depth))


def test_turned_and_mirrored_maps_give_the_same() -> None:
    depth = cv2.GaussianBlur(disc(), (0, 0), 1.3)
    flying = flying_pixels(depth)
    for turn in (np.transpose, np.flipud, np.fliplr, np.rot90):
        np.testing.assert_array_equal(flying_pixels(turn(depth)), turn(flying))


def test_only_the_surroundings_matter() -> None:
    """So a map may be worked on in parts that overlap."""
    depth = noisy(cv2.GaussianBlur(disc(), (0, 0), 2), 0.01)
    whole = flying_pixels(depth)
    margin = 2 * (WIDTH + 1)
    part = flying_pixels(depth[:70, 10:90])
    assert whole[:52, 28:72].any()
    np.testing.assert_array_equal(part[: 70 - margin, margin:-margin], whole[:52, 28:72])


@pytest.mark.parametrize("hole", [np.nan, 0.0, -1.0, np.inf])
def test_holes_neither_hang_nor_make_others_hang(hole: float) -> None:
    depth = np.full((20, 20), 3, np.float32)
    depth[5:9, 5:9] = hole
    assert not flying_pixels(depth).any()
    assert not flying_pixels(np.full((9, 9), hole, np.float32)).any()
    ramp = profile([2.0] * 8 + [3.0, 4.0] + [hole] * 8)
    assert not flying_pixels(ramp).any(), "no far surface is known"


def test_a_hole_does_not_hide_a_flying_pixel() -> None:
    depth = profile([np.nan, 2.0, 2.0, 3.0, 5.0, 5.0, np.nan])
    np.testing.assert_array_equal(flying_pixels(depth), depth == 3)


def test_a_larger_gap_keeps_more() -> None:
    depth = cv2.resize(disc(far=2.5), (200, 160), interpolation=cv2.INTER_LINEAR)
    counts = [flying_pixels(depth, gap=gap).sum() for gap in (0.01, 0.03, 0.06, 0.5)]
    assert counts == sorted(counts, reverse=True) and counts[-1] == 0 < counts[0]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_input_of_any_layout_is_left_alone(kind: type) -> None:
    depth = cv2.GaussianBlur(disc(), (0, 0), 1).astype(kind)
    before, expected = depth.copy(), flying_pixels(depth.astype(np.float32))
    np.testing.assert_array_equal(flying_pixels(depth), expected)
    np.testing.assert_array_equal(flying_pixels(np.asfortranarray(depth)), expected)
    np.testing.assert_array_equal(depth, before)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 2), (0, 0), (0, 5)])
def test_tiny_maps(shape: tuple[int, int]) -> None:
    flying = flying_pixels(np.ones(shape, np.float32))
    assert flying.shape == shape and flying.dtype == bool and not flying.any()
