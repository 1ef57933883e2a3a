"""Options on metres and on the camera, which predict and pointcloud share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from ppdcli.cli.groups import numbers
from ppdcli.cloud_options import MetricSource
from ppdcli.errors import UsageError

if TYPE_CHECKING:
    from ppdcli.files.cameras.camera_file import CameraFile


@dataclass(frozen=True)
class WholeScaleOptions:
    """Where metres come from, for a photo or for a whole film."""

    title: ClassVar[str] = "Metres"

    metric: Annotated[
        bool,
        typer.Option(
            "--metric", help="Give depth in metres, with MoGe-2 (1.3 GB, downloaded once)."
        ),
    ] = False
    near_far: Annotated[
        str | None,
        typer.Option(
            metavar="A,B", help="Distances of the nearest and the farthest point, in metres."
        ),
    ] = None

    def ends(self) -> tuple[float, float] | None:
        """Metres of the nearest and the farthest point, if they are given.

        Raises:
            UsageError: they do not fit together, or MoGe-2 is to fix the scale, too.
        """
        if self.near_far is None:
            return None
        near, far = numbers("--near-far", self.near_far, "A,B")
        if not 0 < near < far:
            raise UsageError(f"--near-far {self.near_far}: give 0 < A < B, in metres")
        if self.metric:
            raise UsageError("--metric and --near-far each fix the scale; give one")
        return near, far


@dataclass(frozen=True)
class MetricOptions(WholeScaleOptions):
    """Where metres come from."""

    keep_sky: Annotated[
        bool, typer.Option("--keep-sky", help="With --metric: keep depth in the sky.")
    ] = False
    align: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Fit to known depths: rows of u v metres, or a depth map with holes.",
        ),
    ] = None
    depth_scale: Annotated[
        str | None,
        typer.Option(
            metavar="SCALE",
            help="What a whole number in a depth map that you give is: mm, kitti, tum, or metres "
            "per step.",
        ),
    ] = None

    def source(self) -> MetricSource:
        """Where metres come from.

        Raises:
            UsageError: an option that has nothing to act on, two sources, or distances that do not
                fit together.
        """
        if self.keep_sky and not self.metric:
            raise UsageError("--keep-sky needs --metric; relative depth has the sky anyway")
        if self.align is not None and (self.metric or self.near_far is not None):
            raise UsageError("--metric, --align and --near-far each fix the scale; give one")
        placed = self.ends()
        return MetricSource(placed, self.align, self.metric, self.keep_sky)

    def step(self, maps: dict[str, Path | None]) -> float | None:
        """Metres of a step of the depth maps that are given; None if it is not stated.

        Args:
            maps: option -> its file, of those whose steps ``--depth-scale`` can state.

        Raises:
            UsageError: there is no such scale, or no map.
        """
        if self.depth_scale is None:
            return None
        from ppdcli.files.depth_scale import parse_depth_scale

        if not any(maps.values()):
            options = " or ".join(maps)
            raise UsageError(f"--depth-scale needs {options}, whose steps it states")
        return parse_depth_scale(self.depth_scale, "--depth-scale")


@dataclass(frozen=True)
class CameraOptions:
    """The camera of the photos."""

    title: ClassVar[str] = "Camera"

    intrinsics: Annotated[
        str | None,
        typer.Option(
            metavar="FX,FY,CX,CY|FILE",
            help="Focal lengths and principal point in pixels of the photo; or a camera file "
            "(docs/cameras.md lists them).",
        ),
    ] = None
    fov: Annotated[
        float | None, typer.Option(metavar="DEGREES", help="Horizontal field of view.")
    ] = None

    @property
    def given(self) -> bool:
        """Whether there is a camera."""
        return self.intrinsics is not None or self.fov is not None

    def cameras(self) -> CameraFile | None:
        """The cameras that are named; None if there are none.

        Raises:
            UsageError: two cameras, or a field of view that is none.
            InputError: the camera file cannot be read.
        """
        from ppdcli.geometry.camera import Camera

        if self.intrinsics is not None and self.fov is not None:
            raise UsageError("--intrinsics and --fov both name the camera; give one")
        if self.fov is not None:
            Camera.from_fov(self.fov, 1, 1)  # whatever the photo's size: a mistake shows at once
        if self.intrinsics is None:
            return None
        from ppdcli.files.cameras.camera_file import given_cameras

        return given_cameras(self.intrinsics)
