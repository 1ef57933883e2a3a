"""Resizing of depth maps without creating depths between two surfaces."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ppdcli.errors import InputError
from ppdcli.geometry.step_cells import (
    CHUNK_PIXELS,
    Axis,
    bilinear_weights,
    find_cells,
    likeness,
    make_axis,
    mean_of_heaviest_group,
)

EDGE_SHARE = 0.01
"""Default edge: this share of the robust range (2nd to 98th percentile) of the values."""


class Enlarge(Protocol):
    """What can take the place of ``upsample_depth``, and gives the same but for rounding."""

    def __call__(
        self,
        values: np.ndarray,
        height: int,
        width: int,
        edge: float | None = None,
        guide: np.ndarray | None = None,
    ) -> np.ndarray: ...


def downsample_depth(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Takes the nearest source pixel, (h, w) to (height, width), with half-pixel centres."""
    h, w = values.shape
    rows = ((np.arange(height) + 0.5) * h / height).astype(np.intp)
    columns = ((np.arange(width) + 0.5) * w / width).astype(np.intp)
    return values[rows[:, None], columns]


def upsample_depth(
    values: np.ndarray,
    height: int,
    width: int,
    edge: float | None = None,
    guide: np.ndarray | None = None,
) -> np.ndarray:
    """Enlarges a depth map: bilinear inside a surface, sharp between two surfaces.

    Each output pixel has four bilinear neighbours (half-pixel centres, clamped at the borders).
    Without a step between them it is their bilinear mean. With a step, the sorted values are cut at
    every gap above ``edge``. The group with the most bilinear weight wins (the nearer one on a
    tie), and only its members are averaged. NaN belongs to no group: the output is NaN where NaN
    has more than half of the weight.

    With the photo as a guide, the weights at a step also depend on the similarity in colour (joint
    bilateral upsampling, Kopf et al. 2007). The result then follows the edge in the photo and not
    the coarse grid. Values still come from one surface only.

    There is a step between two neighbours if their difference minus twice the difference next to
    it, on the flatter side, exceeds ``edge``: no slope explains it. A floor therefore stays smooth
    up to its horizon, as long as its slope grows by less than that from one pixel to the next.

    Args:
        values: (h, w) floats, near small, far large: relative depth, or log(depth + 1) of metric
            depth, so that one threshold suits near and far. Non-finite at pixels without depth.
        height: Rows of the result. An axis that shrinks is sampled at the nearest pixel.
        width: Columns of the result.
        edge: In the unit of ``values``. The default is 1 % of their robust range: above the ripple
            of a smooth surface, below a visible jump.
        guide: (height, width, 3) uint8, the photo on the result's grid. It is not used if an axis
            shrinks.

    Returns:
        (height, width) float32; ``values`` itself, unchanged, if the size is the same.

    Raises:
        InputError: The map has no pixel.
    """
    if values.shape == (height, width):
        return values
    if values.size == 0:
        raise InputError("the depth map is empty; predict it again")
    h, w = values.shape
    source = downsample_depth(values, min(h, height), min(w, width)).astype(np.float32)
    source[~np.isfinite(source)] = np.nan
    if edge is None:
        edge = default_edge(source)

    y, x = make_axis(source.shape[0], height), make_axis(source.shape[1], width)
    small = picture = None
    if guide is not None and h <= height and w <= width:
        small, picture = area_mean(guide, *source.shape), np.ascontiguousarray(guide).reshape(-1)
    result = _bilinear(source, y, x)
    flat = result.reshape(-1)
    for alike in find_cells(source, edge, y, x):
        for cells in alike.parts(CHUNK_PIXELS, y, x):
            rows, columns = y.pixels(cells.rows), x.pixels(cells.columns)
            pixels = rows[:, None] * width + columns
            weights = bilinear_weights(cells, y.weight[rows], x.weight[columns])
            if small is not None and picture is not None:
                colors = np.empty((3, *pixels.shape), np.float32)
                for channel in range(3):
                    colors[channel] = picture[channel:].take(3 * pixels)
                weights *= likeness(cells, small, colors, y, x)
            flat[pixels] = mean_of_heaviest_group(cells, weights)
    return result


def _bilinear(source: np.ndarray, y: Axis, x: Axis) -> np.ndarray:
    """Interpolates (height, width) float32 between four neighbours everywhere, ignoring steps."""
    column = np.repeat(np.arange(len(x.low)), np.diff(x.start))
    # ``source[:, columns]`` would be laid out column by column, and its rows be slow to read.
    left, across = source.take(x.low[column], axis=1), source.take(x.high[column], axis=1)
    across -= left
    across *= x.weight
    across += left
    result = np.empty((len(y.weight), len(x.weight)), np.float32)
    for low, high, start, stop in zip(y.low, y.high, y.start, y.start[1:], strict=False):
        block = result[start:stop]
        np.multiply(across[high] - across[low], y.weight[start:stop, None], out=block)
        block += across[low]
    return result


def default_edge(source: np.ndarray) -> float:
    """Returns the default edge of a map; see ``upsample_depth``."""
    valid = source[np.isfinite(source)]
    if valid.size == 0:
        return 0.0
    low, high = np.percentile(valid, (2, 98))
    return EDGE_SHARE * float(high - low)


def area_mean(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Averages a larger uint8 picture to (height, width, 3) float32; each pixel counts once."""
    rows, columns = (
        np.arange(size) * larger // size
        for size, larger in zip((height, width), picture.shape, strict=False)
    )
    sums = np.empty((height, *picture.shape[1:]), np.float32)
    # In blocks: a copy of the whole picture in a wider type would take four times its memory.
    for mean, start, stop in zip(sums, rows, [*rows[1:], len(picture)], strict=True):
        mean[...] = np.add.reduce(picture[start:stop], axis=0, dtype=np.uint32)
    sums /= np.diff(rows, append=len(picture)).astype(np.float32)[:, None, None]
    counts = np.diff(columns, append=picture.shape[1]).astype(np.float32)
    return np.add.reduceat(sums, columns, axis=1) / counts[:, None]
