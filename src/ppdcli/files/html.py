"""Clouds as pages for a browser: one file, which needs no network and no server."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ppdcli.cloud_data import CloudData
from ppdcli.depth_data import DepthData
from ppdcli.errors import InputError
from ppdcli.files.atomic import atomic_path
from ppdcli.files.preview import colorize
from ppdcli.viewer.cloud_facts import facts_of
from ppdcli.viewer.cloud_scene import ShownCloud, cloud_scene
from ppdcli.viewer.page import page_of


def write(path: Path, cloud: CloudData, cameras: np.ndarray | None = None) -> str | None:
    """Write the page.

    Args:
        path: the file to write.
        cloud: with comments, which state its axes.
        cameras: (K, 5, 3) to draw: of each camera its place and four corners of what it sees, in
            the axes of the points; None without any.

    Returns:
        A line for the user where the page shows some of the points only.

    Raises:
        InputError: the cloud has no points.
        OutputError: the file cannot be written.
    """
    if len(cloud.points) == 0:
        raise InputError(f"{path}: the cloud has no points, so no file was written")
    facts = facts_of(cloud.comments)
    title = facts.photo or path.stem
    # A unit that is neither metres nor relative is told as it is.
    unit = [line for line in cloud.comments if line.startswith("unit ") and facts.metric is None]
    parts = title, cloud.points, cloud.colors, facts, cloud.flying
    shown = ShownCloud(*parts, notes=tuple(unit), cameras=cameras)
    scene = cloud_scene(shown)
    page = page_of(scene, ramp())
    with atomic_path(path) as temporary:
        temporary.write_bytes(page)
    return f"{title}: {scene.lines[0]}; a PLY has all" if scene.lines else None


def ramp() -> np.ndarray:
    """(256, 3) uint8: the colours of depth from near to far, which are those of previews."""
    depths = DepthData(np.linspace(0, 1, 256, dtype=np.float32)[None], "relative")
    return colorize(depths, "spectral", (0.0, 1.0))[0]
