"""``ppd pointcloud``: images in, edge-clean PLY out."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from ppdcli.axes import Axes
from ppdcli.cli.engines import run_job
from ppdcli.cli.groups import format_names, numbers, takes
from ppdcli.cli.job_options import JobOptions
from ppdcli.cli.options import InputOptions, MetricOptions, ModelOptions, OutputOptions
from ppdcli.cli.recipe import Recipe
from ppdcli.errors import UsageError
from ppdcli.files.formats import CLOUD_FORMATS, own_endings

if TYPE_CHECKING:
    from ppdcli.files.cameras.camera_file import CameraFile
    from ppdcli.jobs.work import Work

PIXEL_BYTES = 192  # of memory a pixel, while a photo is read and its cloud made and written


@dataclass(frozen=True)
class CloudRecipe(Recipe):
    """How ``ppd pointcloud`` makes its files; the attributes are its options, checked.

    Attributes:
        moge: whether MoGe-2 is wanted; None: if it is on this machine.
        cameras: what ``intrinsics`` names.
    """

    formats: tuple[str, ...]
    area: int | None
    batch: int | None
    depth: Path | None
    depth_scale: str | None
    moge: bool | None
    intrinsics: str | None
    cameras: CameraFile | None
    fov: float | None
    near_far: str | None
    align: Path | None
    edge_clean: bool
    snap: bool
    axes: str
    normals: bool
    voxel: float | None

    def prepare(self) -> Work:
        from ppdcli.cloud import Shape
        from ppdcli.jobs.pointcloud import PointCloudWork, Scale  # torch

        self.check_devices()
        model, metres = self.model, self.metres
        predictor = None if self.depth is not None else model.load(self.quiet, self.moge)
        if predictor is not None:
            estimator = predictor.estimator
        elif self.moge is False:
            estimator = None
        else:
            estimator = model.load_estimator(self.quiet, self.moge)
        placed = None if self.near_far is None else numbers("--near-far", self.near_far, "A,B")
        shape = Shape(
            self.axes,  # type: ignore[arg-type]
            self.edge_clean,
            self.snap,
            self.normals,
            self.voxel,
        )
        return PointCloudWork(
            predictor,
            estimator,
            steps=model.number_of_steps(),
            seed=model.seed,
            area=self.area,
            batch=self.batch,
            depth=self.depth,
            depth_scale=self._metres_per_step(),
            cameras=self.cameras,
            fov=self.fov,
            scale=Scale(placed, self.align, metres.metric, metres.keep_sky),
            shape=shape,
        )

    def settings(self) -> dict[str, dict[str, Any]]:
        from ppdcli.jobs.settings import of_given
        from ppdcli.jobs.verdict import OFF

        placed = self.near_far
        shared = {
            **self._depth_settings(),
            **self._camera_settings(),
            "near-far": OFF if placed is None else list(numbers("--near-far", placed, "A,B")),
            "align": of_given(self.align),
            "depth-scale": OFF if self.depth_scale is None else self._metres_per_step(),
            "metric": self.metres.metric,
            "keep-sky": self.metres.keep_sky,
            "edge-clean": self.edge_clean,
            "snap": self.snap,
            "voxel": OFF if self.voxel is None else self.voxel,
        }
        own = {"ply": {"axes": self.axes, "normals": self.normals}}
        return {name: {**shared, **own.get(name, {})} for name in self.formats}

    def _metres_per_step(self) -> float | None:
        from ppdcli.files.depth_scale import parse_depth_scale

        return (
            None
            if self.depth_scale is None
            else parse_depth_scale(self.depth_scale, "--depth-scale")
        )

    def _depth_settings(self) -> dict[str, Any]:
        """What the depth depends on: the model, or a file and what puts it into metres."""
        from ppdcli.jobs.settings import of_given
        from ppdcli.jobs.verdict import OFF

        model = self.model.settings(self.moge)
        if self.depth is None:
            return {**model, "depth": OFF}
        used = ["moge2"]
        if model["moge2"] != OFF:
            used.append("precision")
        if self.metres.metric or self.align is not None:
            used.append("seed")  # of RANSAC
        return {"depth": of_given(self.depth), **{key: model[key] for key in used}}

    def _camera_settings(self) -> dict[str, Any]:
        from ppdcli.jobs.settings import fingerprint_of_text
        from ppdcli.jobs.verdict import OFF

        intrinsics: Any = OFF
        if self.cameras is not None:
            contents = self.cameras.contents  # whatever has become of the file since it was read
            if contents.format == "numbers" and self.intrinsics is not None:
                intrinsics = [float(number) for number in self.intrinsics.split(",")]
            else:
                intrinsics = fingerprint_of_text(repr(contents))
        return {"intrinsics": intrinsics, "fov": OFF if self.fov is None else self.fov}

    def _told_camera(self) -> str | None:
        """What tells the given camera from others."""
        from ppdcli.jobs.settings import fingerprint

        if self.intrinsics is None or self.cameras is None:
            return None
        if self.cameras.is_typed:
            return self.intrinsics
        # A pipe, as of <(program), cannot be read again.
        return fingerprint(Path(self.intrinsics)) or self.cameras.digest()


@takes(
    source=InputOptions,
    model=ModelOptions,
    metres=MetricOptions,
    out=OutputOptions,
    job=JobOptions,
)
def pointcloud(
    source: InputOptions,
    model: ModelOptions,
    metres: MetricOptions,
    out: OutputOptions,
    job: JobOptions,
    format_: Annotated[
        list[str] | None,
        typer.Option("-f", "--format", help="ply, side (a picture).", show_default="ply"),
    ] = None,
    depth: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Depth of the one image, instead of predicting it."),
    ] = None,
    depth_scale: Annotated[
        str | None,
        typer.Option(
            metavar="SCALE",
            help="A step of --depth or --align files: mm, kitti, tum, or in metres.",
        ),
    ] = None,
    intrinsics: Annotated[
        str | None,
        typer.Option(
            metavar="FX,FY,CX,CY|FILE",
            help="Camera: pixels of the photo, or a camera file (see docs/cameras.md).",
        ),
    ] = None,
    fov: Annotated[
        float | None, typer.Option(metavar="DEGREES", help="Horizontal field of view.")
    ] = None,
    near_far: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Metres of the nearest and the farthest point."),
    ] = None,
    align: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Known depths: rows of u v metres, or a depth map."),
    ] = None,
    edge_clean: Annotated[
        bool,
        typer.Option("--edge-clean/--no-edge-clean", help="Drop points between two surfaces."),
    ] = True,
    snap: Annotated[
        bool, typer.Option("--snap", help="Move them onto the surface they belong to instead.")
    ] = False,
    axes: Annotated[
        str,
        typer.Option(help="opencv (y down), opengl (y up, z backward), blender (z up)."),
    ] = "opencv",
    normals: Annotated[bool, typer.Option("--normals", help="Give each point a normal.")] = False,
    voxel: Annotated[
        float | None,
        typer.Option(metavar="METRES", help="Keep one point for each cell of this size."),
    ] = None,
) -> int:
    """Turn images into coloured point clouds (PLY)."""
    from ppdcli.geometry.camera import Camera
    from ppdcli.jobs.plan import Format

    if intrinsics is not None and fov is not None:
        raise UsageError("--intrinsics and --fov both name the camera; give one")
    cameras = None
    if intrinsics is not None:
        from ppdcli.files.cameras.camera_file import given_cameras

        cameras = given_cameras(intrinsics)
    if fov is not None:
        Camera.from_fov(fov, 1, 1)  # whatever the photo's size: a mistake shows at once
    if depth_scale is not None:
        from ppdcli.files.depth_scale import parse_depth_scale

        if depth is None and align is None:
            raise UsageError("--depth-scale needs --depth or --align, whose steps it states")
        parse_depth_scale(depth_scale, "--depth-scale")
    if axes not in get_args(Axes):
        raise UsageError(f"--axes {axes}: choose from {', '.join(get_args(Axes))}")
    if voxel is not None and not 0 < voxel < inf:
        raise UsageError(f"--voxel {voxel:g}: give a length above 0, in metres")
    if snap and not edge_clean:
        raise UsageError("--snap moves what --edge-clean finds; leave out --no-edge-clean")
    placed = None if near_far is None else numbers("--near-far", near_far, "A,B")
    if placed is not None and not 0 < placed[0] < placed[1]:
        raise UsageError(f"--near-far {near_far}: give 0 < A < B, in metres")
    if sum((metres.metric, align is not None, placed is not None)) > 1:
        raise UsageError("--metric, --align and --near-far each fix the scale; give one")
    model.check()
    metres.check()
    names = ["ply"] if format_ is None else format_names(format_, CLOUD_FORMATS)
    formats = [Format(name, CLOUD_FORMATS[name].ending) for name in names]
    # MoGe-2 knows the camera better than EXIF, where it is on this machine anyway.
    given = cameras is not None or fov is not None
    recipes = CloudRecipe(
        model=model,
        metres=metres,
        quiet=out.quiet,
        devices=tuple(job.places(model.device)),
        formats=tuple(names),
        area=model.area,
        batch=job.photos,
        depth=depth,
        depth_scale=depth_scale,
        moge=True if metres.metric else False if given else None,
        intrinsics=intrinsics,
        cameras=cameras,
        fov=fov,
        near_far=near_far,
        align=align,
        edge_clean=edge_clean,
        snap=snap,
        axes=axes,
        normals=normals,
        voxel=voxel,
    ).for_each()
    of_one = [name for name, file in (("--depth", depth), ("--align", align)) if file is not None]
    return run_job(source, recipes, formats, own_endings(), PIXEL_BYTES, out, job, of_one)
