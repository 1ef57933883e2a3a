"""Which points of the world a photo sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion
from ppdcli.geometry.posed import Pose, seen_at, widest_of

CELLS = 60  # along the longer side of a photo, in which nearer points hide farther ones
HIDDEN = 1.15  # times the nearest depth around; what is farther counts as hidden


@dataclass(frozen=True, eq=False)
class SeenPoints:
    """Points in a photo.

    Attributes:
        u, v: (N,) column and row of those inside it; the first pixel's centre is (0, 0).
        depth: (N,) their depth along the optical axis, > 0.
        behind: number of points that are not in front of the camera.
        outside: number of points in front of it that are not inside the photo.
    """

    u: np.ndarray
    v: np.ndarray
    depth: np.ndarray
    behind: int
    outside: int

    def on_grid(self, camera: Camera, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
        """Column and row on a grid of ``width`` x ``height``, of those in the photo of a camera."""
        sx, sy = width / camera.width, height / camera.height
        return (self.u + 0.5) * sx - 0.5, (self.v + 0.5) * sy - 0.5

    def where(self, mask: np.ndarray | None) -> SeenPoints:
        """The points at the True pixels of an (H, W) mask of the photo; all for None."""
        if mask is None:
            return self
        kept = mask[np.rint(self.v).astype(np.intp), np.rint(self.u).astype(np.intp)]
        return SeenPoints(self.u[kept], self.v[kept], self.depth[kept], self.behind, self.outside)


def points_in(
    places: np.ndarray,
    pose: Pose,
    camera: Camera,
    distortion: Distortion | None = None,
    hide: bool = False,
) -> SeenPoints:
    """Finds points in a photo.

    Args:
        places: (P, 3) in the world.
        pose: of the photo.
        camera: of its grid.
        distortion: of its lens.
        hide: nothing says that the photo sees the points, so leave out those that are behind
            nearer points. Of a sparse cloud some remain that a surface hides.
    """
    points = pose.to_camera(places)
    u, v = seen_at(points, camera, distortion, widest_of(camera, distortion))
    in_front = points[:, 2] > 0
    inside = (u > -0.5) & (u < camera.width - 0.5) & (v > -0.5) & (v < camera.height - 0.5)
    u, v, depth = u[inside], v[inside], points[inside, 2]
    counts = int((~in_front).sum()), int((in_front & ~inside).sum())
    if hide and u.size:
        kept = _not_hidden(u, v, depth, camera)
        u, v, depth = u[kept], v[kept], depth[kept]
    return SeenPoints(u, v, depth, *counts)


def _not_hidden(u: np.ndarray, v: np.ndarray, depth: np.ndarray, camera: Camera) -> np.ndarray:
    size = max(camera.width, camera.height) / CELLS
    column, row = ((place + 0.5) // size for place in (u, v))
    columns, rows = column.astype(np.intp) + 1, row.astype(np.intp) + 1
    nearest = np.full((rows.max() + 2, columns.max() + 2), np.inf)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            np.minimum.at(nearest, (rows + dy, columns + dx), depth)
    return np.asarray(depth <= HIDDEN * nearest[rows, columns])
