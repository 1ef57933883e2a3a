"""Files that ``ppd view`` shows, as scenes: clouds, meshes and depth maps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ppdcli.errors import InputError
from ppdcli.files import depth_files, glb_reading, ply_reading
from ppdcli.files.decoding import decoding
from ppdcli.files.foreign import open_regular
from ppdcli.viewer.cloud_facts import facts_of
from ppdcli.viewer.scene import Scene

if TYPE_CHECKING:
    from ppdcli.depth_data import DepthData
    from ppdcli.geometry.camera import Camera

SUFFIXES = (".ply", ".glb", ".exr", ".npy", ".npz")
"""Of the files of a folder that are shown; of its .png files, those of 16-bit grey are."""

WAY_ON = "give a PLY, a GLB, or a depth map (16-bit PNG, EXR, NPY)"
ASSUMED_FOV = 60.0  # degrees on the longer side, as for photos
OF_THE_NETWORK = (-0.5, 1.5)  # its own output, with a margin; metres are hardly ever all in it
_GREY_16 = b"\x10\x00"  # bit depth and colour type of a PNG
_IHDR = 24


@dataclass(frozen=True)
class ViewOptions:
    """What a user can say about files that do not say it.

    Attributes:
        fov: horizontal field of view of depth maps, in degrees; None: assumed.
        depth_scale: metres of a step of depth maps of whole numbers; None: millimetres.
    """

    fov: float | None = None
    depth_scale: float | None = None


def scene_of(path: Path, title: str, options: ViewOptions) -> Scene:
    """The scene of a file, whose kind is told by its first bytes.

    Args:
        path: the file.
        title: of the page.
        options: for depth maps.

    Returns:
        The scene; its lines name the file.

    Raises:
        InputError: the file cannot be read or shown.
    """
    with decoding(path, "a cloud"), open_regular(path) as stream:
        head = stream.read(8)
    if head.startswith(ply_reading.MAGIC):
        scene = _of_ply(path, title)
    elif head.startswith(glb_reading.MAGIC):
        scene = _of_glb(path, title)
    elif depth_files.format_of(path) is not None:
        scene = _of_depth(path, title, options)
    else:
        raise InputError(f"{path}: is no file that can be shown; {WAY_ON}")
    lines = tuple(line if line.startswith(str(path)) else f"{path}: {line}" for line in scene.lines)
    return replace(scene, lines=lines)


def may_be_shown(path: Path) -> bool:
    """Whether a file of a folder looks like one to show."""
    suffix = path.suffix.lower()
    if path.name.startswith("."):
        return False
    if suffix == ".png":
        try:
            with open_regular(path) as stream:
                return stream.read(_IHDR + 2)[_IHDR:] == _GREY_16
        except OSError:
            return False
    return suffix in SUFFIXES


def _of_ply(path: Path, title: str) -> Scene:
    from ppdcli.viewer.cloud_scene import ShownCloud, cloud_scene

    read = ply_reading.read(path)
    facts = facts_of(read.comments)
    scene = cloud_scene(ShownCloud(title, read.points, read.colors, facts, notes=read.notes))
    return replace(scene, lines=(*scene.lines, *read.notes))


def _of_glb(path: Path, title: str) -> Scene:
    from ppdcli.viewer.mesh_scene import mesh_scene

    read = glb_reading.read(path)
    return mesh_scene(title, read.data, read.triangles, read.comments, read.depths)


def _of_depth(path: Path, title: str, options: ViewOptions) -> Scene:
    from ppdcli.cloud import make_cloud
    from ppdcli.cloud_options import CloudOptions
    from ppdcli.viewer.cloud_scene import ShownCloud, cloud_scene

    depth, assumed = _depth(path, options)
    height, width = depth.values.shape
    camera, note = _camera(depth, width, height, options)
    assumed += note
    grey = np.zeros((height, width, 3), np.uint8)
    try:
        cloud = make_cloud(depth, grey, camera, CloudOptions(keep_flying=True))
    except InputError as error:
        raise InputError(f"{path}: {error}; give another file") from error
    facts = facts_of(cloud.comments)
    shown = ShownCloud(title, cloud.points, None, facts, cloud.flying, assumed)
    scene = cloud_scene(shown)
    return replace(scene, lines=(*scene.lines, *depth.notes, *assumed))


def _depth(path: Path, options: ViewOptions) -> tuple[DepthData, tuple[str, ...]]:
    """The depth in a file, and what was assumed about it."""
    if depth_files.states_unit(path):
        return depth_files.read_depth(path), ()
    if depth_files.format_of(path) == "png":
        scale = options.depth_scale or "mm"
        told = () if options.depth_scale else ("millimetres assumed; --depth-scale states another",)
        return depth_files.read_depth(path, "metric", scale), told  # type: ignore[arg-type]
    if options.depth_scale is None:
        depth = depth_files.read_depth(path, "relative")
        values = depth.values[np.isfinite(depth.values)]
        low, high = OF_THE_NETWORK
        if values.min() >= low and values.max() <= high:
            return depth, ("taken for relative depth, as all values are near 0 to 1",)
    metric = depth_files.read_depth(path, "metric", options.depth_scale)
    return metric, () if options.depth_scale else ("metres assumed",)


def _camera(
    depth: DepthData, width: int, height: int, options: ViewOptions
) -> tuple[Camera, tuple[str, ...]]:
    from ppdcli.geometry.camera import Camera

    if options.fov is not None:
        return Camera.from_fov(options.fov, width, height), ()
    if depth.camera is not None:
        return depth.camera, ()
    note = f"camera assumed, {ASSUMED_FOV:g} degrees on the longer side; --fov states another"
    return Camera.assumed(ASSUMED_FOV, width, height), (note,)
