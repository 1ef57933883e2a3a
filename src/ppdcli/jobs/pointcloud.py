"""What ``ppd pointcloud`` does with one photo."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ppdcli.files import ply
from ppdcli.geometry.camera import Camera, parse_intrinsics
from ppdcli.geometry.cloud import Axes, make_cloud
from ppdcli.jobs.run import Outputs
from ppdcli.photo import Photo
from ppdcli.predictor import Predictor

ASSUMED_FOV = 60.0  # degrees across, between a phone's main camera and a normal lens


@dataclass(frozen=True)
class PointCloudWork:
    """Predicts a photo's depth and writes it as a coloured cloud, a point a pixel.

    Attributes:
        intrinsics: ``fx,fy,cx,cy`` in the photo's pixels; or else
        fov: horizontal field of view in degrees; or else EXIF, or an assumed field of view.
        near_far: metres of the nearest and the farthest point; None leaves the cloud relative.
        edge_clean: leave out points that hang between two surfaces.
        warn: called with lines for the user.
    """

    predictor: Predictor
    steps: int | None
    seed: int
    area: int | None
    intrinsics: str | None
    fov: float | None
    near_far: tuple[float, float] | None
    axes: Axes
    edge_clean: bool
    warn: Callable[[str], None]

    def __call__(self, photo: Photo, outputs: Outputs) -> dict[str, Any]:
        camera, source = self._camera(photo)
        depth = self.predictor.predict(photo, steps=self.steps, seed=self.seed, area=self.area)
        predicted = time.perf_counter()
        notes = [f"camera {source}"]
        if self.near_far is None:
            self.warn(
                f"{photo.name}: the cloud is relative, its proportions in depth are not those of "
                "the scene; give --near-far A,B for metres"
            )
        else:
            notes.append("scale_from near-far {:g},{:g} m".format(*self.near_far))
        cloud = make_cloud(
            depth, photo.rgb, camera, self.axes, self.edge_clean, self.near_far, tuple(notes)
        )
        built = time.perf_counter()
        ply.write(outputs["ply"], cloud)
        timings = {
            **depth.timings,
            "cloud": built - predicted,
            "write": time.perf_counter() - built,
        }
        facts = depth.report()
        facts["unit"] = "relative" if self.near_far is None else "m"
        return {
            **facts,
            "camera": source,
            "intrinsics": [camera.fx, camera.fy, camera.cx, camera.cy],
            "axes": self.axes,
            "points": len(cloud.points),
            "points_removed": cloud.removed,
            "timings": timings,
        }

    def _camera(self, photo: Photo) -> tuple[Camera, str]:
        """The photo's camera and where it is from, announced unless the user gave it."""
        height, width = photo.rgb.shape[:2]
        if self.intrinsics is not None:
            camera, source = parse_intrinsics(self.intrinsics, width, height), "given intrinsics"
        elif self.fov is not None:
            camera, source = Camera.from_fov(self.fov, width, height), "given field of view"
        elif photo.focal_35mm is not None:
            camera = Camera.from_focal_35mm(photo.focal_35mm, width, height)
            source = f"estimated from EXIF, {photo.focal_35mm:g} mm at 35 mm"
            self.warn(f"{photo.name}: camera {source}; give --intrinsics for an exact one")
        else:
            camera = Camera.from_fov(ASSUMED_FOV, width, height)
            source = f"assumed field of view, {ASSUMED_FOV:g} degrees"
            self.warn(f"{photo.name}: {source}; give --fov or --intrinsics for the real one")
        warning = camera.warning()
        if warning:
            self.warn(f"{photo.name}: {warning}")
        return camera, source
