"""MoGe-2 with PyTorch."""

from __future__ import annotations

import math
import time

import numpy as np
import torch

from ppdcli.devices import Precision, dtype_of, lacks_memory
from ppdcli.errors import PpdError
from ppdcli.geometry.camera import Camera
from ppdcli.geometry.masks import any_in_cell
from ppdcli.geometry.resize import resize_rgb, working_size
from ppdcli.metric import Estimate
from ppdcli.models.moge2 import MoGe2
from ppdcli.models.tensors import to_tensor
from ppdcli.photo import Photo

AREA = 1024 * 768  # pixels that MoGe-2 is shown: those of the paper's models, whatever the model


class PyTorchEstimator:
    """Runs MoGe-2 with PyTorch; see ``metric.Estimator``."""

    def __init__(self, model: MoGe2, device: torch.device, precision: Precision) -> None:
        self.model = model.to(device)
        self.device, self.precision = device, precision

    def estimate(self, photo: Photo, camera: Camera | None = None) -> Estimate:
        """Metric depth, and the camera that it fits."""
        started = time.perf_counter()
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
                f"out of memory on {self.device} in MoGe-2; try the device cpu or do without metres"
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
        depth = np.where(seen, depth, np.nan)
        return Estimate(depth, camera, time.perf_counter() - started)
