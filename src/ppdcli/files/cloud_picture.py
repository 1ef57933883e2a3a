"""A picture of a cloud for the eye: it is not data."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ppdcli.cloud import Axes, PointCloud
from ppdcli.files.preview import write_picture
from ppdcli.geometry.side_view import side_view

COMMENT = "The cloud from the right of the camera, and from above. Not data."


def write(path: Path, cloud: PointCloud, axes: Axes) -> None:
    """Write the two views of ``geometry.side_view`` as an 8-bit PNG.

    Args:
        path: the file to write.
        cloud: one point or more.
        axes: of its points.

    Raises:
        OutputError: the file cannot be written.
    """
    to_opencv = np.array((1, -1, -1) if axes == "opengl" else (1, 1, 1), np.float32)
    write_picture(path, side_view(cloud.points * to_opencv, cloud.colors), {"Comment": COMMENT})
