"""Reads the poses in transforms.json of nerfstudio and Instant NGP, and the points it names.

``transform_matrix`` goes from the camera to the world; the camera's axes are OpenGL's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ppdcli.errors import InputError, shown
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.pose_matrices import pose_of_opengl
from ppdcli.files.cameras.stated import numbers
from ppdcli.files.cameras.world_model import WorldModel, WorldPoints
from ppdcli.files.ply_reading import read as read_ply
from ppdcli.files.source import is_file
from ppdcli.geometry.posed import Pose


def read_transforms(content: Content) -> WorldModel:
    """Reads the poses of all frames.

    Raises:
        InputError: no frame has a pose, or the points that it names cannot be read.
    """
    where = content.where
    frames = content.mapping.get("frames")
    every = frames if isinstance(frames, list) else []
    listed = [frame for frame in every if isinstance(frame, dict)]
    posed = [frame for frame in listed if "transform_matrix" in frame]
    if not posed:
        raise InputError(
            f"{where}: no frame has a transform_matrix, so nothing says where the photos were taken"
        )
    poses: dict[str, Pose | str] = {}
    for frame in listed:
        name = str(frame.get("file_path"))
        if name in poses:
            raise InputError(f"{where}: names the image {shown(name, 60)!r} twice; correct it")
        poses[name] = _pose(frame.get("transform_matrix"), where)
    points, notes = None, []
    ply = content.mapping.get("ply_file_path")
    if isinstance(ply, str) and ply:
        path = content.path.parent / ply
        if is_file(path):
            points = points_of_ply(path)
        else:
            notes.append(f"{where}: names the points {shown(ply, 60)}, which are not there")
    return WorldModel(
        where, "nerfstudio", tuple(poses), tuple(poses.values()), points, tuple(notes)
    )


def points_of_ply(path: Path) -> WorldPoints:
    """Reads points of the world, of which nothing says which image sees them.

    Raises:
        InputError: the file is missing, damaged, or has no points.
    """
    places = read_ply(path).points.astype(np.float64)
    return WorldPoints(places, None, f"{path.name}, {len(places)} points")


def _pose(matrix: Any, where: str) -> Pose | str:
    """The pose, or what is wrong with it."""
    if matrix is None:
        return "has no transform_matrix"
    try:
        values = np.array(numbers(matrix, "transform_matrix", where))
    except InputError:
        return "has a transform_matrix that is not numbers"
    if values.size not in (12, 16):
        return f"has a transform_matrix of {values.size} numbers instead of 16"
    return pose_of_opengl(values.reshape(-1, 4)[:3])
