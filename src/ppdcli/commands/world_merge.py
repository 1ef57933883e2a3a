"""The second stage of ``ppd pointcloud --world``: the depth maps of all photos become one cloud."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ppdcli.cloud_data import CloudData
from ppdcli.errors import InputError, PpdError, shown
from ppdcli.files import world_cache
from ppdcli.files.world_files import write_world
from ppdcli.geometry.merging import Merged, MergeSettings, merge
from ppdcli.geometry.posed import levelling, pyramid
from ppdcli.version import __version__
from ppdcli.wording import counted

HELD_BYTES = 1 << 30  # of depth maps in memory
PIXEL_BYTES = 7  # of a depth map and its colours
PYRAMID = 0.03  # of the size of the scene: how large a camera is drawn


@dataclass(frozen=True)
class Summary:
    """What became of a merge.

    Attributes:
        line: for the user.
        failures: a line for each photo that is not in the cloud.
    """

    line: str
    failures: tuple[str, ...]


def merge_photos(
    paths: Sequence[Path],
    target: Path,
    voxel: float | None,
    unit: str,
    world: str,
    progress: Callable[[int], None],
) -> Summary:
    """Merges the depth maps of photos into one cloud, and writes it.

    Args:
        paths: the depth maps.
        target: the file to write, whose suffix names its format.
        voxel: side of the cells that keep one point each, in the unit of the world; None: about
            what a pixel covers.
        unit: of the world, in words, such as "m" or "arbitrary, that of sparse/0".
        world: what names the poses.
        progress: called with the number of photos that are done.

    Raises:
        PpdError: no photo is left, or no two agree.
        UsageError: the voxels are too small.
        OutputError: the file cannot be written.
    """
    kept, failures = _each_once(paths)
    if not kept:
        raise PpdError(f"{target}: is not written, since no photo could be used")
    first = world_cache.read(kept[0])
    held = max(2, HELD_BYTES // (PIXEL_BYTES * first.depth.size))
    settings = MergeSettings(voxel=voxel, held=min(held, MergeSettings.held))
    try:
        merged = merge(len(kept), lambda k: world_cache.read(kept[k]), settings, progress)
    except InputError as error:
        raise PpdError(f"{target}: is not written, since {error}") from error
    for view in merged.views:
        if not view.kept and view.points:
            failures.append(f"{view.name}: no other photo agrees with it, so it is not in {target}")
    cloud = CloudData(
        merged.points,
        merged.colors,
        _comments(merged, settings, unit, world),
        removed=merged.total("seen_through") + merged.total("unsupported"),
        normals=merged.normals,
        unit="m" if unit == "m" else "relative",
    )
    views = [world_cache.read(path, pixels=False) for path in kept]
    size = PYRAMID * float(np.median(np.ptp(np.percentile(cloud.points, (5, 95), axis=0), axis=0)))
    cameras = np.stack([pyramid(view, size) for view in views])
    note = write_world(target, cloud, levelling([view.pose for view in views]), cameras)
    line = f"{target}: {_told(merged)}; unit {unit}"
    return Summary(line if note is None else f"{line}; {note}", tuple(failures))


def _each_once(paths: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """The depth maps in the order of their images' names, and a line for photos of one image."""
    by_image: dict[str, list[Path]] = {}
    for path in paths:
        by_image.setdefault(world_cache.image_of(path), []).append(path)
    kept, failures = [], []
    for image in sorted(by_image):
        same = by_image[image]
        if len(same) == 1:
            kept.append(same[0])
            continue
        names = [world_cache.read(path, pixels=False).name for path in same]
        failures += [
            f"{name}: is one of {len(same)} photos that are the image {shown(image, 60)!r} of the "
            "model by their names, so it is left out; give one of them"
            for name in names
        ]
    return kept, failures


def _comments(merged: Merged, settings: MergeSettings, unit: str, world: str) -> tuple[str, ...]:
    photos = sum(view.kept > 0 for view in merged.views)
    rule = settings.rule
    assert rule is not None
    return (
        "kind metric" if unit == "m" else "kind scale of the poses",
        f"unit {unit}",
        f"program ppdcli {__version__}",
        f"photos {photos}",
        f"axes world, those of the poses in {world}",
        f"agreement {rule.describe()}; each photo was compared with up to {settings.neighbours}",
        f"points_seen_through {merged.total('seen_through')} of {merged.total('points')}",
        f"points_unsupported {merged.total('unsupported')} of {merged.total('points')}",
        f"points_unchecked {merged.total('unchecked')} of {merged.total('points')}, kept",
        f"voxel {merged.voxel:.6g}, {len(merged.points)} points from {merged.total('kept')}",
    )


def _told(merged: Merged) -> str:
    total = max(merged.total("points"), 1)
    through, alone, unchecked = (
        f"{100 * merged.total(what) / total:.1f} %"
        for what in ("seen_through", "unsupported", "unchecked")
    )
    return (
        f"{len(merged.points):,} points of {counted(len(merged.views), 'photo')}; of {total:,} "
        f"points, {through} are dropped since other photos see through them, and {alone} since "
        f"none agrees; {unchecked} could not be checked; voxels of {merged.voxel:.3g}"
    )
