"""Compiled code: normals at the corners of a model's triangles."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ppdcli.geometry.compiled import compiled

_compiled = partial(compiled, fastmath=True)


@_compiled
def corner_normals(vertices, triangles, cosine):  # type: ignore[no-untyped-def]
    """Returns (F, 9) int8 corner normals, smooth where faces meet at less than the crease angle."""
    count = len(triangles)
    faces = np.empty((count, 3), np.float32)
    sums = np.zeros((len(vertices), 3), np.float32)
    for f in range(count):
        a, b, c = vertices[triangles[f, 0]], vertices[triangles[f, 1]], vertices[triangles[f, 2]]
        ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in range(3):
            sums[triangles[f, k], 0] += nx
            sums[triangles[f, k], 1] += ny
            sums[triangles[f, k], 2] += nz
        norm = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-30
        faces[f, 0], faces[f, 1], faces[f, 2] = nx / norm, ny / norm, nz / norm
    result = np.empty((count, 9), np.int8)
    for f in range(count):
        for k in range(3):
            n = sums[triangles[f, k]]
            norm = math.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]) + 1e-30
            along = (n[0] * faces[f, 0] + n[1] * faces[f, 1] + n[2] * faces[f, 2]) / norm
            for j in range(3):
                value = n[j] / norm if along > cosine else faces[f, j]
                result[f, 3 * k + j] = np.int8(round(value * 127))
    return result
