"""What ``ppd pointcloud`` does with photos."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ppdcli.cloud_options import RELATIVE, CloudOptions, MetricSource
from ppdcli.commands.model_settings import model_settings
from ppdcli.commands.request import PhotoRequest
from ppdcli.commands.scale_settings import camera_settings, metre_settings
from ppdcli.errors import InputError
from ppdcli.files.formats import CLOUD_FORMATS
from ppdcli.jobs.decision import OFF
from ppdcli.jobs.fingerprint import of_given
from ppdcli.jobs.work import Job, Writable
from ppdcli.panoramas import require_pinhole
from ppdcli.wording import counted

if TYPE_CHECKING:  # a rerun that finds everything finished imports neither OpenCV nor PyTorch
    from ppdcli.commands.cloud_depth import DepthFile
    from ppdcli.depth import DepthMap
    from ppdcli.files.cameras.camera_file import CameraFile
    from ppdcli.files.sparse_depth import SparseDepth
    from ppdcli.metric import Estimate, Estimator
    from ppdcli.photo import Photo
    from ppdcli.predictor import Predictor
    from ppdcli.views import View


@dataclass(frozen=True)
class CloudRequest(PhotoRequest):
    """What ``ppd pointcloud`` is asked for.

    Attributes:
        depth: a depth file of the one photo, instead of a prediction.
        depth_scale: metres of a step of depth files of whole numbers that do not state it.
        intrinsics: what names the cameras.
        cameras: given ones; or else
        fov: horizontal field of view in degrees; or else MoGe-2's estimate where it is loaded, or
            EXIF, or an assumed field of view.
        metres: where they come from.
        options: what the cloud is like.
    """

    pixel_bytes: ClassVar[int] = 192  # while a photo is read and its cloud made and written

    depth: Path | None
    depth_scale: float | None
    intrinsics: str | None
    cameras: CameraFile | None
    fov: float | None
    metres: MetricSource
    options: CloudOptions

    def prepare(self) -> PointCloudWork:
        if self.depth is None:
            predictor = self.load_predictor()
            return PointCloudWork(predictor, predictor.estimator, self)
        self.check_devices()
        from ppdcli.loading_pytorch import load_estimator  # torch

        return PointCloudWork(None, load_estimator(self.model, self.announce), self)

    def settings(self) -> dict[str, dict[str, Any]]:
        options = self.options
        shared = {
            **self._depth_settings(),
            **camera_settings(self.intrinsics, self.cameras, self.fov),
            **metre_settings(self.metres, self.depth_scale),
            "edge-clean": options.edge_clean,
            "snap": options.snap,
            "voxel": OFF if options.voxel is None else options.voxel,
        }
        own: dict[str, dict[str, Any]] = {
            "ply": {"axes": options.axes, "normals": options.normals},
            "glb": {"faces": options.faces},
            "html": {"axes": options.axes, "normals": options.normals},
        }
        return {row.name: {**shared, **own.get(row.name, {})} for row in self.formats}

    def _depth_settings(self) -> dict[str, Any]:
        """What the depth depends on: the model, or a file and what puts it into metres."""
        model = model_settings(self.model, self.sampling)
        if self.depth is None:
            return {**model, "depth": OFF}
        used = ["moge2"]
        if model["moge2"] != OFF:
            used.append("precision")
        if self.metres.moge2 or self.metres.align is not None:
            used.append("seed")  # of RANSAC
        return {"depth": of_given(self.depth), **{key: model[key] for key in used}}


@dataclass(frozen=True)
class Context:
    """What is known of a photo before its depth.

    Attributes:
        view: its camera.
        estimate: MoGe-2's, if it is there.
        known: depths that the user knows.
        seconds: that finding it out took.
    """

    view: View
    estimate: Estimate | None
    known: SparseDepth | None
    seconds: float


@dataclass(frozen=True)
class PointCloudWork:
    """Predicts depth, or reads it, and writes it as a coloured cloud; see ``jobs.work.Work``.

    Attributes:
        predictor: None if depth is read.
        estimator: MoGe-2, if it is wanted or there.
        request: what to make.
    """

    predictor: Predictor | None
    estimator: Estimator | None
    request: CloudRequest

    @property
    def depth_file(self) -> DepthFile | None:
        """The file that depth is read from; None where it is predicted."""
        from ppdcli.commands.cloud_depth import DepthFile

        request = self.request
        return None if request.depth is None else DepthFile(request.depth, request.depth_scale)

    def make_ahead(self, photo: Photo) -> None:
        if self.predictor is not None:
            self.predictor.make_ahead(photo, self.request.sampling.area)

    def batch_key(self, photo: Photo) -> Hashable:
        if self.predictor is None:
            return None
        return self.predictor.size_of(photo, self.request.sampling.area)

    def batch_size(self, photo: Photo) -> int:
        if self.predictor is None:
            return 1
        return self.request.batch or self.predictor.batch_size(photo, self.request.sampling.area)

    def examine(self, job: Job) -> Context:
        from ppdcli.commands.cloud_camera import given_view, guessed_view
        from ppdcli.commands.metres import known_depths

        started = time.perf_counter()
        request = self.request
        job.photo.require_visible()
        given = request.cameras is not None or request.fov is not None
        require_pinhole(job.photo, given, "--fov or --intrinsics")
        view = given_view(job, request.cameras, request.fov)
        known = known_depths(job, request.metres, request.depth_scale)
        estimate = self._estimate(job, view)
        view = view or guessed_view(job, estimate)
        return Context(view, estimate, known, time.perf_counter() - started)

    def predict(self, photos: Sequence[Photo]) -> Sequence[DepthMap]:
        file = self.depth_file
        if file is not None:
            return [file.read(photo, self.request.metres) for photo in photos]
        assert self.predictor is not None
        sampling = vars(self.request.sampling)
        on_step = self.request.on_step(self.predictor)
        return self.predictor.predict_batch(photos, **sampling, on_step=on_step, keep_hidden=True)

    def build(self, job: Job, context: Context, depth: DepthMap, wanted: Sequence[str]) -> Writable:
        from ppdcli.commands.cloud_depth import in_metres

        started = time.perf_counter()
        request, camera, file = self.request, context.view.camera, self.depth_file
        options = replace(request.options, keep_flying="html" in wanted)
        if file is not None and (assumption := file.assumed_unit(request.metres)) is not None:
            job.notes.append(assumption)
        job.notes.extend(depth.notes)
        if depth.kind == "metric" and request.metres != RELATIVE:
            raise InputError(
                f"{request.depth}: is metric already; leave out --metric, --align, --near-far and "
                "--known-length"
            )
        depth = in_metres(
            job,
            depth,
            request.metres,
            context.estimate,
            context.known,
            request.sampling.seed,
            options.voxel,
        )
        near_far = request.metres.near_far
        if request.metres.known_length is not None:
            from ppdcli.commands.known_length import near_far_by_length

            length = request.metres.known_length
            near_far = near_far_by_length(job, depth, context.view, length, options)
        cloud = depth.placed(job.photo, context.view, options, near_far)
        if cloud.without_normal:
            job.notes.append(
                f"{job.photo.name}: {counted(cloud.without_normal, 'point')} without a normal, "
                "alone on their surface, are left out"
            )
        timings = {
            # MoGe-2's seconds count once: for the metres, or else for the camera.
            "camera": context.seconds - depth.timings.get("metric", 0),
            **depth.timings,
            "cloud": time.perf_counter() - started,
        }

        def write(name: str, path: Path) -> None:
            note = CLOUD_FORMATS[name].write(path, cloud, request.options)
            if note is not None:
                job.notes.append(note)

        facts = {
            **depth.report(),
            "unit": cloud.unit,
            "camera": context.view.source,
            "intrinsics": [camera.fx, camera.fy, camera.cx, camera.cy],
            "axes": request.options.axes,
            "points": len(cloud.points),
            "points_removed": cloud.removed,
            **({"points_without_normal": cloud.without_normal} if request.options.normals else {}),
            "timings": timings,
        }
        return Writable(facts, write)

    def _estimate(self, job: Job, given: View | None) -> Estimate | None:
        """MoGe-2's view of the photo, where it is wanted for the scale or there for the camera."""
        if self.estimator is None:
            return None
        try:
            return self.estimator.estimate(job.photo, None if given is None else given.camera)
        except InputError as error:
            way_on = "give --intrinsics or --fov"
            if given is not None:
                way_on = "check --intrinsics or --fov, or get metres from --near-far"
            if self.request.metres.moge2:
                raise InputError(f"{error}; {way_on}") from error
            job.notes.append(f"{job.photo.name}: {error}; {way_on}")
            return None
