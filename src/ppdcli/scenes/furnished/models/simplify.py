"""Reduces the triangles of models that have too many."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from ppdcli.scenes.furnished.models.model import Model

_LEAVES = 400  # a model with more parts than this has leaves, which are thinned out


def simplify(model: Model, limit: int) -> Model:
    """Returns a model with at most ``limit`` triangles, which may be the model itself.

    Foliage loses leaves, and the remaining ones grow to cover the same area. In other models,
    vertices that are close together are merged.
    """
    if len(model.triangles) <= limit:
        return model
    parts = _parts(model)
    if parts.max() >= _LEAVES:
        model = _thin_out(model, parts, limit)
    cells = 512.0
    coarse = model
    while len(coarse.triangles) > limit and cells > 8:
        coarse = _cluster(model, cells)
        cells *= 0.8
    return coarse


def _parts(model: Model) -> np.ndarray:
    """Returns (F,): the index of the connected part of each triangle, by position."""
    _, same = np.unique(model.vertices.round(5), axis=0, return_inverse=True)
    t = same.reshape(-1)[model.triangles]
    edges = np.concatenate([t[:, :2], t[:, 1:]])
    count = int(t.max()) + 1
    graph = coo_matrix((np.ones(len(edges), np.int8), edges.T), (count, count))
    label = connected_components(graph, directed=False)[1]
    return np.unique(label[t[:, 0]], return_inverse=True)[1]


def _thin_out(model: Model, parts: np.ndarray, limit: int) -> Model:
    sizes = np.bincount(parts)
    small = sizes <= max(64, int(np.quantile(sizes, 0.9)))
    leaves = sizes[small].sum()
    share = max(0.05, (limit - sizes[~small].sum()) / max(leaves, 1))
    if share >= 1:
        return model
    kept = ~small | (np.random.default_rng(0).random(len(sizes)) < share)
    chosen = kept[parts]
    # Each corner gets its own vertex, because leaves can share vertices with twigs.
    points = model.vertices[model.triangles[chosen]].astype(np.float64)
    of = parts[chosen]
    middle = np.zeros((len(sizes), 3))
    np.add.at(middle, of, points.mean(1))
    middle /= np.maximum(np.bincount(of, minlength=len(sizes)), 1)[:, None]
    grow = np.where(small, min(share**-0.5, 1.5), 1.0)
    centre = middle[of][:, None]
    points = centre + (points - centre) * grow[of][:, None, None]
    return _from_corners(model, points, chosen)


def _cluster(model: Model, cells: float) -> Model:
    low = model.vertices.min(0)
    cell = max(float(np.ptp(model.vertices, axis=0).max()) / cells, 1e-6)
    grid = np.floor((model.vertices - low) / cell).astype(np.int64)
    _, first, which = np.unique(grid, axis=0, return_index=True, return_inverse=True)
    which = which.reshape(-1)
    middle = np.zeros((len(first), 3))
    np.add.at(middle, which, model.vertices)
    middle /= np.bincount(which)[:, None]
    t = which[model.triangles]
    chosen = (t[:, 0] != t[:, 1]) & (t[:, 1] != t[:, 2]) & (t[:, 2] != t[:, 0])
    return _from_corners(model, middle[t[chosen]], chosen)


def _from_corners(model: Model, points: np.ndarray, chosen: np.ndarray) -> Model:
    vertices, numbers = np.unique(
        points.reshape(-1, 3).astype(np.float32), axis=0, return_inverse=True
    )
    return Model(
        vertices,
        numbers.reshape(-1, 3).astype(np.int32),
        model.uv[chosen],
        model.material[chosen],
        model.materials,
        model.textures,
    )
