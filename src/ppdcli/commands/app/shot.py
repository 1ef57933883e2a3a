"""A photo with its depth, and what can be made of them at a scale that may still change."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ppdcli.cloud import NOMINAL_NEAR_FAR, PointCloud
from ppdcli.cloud_options import CloudOptions
from ppdcli.depth import DepthMap
from ppdcli.geometry.known_length import near_far_of_length, scale_of
from ppdcli.geometry.scale import near_far_depth
from ppdcli.known_depths import in_metres
from ppdcli.photo import Photo
from ppdcli.views import View

LARGEST_PICTURE = 1600  # pixels of its longer side


@dataclass(frozen=True)
class Scale:
    """The scale of a cloud.

    Attributes:
        near_far: Metres of the nearest and the farthest point of relative depth; None: unknown.
        factor: What metric depth is multiplied by.
        source: Where the scale is from, for the user.
    """

    near_far: tuple[float, float] | None = None
    factor: float = 1.0
    source: str = ""


@dataclass(frozen=True, eq=False)
class Shot:
    """A photo, its depth and its camera.

    Attributes:
        photo: The photo.
        depth: Relative, or metric by MoGe-2, at the network's size.
        view: The camera.
        notes: Lines for the user.
    """

    photo: Photo
    depth: DepthMap
    view: View
    notes: tuple[str, ...]

    @property
    def picture_share(self) -> float:
        """Pixels of the picture on the page for each pixel of the photo, at most 1."""
        return min(1.0, LARGEST_PICTURE / max(self.photo.rgb.shape[:2]))

    def is_metric(self, scale: Scale) -> bool:
        """Whether lengths are in metres."""
        return self.depth.kind == "metric" or scale.near_far is not None

    def depth_map(self, scale: Scale) -> DepthMap:
        """The depth at the photo's size; metres if the scale is known."""
        full = self._scaled(scale).full_size()
        if full.kind == "relative" and scale.near_far is not None:
            full = in_metres(full, near_far_depth(full.values, *scale.near_far), scale.source)
        camera = self.view.camera if self.view.distortion is None else None
        return replace(full, camera=camera)

    def cloud(self, scale: Scale) -> PointCloud:
        """The cloud, with the flying pixels that were removed kept apart.

        Raises:
            InputError: There is no depth to place.
        """
        depth, options = self._scaled(scale), CloudOptions(keep_flying=True)
        return depth.placed(self.photo, self.view, options, scale.near_far)

    def scale_of_length(self, cloud: PointCloud, scale: Scale, ends: Ends, metres: float) -> Scale:
        """The scale at which two points are so far apart.

        Args:
            cloud: That of ``scale``.
            scale: The present scale.
            ends: The two points.
            metres: Their true distance, > 0.

        Raises:
            InputError: The points are the same, or no scale puts them so far apart.
        """
        source = f"a known length of {metres:g} m"
        first, second = ends.points
        if self.depth.kind == "metric":
            factor = scale.factor * scale_of(first, second, metres)
            return Scale(None, factor, source)
        placed = scale.near_far or NOMINAL_NEAR_FAR
        source += (
            f", the farthest point assumed {placed[1] / placed[0]:g} times as far as the nearest"
        )
        return Scale(near_far_of_length(first, second, placed, metres), 1.0, source)

    def _scaled(self, scale: Scale) -> DepthMap:
        depth = self.depth
        if depth.kind == "relative" or not scale.source:
            return depth
        origin = {**depth.provenance, "scale_from": scale.source}
        values, unmasked = (
            None if a is None else (a * scale.factor).astype(np.float32)
            for a in (depth.values, depth.unmasked)
        )
        assert values is not None
        return replace(depth, values=values, unmasked=unmasked, provenance=origin)


@dataclass(frozen=True, eq=False)
class Ends:
    """Two points of a cloud: (2, 3), in the cloud's unit."""

    points: np.ndarray

    @property
    def distance(self) -> float:
        return float(np.linalg.norm(self.points[0] - self.points[1]))
