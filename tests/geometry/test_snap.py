"""Snapping: flying pixels go to the surface whose colour they have."""

import cv2
import numpy as np
import pytest

from ppdcli.geometry.edges import flying_pixels
from ppdcli.geometry.snap import snap_points

RED, BLUE = (200, 60, 50), (40, 70, 190)


def scene(edge: float = 20.0) -> tuple[np.ndarray, np.ndarray]:
    """A ramp of 4 pixels around x = 20, and a photo whose colours change at ``edge``."""
    x = np.arange(40)
    depth = np.tile(np.interp(x, [17.5, 22.5], [2.0, 5.0]), (30, 1)).astype(np.float32)
    rgb = np.where((x < edge)[None, :, None], RED, BLUE) * np.ones((30, 1, 1))
    return depth, rgb.astype(np.uint8)


@pytest.mark.parametrize("edge", [18, 19, 20, 21, 22])
def test_the_photo_says_where_the_edge_is(edge: int) -> None:
    depth, rgb = scene(edge)
    flying = flying_pixels(depth)
    assert flying.any()
    snapped, moved = snap_points(depth, rgb, flying)
    np.testing.assert_array_equal(moved, flying)
    inside = slice(20 - 2, 20 + 3)
    expected = np.where(np.arange(40) < edge, 2.0, 5.0)[inside]
    there = flying[:, inside]
    np.testing.assert_array_equal(
        snapped[:, inside][there], np.broadcast_to(expected, there.shape)[there]
    )


def test_without_a_colour_edge_the_nearer_end_wins() -> None:
    depth, rgb = scene(edge=100)
    flying = flying_pixels(depth)
    snapped, moved = snap_points(depth, rgb, flying)
    middle = np.sqrt(2.0 * 5.0)
    for end, there in ((2.0, depth < middle * 0.95), (5.0, depth > middle * 1.05)):
        assert (moved & there).any()
        assert (snapped[moved & there] == end).all()


def test_a_moved_pixel_has_the_depth_of_one_that_does_not_hang() -> None:
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:90, :120]
    blob = cv2.GaussianBlur(rng.standard_normal((90, 120)), (0, 0), 7) > 0
    depth = np.where(blob, 2 + 0.005 * x, 6 + 0.01 * y) * (1 + 0.003 * rng.random((90, 120)))
    depth = cv2.GaussianBlur(depth, (0, 0), 1).astype(np.float32)
    rgb = rng.integers(0, 256, (90, 120, 3), np.uint8)
    flying = flying_pixels(depth)
    snapped, moved = snap_points(depth, rgb, flying)
    assert moved.sum() > 100
    assert not (moved & ~flying).any()
    assert np.isin(snapped[moved], depth[~flying]).all()
    np.testing.assert_array_equal(snapped[~moved], depth[~moved])


def test_blurred_edges_come_back_sharp() -> None:
    y, x = np.mgrid[:80, :80]
    near = (x - 40) ** 2 + (y - 40) ** 2 < 25**2
    truth = np.where(near, 2.0, 5.0).astype(np.float32)
    rgb = np.where(near[..., None], RED, BLUE).astype(np.uint8)
    depth = cv2.GaussianBlur(truth, (0, 0), 1.5)
    snapped, moved = snap_points(depth, rgb, flying_pixels(depth))

    def wrong(depth: np.ndarray) -> int:
        return int((np.abs(depth / truth - 1) > 0.05).sum())

    assert moved.sum() > 300
    assert wrong(snapped) < 0.1 * wrong(depth)


def test_a_pixel_between_one_surface_and_nothing_stays() -> None:
    depth, rgb = scene()
    for hole in (np.nan, 0, -1, np.inf):
        holed = depth.copy()
        holed[:, 23:] = hole
        flying = np.zeros(depth.shape, bool)
        flying[:, 18:23] = True
        snapped, moved = snap_points(holed, rgb, flying)
        assert not moved.any()
        np.testing.assert_array_equal(snapped, holed)


def test_a_pixel_beside_a_wire_stays() -> None:
    """A wire's one or two pixels are tinged themselves: they attract nothing."""
    row = np.array([5.0] * 10 + [3.0, 2.0, 2.0, 3.0] + [5.0] * 10, np.float32)
    depth = np.tile(row, (30, 1))
    flying = depth == 3
    _, moved = snap_points(depth, np.zeros((30, 24, 3), np.uint8), flying)
    assert not moved.any()


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_the_unit_of_depth_does_not_matter(scale: float) -> None:
    depth, rgb = scene(19)
    flying = flying_pixels(depth)
    snapped, moved = snap_points(depth, rgb, flying)
    scaled, also = snap_points(depth * np.float32(scale), rgb, flying)
    np.testing.assert_allclose(scaled, snapped * scale, rtol=1e-6)
    np.testing.assert_array_equal(also, moved)


def test_input_is_left_alone() -> None:
    depth, rgb = scene()
    flying = flying_pixels(depth)
    before = depth.copy(), rgb.copy(), flying.copy()
    snapped, _ = snap_points(depth, rgb, flying)
    assert snapped.dtype == np.float32
    for array, old in zip((depth, rgb, flying), before, strict=True):
        np.testing.assert_array_equal(array, old)
    from_float64, _ = snap_points(depth.astype(float), rgb[:, ::-1][:, ::-1], flying)
    np.testing.assert_array_equal(from_float64, snapped)


def test_tiny_maps() -> None:
    for shape in ((0, 0), (1, 1), (3, 2)):
        depth, rgb = np.ones(shape, np.float32), np.zeros((*shape, 3), np.uint8)
        snapped, moved = snap_points(depth, rgb, np.ones(shape, bool))
        np.testing.assert_array_equal(snapped, depth)
        assert not moved.any()
