"""MoGe-2 beside Pixel-Perfect Depth: metres, where there is depth at all, and the camera."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from ppdcli.depth import DepthMap
from ppdcli.devices import Precision, dtype_of, lacks_memory
from ppdcli.errors import InputError, PpdError
from ppdcli.geometry.align import fit_ransac
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.masks import any_in_cell
from ppdcli.geometry.upsample import downsample_depth
from ppdcli.models.moge2 import MoGe2
from ppdcli.models.resize import resize_rgb, to_tensor, working_size
from ppdcli.photo import Photo

AREA = 1024 * 768  # pixels that MoGe-2 is shown: those of the paper's models, whatever the model


@dataclass(frozen=True, eq=False)
class Estimate:
    """What MoGe-2 says of a photo.

    Attributes:
        depth: (h, w) float32 metres along the optical axis, NaN where there is none, as in the
            sky or where the photo is transparent; of about ``AREA`` pixels, in the photo's
            proportions.
        camera: of the photo's own grid.
    """

    depth: np.ndarray
    camera: Camera


class Estimator:
    """MoGe-2 on a device."""

    def __init__(self, model: MoGe2, device: torch.device, precision: Precision) -> None:
        self.model = model.to(device)
        self.device, self.precision = device, precision

    def estimate(self, photo: Photo, camera: Camera | None = None) -> Estimate:
        """Metric depth, and the camera that it fits.

        Args:
            photo: of any size.
            camera: of the photo's grid, where it is known; then only the depth is sought.

        Raises:
            InputError: the photo's points fit no plausible camera.
            PpdError: out of memory.
        """
        rows, columns = photo.rgb.shape[:2]
        height, width = working_size(rows, columns, AREA)
        fov = None
        if camera is not None:
            fov = math.degrees(2 * math.atan(camera.width / 2 / camera.fx))
        half = self.precision != "fp32"
        try:
            self.model.to(self.device)  # the encoder, shared with Predictor, may have left it
            image = to_tensor(resize_rgb(photo.rgb, height, width)).to(self.device)
            with torch.autocast(self.device.type, dtype_of(self.precision), enabled=half):
                found = self.model.infer(image, fov_x=fov)
        except (MemoryError, RuntimeError) as error:
            if not lacks_memory(error):
                raise
            raise PpdError(
                f"out of memory on {self.device} in MoGe-2; try --device cpu or do without --metric"
            ) from error
        depth = found.depth[0].cpu().numpy()
        if camera is None:
            focal_x, focal_y = (float(found.intrinsics[0, k, k]) for k in (0, 1))
            camera = Camera(
                focal_x * columns,
                focal_y * rows,
                (columns - 1) / 2,
                (rows - 1) / 2,
                columns,
                rows,
            )
        seen = np.isfinite(depth)
        if photo.opaque is not None:
            seen &= any_in_cell(photo.opaque, *depth.shape)
        return Estimate(np.where(seen, depth, np.nan), camera)


def seen(estimate: Estimate, height: int, width: int) -> np.ndarray:
    """Where MoGe-2 sees depth, and not the sky: bool on a grid of the photo's proportions."""
    return np.isfinite(downsample_depth(estimate.depth, height, width))


def to_metric(
    depth_map: DepthMap, estimate: Estimate, keep_sky: bool = False, seed: int = 0
) -> DepthMap:
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
            f"MoGe-2's metres cannot be taken over ({error}); without --metric depth is relative"
        ) from error
    values = line.apply(depth_map.values, highest=float(np.nanmax(estimate.depth)))
    if not keep_sky:
        values[~mask] = np.nan
    provenance = {**depth_map.provenance, "scale_from": f"MoGe-2, {line.describe()}"}
    camera = estimate.camera.resized(width, height)
    return replace(depth_map, values=values, kind="metric", camera=camera, provenance=provenance)
