"""The result of a prediction: a depth map that knows what its numbers mean."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ppdcli.depth_data import DepthData
from ppdcli.errors import UsageError
from ppdcli.geometry.camera import Camera

if TYPE_CHECKING:
    from ppdcli.axes import Axes
    from ppdcli.cloud import PointCloud
    from ppdcli.files.choices import PngScale


@dataclass(frozen=True, eq=False)
class DepthMap(DepthData):
    """Depth values that can be resized, saved and placed in space; see ``DepthData``."""

    def save(self, path: str | Path) -> None:
        """Write a depth file; the suffix picks the format.

        ``.png``: 16 bit, millimetres when metric, normalized when relative. ``.exr``: float32
        channels Z and Y. ``.npy``: the float32 values. For other encodings see ``ppdcli.files``.

        Raises:
            UsageError: another suffix.
            OutputError: the file cannot be written.
        """
        from ppdcli.files.choices import Choices
        from ppdcli.files.formats import DEPTH_FORMATS

        path = Path(path)
        scale: PngScale = "mm" if self.kind == "metric" else "normalized"
        for row in DEPTH_FORMATS.values():
            if row.reading is not None and path.suffix.lower() == row.suffix:
                row.write(path, self, Choices(png_scale=scale))
                return
        raise UsageError(f"{path}: depth is saved as .png, .exr or .npy; use one of these")

    def to_pointcloud(
        self,
        rgb: np.ndarray,
        camera: Camera | None = None,
        axes: Axes = "opencv",
        edge_clean: bool = True,
    ) -> PointCloud:
        """One coloured point a pixel of the photo; see ``ppdcli.cloud.make_cloud``.

        Args:
            rgb: the photo, on this map's grid or a larger one: (H, W, 3) uint8, or what
                ``images.arrays.as_rgb`` makes that of.
            camera: pinhole camera of the photo, if the map has none or another is wanted.
            axes: "opencv" (x right, y down, z forward), "opengl" (x right, y up, z backward) or
                "blender" (x right, y forward, z up).
            edge_clean: leave out points that hang in the air between two surfaces.

        Raises:
            UsageError: no camera is known, it is for another size, or the photo is no picture.
            InputError: the map holds no depth to place.
        """
        from ppdcli.cloud import make_cloud
        from ppdcli.cloud_options import CloudOptions
        from ppdcli.images.arrays import as_rgb

        rgb = as_rgb(rgb)
        height, width = rgb.shape[:2]
        if camera is None and self.camera is not None:
            camera = self.camera.resized(width, height)
        if camera is None:
            raise UsageError(
                "this depth map has no camera; give one, such as Camera.from_fov(60, width, height)"
            )
        return make_cloud(self, rgb, camera, CloudOptions(axes, edge_clean))
