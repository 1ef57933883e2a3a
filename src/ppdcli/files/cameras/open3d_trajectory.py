"""Reads Open3D's camera trajectory in JSON, which lists a camera and a pose for each photo.

Matrices are stored by columns. ``extrinsic`` goes from the world to the camera, whose axes are
OpenCV's. No photo is named: pose k is that of the photo with the number k.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ppdcli.errors import InputError
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.matrix import from_matrix
from ppdcli.files.cameras.pose_matrices import pose_of_opencv
from ppdcli.files.cameras.stated import Contents, StatedCamera, image_size, numbers
from ppdcli.files.cameras.world_model import WorldModel
from ppdcli.geometry.posed import Pose

_CLASS = "PinholeCameraTrajectory"
_AGAIN = "write it again with open3d.io.write_pinhole_camera_trajectory"


def fits(content: Content) -> bool:
    """Whether it is a trajectory by its own words."""
    return content.mapping.get("class_name") == _CLASS


def read(content: Content) -> Contents:
    """Reads the camera, which must be one for all poses.

    Raises:
        InputError: there is no pose, the cameras differ, or a value makes no sense.
    """
    where, found = content.where, set()
    for number, row in enumerate(_rows(content)):
        data = row.get("intrinsic")
        if not isinstance(data, dict):
            raise InputError(f"{where}: pose {number} has no intrinsic; {_AGAIN}")
        focal, centre = from_matrix(
            numbers(data.get("intrinsic_matrix"), "intrinsic", where), where
        )
        found.add(StatedCamera("", focal, centre, image_size(data, "width", "height", where)))
    if len(found) > 1:
        raise InputError(
            f"{where}: has {len(found)} different cameras, and names no photo of any; give a "
            "COLMAP model or a transforms.json"
        )
    return Contents("Open3D", tuple(found))


def read_trajectory(content: Content) -> WorldModel:
    """Reads the poses.

    Raises:
        InputError: there is none.
    """
    poses = tuple(_pose(row, content.where) for row in _rows(content))
    return WorldModel.numbered_from_0(content.where, "Open3D", poses)


def _rows(content: Content) -> list[dict[str, Any]]:
    rows = content.mapping.get("parameters")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise InputError(f"{content.where}: lists no poses; {_AGAIN}")
    return rows


def _pose(row: dict[str, Any], where: str) -> Pose | str:
    try:
        values = np.array(numbers(row.get("extrinsic"), "extrinsic", where))
    except InputError:
        return "has an extrinsic that is not numbers"
    if values.size != 16:
        return f"has an extrinsic of {values.size} numbers instead of 16"
    return pose_of_opencv(values.reshape(4, 4).T[:3])
