"""Metres for a relative map by depths that somebody knows."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ppdcli.depth_data import DepthData
from ppdcli.errors import InputError, UsageError
from ppdcli.files.sparse_depth import SparseDepth, points_in_photo, read_sparse_depth
from ppdcli.geometry.align import fit_sparse, relative_at
from ppdcli.geometry.scale import near_far_depth

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from ppdcli.photo import Photo

D = TypeVar("D", bound=DepthData)

NAME = "the known depths"


def by_near_far(depth_map: D, near_far: tuple[float, float]) -> D:
    """The map from ``near`` to ``far`` metres; see ``near_far_depth`` for what it raises."""
    try:
        near, far = near_far
    except (TypeError, ValueError):
        raise UsageError("near_far takes two numbers, the nearest and the farthest depth") from None
    values = near_far_depth(depth_map.values, near, far)
    return in_metres(depth_map, values, f"near-far {near:g},{far:g} m")


def by_known(depth_map: D, known: SparseDepth, width: int, height: int, seed: int) -> D:
    """The map fitted to known depths of a photo of ``width`` x ``height``; ``fit_sparse``.

    Raises:
        InputError: they do not fix a scale.
    """
    relative = relative_at(depth_map.values, known.u, known.v, width, height)
    line = fit_sparse(relative, known.depth, seed)
    metric = in_metres(
        depth_map, line.apply(depth_map.values), f"{known.source}, {line.describe()}"
    )
    unmasked = depth_map.unmasked
    return metric if unmasked is None else replace(metric, unmasked=line.apply(unmasked))


def in_metres(depth_map: D, values: np.ndarray, scale_from: str) -> D:
    """The metric map with these values, which says where its metres are from."""
    provenance = {**depth_map.provenance, "scale_from": scale_from}
    return replace(depth_map, values=values, kind="metric", provenance=provenance, unmasked=None)


def known_in_photo(
    known: ArrayLike | str | os.PathLike[str],
    size: tuple[int, int],
    photo: Photo | None,
    scale: float | None,
) -> SparseDepth:
    """Known depths, from memory or from a file.

    Args:
        known: (N, 3) rows of u, v and metres; or a file, as ``read_sparse_depth`` takes it.
        size: width and height of the photo, or of the map where there is none.
        photo: where it is known; depths of its transparent pixels are left out.
        scale: metres of a step of whole numbers in a file.

    Raises:
        UsageError: an array of another shape, or not of numbers.
        InputError: as ``read_sparse_depth``.
    """
    opaque = None if photo is None else photo.opaque
    if isinstance(known, str | os.PathLike):
        path = Path(known)
        turned = 1 if photo is None else photo.orientation
        return read_sparse_depth(path, *size, scale, turned).where(opaque, path)
    try:
        points = np.asarray(known, np.float64)
    except (TypeError, ValueError):
        points = np.empty(0)
    if points.ndim != 2 or points.shape[1] != 3 or not len(points):
        raise UsageError(f"{NAME} are rows of u, v and metres; give an array of shape (N, 3)")
    if not np.isfinite(points[:, :2]).all():
        raise InputError(f"{NAME} have a row whose u or v is not finite; correct it")
    return points_in_photo(points, *size, NAME).where(opaque, NAME)
