"""Models with too many triangles keep their shape."""

from __future__ import annotations

import numpy as np
import pytest

from ppdcli.scenes.furnished.models.model import Material, Model
from ppdcli.scenes.furnished.models.simplify import simplify


def _sheet(count: int) -> Model:
    """A wavy square of 2 count^2 triangles."""
    y, x = np.mgrid[: count + 1, : count + 1] / count
    vertices = np.stack([x, 0.1 * np.sin(6 * x), y], -1).reshape(-1, 3).astype(np.float32)
    i = np.arange((count + 1) ** 2).reshape(count + 1, count + 1)
    a, b, c, d = i[:-1, :-1], i[:-1, 1:], i[1:, 1:], i[1:, :-1]
    triangles = np.stack([a, b, c, a, c, d], -1).reshape(-1, 3).astype(np.int32)
    uv = vertices[triangles][..., [0, 2]]
    return Model(vertices, triangles, uv, np.zeros(len(triangles), np.int32), (Material(),))


def _leaves(count: int) -> Model:
    rng = np.random.default_rng(1)
    middle = rng.uniform(-1, 1, (count, 1, 3))
    corners = middle + rng.normal(0, 0.03, (count, 3, 3))
    triangles = np.arange(3 * count).reshape(-1, 3).astype(np.int32)
    uv = np.zeros((count, 3, 2), np.float32)
    flat = corners.reshape(-1, 3).astype(np.float32)
    return Model(flat, triangles, uv, np.zeros(count, np.int32), (Material(),))


def _area(model: Model) -> float:
    corners = model.vertices[model.triangles]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return float(np.linalg.norm(cross, axis=1).sum() / 2)


def test_few_triangles_stay_as_they_are() -> None:
    model = _sheet(10)
    assert simplify(model, 200) is model


def test_surface_is_kept() -> None:
    model = _sheet(60)
    coarse = simplify(model, 2000)
    assert 500 < len(coarse.triangles) <= 2000
    assert _area(coarse) == pytest.approx(_area(model), rel=0.1)
    assert np.ptp(coarse.vertices, axis=0) == pytest.approx(
        np.ptp(model.vertices, axis=0), abs=0.06
    )


def test_foliage_loses_leaves_and_covers_as_much() -> None:
    model = _leaves(6000)
    thin = simplify(model, 3000)
    assert 2400 < len(thin.triangles) <= 3000
    assert _area(thin) == pytest.approx(_area(model), rel=0.12)
