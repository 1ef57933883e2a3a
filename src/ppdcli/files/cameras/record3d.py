"""Reads Record3D's ``metadata``: K of the colour picture of w x h, column by column.

The depth of dw x dh shows the same view. The first pixel centre is at (0, 0).
"""

from __future__ import annotations

from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.matrix import from_matrix
from ppdcli.files.cameras.stated import Contents, StatedCamera, image_size, numbers

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
