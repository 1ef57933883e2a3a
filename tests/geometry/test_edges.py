"""The edge-clean filter: what hangs in the air goes, what is thin or steep stays."""

import cv2
import numpy as np
import pytest

from ppdcli.geometry import edges
from ppdcli.geometry.edges import hanging_points


def disc(h: int = 80, w: int = 100, near: float = 2.0, far: float = 5.0) -> np.ndarray:
    y, x = np.mgrid[:h, :w]
    inside = (x - 45) ** 2 + (y - 38) ** 2 < 23**2
    return np.where(inside, near, far).astype(np.float32)


def test_a_clean_step_loses_nothing() -> None:
    assert not hanging_points(disc()).any()


@pytest.mark.parametrize("far", [2.5, 5.0, 60.0])
def test_in_between_pixels_of_a_bilinear_step_go(far: float) -> None:
    depth = cv2.resize(disc(far=far), (200, 160), interpolation=cv2.INTER_LINEAR)
    between = (depth > 2 * 1.06) & (depth < far / 1.06)
    hanging = hanging_points(depth)
    assert between.sum() > 200
    assert (hanging & between).sum() > 0.9 * between.sum()
    assert not (hanging & (depth == 2.0)).any() and not (hanging & (depth == far)).any()


@pytest.mark.parametrize("axis", [0, 1])
def test_a_straight_soft_edge_goes_whole(axis: int) -> None:
    row = np.array([2] * 10 + [3] + [5] * 10, np.float32)
    depth = np.tile(row, (12, 1))
    expected = depth == 3
    if axis:
        depth, expected = depth.T, expected.T
    np.testing.assert_array_equal(hanging_points(depth), expected)


def test_the_middle_of_a_ramp_goes() -> None:
    """At distance 1 it looks like a slanted plane, at distance 2 no longer."""
    row = np.interp(np.arange(24), [9.5, 13.5], [2, 2.6])
    depth = np.tile(row, (12, 1))
    hanging = hanging_points(depth)[4:-4]
    assert hanging[:, 10:13].all() and not hanging[:, :10].any() and not hanging[:, 14:].any()


@pytest.mark.parametrize("kind", ["row", "column", "diagonal", "pixel"])
def test_a_wire_stays(kind: str) -> None:
    depth = np.full((30, 30), 6, np.float32)
    wire = {
        "row": (12, slice(None)),
        "column": (slice(None), 12),
        "diagonal": (np.arange(30), np.arange(30)),
        "pixel": (12, 12),
    }[kind]
    depth[wire] = 2
    assert not hanging_points(depth).any()


def test_a_narrow_surface_at_middle_depth_stays() -> None:
    """A table leg two pixels wide between a near box and a far wall."""
    row = np.array([2] * 10 + [3] * 2 + [5] * 10, np.float32)
    assert not hanging_points(np.tile(row, (20, 1))).any()


@pytest.mark.parametrize("step", [2, 8])
def test_a_steep_floor_up_to_the_horizon_stays(step: int) -> None:
    """Depth doubles from row to row at the end: 1/z = (rows below the horizon) / 400."""
    rows = np.arange(100, 0, -1, dtype=np.float32)[::-1]
    below = np.concatenate([np.full(step * 10, np.inf), 400 / rows])
    floor = np.tile(below[:, None], (1, 30)).astype(np.float32)
    assert not hanging_points(np.where(np.isinf(floor), np.nan, floor)).any()
    assert not hanging_points(np.where(np.isinf(floor), 1000, floor)).any()


def test_slanted_planes_in_any_direction_stay() -> None:
    y, x = np.mgrid[:60, :60]
    for a, b in ((0.02, 0), (0, -0.02), (0.02, 0.03), (-0.03, 0.02)):
        inverse = a * (x - 30) + b * (y - 30)
        inverse = inverse - inverse.min() + 0.02
        assert not hanging_points((1 / inverse).astype(np.float32)).any()


def test_a_slanted_plane_beside_a_step_stays() -> None:
    y, x = np.mgrid[:60, :60]
    plane = 1 / (0.02 * (x + 1.0))
    depth = np.where(x + y // 7 > 34, 0.4, plane).astype(np.float32)
    assert not hanging_points(depth).any()


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_unit_of_depth_does_not_matter(scale: float) -> None:
    depth = cv2.resize(disc(), (200, 160), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(hanging_points(depth * scale), hanging_points(depth))


def test_holes_neither_hang_nor_make_others_hang() -> None:
    depth = np.full((20, 20), 3, np.float32)
    for hole in (np.nan, 0, -1, np.inf):
        depth[5:9, 5:9] = hole
        assert not hanging_points(depth).any()
    assert not hanging_points(np.full((9, 9), np.nan, np.float32)).any()


def test_a_hole_does_not_hide_a_hanging_point() -> None:
    row = np.array([np.nan, 2, 2, 3, 5, 5, np.nan], np.float32)
    assert hanging_points(np.tile(row, (9, 1)))[:, 3].all()


def test_a_larger_gap_keeps_more() -> None:
    depth = cv2.resize(disc(far=2.5), (200, 160), interpolation=cv2.INTER_LINEAR)
    counts = [hanging_points(depth, gap=gap).sum() for gap in (0.01, 0.03, 0.1, 0.5)]
    assert counts == sorted(counts, reverse=True) and counts[-1] == 0 < counts[0]


def test_input_is_left_alone_and_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    depth = cv2.resize(disc(), (200, 160), interpolation=cv2.INTER_LINEAR)
    depth[30:40, 60] = np.nan
    before = depth.copy()
    whole = hanging_points(depth)
    np.testing.assert_array_equal(depth, before)
    monkeypatch.setattr(edges, "CHUNK_ROWS", 7)
    np.testing.assert_array_equal(hanging_points(depth), whole)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 2), (0, 0)])
def test_tiny_maps(shape: tuple[int, int]) -> None:
    assert not hanging_points(np.ones(shape, np.float32)).any()
