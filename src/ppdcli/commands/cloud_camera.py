"""The camera of a photo that becomes a cloud: given, estimated or assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ppdcli.files.cameras.camera_file import CameraFile
from ppdcli.geometry.camera import Camera
from ppdcli.jobs.work import Job
from ppdcli.views import View, view_by_fov, view_of

if TYPE_CHECKING:  # which imports OpenCV
    from ppdcli.metric import Estimate

ASSUMED_FOV = 60.0  # degrees on the longer side, between a phone's main camera and a normal lens


def given_view(job: Job, cameras: CameraFile | None, fov: float | None) -> View | None:
    """The camera that the user gave: of a file, or by its field of view in degrees."""
    if cameras is not None:
        view = view_of(job.photo, cameras)
    elif fov is not None:
        view = view_by_fov(job.photo, fov)
    else:
        return None
    job.notes.extend(view.notes)
    return view


def guessed_view(job: Job, estimate: Estimate | None) -> View:
    """A camera that nobody gave: MoGe-2's, or by EXIF, or assumed. A note says which."""
    photo = job.photo
    height, width = photo.rgb.shape[:2]
    if estimate is not None:
        camera = estimate.camera
        source = f"estimated by MoGe-2, {camera.fov_degrees:.1f} degrees across"
        advice = "give --intrinsics for an exact one"
    elif photo.focal_35mm is not None:
        camera = Camera.from_focal_35mm(photo.focal_35mm, width, height)
        source = f"estimated from EXIF, {photo.focal_35mm:g} mm at 35 mm"
        advice = "give --intrinsics for an exact one"
    else:
        camera = Camera.assumed(ASSUMED_FOV, width, height)
        source = f"with an assumed field of view, {ASSUMED_FOV:g} degrees on the longer side"
        advice = "give --fov or --intrinsics for the real one"
    job.notes.append(f"{photo.name}: camera {source}; {advice}")
    _warn_of(job, camera)
    return View(camera, source)


def _warn_of(job: Job, camera: Camera) -> None:
    warning = camera.warning()
    if warning:
        job.notes.append(f"{job.photo.name}: {warning}")
