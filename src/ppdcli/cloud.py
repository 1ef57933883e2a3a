"""From a depth map and a camera to a coloured point cloud."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from ppdcli.announce import warn
from ppdcli.axes import MEANING, Axes, from_opencv
from ppdcli.cloud_data import CloudData, CloudPixels
from ppdcli.cloud_options import CloudOptions
from ppdcli.depth_data import DepthData
from ppdcli.errors import InputError, UsageError
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion
from ppdcli.geometry.edges import flying_pixels
from ppdcli.geometry.normals import surface_normals
from ppdcli.geometry.scale import near_far_depth, relative_again
from ppdcli.geometry.snap import snap_points
from ppdcli.geometry.unproject import at_pixels, slopes_of, unproject
from ppdcli.geometry.upsample import area_mean, downsample_depth
from ppdcli.geometry.voxels import cell_means, voxel_groups
from ppdcli.wording import counted

NOMINAL_NEAR_FAR = (1.0, 10.0)
"""Where a relative map without a scale is placed: its zero does not mean a depth of zero."""


DEFAULTS = CloudOptions()


@dataclass(eq=False, repr=False)
class PointCloud(CloudData):
    """Coloured points that can be saved, shown and given to Open3D; see ``CloudData``."""

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        normals = "" if self.normals is None else ", with normals"
        removed = f", {counted(self.removed, 'flying pixel')} removed" if self.removed else ""
        points = counted(len(self), "point")
        return f"<PointCloud of {points}, {self.unit}, {self.axes} axes{normals}{removed}>"

    def _repr_html_(self) -> str:
        from ppdcli.files.notebook import cloud_html

        return cloud_html(self, repr(self))

    def _repr_png_(self) -> bytes | None:
        from ppdcli.files.notebook import cloud_png

        return cloud_png(self) if len(self) else None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a file; the suffix picks the format.

        ``.ply``: the points, binary. ``.glb``: a textured mesh. ``.png``: a picture of the cloud
        from the side and from above. ``.html``: a page for a browser. All are in
        ``files.formats.CLOUD_FORMATS``.

        Warns:
            PpdWarning: the file holds a part of the points only, as a page of many.

        Raises:
            UsageError: another suffix.
            InputError: the format does not allow this cloud, as a mesh of a thinned one.
            OutputError: the file cannot be written.
        """
        from ppdcli.files.formats import CLOUD_FORMATS

        path = Path(path)
        suffixes = {row.suffix: row for row in CLOUD_FORMATS.values()}
        row = suffixes.get(path.suffix.lower())
        if row is None:
            raise UsageError(f"{path}: a cloud is saved as one of {', '.join(suffixes)}")
        note = row.write(path, self, CloudOptions(axes=self.axes))
        warn([] if note is None else [note])

    def to_open3d(self) -> Any:
        """The same points as an ``open3d.geometry.PointCloud``: colours in 0..1, float64.

        Raises:
            PpdError: Open3D cannot be imported here.
        """
        from ppdcli.files.open3d_import import open3d_cloud

        return open3d_cloud(self)


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
    if options.voxel is not None and not 0 < options.voxel < math.inf:
        raise UsageError(f"voxel {options.voxel:g}: give a length above 0")
    if (camera.width, camera.height) != (width, height):
        raise UsageError(
            f"the camera is for {camera.width}x{camera.height} but the photo is "
            f"{width}x{height}; use camera.resized({width}, {height})"
        )
    if depth_map.kind == "metric" and near_far is not None:
        raise UsageError("near and far are for relative depth; this depth map is metric already")
    nominal = depth_map.kind == "relative" and near_far is None
    near_far = NOMINAL_NEAR_FAR if nominal else near_far
    values, flying = cleaned(depth_map.values, rgb, options, near_far)
    wanted = values if mask is None else np.where(mask, values, np.nan)

    def enlarged(values: np.ndarray) -> np.ndarray:
        resized = replace(depth_map, values=values).resized(height, width, rgb)
        return resized.visible(opaque).values

    full = enlarged(np.where(flying, np.nan, wanted))
    clear = 0 if opaque is None else int(opaque.size - opaque.sum())
    before = None  # a map without holes of its own need not be enlarged again to count them
    if _holes(wanted) or (options.keep_flying and flying.any()):
        before = enlarged(wanted)
    removed = _holes(full) - (clear if before is None else _holes(before))
    depth = _placed(full, near_far)
    if near_far is not None and not nominal:
        depth_map = replace(depth_map, kind="metric")
    comments = (*_comments(depth_map, camera, options.axes, removed), *notes)
    if clear:
        comments += (f"transparent {counted(clear, 'pixel')} of the photo left out",)

    along, without = None, 0
    if options.normals:
        slopes = slopes_of(camera, distortion)
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
        at_pixels(rgb, taken),
        comments,
        removed,
        None if along is None else from_opencv(at_pixels(along, taken), options.axes),
        without,
        CloudPixels(rgb, taken, camera, distortion),
        options.axes,
        depth_map.unit,
    )
    if options.keep_flying and before is not None:
        hanging = _hanging(full, before, near_far)
        cloud.flying = from_opencv(unproject(hanging, camera, distortion)[0], options.axes)
    return cloud if options.voxel is None else thinned(cloud, options.voxel)


def _placed(values: np.ndarray, near_far: tuple[float, float] | None) -> np.ndarray:
    """The depth in a form that can be unprojected."""
    return values if near_far is None else near_far_depth(values, *near_far)


def _hanging(
    full: np.ndarray, before: np.ndarray, near_far: tuple[float, float] | None
) -> np.ndarray:
    """The depth of removed pixels alone, placed as the others are."""
    gone = np.isfinite(before) & ~np.isfinite(full)
    if near_far is not None:  # the ends of the map must stay the same
        before = np.clip(before, np.nanmin(full), np.nanmax(full))
    return np.where(gone, _placed(np.where(gone, before, full), near_far), np.nan)


def cleaned(
    values: np.ndarray, rgb: np.ndarray, options: CloudOptions, near_far: tuple[float, float] | None
) -> tuple[np.ndarray, np.ndarray]:
    """The map, with flying pixels moved if wanted, and an (H, W) bool mask of those that remain."""
    if not options.edge_clean:
        return values, np.zeros(values.shape, bool)
    depth = _placed(values, near_far)
    flying = flying_pixels(depth)  # needs the sky: an edge is found by the surfaces on both sides
    if not options.snap:
        return values, flying
    snapped, moved = snap_points(depth, on_grid(rgb, *values.shape), flying)
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
    return replace(
        cloud,
        points=cell_means(cloud.points, order, starts).astype(np.float32),
        colors=np.rint(cell_means(cloud.colors, order, starts)).astype(np.uint8),
        comments=(*cloud.comments, f"voxel {voxel:g}, {len(starts)} of {len(order)} points kept"),
        normals=normals,
        pixels=None,
    )


def on_grid(rgb: np.ndarray, height: int, width: int) -> np.ndarray:
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
