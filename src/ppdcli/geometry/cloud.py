"""From a depth map and a camera to a coloured point cloud."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from ppdcli.depth import DepthMap
from ppdcli.errors import InputError, UsageError
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.edges import hanging_points
from ppdcli.geometry.scale import near_far_depth

Axes = Literal["opencv", "opengl"]

AXES_MEANING: dict[Axes, str] = {
    "opencv": "x right, y down, z forward",
    "opengl": "x right, y up, z backward",
}

NOMINAL_NEAR_FAR = (1.0, 10.0)
"""Where a relative map is placed for want of a scale: its zero is no depth of zero."""


@dataclass(eq=False)
class PointCloud:
    """Coloured points.

    Attributes:
        points: (N, 3) float32, metres if the comments say so.
        colors: (N, 3) uint8 sRGB.
        comments: lines for the file's header: unit, axes, camera, provenance.
        removed: how many points the edge-clean filter left out.
    """

    points: np.ndarray
    colors: np.ndarray
    comments: tuple[str, ...] = ()
    removed: int = 0


def unproject(
    depth: np.ndarray, camera: Camera, rgb: np.ndarray, mask: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Pinhole unprojection: X = (u - cx) / fx * Z, Y = (v - cy) / fy * Z with integer u, v.

    Args:
        depth: (H, W) depth along the optical axis; NaN, infinite or <= 0 where there is none.
        camera: of this very grid.
        rgb: (H, W, 3) uint8.
        mask: (H, W) bool, the pixels to take; all with depth if None.

    Returns:
        (N, 3) float32 points in OpenCV axes and the unit of ``depth``, in row-major pixel order,
        and their (N, 3) uint8 colours.
    """
    taken = np.isfinite(depth) & (depth > 0)
    if mask is not None:
        taken &= mask
    v, u = np.nonzero(taken)
    z = depth[taken].astype(np.float32)
    ray_x = ((np.arange(depth.shape[1]) - camera.cx) / camera.fx).astype(np.float32)
    ray_y = ((np.arange(depth.shape[0]) - camera.cy) / camera.fy).astype(np.float32)
    return np.stack((ray_x[u] * z, ray_y[v] * z, z), axis=1), rgb[taken]


def make_cloud(
    depth_map: DepthMap,
    rgb: np.ndarray,
    camera: Camera,
    axes: Axes = "opencv",
    edge_clean: bool = True,
    near_far: tuple[float, float] | None = None,
    notes: tuple[str, ...] = (),
) -> PointCloud:
    """One coloured point a pixel of the photo, less the hanging ones if ``edge_clean``.

    Hanging points are found on the map's own grid and the map is brought to the photo's size
    afterwards: enlarged, a hanging pixel would look like a small surface.

    A relative map has no zero: unprojected as it is it would be a funnel, and lose its nearest
    points. It is placed between ``near_far`` (``near_far_depth``); without that between 1 and 10,
    and the comments say that neither its scale nor its proportions are metric.

    Args:
        depth_map: relative or metric, on the photo's grid or a smaller one.
        rgb: (H, W, 3) uint8, the photo.
        camera: of the photo's grid.
        axes: "opencv" or "opengl"; diag(1, -1, -1) converts.
        edge_clean: leave out what ``hanging_points`` finds.
        near_far: metres of a relative map's nearest and farthest point, 0 < near < far.
        notes: more comments, such as where the camera is from.

    Raises:
        UsageError: the camera is for another size, unknown axes, or near and far that do not fit.
        InputError: there is no depth to place.
    """
    height, width = rgb.shape[:2]
    if axes not in get_args(Axes):
        raise UsageError(f"axes {axes!r}: give one of {', '.join(get_args(Axes))}")
    if (camera.width, camera.height) != (width, height):
        raise UsageError(
            f"the camera is for {camera.width}x{camera.height} but the photo is "
            f"{width}x{height}; use camera.resized({width}, {height})"
        )
    if depth_map.kind == "metric" and near_far is not None:
        raise UsageError("near and far are for relative depth; this depth map is metric already")
    nominal = depth_map.kind == "relative" and near_far is None
    near_far = NOMINAL_NEAR_FAR if nominal else near_far

    def metric(values: np.ndarray) -> np.ndarray:
        return values if near_far is None else near_far_depth(values, *near_far)

    cleaned = depth_map
    if edge_clean:
        kept = np.where(hanging_points(metric(depth_map.values)), np.nan, depth_map.values)
        cleaned = replace(depth_map, values=kept)
    full = cleaned.resized(height, width).values
    # A map without holes of its own need not be enlarged once more to count them.
    before = _holes(depth_map.values) and _holes(depth_map.resized(height, width).values)
    removed = _holes(full) - before
    depth = metric(full)
    points, colors = unproject(depth, camera, rgb)
    if len(points) == 0:
        raise InputError("no pixel has a depth, so there is no point to write")
    if axes == "opengl":
        points *= np.array((1, -1, -1), np.float32)
    if near_far is not None and not nominal:
        depth_map = replace(depth_map, kind="metric")
    comments = (*_comments(depth_map, camera, axes, removed), *notes)
    return PointCloud(points, colors, comments, removed)


def _holes(depth: np.ndarray) -> int:
    return int(depth.size - np.isfinite(depth).sum())


def _comments(depth_map: DepthMap, camera: Camera, axes: Axes, removed: int) -> tuple[str, ...]:
    facts = depth_map.facts()
    del facts["meaning"]  # of the map's values, which for a relative map are not the points'
    if depth_map.kind == "relative":
        near, far = NOMINAL_NEAR_FAR
        facts["warning"] = (
            "relative depth: neither the scale nor the depth proportions are metric "
            f"(nearest point placed at {near:g}, farthest at {far:g})"
        )
    facts["axes"] = f"{axes} ({AXES_MEANING[axes]})"
    facts["intrinsics"] = f"{camera.describe()} (fx fy cx cy in pixels, first centre at 0,0)"
    facts["points_removed"] = f"{removed} (edge-clean)"
    return tuple(f"{key} {value}" for key, value in facts.items())
