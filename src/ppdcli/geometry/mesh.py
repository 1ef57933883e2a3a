"""A surface from a depth map: two triangles for each square of pixels, cut at depth edges."""

from __future__ import annotations

import math

import numpy as np

from ppdcli.geometry.edges import GAP, WIDTH

SLOPE = 0.5  # of a step, at the next pixel: depth goes on climbing
STAIRS = 1.0  # of a step, within WIDTH pixels: an enlarged map shows a slope as stairs
PATIENCE = 3  # of the simplifier: with its own 7 it tears holes into exact planes
SPARE = 10  # times as many faces as wanted before a surface is simplified; more gain nothing


def grid_step(height: int, width: int, most_faces: int) -> int:
    """Use every n-th pixel, so that simplifying to ``most_faces`` takes seconds."""
    return max(1, math.ceil(math.sqrt(2 * height * width / (SPARE * most_faces))))


def grid_faces(depth: np.ndarray, step: int = 1, gap: float = GAP) -> np.ndarray:
    """Triangles between neighbouring pixels of one surface.

    Two neighbours are on different surfaces if their depths differ by more than ``gap``, as in the
    edge-clean filter (``geometry.edges``), and depth does not go on climbing on either side: by
    half of that step at the next pixel, or by as much again within 8 pixels of the photo. If it
    does, this is a slope, however steep. Where nothing is known beyond both sides, the two are on
    different surfaces.

    Args:
        depth: (H, W) along Z, in any unit, > 0; NaN, infinite or <= 0 where there is none.
        step: how many pixels of the photo are between two of the map.
        gap: relative difference of depths.

    Returns:
        (F, 3) int32 numbers of pixels in row-major order. The corners of a face run
        counter-clockwise as the camera sees them.
    """
    known = np.isfinite(depth) & (depth > 0)
    log = np.log(np.where(known, depth, np.nan), dtype=np.float32)
    reach = max(2, WIDTH // step)
    rows, columns, falling, rising = (
        _linked(log, dy, dx, gap, reach) for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1))
    )
    height, width = depth.shape
    number = np.arange(height * width, dtype=np.int32).reshape(height, width)
    # The corners of each square, and which of its sides link pixels of one surface.
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    top, bottom = rows[:-1], rows[1:]
    left, right = columns[:, :-1], columns[:, 1:]
    down, up = np.abs(log[1:, 1:] - log[:-1, :-1]), np.abs(log[1:, :-1] - log[:-1, 1:])
    # The diagonal along which depth changes less; the only one where a corner is missing.
    falls = np.nan_to_num(down, nan=np.inf) <= np.nan_to_num(up, nan=np.inf)
    faces = [
        _stack(falls & left & bottom & falling, a, c, d),
        _stack(falls & falling & right & top, a, d, b),
        _stack(~falls & left & rising & top, a, c, b),
        _stack(~falls & rising & bottom & right, b, c, d),
    ]
    return np.concatenate(faces)


def _stack(wanted: np.ndarray, *corners: np.ndarray) -> np.ndarray:
    return np.stack([corner[wanted] for corner in corners], axis=-1)


def _linked(log: np.ndarray, dy: int, dx: int, gap: float, reach: int) -> np.ndarray:
    """Whether each pixel and its neighbour at (dy, dx) are on one surface.

    Returns:
        Bool, dy rows and abs(dx) columns smaller than ``log``. For dx < 0 an element belongs to
        the pixel on the right.
    """
    if dx < 0:
        return _linked(log[:, ::-1], dy, -dx, gap, reach)[:, ::-1]
    height, width = log.shape
    step = log[dy:, dx:] - log[: height - dy, : width - dx]
    sign, size = np.sign(step), np.abs(step)
    goes_on = np.zeros(step.shape, bool)
    for pixels, share in ((1, SLOPE), (reach, STAIRS)):
        far = np.pad(log, ((pixels * dy,) * 2, (pixels * dx,) * 2), constant_values=np.nan)
        rows, columns = step.shape
        before = log[: height - dy, : width - dx] - far[:rows, :columns]
        down, right = (pixels + 1) * dy, (pixels + 1) * dx
        beyond = far[down + pixels * dy :, right + pixels * dx :][:rows, :columns]
        after = beyond - log[dy:, dx:]
        # A step may point either way; what goes on in its direction has its sign.
        goes_on |= np.fmax(before * sign, after * sign) > share * size
    return (size <= math.log1p(gap)) | goes_on


def simplified(
    vertices: np.ndarray, faces: np.ndarray, most_faces: int
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) float32 and faces (F, 3) int32 of the same surface with fewer faces.

    Vertices that no face uses are left out. The faces are reduced by quadric error metrics
    (Garland and Heckbert 1997), in (X/Z, Y/Z, log Z): an error counts by its share of the depth, so
    that near and far surfaces keep as much detail as the camera sees. It may be impossible to
    reach ``most_faces``, as with many small pieces.

    Args:
        vertices: (V, 3) in the axes of the camera, z > 0.
        faces: (F, 3).
        most_faces: how many are wanted at most.
    """
    used, faces = np.unique(faces, return_inverse=True)
    vertices, faces = vertices[used], faces.reshape(-1, 3).astype(np.int32)
    if len(faces) <= most_faces:
        return vertices, faces
    from fast_simplification import simplify

    z = vertices[:, 2:]
    seen = np.hstack((vertices[:, :2] / z, np.log(z)))
    fewer, corners = simplify(seen, faces, target_count=most_faces, agg=PATIENCE)
    z = np.exp(fewer[:, 2:])
    return np.hstack((fewer[:, :2] * z, z)).astype(np.float32), corners.astype(np.int32)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) float32 of unit length: the mean of the faces around a vertex, by their area."""
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    across = np.cross(b - a, c - a)  # as long as twice the area
    total = np.zeros((len(vertices), 3))
    for k in range(3):
        np.add.at(total, faces[:, k], across)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    towards = np.where(length > 0, total / np.maximum(length, 1e-300), (0, 0, 1))
    return towards.astype(np.float32)
