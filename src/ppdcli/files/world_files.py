"""Writes a merged cloud in the format that the file's suffix names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ppdcli.axes import MEANING, from_opencv
from ppdcli.cloud_data import CloudData
from ppdcli.errors import UsageError

LEVEL = "turned so that the cameras stand upright on average"


def check_name(path: Path) -> None:
    """Refuses a file whose suffix names no format.

    Raises:
        UsageError: it does.
    """
    if path.suffix.lower() not in _WRITERS:
        raise UsageError(f"--world {path}: give a file that ends in one of {', '.join(_WRITERS)}")


def write_world(path: Path, cloud: CloudData, level: np.ndarray, cameras: np.ndarray) -> str | None:
    """Writes a merged cloud.

    A PLY has the coordinates of the poses. Formats for looking at it are turned upright.

    Args:
        path: the file to write; ``check_name`` has passed it.
        cloud: in the axes of the world.
        level: (3, 3) rotation from the world to upright axes: right, down, forward.
        cameras: (K, 5, 3) of each camera its place and four corners of what it sees.

    Returns:
        A line for the user, or None.

    Raises:
        OutputError: the file cannot be written.
    """
    return _WRITERS[path.suffix.lower()](path, cloud, level, cameras)


def _write_ply(path: Path, cloud: CloudData, _level: np.ndarray, _cameras: np.ndarray) -> None:
    from ppdcli.files import ply

    ply.write(path, cloud)


def _write_glb(path: Path, cloud: CloudData, level: np.ndarray, _cameras: np.ndarray) -> None:
    from ppdcli.files import glb_points

    turned = _levelled(cloud, level)
    assert turned.normals is not None
    upright = replace(
        turned,
        points=from_opencv(turned.points, "opengl"),
        normals=from_opencv(turned.normals, "opengl"),
        comments=(*_without_axes(cloud), f"axes opengl ({MEANING['opengl']}), {LEVEL}"),
    )
    glb_points.write(path, upright)


def _write_html(path: Path, cloud: CloudData, level: np.ndarray, cameras: np.ndarray) -> str | None:
    from ppdcli.files import html

    corners = cameras.reshape(-1, 3) @ level.T
    return html.write(path, _levelled(cloud, level), corners.reshape(-1, 5, 3))


def _write_picture(path: Path, cloud: CloudData, level: np.ndarray, _cameras: np.ndarray) -> None:
    from ppdcli.files import cloud_picture

    cloud_picture.write(path, _levelled(cloud, level), "opencv")


_WRITERS: dict[str, Callable[[Path, CloudData, np.ndarray, np.ndarray], str | None]] = {
    ".ply": _write_ply,
    ".glb": _write_glb,
    ".html": _write_html,
    ".png": _write_picture,
}


def _levelled(cloud: CloudData, level: np.ndarray) -> CloudData:
    turn = level.T.astype(np.float32)
    assert cloud.normals is not None
    return replace(
        cloud,
        points=cloud.points @ turn,
        normals=cloud.normals @ turn,
        comments=(*_without_axes(cloud), f"axes opencv ({MEANING['opencv']}), {LEVEL}"),
    )


def _without_axes(cloud: CloudData) -> tuple[str, ...]:
    return tuple(line for line in cloud.comments if not line.startswith("axes "))
