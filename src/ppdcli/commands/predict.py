"""What ``ppd predict`` does with photos."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ppdcli.cloud_options import RELATIVE, MetricSource
from ppdcli.commands.model_settings import model_settings
from ppdcli.commands.request import PhotoRequest
from ppdcli.commands.scale_settings import camera_settings, metre_settings
from ppdcli.errors import InputError
from ppdcli.files.choices import Choices
from ppdcli.files.formats import DEPTH_FORMATS
from ppdcli.jobs.work import Job, Writable
from ppdcli.panoramas import panorama_note

if TYPE_CHECKING:  # a rerun that finds everything finished imports neither OpenCV nor PyTorch
    from ppdcli.depth import DepthMap
    from ppdcli.files.cameras.camera_file import CameraFile
    from ppdcli.files.sparse_depth import SparseDepth
    from ppdcli.metric import Estimate
    from ppdcli.photo import Photo
    from ppdcli.predictor import Predictor
    from ppdcli.views import View


@dataclass(frozen=True)
class PredictRequest(PhotoRequest):
    """What ``ppd predict`` is asked for.

    Attributes:
        full_size: bring the depth to the photo's size; else leave it as the network gives it.
        choices: how the files are written.
        metres: where they come from.
        depth_scale: metres of a step of known depths in whole numbers that do not state it.
        intrinsics: what names the cameras.
        cameras: given ones, or
        fov: horizontal field of view in degrees: what MoGe-2 need not guess.
    """

    full_size: bool
    choices: Choices
    metres: MetricSource = RELATIVE
    depth_scale: float | None = None
    intrinsics: str | None = None
    cameras: CameraFile | None = None
    fov: float | None = None

    def prepare(self) -> PredictWork:
        return PredictWork(self.load_predictor(), self)

    def settings(self) -> dict[str, dict[str, Any]]:
        shared = {
            **model_settings(self.model, self.sampling),
            **metre_settings(self.metres, self.depth_scale),
            **camera_settings(self.intrinsics, self.cameras, self.fov),
            "full-size": self.full_size,
        }
        limits = self.choices.value_range
        chosen = {
            "png_scale": ("png-scale", self.choices.png_scale),
            "colormap": ("colormap", self.choices.colormap),
            "value_range": ("range", "auto" if limits is None else list(limits)),
        }
        return {
            row.name: {
                **shared,
                **dict(chosen[choice] for choice in DEPTH_FORMATS[row.name].choices),
            }
            for row in self.formats
        }


@dataclass(frozen=True)
class Context:
    """What is known of a photo before its depth.

    Attributes:
        view: its camera, if the user gave one.
        estimate: MoGe-2's, if metres come from it.
        known: depths that the user knows.
    """

    view: View | None
    estimate: Estimate | None
    known: SparseDepth | None


@dataclass(frozen=True)
class PredictWork:
    """Predicts depth and writes it in every format asked for; see ``jobs.work.Work``."""

    predictor: Predictor
    request: PredictRequest

    def make_ahead(self, photo: Photo) -> None:
        self.predictor.make_ahead(photo, self.request.sampling.area)

    def batch_key(self, photo: Photo) -> Hashable:
        return self.predictor.size_of(photo, self.request.sampling.area)

    def batch_size(self, photo: Photo) -> int:
        return self.request.batch or self.predictor.batch_size(photo, self.request.sampling.area)

    def examine(self, job: Job) -> Context:
        from ppdcli.commands.cloud_camera import given_view
        from ppdcli.commands.metres import known_depths

        request = self.request
        job.photo.require_visible()
        if (note := panorama_note(job.photo)) is not None:
            job.notes.append(note)
        view = given_view(job, request.cameras, request.fov)
        known = known_depths(job, request.metres, request.depth_scale)
        if not request.model.metric:
            return Context(view, None, known)
        try:
            camera = None if view is None else view.camera
            return Context(view, self.predictor.estimate(job.photo, camera), known)
        except InputError as error:
            way_on = "give --intrinsics or --fov" if view is None else "check --intrinsics or --fov"
            raise InputError(f"{error}; {way_on}, or get metres from --near-far") from error

    def predict(self, photos: Sequence[Photo]) -> Sequence[DepthMap]:
        sampling = vars(self.request.sampling)
        on_step = self.request.on_step(self.predictor)
        return self.predictor.predict_batch(photos, **sampling, on_step=on_step, keep_hidden=True)

    def build(self, job: Job, context: Context, depth: DepthMap, wanted: Sequence[str]) -> Writable:
        request = self.request
        if request.metres != RELATIVE:
            from ppdcli.commands.metres import to_metres

            seed = request.sampling.seed
            depth = to_metres(job, depth, request.metres, context.estimate, context.known, seed)
        started = time.perf_counter()
        depth = (
            depth.full_size(self.predictor.enlarge)
            if request.full_size
            else depth.visible(job.photo.opaque)
        )
        resized = replace(depth, timings={**depth.timings, "resize": time.perf_counter() - started})

        def write(name: str, path: Path) -> None:
            note = DEPTH_FORMATS[name].write(path, resized, request.choices)
            if note is not None:
                job.notes.append(note)

        facts: dict[str, Any] = {**resized.report(), "timings": resized.timings}
        if context.view is not None:
            camera = context.view.camera
            facts["camera"] = context.view.source
            facts["intrinsics"] = [camera.fx, camera.fy, camera.cx, camera.cy]
        return Writable(facts, write)
