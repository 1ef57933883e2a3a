"""Reads where photos were taken, from the files that state it."""

from __future__ import annotations

from pathlib import Path

from ppdcli.errors import InputError
from ppdcli.files.cameras import colmap, nerfstudio, open3d_trajectory, record3d
from ppdcli.files.cameras.colmap_model import read_model
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.nerfstudio_poses import read_transforms
from ppdcli.files.cameras.table import KIND
from ppdcli.files.cameras.world_model import WorldModel
from ppdcli.files.source import is_dir, read_file


def read_poses(path: Path) -> WorldModel | None:
    """Reads the poses that a camera file or folder has; None if its format has none.

    Raises:
        InputError: the file is missing, damaged, or has no pose though its format has them.
    """
    if is_dir(path):
        return read_model(path)
    content = Content(path, read_file(path, str(path), KIND))
    if colmap.is_text(content) or colmap.is_binary(content):
        return read_model(path)
    if not content.mapping:
        return None
    if record3d.fits(content):
        return record3d.read_recording(content)
    if open3d_trajectory.fits(content):
        return open3d_trajectory.read_trajectory(content)
    return read_transforms(content) if nerfstudio.fits(content) else None


def require_one_world(first: WorldModel, second: WorldModel) -> None:
    """Refuses two models whose poses differ, since each has a world of its own.

    Raises:
        InputError: an image that both have stands elsewhere, or they share no image.
    """
    places = {name: pose for name, pose in zip(second.images, second.poses, strict=True)}
    shared = [
        (pose, places[name])
        for name, pose in zip(first.images, first.poses, strict=True)
        if name in places
    ]
    alike = [
        not isinstance(one, str)
        and not isinstance(other, str)
        and bool(abs(one.rotation - other.rotation).max() < 1e-4)
        and bool(abs(one.centre - other.centre).max() <= 1e-4 * (1 + abs(one.centre).max()))
        for one, other in shared
    ]
    if not alike or not all(alike):
        raise InputError(
            f"{first.name} and {second.name} are two different models, each with a world of its "
            "own; give the cameras and the points of one model"
        )
