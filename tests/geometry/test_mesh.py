"""Surfaces of depth maps: which squares are closed, which way faces look, how many are left."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.geometry.mesh import grid_faces, grid_step, simplified, vertex_normals


def spans(depth: np.ndarray) -> np.ndarray:
    """Farthest over nearest corner of each face."""
    corners = depth.ravel()[grid_faces(depth)]
    return corners.max(axis=1) / corners.min(axis=1)


def test_a_plane_is_closed_and_looks_at_the_camera() -> None:
    faces = grid_faces(np.full((3, 4), 2.0))
    assert len(faces) == 2 * 2 * 3 and faces.dtype == np.int32
    v, u = np.divmod(np.arange(12), 4)
    points = np.column_stack((u, v, np.full(12, 2.0))).astype(np.float32)
    np.testing.assert_allclose(vertex_normals(points, faces), [(0, 0, -1)] * 12)  # OpenCV's axes
    assert set(faces.ravel().tolist()) == set(range(12))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("gap", [1.05, 1.5, 30.0])
def test_no_face_spans_a_step(gap: float, turned: bool) -> None:
    depth = np.full((40, 50), 2.0)
    depth[10:25, 12:30] *= gap
    depth = depth.T if turned else depth
    assert spans(depth).max() == 1
    # Four sides are cut, and at each corner of the box no more than its own square.
    assert len(grid_faces(depth)) >= 2 * (39 * 49 - 2 * (15 + 18) - 4)


def test_an_edge_before_a_slope_is_cut_and_the_slope_is_not() -> None:
    floor = np.repeat(2 * 1.06 ** np.arange(30)[::-1, None], 40, axis=1)  # 6 % a row
    assert len(grid_faces(floor)) >= 2 * 29 * 39 - 4  # nothing is known beyond the four corners
    standing = floor.copy()
    standing[5:20, 10:20] = 1.5
    closed = spans(standing)
    assert closed.max() < 1.07
    assert len(closed) > 2 * 29 * 39 - 4 * 2 * (15 + 10)


def test_a_step_with_nothing_known_beyond_is_cut() -> None:
    assert len(grid_faces(np.array([[1.0, 1.2], [1.0, 1.2]]))) == 0
    assert len(grid_faces(np.array([[1.0, 1.02], [1.0, 1.02]]))) == 2


@pytest.mark.parametrize("nothing", [np.nan, np.inf, 0.0, -1.0])
def test_where_a_corner_has_no_depth_the_other_three_make_a_face(nothing: float) -> None:
    for corner in range(4):
        depth = np.full((2, 2), 3.0)
        depth.ravel()[corner] = nothing
        (face,) = grid_faces(depth)
        assert sorted(face) == [k for k in range(4) if k != corner]
    assert len(grid_faces(np.full((2, 2), nothing))) == 0


def test_mirrored_and_turned_maps_have_as_many_faces() -> None:
    rng = np.random.default_rng(0)
    depth = np.exp(np.cumsum(rng.normal(0, 0.03, (30, 40)), axis=1))
    depth[rng.random(depth.shape) < 0.05] = np.nan
    counts = {len(grid_faces(d)) for d in (depth, depth[::-1], depth[:, ::-1], depth.T)}
    assert max(counts) - min(counts) <= 0.02 * max(counts)  # ties between diagonals


def test_a_surface_is_simplified_to_the_budget_and_stays_where_it_is() -> None:
    v, u = np.mgrid[0:80, 0:80] / 79.0
    depth = 3 + 0.2 * np.sin(5 * u) * np.cos(4 * v)
    points = np.column_stack([a.ravel() for a in (u, v, depth)]).astype(np.float32)
    vertices, faces = simplified(points, grid_faces(depth), 1000)
    assert 900 <= len(faces) <= 1000 and len(vertices) < len(points) / 4
    there = 3 + 0.2 * np.sin(5 * vertices[:, 0]) * np.cos(4 * vertices[:, 1])
    np.testing.assert_allclose(vertices[:, 2], there, atol=0.01)
    assert (vertex_normals(vertices, faces)[:, 2] < -0.5).all()


def test_a_small_surface_only_loses_its_unused_points() -> None:
    depth = np.full((4, 4), 2.0)
    depth[3, 3] = np.nan
    points = np.arange(48, dtype=np.float32).reshape(16, 3)
    vertices, faces = simplified(points, grid_faces(depth), 1000)
    np.testing.assert_array_equal(vertices, points[:15])
    assert len(faces) == 17


def test_large_photos_are_thinned_before() -> None:
    assert grid_step(1000, 1000, 200_000) == 1
    assert grid_step(3000, 4000, 200_000) == 4
    assert grid_step(10, 10, 1) == 5


def test_a_point_without_faces_has_some_normal() -> None:
    points = np.zeros((4, 3), np.float32)
    assert np.isfinite(vertex_normals(points, np.array([[0, 1, 2]], np.int32))).all()
