"""The camera of a photo as a user may give it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np

from ppdcli.errors import UsageError, shown
from ppdcli.files.cameras.camera_file import CameraFile, given_cameras, typed_camera
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion
from ppdcli.photo import Photo


@dataclass(frozen=True)
class View:
    """The camera of a photo, and where it is from.

    Attributes:
        camera: of the photo's grid.
        source: for reports and file comments.
        distortion: of the lens; None for a pinhole.
        notes: lines for the user.
    """

    camera: Camera
    source: str
    distortion: Distortion | None = None
    notes: tuple[str, ...] = ()


CameraSource = Camera | View | CameraFile | Sequence[float] | np.ndarray | str | os.PathLike[str]
"""What a camera can be given as."""


def view_of(photo: Photo, camera: CameraSource) -> View:
    """The camera of a photo.

    Args:
        photo: the photo.
        camera: of the photo's grid; or four numbers fx, fy, cx, cy in pixels of the upright photo,
            whose first pixel centre is at (0, 0); or a camera file, as docs/cameras.md lists them.

    Raises:
        UsageError: nothing that a camera can be given as.
        InputError: a file that cannot be read, or with no camera of this photo.
    """
    if isinstance(camera, View):
        return camera
    if isinstance(camera, Camera):
        return View(camera, "given", notes=_doubt(photo, camera))
    height, width = photo.rgb.shape[:2]
    found = _cameras(camera).for_image(photo.name, width, height, photo.orientation)
    return View(found.camera, found.source, found.distortion, found.warnings)


def view_by_fov(photo: Photo, degrees: float) -> View:
    """A camera by its horizontal field of view in degrees.

    Raises:
        UsageError: not between 0 and 180.
    """
    height, width = photo.rgb.shape[:2]
    camera = Camera.from_fov(degrees, width, height)
    return View(camera, "given field of view", notes=_doubt(photo, camera))


def _cameras(camera: object) -> CameraFile:
    if isinstance(camera, CameraFile):
        return camera
    if isinstance(camera, str | os.PathLike):
        return given_cameras(os.fsdecode(camera))
    if isinstance(camera, np.ndarray):
        camera = camera.tolist()
    if isinstance(camera, Sequence) and all(
        isinstance(number, Real) and not isinstance(number, bool) for number in camera
    ):
        return typed_camera(",".join(str(float(number)) for number in camera))
    raise UsageError(
        f"{shown(repr(camera), 60)} is not a camera; give a Camera, four numbers fx, fy, cx, cy in "
        "pixels, or the path of a camera file"
    )


def _doubt(photo: Photo, camera: Camera) -> tuple[str, ...]:
    warning = camera.warning()
    return () if warning is None else (f"{photo.name}: {warning}",)
