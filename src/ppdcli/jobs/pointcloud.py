"""What ``ppd pointcloud`` does with photos."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ppdcli.cloud import Shape, make_cloud
from ppdcli.depth import DepthMap
from ppdcli.errors import InputError
from ppdcli.files.cameras.camera_file import CameraFile
from ppdcli.files.choices import PngScale
from ppdcli.files.depth_files import format_of, read_depth, require_view, states_unit
from ppdcli.files.formats import CLOUD_FORMATS
from ppdcli.files.sparse_depth import SparseDepth, read_sparse_depth
from ppdcli.geometry.align import fit_sparse, relative_at
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.distortion import Distortion
from ppdcli.jobs.work import Built, Job
from ppdcli.metric import Estimate, Estimator, seen, to_metric
from ppdcli.photo import Photo
from ppdcli.predictor import Predictor

ASSUMED_FOV = 60.0  # degrees on the longer side, between a phone's main camera and a normal lens


@dataclass(frozen=True)
class Scale:
    """Where a cloud's metres come from; with none of these it is relative.

    Attributes:
        near_far: metres of the nearest and the farthest point.
        align: a file of known depths.
        metric: MoGe-2; with ``keep_sky`` where it sees no depth, too.
    """

    near_far: tuple[float, float] | None = None
    align: Path | None = None
    metric: bool = False
    keep_sky: bool = False


@dataclass(frozen=True)
class View:
    """The camera of a photo, and where it is from."""

    camera: Camera
    source: str
    distortion: Distortion | None = None


@dataclass(frozen=True)
class Seen:
    """What is known of a photo before its depth.

    Attributes:
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
        batch: photos in a forward; the predictor's choice if None.
        depth: a depth file of the one photo, instead of a prediction.
        depth_scale: metres of a step of depth files of whole numbers that do not state it.
        cameras: given ones; or else
        fov: horizontal field of view in degrees; or else MoGe-2's estimate where it is loaded, or
            EXIF, or an assumed field of view.
    """

    predictor: Predictor | None
    estimator: Estimator | None
    steps: int | None
    seed: int
    area: int | None
    batch: int | None
    depth: Path | None
    depth_scale: float | None
    cameras: CameraFile | None
    fov: float | None
    scale: Scale
    shape: Shape

    def kind(self, photo: Photo) -> Hashable:
        return None if self.predictor is None else self.predictor.size_of(photo, self.area)

    def together(self, photo: Photo) -> int:
        if self.predictor is None:
            return 1
        return self.batch or self.predictor.together(photo, self.area)

    def look(self, job: Job) -> Seen:
        started = time.perf_counter()
        view, known = self._given_view(job), self._known(job)
        estimate = self._estimate(job, view)
        view = view or self._guessed_view(job, estimate)
        return Seen(view, estimate, known, time.perf_counter() - started)

    def predict(self, photos: Sequence[Photo]) -> Sequence[DepthMap]:
        if self.predictor is not None:
            return self.predictor.predict_batch(
                photos, steps=self.steps, seed=self.seed, area=self.area
            )
        return [self._read_depth(photo) for photo in photos]

    def build(self, job: Job, seen: Seen, depth: DepthMap, wanted: Sequence[str]) -> Built:
        started = time.perf_counter()
        alone = self.depth_scale is None and self.scale == Scale()
        if self.depth is not None and alone and not states_unit(self.depth):
            unit = "millimetres" if format_of(self.depth) == "png" else "metres"
            job.notes.append(
                f"{self.depth}: does not state its unit; read as {unit}; if it is relative, give "
                "--near-far, --align or --metric"
            )
        job.notes.extend(depth.notes)
        depth, notes = self._scaled(job, depth, seen)
        camera = seen.view.camera
        cloud = make_cloud(
            depth,
            job.photo.rgb,
            camera,
            self.shape,
            near_far=self.scale.near_far,
            distortion=seen.view.distortion,
            mask=self._mask(depth, seen.estimate),
            notes=(f"camera {seen.view.source}", *notes),
        )
        timings = {
            "camera": seen.seconds,
            **depth.timings,
            "cloud": time.perf_counter() - started,
        }

        def write(name: str, path: Path) -> None:
            CLOUD_FORMATS[name].write(path, cloud, self.shape.axes)

        facts = {
            **depth.report(),
            "unit": "m" if depth.kind == "metric" or self.scale.near_far else "relative",
            "camera": seen.view.source,
            "intrinsics": [camera.fx, camera.fy, camera.cx, camera.cy],
            "axes": self.shape.axes,
            "points": len(cloud.points),
            "points_removed": cloud.removed,
            "timings": timings,
        }
        return Built(facts, write)

    def _given_view(self, job: Job) -> View | None:
        """The camera that the user gave."""
        photo = job.photo
        height, width = photo.rgb.shape[:2]
        if self.cameras is not None:
            found = self.cameras.for_image(photo.name, width, height, photo.orientation)
            job.notes.extend(found.warnings)
            return View(found.camera, found.source, found.distortion)
        if self.fov is None:
            return None
        camera = Camera.from_fov(self.fov, width, height)
        _warn_of(job, camera)
        return View(camera, "given field of view")

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
            if self.scale.metric:
                raise InputError(f"{error}; {way_on}") from error
            job.notes.append(f"{job.photo.name}: {error}; {way_on}")
            return None

    def _guessed_view(self, job: Job, estimate: Estimate | None) -> View:
        """A camera that nobody gave, announced."""
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

    def _read_depth(self, photo: Photo) -> DepthMap:
        assert self.depth is not None
        started = time.perf_counter()
        # What a bare array holds is told by what is wanted of it.
        placed = self.scale.near_far or self.scale.align or self.scale.metric
        if placed:
            depth = read_depth(self.depth, "relative", "normalized")
        else:
            depth = read_depth(self.depth, "metric", self._step())
        height, width = photo.rgb.shape[:2]
        require_view(self.depth, depth.values.shape, width, height)
        return DepthMap(**vars(replace(depth, timings={"depth": time.perf_counter() - started})))

    def _step(self) -> float | PngScale | None:
        """What a step of the depth file is: as stated, or millimetres in a PNG."""
        assert self.depth is not None
        if self.depth_scale is not None:
            return self.depth_scale
        return "mm" if format_of(self.depth) == "png" else None

    def _known(self, job: Job) -> SparseDepth | None:
        """The depths that the user knows."""
        if self.scale.align is None:
            return None
        height, width = job.photo.rgb.shape[:2]
        known = read_sparse_depth(self.scale.align, width, height, self.depth_scale)
        job.notes.extend(known.notes)
        return known

    def _scaled(self, job: Job, depth: DepthMap, seen: Seen) -> tuple[DepthMap, tuple[str, ...]]:
        """The depth in metres if that is wanted, and what the file's header says of it."""
        if depth.kind == "metric":
            if self.scale != Scale():
                raise InputError(
                    f"{self.depth}: is metric already; leave out --metric, --align and --near-far"
                )
            return depth, ()
        if self.scale.metric:
            assert seen.estimate is not None
            # The sky goes with the mask, once the edges before it have been cleaned.
            metric = to_metric(depth, seen.estimate, keep_sky=True, seed=self.seed)
            job.notes.append(f"{job.photo.name}: {metric.provenance['scale_from']}")
            return metric, ()
        if seen.known is not None:
            return self._aligned(job, depth, seen.known), ()
        if self.scale.near_far is not None:
            return depth, ("scale_from near-far {:g},{:g} m".format(*self.scale.near_far),)
        job.notes.append(
            f"{job.photo.name}: the cloud is relative, its proportions in depth are not those of "
            "the scene; give --metric, --align FILE or --near-far A,B for metres"
        )
        return depth, ()

    def _mask(self, depth: DepthMap, estimate: Estimate | None) -> np.ndarray | None:
        """Where points are wanted."""
        if estimate is None or not self.scale.metric or self.scale.keep_sky:
            return None
        height, width = depth.values.shape
        return seen(estimate, height, width)

    def _aligned(self, job: Job, depth: DepthMap, known: SparseDepth) -> DepthMap:
        height, width = job.photo.rgb.shape[:2]
        try:
            relative = relative_at(depth.values, known.u, known.v, width, height)
            line = fit_sparse(relative, known.depth, self.seed)
        except InputError as error:
            raise InputError(f"{self.scale.align}: {error}") from error
        said = f"{known.source}, {line.describe()}"
        job.notes.append(f"{job.photo.name}: {said}")
        return replace(
            depth,
            values=line.apply(depth.values),
            kind="metric",
            provenance={**depth.provenance, "scale_from": said},
        )


def _warn_of(job: Job, camera: Camera) -> None:
    warning = camera.warning()
    if warning:
        job.notes.append(f"{job.photo.name}: {warning}")
