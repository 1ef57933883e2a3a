"""Fusion of points in cells."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.errors import UsageError
from ppdcli.geometry.fusion import VoxelFusion
from ppdcli.geometry.voxels import cell_means, voxel_groups


def cloud(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    normals = rng.normal(size=(count, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    colors = rng.integers(0, 256, (count, 3)).astype(np.uint8)
    return rng.uniform(-5, 5, (count, 3)), colors, normals, np.ones(count)


def test_cells_hold_the_means() -> None:
    points, colors, normals, weight = cloud(200_000)
    fusion = VoxelFusion(0.5)
    for part in np.array_split(np.arange(len(points)), 7):
        fusion.add(points[part], colors[part], normals[part], weight[part])
    fused = fusion.result()
    order, starts = voxel_groups(points, 0.5)
    assert len(fusion) == len(fused.points) == len(starts)
    expected = cell_means(points, order, starts)
    np.testing.assert_allclose(fused.points, expected, atol=1e-5)
    np.testing.assert_allclose(fused.colors, np.rint(cell_means(colors, order, starts)), atol=1)
    means = cell_means(normals, order, starts)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    np.testing.assert_allclose(fused.normals, means, atol=1e-3)
    assert fused.count.sum() == len(points)


def test_weights_count() -> None:
    fusion = VoxelFusion(1.0)
    points = np.array([[0.1, 0.1, 0.1], [0.5, 0.1, 0.1]])
    colors = np.array([[0, 0, 0], [200, 100, 40]], np.uint8)
    fusion.add(points, colors, np.array([[0, 0, 1.0], [0, 0, -1.0]]), np.array([1.0, 3.0]))
    fused = fusion.result()
    np.testing.assert_allclose(fused.points, [[0.4, 0.1, 0.1]], atol=1e-6)
    assert fused.colors.tolist() == [[150, 75, 30]]
    assert fused.normals.tolist() == [[0, 0, -1]] and fused.count.tolist() == [2]


def test_far_from_zero_nothing_is_lost() -> None:
    points = np.array([[1000.123, -2000.456, 500.789]])
    fusion = VoxelFusion(0.01)
    fusion.add(points, np.zeros((1, 3), np.uint8), np.ones((1, 3)), np.ones(1))
    np.testing.assert_allclose(fusion.result().points, points, atol=1e-4)


def test_cells_grow_when_there_are_too_many() -> None:
    points, *rest = cloud(20_000)
    fusion = VoxelFusion(0.01, most=3000)
    fusion.add(points, *rest)
    fused = fusion.result()
    assert fusion.voxel > 0.5 and len(fused.points) <= 3000
    assert fused.count.sum() == len(points)
    other = VoxelFusion(fusion.voxel)
    other.add(points, *rest)
    np.testing.assert_allclose(fused.points, other.result().points, atol=1e-4)


def test_cells_too_small_to_be_numbered_grow() -> None:
    points, *rest = cloud(100)
    fusion = VoxelFusion(1e-9)
    fusion.add(points, *rest)
    assert fusion.voxel > 1e-6 and len(fusion.result().points) == 100


@pytest.mark.parametrize("voxel", [0.01, 1e-9])
def test_a_fixed_size_is_kept_or_refused(voxel: float) -> None:
    with pytest.raises(UsageError, match="too small for this scene"):
        VoxelFusion(voxel, most=3000, fixed=True).add(*cloud(20_000))
