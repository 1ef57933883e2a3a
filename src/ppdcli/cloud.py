"""From a depth map and a camera to a coloured point cloud."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from ppdcli.axes import MEANING, Axes, from_opencv
from ppdcli.cloud_options import CloudOptions
from ppdcli.depth_data import DepthData
from ppdcli.errors import InputError, UsageError
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion, rays
from ppdcli.geometry.edges import flying_pixels
from ppdcli.geometry.normals import surface_normals
from ppdcli.geometry.scale import near_far_depth, relative_again
from ppdcli.geometry.snap import snap_points
from ppdcli.geometry.upsample import area_mean, downsample_depth
from ppdcli.geometry.voxels import cell_means, voxel_groups
from ppdcli.wording import counted

NOMINAL_NEAR_FAR = (1.0, 10.0)
"""Where a relative map without a scale is placed: its zero does not mean a depth of zero."""


DEFAULTS = CloudOptions()


@dataclass(frozen=True, eq=False)
class CloudPixels:
    """The photo whose pixels the points of a cloud are.

    Attributes:
        rgb: (H, W, 3) uint8 sRGB.
        taken: (H, W) bool: the pixels that have a point; the points are in row-major order.
        camera: of the photo's grid.
        distortion: of the lens; None for a pinhole.
    """

    rgb: np.ndarray
    taken: np.ndarray
    camera: Camera
    distortion: Distortion | None = None


@dataclass(eq=False)
class PointCloud:
    """Coloured points.

    Attributes:
        points: (N, 3) float32, metres if the comments say so.
        colors: (N, 3) uint8 sRGB.
        comments: Lines for the header of the file: unit, axes, camera, provenance.
        removed: How many points the edge-clean filter removed.
        normals: (N, 3) float32 of unit length, towards the camera; None without normals.
        without_normal: how many points were left out because they have none.
        pixels: the photo whose pixels the points are; None for a thinned cloud.
    """

    points: np.ndarray
    colors: np.ndarray
    comments: tuple[str, ...] = ()
    removed: int = 0
    normals: np.ndarray | None = None
    without_normal: int = 0
    pixels: CloudPixels | None = None


def unproject(
    depth: np.ndarray, camera: Camera, distortion: Distortion | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Unprojection: X = (u - cx) / fx * Z, Y = (v - cy) / fy * Z with integer u, v.

    With a lens that bends rays, X / Z and Y / Z are those of the pixel's true ray.

    Args:
        depth: (H, W) depth along the optical axis; NaN, infinite or <= 0 where there is none.
        camera: of this very grid.
        distortion: of this very grid; None for a pinhole.

    Returns:
        (N, 3) float32 points in OpenCV axes and the unit of ``depth``, in row-major pixel order,
        and the (H, W) bool mask of their pixels: those with a depth and a ray.
    """
    taken = np.isfinite(depth) & (depth > 0)
    slopes = _slopes(camera, distortion)
    if distortion is not None:
        taken &= np.isfinite(slopes[..., 0])
    z = depth.take(np.flatnonzero(taken)).astype(np.float32, copy=False)
    points = np.empty((len(z), 3), np.float32)
    np.multiply(_at_pixels(slopes, taken), z[:, None], out=points[:, :2])
    points[:, 2] = z
    return points, taken


def _at_pixels(values: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """(H, W, C) -> (N, C) at the True pixels of ``taken``: ``values[taken]``, twice as fast."""
    return values.reshape(-1, values.shape[2]).take(np.flatnonzero(taken), axis=0)


def _slopes(camera: Camera, distortion: Distortion | None) -> np.ndarray:
    """X/Z and Y/Z of each pixel: (H, W, 2) float32."""
    if distortion is not None:
        return rays(camera, distortion)
    slopes = np.empty((camera.height, camera.width, 2), np.float32)
    slopes[..., 0] = (np.arange(camera.width) - camera.cx) / camera.fx
    slopes[..., 1] = ((np.arange(camera.height) - camera.cy) / camera.fy)[:, None]
    return slopes


def make_cloud(
    depth_map: DepthData,
    rgb: np.ndarray,
    camera: Camera,
    options: CloudOptions = DEFAULTS,
    *,
    near_far: tuple[float, float] | None = None,
    distortion: Distortion | None = None,
    mask: np.ndarray | None = None,
    opaque: np.ndarray | None = None,
    notes: tuple[str, ...] = (),
) -> PointCloud:
    """One coloured point a pixel of the photo, as the options say.

    Flying pixels are found on the grid of the map, before it is enlarged to the photo's size: an
    enlarged flying pixel would look like a small surface.

    A relative map has no zero. Unprojected as it is, it would be a funnel and lose its nearest
    points. So it is placed between ``near_far`` (``near_far_depth``), or between 1 and 10 without
    it; then the comments say that neither its scale nor its proportions are metric.

    Args:
        depth_map: relative or metric, on the photo's grid or a smaller one.
        rgb: (H, W, 3) uint8, the photo.
        camera: of the photo's grid.
        options: what the cloud is like.
        near_far: metres of a relative map's nearest and farthest point, 0 < near < far.
        distortion: Of the photo's grid. Each pixel is moved along its true ray.
        mask: bool on the map's grid, False where no points are wanted, as in the sky, though the
            map has a depth there.
        opaque: bool on the photo's grid, False where the photo is transparent: no point there.
        notes: more comments, such as where the camera is from.

    Raises:
        UsageError: the camera is for another size, unknown axes, or near and far that do not fit.
        InputError: there is no depth to place.
    """
    height, width = rgb.shape[:2]
    if options.axes not in get_args(Axes):
        raise UsageError(f"axes {options.axes!r}: give one of {', '.join(get_args(Axes))}")
    if (camera.width, camera.height) != (width, height):
        raise UsageError(
            f"the camera is for {camera.width}x{camera.height} but the photo is "
            f"{width}x{height}; use camera.resized({width}, {height})"
        )
    if depth_map.kind == "metric" and near_far is not None:
        raise UsageError("near and far are for relative depth; this depth map is metric already")
    nominal = depth_map.kind == "relative" and near_far is None
    near_far = NOMINAL_NEAR_FAR if nominal else near_far
    values, flying = _cleaned(depth_map.values, rgb, options, near_far)
    wanted = values if mask is None else np.where(mask, values, np.nan)

    def enlarged(values: np.ndarray) -> np.ndarray:
        resized = replace(depth_map, values=values).resized(height, width, rgb)
        return resized.visible(opaque).values

    full = enlarged(np.where(flying, np.nan, wanted))
    # Only a map with holes of its own must be enlarged again to count them.
    clear = 0 if opaque is None else int(opaque.size - opaque.sum())
    removed = _holes(full) - (_holes(enlarged(wanted)) if _holes(wanted) else clear)
    depth = _placed(full, near_far)
    if near_far is not None and not nominal:
        depth_map = replace(depth_map, kind="metric")
    comments = (*_comments(depth_map, camera, options.axes, removed), *notes)
    if clear:
        comments += (f"transparent {counted(clear, 'pixel')} of the photo left out",)

    along, without = None, 0
    if options.normals:
        slopes = _slopes(camera, distortion)
        along = surface_normals(depth, slopes)
        bare = ~np.isfinite(along[..., 0]) & np.isfinite(slopes[..., 0]) & (depth > 0)
        depth, without = np.where(bare, np.nan, depth), int((bare & np.isfinite(depth)).sum())
        if without:
            comments += (f"normals {counted(without, 'point')} without one left out",)
    points, taken = unproject(depth, camera, distortion)
    if len(points) == 0:
        raise InputError("no pixel has a depth, so there is no point to write")
    if distortion is not None:
        blind = int((np.isfinite(depth) & (depth > 0) & ~taken).sum())
        lost = f", {counted(blind, 'pixel')} outside its field left out" if blind else ""
        comments += (f"distortion {distortion.describe()}, undone{lost}",)
    cloud = PointCloud(
        from_opencv(points, options.axes),
        _at_pixels(rgb, taken),
        comments,
        removed,
        None if along is None else from_opencv(_at_pixels(along, taken), options.axes),
        without,
        CloudPixels(rgb, taken, camera, distortion),
    )
    return cloud if options.voxel is None else thinned(cloud, options.voxel)


def _placed(values: np.ndarray, near_far: tuple[float, float] | None) -> np.ndarray:
    """The depth in a form that can be unprojected."""
    return values if near_far is None else near_far_depth(values, *near_far)


def _cleaned(
    values: np.ndarray, rgb: np.ndarray, options: CloudOptions, near_far: tuple[float, float] | None
) -> tuple[np.ndarray, np.ndarray]:
    """The map, with flying pixels moved if wanted, and an (H, W) bool mask of those that remain."""
    if not options.edge_clean:
        return values, np.zeros(values.shape, bool)
    depth = _placed(values, near_far)
    flying = flying_pixels(depth)  # needs the sky: an edge is found by the surfaces on both sides
    if not options.snap:
        return values, flying
    snapped, moved = snap_points(depth, _on_grid(rgb, *values.shape), flying)
    if near_far is not None:
        snapped = relative_again(snapped, values, *near_far)
    return np.where(moved, snapped, values), flying & ~moved


def thinned(cloud: PointCloud, voxel: float) -> PointCloud:
    """One point for each occupied cell of a grid: the mean of its points and colours.

    Args:
        cloud: not empty.
        voxel: side of a cell, in the cloud's unit, > 0.

    Raises:
        UsageError: The cells are too small: there are too many of them.
    """
    order, starts = voxel_groups(cloud.points, voxel)
    normals = None
    if cloud.normals is not None:
        means = cell_means(cloud.normals, order, starts)
        length = np.linalg.norm(means, axis=1, keepdims=True)
        # If normals cancel out, as on the two sides of a thin wall, the first one is taken.
        first = cloud.normals[order[starts]]
        normals = np.where(length > 1e-6, means / np.maximum(length, 1e-6), first)
        normals = normals.astype(np.float32)
    return PointCloud(
        cell_means(cloud.points, order, starts).astype(np.float32),
        np.rint(cell_means(cloud.colors, order, starts)).astype(np.uint8),
        (*cloud.comments, f"voxel {voxel:g}, {len(starts)} of {len(order)} points kept"),
        cloud.removed,
        normals,
        cloud.without_normal,
    )


def _on_grid(rgb: np.ndarray, height: int, width: int) -> np.ndarray:
    """The photo on the map's grid: (height, width, 3) uint8."""
    if rgb.shape[0] < height or rgb.shape[1] < width:
        return np.stack([downsample_depth(rgb[..., c], height, width) for c in range(3)], axis=-1)
    return np.rint(area_mean(rgb, height, width)).astype(np.uint8)


def _holes(depth: np.ndarray) -> int:
    return int(depth.size - np.isfinite(depth).sum())


def _comments(depth_map: DepthData, camera: Camera, axes: Axes, removed: int) -> tuple[str, ...]:
    facts = depth_map.facts()
    del facts["meaning"]  # of the map's values, which for a relative map are not the points'
    if depth_map.kind == "relative":
        near, far = NOMINAL_NEAR_FAR
        facts["warning"] = (
            "relative depth: neither the scale nor the depth proportions are metric "
            f"(nearest point placed at {near:g}, farthest at {far:g})"
        )
    facts["axes"] = f"{axes} ({MEANING[axes]})"
    facts["intrinsics"] = f"{camera.describe()} (fx fy cx cy in pixels, first centre at 0,0)"
    facts["points_removed"] = f"{removed} (edge-clean)"
    return tuple(f"{key} {value}" for key, value in facts.items())
