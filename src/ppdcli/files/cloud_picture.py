"""Pictures of clouds for people to look at. They are not data."""

from __future__ import annotations

from pathlib import Path

from ppdcli.axes import Axes, to_opencv
from ppdcli.cloud_data import CloudData
from ppdcli.files.preview import write_picture
from ppdcli.geometry.side_view import side_view

COMMENT = "The cloud from the right of the camera, and from above. Not data."


def write(path: Path, cloud: CloudData, axes: Axes) -> None:
    """Writes the two views of ``geometry.side_view`` as an 8-bit PNG.

    Args:
        path: the file to write.
        cloud: a cloud with at least one point.
        axes: the axes of its points.

    Raises:
        OutputError: the file cannot be written.
    """
    picture = side_view(to_opencv(cloud.points, axes), cloud.colors)
    write_picture(path, picture, {"Comment": COMMENT})
