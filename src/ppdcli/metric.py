"""MoGe-2 beside Pixel-Perfect Depth: metres, where there is depth at all, and the camera."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np

from ppdcli.depth_data import DepthData
from ppdcli.errors import InputError
from ppdcli.geometry.align import fit_ransac
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.upsample import downsample_depth
from ppdcli.photo import Photo

D = TypeVar("D", bound=DepthData)


@dataclass(frozen=True, eq=False)
class Estimate:
    """What MoGe-2 says of a photo.

    Attributes:
        depth: (h, w) float32 metres along the optical axis, NaN where there is none, as in the
            sky or where the photo is transparent; of about ``AREA`` pixels, in the photo's
            proportions.
        camera: of the photo's own grid.
        seconds: that it took.
    """

    depth: np.ndarray
    camera: Camera
    seconds: float = 0.0


class Estimator(Protocol):
    """Runs MoGe-2."""

    def estimate(self, photo: Photo, camera: Camera | None = None) -> Estimate:
        """Metric depth, and the camera that it fits.

        Args:
            photo: of any size.
            camera: of the photo's grid, where it is known; then only the depth is sought.

        Raises:
            InputError: the photo's points fit no plausible camera.
            PpdError: out of memory.
        """


def seen(estimate: Estimate, height: int, width: int) -> np.ndarray:
    """Where MoGe-2 sees depth, and not the sky: bool on a grid of the photo's proportions."""
    return np.isfinite(downsample_depth(estimate.depth, height, width))


def to_metric(depth_map: D, estimate: Estimate, keep_sky: bool = False, seed: int = 0) -> D:
    """Metres for a relative map: the authors' fit of log(depth + 1), a RANSAC line, to MoGe-2's.

    Args:
        depth_map: relative.
        estimate: of the same photo.
        keep_sky: depth also where MoGe-2 sees none, at most its farthest; else NaN there.
        seed: of the RANSAC.

    Returns:
        The metric map on the same grid, with the estimate's camera.

    Raises:
        InputError: the two do not fit together.
    """
    height, width = depth_map.values.shape
    known = downsample_depth(estimate.depth, height, width)
    mask = seen(estimate, height, width)
    try:
        line = fit_ransac(depth_map.values, known, mask, seed)
    except InputError as error:
        raise InputError(
            f"MoGe-2's metres cannot be taken over ({error}); without them depth is relative"
        ) from error
    highest = float(np.nanmax(estimate.depth))
    unmasked = depth_map.unmasked
    provenance = {**depth_map.provenance, "scale_from": f"MoGe-2, {line.describe()}"}
    camera = estimate.camera.resized(width, height)
    metric = replace(
        depth_map,
        values=line.apply(depth_map.values, highest=highest),
        kind="metric",
        camera=camera,
        provenance=provenance,
        timings={**depth_map.timings, "metric": estimate.seconds},
        unmasked=None if unmasked is None else line.apply(unmasked, highest=highest),
    )
    return metric if keep_sky else metric.masked(mask)
