"""``ppd pointcloud``: images in, edge-clean PLY out."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ppdcli.cli.options import (
    InputOptions,
    JobOptions,
    MetricOptions,
    ModelOptions,
    OutputOptions,
    format_names,
    numbers,
    takes,
)
from ppdcli.cli.predict import OWN_ENDINGS
from ppdcli.cli.report import report
from ppdcli.errors import UsageError

if TYPE_CHECKING:
    from ppdcli.jobs.run import Work

AXES = ("opencv", "opengl")
CLOUD_ENDINGS = {"ply": ".ply", "side": "_side.png"}
PIXEL_BYTES = 192  # of memory a pixel, while a photo is read and its cloud made and written


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
    intrinsics: Annotated[
        str | None,
        typer.Option(
            metavar="FX,FY,CX,CY|FILE",
            help="Camera: pixels of the photo, or a COLMAP, ROS, nerfstudio, Open3D or 3x3 file.",
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
        str, typer.Option(help="opencv (y down, z forward) or opengl (y up, z backward).")
    ] = "opencv",
    normals: Annotated[bool, typer.Option("--normals", help="Give each point a normal.")] = False,
    voxel: Annotated[
        float | None,
        typer.Option(metavar="METRES", help="Keep one point for each cell of this size."),
    ] = None,
) -> int:
    """Turn images into coloured point clouds (PLY)."""
    from ppdcli.geometry.camera import Camera
    from ppdcli.jobs.inputs import discover
    from ppdcli.jobs.plan import Format, plan, share
    from ppdcli.jobs.run import run

    if intrinsics is not None and fov is not None:
        raise UsageError("--intrinsics and --fov both name the camera; give one")
    cameras = None
    if intrinsics is not None:
        from ppdcli.files.cameras import given_cameras

        cameras = given_cameras(intrinsics)
    if fov is not None:
        Camera.from_fov(fov, 1, 1)  # whatever the photo's size: a mistake shows at once
    if axes not in AXES:
        raise UsageError(f"--axes {axes}: choose from {', '.join(AXES)}")
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
    names = ["ply"] if format_ is None else format_names(format_, CLOUD_ENDINGS)
    formats = [Format(name, CLOUD_ENDINGS[name]) for name in names]
    area, batch, shard = model.area, job.photos, job.share
    found = discover(source.all(), out.path, OWN_ENDINGS)
    for file, option in ((depth, "--depth"), (align, "--align")):
        if file is not None and len(found.inputs) != 1:
            raise UsageError(f"{option} is of one image; {len(found.inputs)} are given")
    tasks = share(plan(found.inputs, formats, out.path), shard)
    # MoGe-2 knows the camera better than EXIF, where it is on this machine anyway.
    given = cameras is not None or fov is not None
    moge = True if metres.metric else False if given else None

    def prepare() -> Work:
        from ppdcli.geometry.cloud import Shape
        from ppdcli.jobs.pointcloud import PointCloudWork, Scale  # torch

        predictor = None if depth is not None else model.load(out.quiet, moge)
        if predictor is not None:
            estimator = predictor.estimator
        else:
            estimator = None if moge is False else model.load_estimator(out.quiet, moge)
        return PointCloudWork(
            predictor,
            estimator,
            steps=model.steps,
            seed=model.seed,
            area=area,
            batch=batch,
            depth=depth,
            cameras=cameras,
            fov=fov,
            scale=Scale(placed, align, metres.metric, metres.keep_sky),
            shape=Shape(axes, edge_clean, snap, normals, voxel),  # type: ignore[arg-type]
        )

    def settings() -> dict[str, dict[str, Any]]:
        from ppdcli.jobs.settings import OFF, fingerprint

        shared = {
            **model.settings(moge),
            "depth": OFF if depth is None else fingerprint(depth),
            "intrinsics": OFF
            if intrinsics is None
            else fingerprint(Path(intrinsics)) or intrinsics,
            "fov": OFF if fov is None else fov,
            "near-far": near_far or OFF,
            "align": OFF if align is None else fingerprint(align),
            "metric": metres.metric,
            "keep-sky": metres.keep_sky,
            "edge-clean": edge_clean,
            "snap": snap,
            "axes": axes,
            "normals": normals,
            "voxel": OFF if voxel is None else voxel,
        }
        return dict.fromkeys(names, shared)

    results = run(tasks, prepare, formats, out.overwrite, settings, PIXEL_BYTES)
    return report(results, len(tasks), found, out, shard)
