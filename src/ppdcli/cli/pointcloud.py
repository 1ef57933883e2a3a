"""``ppd pointcloud``: images in, edge-clean PLY out."""

from __future__ import annotations

from dataclasses import replace
from math import inf, isfinite
from pathlib import Path
from typing import Annotated, get_args

import typer

from ppdcli.announce import silent
from ppdcli.axes import Axes
from ppdcli.cli.engines import run_job
from ppdcli.cli.exits import say
from ppdcli.cli.groups import format_names, takes
from ppdcli.cli.job_options import JobOptions
from ppdcli.cli.options import InputOptions, ModelOptions, OutputOptions
from ppdcli.cli.scale_options import CameraOptions, MetricOptions
from ppdcli.cloud_options import MOST_FACES, RELATIVE, CloudOptions, KnownLength
from ppdcli.errors import UsageError
from ppdcli.files.formats import CLOUD_FORMATS
from ppdcli.model_request import ONNX


@takes(
    source=InputOptions,
    model=ModelOptions,
    metres=MetricOptions,
    camera=CameraOptions,
    out=OutputOptions,
    job=JobOptions,
)
def pointcloud(
    source: InputOptions,
    model: ModelOptions,
    metres: MetricOptions,
    camera: CameraOptions,
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
        ),
    ] = None,
    known_length: Annotated[
        str | None,
        typer.Option(
            metavar="U1,V1,U2,V2,METRES",
            help="The true distance of what two pixels of the one photo show.",
            rich_help_panel=MetricOptions.title,
        ),
    ] = None,
    world: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Merge all photos into this one cloud (.ply, .glb, .html). --intrinsics or "
            "--align names where they were taken: a COLMAP model or a transforms.json.",
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
    if world is not None:
        from ppdcli.cli.world import merge_into

        refused: dict[str, object] = {
            "--depth": depth,
            "--known-length": known_length,
            "--format": format_,
        }
        refused |= {"--axes": None if axes == "opencv" else axes, "--normals": normals or None}
        given = [name for name, value in refused.items() if value is not None]
        return merge_into(
            world, given, source, model, metres, camera, out, job, edge_clean, snap, voxel
        )
    from ppdcli.commands.pointcloud import CloudRequest
    from ppdcli.jobs.plan import Format

    cameras = camera.cameras()
    scale = metres.step({"--depth": depth, "--align": metres.align})
    if axes not in get_args(Axes):
        raise UsageError(f"--axes {axes}: choose from {', '.join(get_args(Axes))}")
    if voxel is not None and not 0 < voxel < inf:
        raise UsageError(f"--voxel {voxel:g}: give a length above 0, in metres")
    if snap and not edge_clean:
        raise UsageError("--snap moves what --edge-clean finds; leave out --no-edge-clean")
    source_of_metres = metres.source()
    if known_length is not None:
        if source_of_metres != RELATIVE:
            raise UsageError("--known-length fixes the scale alone; leave out the other option")
        source_of_metres = replace(RELATIVE, known_length=_length(known_length))
    if depth is not None and model.backend == ONNX:
        raise UsageError("--depth leaves nothing for --backend onnx to do; give one of them")
    model.check()
    names = _formats(format_, out)
    if "glb" in names and voxel is not None:
        raise UsageError("--voxel thins the cloud, and a mesh (glb) needs all of it; leave out one")
    # MoGe-2 knows the camera better than EXIF, where it is on this machine anyway.
    moge2 = True if metres.metric else False if camera.given else None
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
        intrinsics=camera.intrinsics,
        cameras=cameras,
        fov=camera.fov,
        metres=source_of_metres,
        options=CloudOptions(axes, edge_clean, snap, normals, voxel, faces),  # type: ignore[arg-type]
    )
    of_one = [] if known_length is None else ["--known-length"]
    of_one += [n for n, file in (("--depth", depth), ("--align", metres.align)) if file is not None]
    return run_job(request, source, out, job, of_one)


def _length(text: str) -> KnownLength:
    try:
        u1, v1, u2, v2, metres = (float(number) for number in text.split(","))
    except ValueError:
        raise UsageError(
            f"--known-length {text}: give U1,V1,U2,V2,METRES, such as 120,400,300,410,0.9"
        ) from None
    if not 0 < metres < inf or not all(map(isfinite, (u1, v1, u2, v2))):
        raise UsageError(f"--known-length {text}: give pixels, and a length above 0 in metres")
    return KnownLength((u1, v1), (u2, v2), metres)


def _formats(given: list[str] | None, out: OutputOptions) -> list[str]:
    from ppdcli.files.source import is_dir

    if given is not None:
        return format_names(given, CLOUD_FORMATS)
    if out.path is not None and not is_dir(out.path):
        for name in ("ply", "glb", "html"):  # named by the file's suffix
            if out.path.suffix.lower() == CLOUD_FORMATS[name].ending:
                return [name]
    return ["ply"]
