"""Reads Record3D's ``metadata``: K of the colour picture of w x h, column by column, and poses.

The depth of dw x dh shows the same view. The first pixel centre is at (0, 0). A pose is ARKit's, in
metres, from the camera to the world: qx, qy, qz, qw, x, y, z. Pose k is that of the photo k.jpg.
"""

from __future__ import annotations

import numpy as np

from ppdcli.errors import InputError
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.matrix import from_matrix
from ppdcli.files.cameras.pose_matrices import pose_of_opengl
from ppdcli.files.cameras.stated import Contents, StatedCamera, image_size, numbers
from ppdcli.files.cameras.world_model import WorldModel
from ppdcli.geometry.posed import Pose, rotation_of

_OTHERS = {"dw", "dh", "fps", "poses", "perFrameIntrinsicCoeffs", "frameTimestamps"}


def fits(content: Content) -> bool:
    """Whether it has K, w and h, and two of Record3D's other entries."""
    data = content.mapping
    return data.keys() >= {"K", "w", "h"} and len(_OTHERS & data.keys()) >= 2


def read(content: Content) -> Contents:
    """Reads the camera of the recording.

    Raises:
        InputError: a value makes no sense.
    """
    data, where = content.mapping, content.where
    focal, centre = from_matrix(numbers(data["K"], "K", where), where)
    size = image_size(data, "w", "h", where)
    return Contents("Record3D", (StatedCamera("", focal, centre, size),))


def read_recording(content: Content) -> WorldModel | None:
    """Reads the poses; None if the recording has none.

    Raises:
        InputError: they are no list.
    """
    rows = content.mapping.get("poses")
    if rows is None:
        return None
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{content.where}: poses is no list of poses; export it again")
    poses = tuple(_pose(row, content.where) for row in rows)
    return WorldModel.numbered_from_0(content.where, "Record3D", poses)


def _pose(row: object, where: str) -> Pose | str:
    try:
        values = numbers(row, "a pose", where)
    except InputError:
        return "has a pose that is not numbers"
    if len(values) != 7:
        return f"has a pose of {len(values)} numbers instead of 7"
    x, y, z, w = values[:4]
    rotation = rotation_of(w, x, y, z)
    if rotation is None:
        return "has a pose without a rotation"
    return pose_of_opengl(np.column_stack((rotation, values[4:])))
