"""What ``ppd pointcloud --world`` does with each photo: a depth map with a place in the world."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ppdcli.cloud_options import CloudOptions
from ppdcli.commands.model_settings import model_settings
from ppdcli.commands.request import PhotoRequest
from ppdcli.commands.scale_settings import camera_settings
from ppdcli.errors import InputError
from ppdcli.jobs.work import Job, Writable
from ppdcli.version import __version__
from ppdcli.wording import counted

if TYPE_CHECKING:  # a rerun that finds everything finished imports neither OpenCV nor PyTorch
    from ppdcli.depth import DepthMap
    from ppdcli.files.cameras.camera_file import CameraFile
    from ppdcli.files.cameras.world_model import WorldModel, WorldPoints
    from ppdcli.geometry.camera import Camera
    from ppdcli.geometry.distortion import Distortion
    from ppdcli.geometry.posed import Pose
    from ppdcli.geometry.visible import SeenPoints
    from ppdcli.metric import Estimate
    from ppdcli.photo import Photo
    from ppdcli.predictor import Predictor

WORLD = "world"
MOST_WRONG = 0.5  # of the points of a photo, behind the camera or outside the picture
USUAL = 0.05  # of the points, at its border, whose error puts them outside the picture
METRIC_SPREAD = 0.03  # assumed relative error of MoGe-2's scale of a photo
BAD_FIT = 0.1  # spread of a fit that is worth a line


@dataclass(frozen=True)
class WorldRequest(PhotoRequest):
    """What ``ppd pointcloud --world`` is asked for.

    Attributes:
        intrinsics: what names the cameras.
        cameras: of the photos.
        world: where the photos were taken.
        points: that fix the scale of each photo; None for metres by MoGe-2.
        keep_sky: with MoGe-2: depth also where it sees none.
        options: whether edges are cleaned, and how.
    """

    pixel_bytes: ClassVar[int] = 32  # while a photo is read; the rest is on the network's grid

    intrinsics: str | None
    cameras: CameraFile
    world: WorldModel
    points: WorldPoints | None
    keep_sky: bool
    options: CloudOptions

    def prepare(self) -> WorldWork:
        return WorldWork(self.load_predictor(), self)

    def settings(self) -> dict[str, dict[str, Any]]:
        from ppdcli.files.world_cache import LAYOUT

        return {
            WORLD: {
                # Maps that two versions of the program made do not belong in one cloud.
                "program": __version__,
                "layout": LAYOUT,
                **model_settings(self.model, self.sampling),
                **camera_settings(self.intrinsics, self.cameras, None),
                "poses": self.world.digest(),
                "align": "off" if self.points is None else self.points.digest(),
                "keep-sky": self.keep_sky,
                "edge-clean": self.options.edge_clean,
                "snap": self.options.snap,
            }
        }


@dataclass(frozen=True)
class Place:
    """What is known of a photo before its depth.

    Attributes:
        image: its name in the model.
        camera: of the photo's grid.
        distortion: of its lens; None for a pinhole.
        source: where the camera is from.
        pose: of the upright photo.
        known: the points that it sees; None where MoGe-2 gives the scale.
        estimate: MoGe-2's, where it gives the scale.
    """

    image: str
    camera: Camera
    distortion: Distortion | None
    source: str
    pose: Pose
    known: SeenPoints | None
    estimate: Estimate | None


@dataclass(frozen=True)
class WorldWork:
    """Predicts depth, and brings it to the scale of the world; see ``jobs.work.Work``."""

    predictor: Predictor
    request: WorldRequest

    def make_ahead(self, photo: Photo) -> None:
        self.predictor.make_ahead(photo, self.request.sampling.area)

    def batch_key(self, photo: Photo) -> Hashable:
        return self.predictor.size_of(photo, self.request.sampling.area)

    def batch_size(self, photo: Photo) -> int:
        return self.request.batch or self.predictor.batch_size(photo, self.request.sampling.area)

    def examine(self, job: Job) -> Place:
        request, photo = self.request, job.photo
        photo.require_visible()
        index = request.world.index_of(photo.name)
        height, width = photo.rgb.shape[:2]
        found = request.cameras.for_image(photo.name, width, height, photo.orientation)
        job.notes.extend(found.warnings)
        pose = request.world.pose(index)
        if found.turned:
            pose = pose.turned(photo.orientation)
        known = estimate = None
        if request.points is None:
            estimate = self.predictor.estimate(photo, found.camera)
        else:
            known = self._known(job, index, pose, found.camera, found.distortion)
        image = request.world.images[index]
        return Place(image, found.camera, found.distortion, found.source, pose, known, estimate)

    def _known(
        self, job: Job, index: int, pose: Pose, camera: Camera, distortion: Distortion | None
    ) -> SeenPoints:
        """The points of the world that the photo sees.

        Raises:
            InputError: it sees too few, or the points do not belong to its camera and pose.
        """
        from ppdcli.geometry.log_fit import LEAST_POINTS
        from ppdcli.geometry.visible import points_in

        points, name = self.request.points, job.photo.name
        assert points is not None
        told = points.seen is not None
        places = points.places if points.seen is None else points.places[points.seen[index]]
        seen = points_in(places, pose, camera, distortion, hide=not told)
        wrong = {
            "behind its camera": (seen.behind, 0),
            "outside its picture": (seen.outside, USUAL),
        }
        for where, (number, usual) in wrong.items():
            said = f"{name}: {number} of the {len(places)} points that it sees lie {where}"
            if told and number > MOST_WRONG * len(places):
                raise InputError(
                    f"{said}; its camera, its pose and {points.source} do not belong together"
                )
            if told and number > usual * len(places):
                job.notes.append(f"{said} and are left out")
        seen = seen.where(job.photo.opaque)
        if seen.depth.size < LEAST_POINTS:
            raise InputError(
                f"{name}: sees {counted(seen.depth.size, 'point')} of {points.source}, and "
                f"{LEAST_POINTS} are needed to fix its scale; leave it out"
            )
        return seen

    def predict(self, photos: Sequence[Photo]) -> Sequence[DepthMap]:
        sampling = vars(self.request.sampling)
        on_step = self.request.on_step(self.predictor)
        return self.predictor.predict_batch(photos, **sampling, on_step=on_step, keep_hidden=True)

    def build(self, job: Job, context: Place, depth: DepthMap, wanted: Sequence[str]) -> Writable:
        import numpy as np

        from ppdcli.cloud import cleaned, on_grid
        from ppdcli.files import world_cache
        from ppdcli.geometry.posed import PosedDepth

        started = time.perf_counter()
        job.notes.extend(depth.notes)
        values, trusted, spread, fit = self._scaled(job, context, depth)
        values, flying = cleaned(values, job.photo.rgb, self.request.options, None)
        kept = trusted & ~flying & np.isfinite(depth.visible(job.photo.opaque).values)
        height, width = values.shape
        view = PosedDepth(
            job.photo.name,
            np.where(kept, values, np.float32(np.nan)),
            on_grid(job.photo.rgb, height, width),
            context.camera.resized(width, height),
            context.pose,
            context.distortion,
            spread,
        )
        camera = context.camera
        facts = {
            **depth.report(),
            "unit": "m" if self.request.points is None else "that of the poses",
            "scale_from": fit,
            "camera": context.source,
            "intrinsics": [camera.fx, camera.fy, camera.cx, camera.cy],
            "points": int(kept.sum()),
            "points_removed": int(flying.sum()),
            "timings": {**depth.timings, "align": time.perf_counter() - started},
        }
        return Writable(facts, lambda _, path: world_cache.write(path, view, context.image))

    def _scaled(self, job: Job, context: Place, depth: DepthMap) -> tuple[Any, Any, float, str]:
        """The depth in the unit of the world, where it is trusted, its spread, and its fit."""
        from ppdcli.geometry.aligning import align_photo

        seed = self.request.sampling.seed
        if context.estimate is not None:
            metric = depth.to_metric(
                moge2=context.estimate, keep_sky=self.request.keep_sky, seed=seed
            )
            values = metric.values if metric.unmasked is None else metric.unmasked
            fit = metric.provenance["scale_from"]
            return values, metric.values > 0, METRIC_SPREAD, fit
        relative = depth.values if depth.unmasked is None else depth.unmasked
        known = context.known
        assert known is not None
        height, width = relative.shape
        u, v = known.on_grid(context.camera, width, height)
        try:
            aligned = align_photo(relative, u, v, known.depth, seed)
        except InputError as error:
            raise InputError(f"{job.photo.name}: {error}; leave it out") from error
        if aligned.spread > BAD_FIT:
            job.notes.append(f"{job.photo.name}: fits its points badly, {aligned.describe()}")
        return aligned.values, aligned.trusted, aligned.spread, aligned.describe()
