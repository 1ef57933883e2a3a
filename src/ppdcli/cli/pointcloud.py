"""``ppd pointcloud``: images in, edge-clean PLY out."""

from __future__ import annotations

from math import inf
from pathlib import Path
from typing import Annotated, get_args

import typer

from ppdcli.announce import silent
from ppdcli.axes import Axes
from ppdcli.cli.engines import run_job
from ppdcli.cli.exits import say
from ppdcli.cli.groups import format_names, numbers, takes
from ppdcli.cli.job_options import JobOptions
from ppdcli.cli.options import InputOptions, MetricOptions, ModelOptions, OutputOptions
from ppdcli.cloud_options import MOST_FACES, CloudOptions, MetricSource
from ppdcli.errors import UsageError
from ppdcli.files.formats import CLOUD_FORMATS
from ppdcli.model_request import ONNX

CAMERA, DEPTH = "Camera", "Depth files"  # headings of the help


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
        typer.Option(
            "-f",
            "--format",
            help="Which files to write: ply (the cloud), glb (a textured mesh), html (a page to "
            "turn it in), side (a picture).",
            show_default="ply",
        ),
    ] = None,
    depth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Take the depth of the one image from this file, and predict nothing.",
            rich_help_panel=DEPTH,
        ),
    ] = None,
    depth_scale: Annotated[
        str | None,
        typer.Option(
            metavar="SCALE",
            help="What a whole number in a --depth or --align file is: mm, kitti, tum, or metres "
            "per step.",
            rich_help_panel=DEPTH,
        ),
    ] = None,
    intrinsics: Annotated[
        str | None,
        typer.Option(
            metavar="FX,FY,CX,CY|FILE",
            help="Focal lengths and principal point in pixels of the photo; or a camera file "
            "(docs/cameras.md lists them).",
            rich_help_panel=CAMERA,
        ),
    ] = None,
    fov: Annotated[
        float | None,
        typer.Option(metavar="DEGREES", help="Horizontal field of view.", rich_help_panel=CAMERA),
    ] = None,
    near_far: Annotated[
        str | None,
        typer.Option(
            metavar="A,B",
            help="Distances of the nearest and the farthest point, in metres.",
            rich_help_panel=MetricOptions.title,
        ),
    ] = None,
    align: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Fit to known depths: rows of u v metres, or a depth map with holes.",
            rich_help_panel=MetricOptions.title,
        ),
    ] = None,
    edge_clean: Annotated[
        bool,
        typer.Option(
            "--edge-clean/--no-edge-clean",
            help="Remove flying pixels: points that hang between two surfaces.",
        ),
    ] = True,
    snap: Annotated[
        bool,
        typer.Option("--snap", help="Move flying pixels onto the surface that has their colour."),
    ] = False,
    axes: Annotated[
        str,
        typer.Option(
            help="Coordinate axes: opencv (y down), opengl (y up, z backward) or blender (z up)."
        ),
    ] = "opencv",
    normals: Annotated[
        bool, typer.Option("--normals", help="Give each point a surface normal.")
    ] = False,
    voxel: Annotated[
        float | None,
        typer.Option(
            metavar="METRES", help="Thin the cloud: keep one point in each cube of this side."
        ),
    ] = None,
    faces: Annotated[
        int,
        typer.Option(min=100, metavar="N", help="How many triangles a mesh (glb) has at most."),
    ] = MOST_FACES,
) -> int:
    """Turn images into coloured point clouds (PLY)."""
    from ppdcli.commands.pointcloud import CloudRequest
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
    scale = None
    if depth_scale is not None:
        from ppdcli.files.depth_scale import parse_depth_scale

        if depth is None and align is None:
            raise UsageError("--depth-scale needs --depth or --align, whose steps it states")
        scale = parse_depth_scale(depth_scale, "--depth-scale")
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
    if depth is not None and model.backend == ONNX:
        raise UsageError("--depth leaves nothing for --backend onnx to do; give one of them")
    model.check()
    metres.check()
    names = _formats(format_, out)
    if "glb" in names and voxel is not None:
        raise UsageError("--voxel thins the cloud, and a mesh (glb) needs all of it; leave out one")
    # MoGe-2 knows the camera better than EXIF, where it is on this machine anyway.
    given = cameras is not None or fov is not None
    moge2 = True if metres.metric else False if given else None
    request = CloudRequest(
        model=model.request(moge2),
        sampling=model.sampling(),
        formats=tuple(Format(name, CLOUD_FORMATS[name].ending) for name in names),
        overwrite=out.overwrite,
        batch=job.photos,
        devices=tuple(job.places(model.device)),
        announce=silent if out.quiet else say,
        depth=depth,
        depth_scale=scale,
        intrinsics=intrinsics,
        cameras=cameras,
        fov=fov,
        metres=MetricSource(placed, align, metres.metric, metres.keep_sky),
        options=CloudOptions(axes, edge_clean, snap, normals, voxel, faces),  # type: ignore[arg-type]
    )
    of_one = [name for name, file in (("--depth", depth), ("--align", align)) if file is not None]
    return run_job(request, source, out, job, of_one)


def _formats(given: list[str] | None, out: OutputOptions) -> list[str]:
    from ppdcli.files.source import is_dir

    if given is not None:
        return format_names(given, CLOUD_FORMATS)
    if out.path is not None and not is_dir(out.path):
        for name in ("ply", "glb", "html"):  # named by the file's suffix
            if out.path.suffix.lower() == CLOUD_FORMATS[name].ending:
                return [name]
    return ["ply"]
