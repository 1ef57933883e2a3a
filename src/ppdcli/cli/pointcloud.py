"""``ppd pointcloud``: images in, edge-clean PLY out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ppdcli.cli.options import InputOptions, ModelOptions, OutputOptions, numbers, takes
from ppdcli.cli.predict import ENDINGS
from ppdcli.cli.report import report, say
from ppdcli.errors import UsageError

if TYPE_CHECKING:
    from ppdcli.jobs.run import Work

AXES = ("opencv", "opengl")


@takes(source=InputOptions, model=ModelOptions, out=OutputOptions)
def pointcloud(
    source: InputOptions,
    model: ModelOptions,
    out: OutputOptions,
    intrinsics: Annotated[
        str | None, typer.Option(metavar="FX,FY,CX,CY", help="Camera, in pixels of the photo.")
    ] = None,
    fov: Annotated[
        float | None, typer.Option(metavar="DEGREES", help="Horizontal field of view.")
    ] = None,
    near_far: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Metres of the nearest and the farthest point."),
    ] = None,
    edge_clean: Annotated[
        bool,
        typer.Option("--edge-clean/--no-edge-clean", help="Drop points between two surfaces."),
    ] = True,
    axes: Annotated[
        str, typer.Option(help="opencv (y down, z forward) or opengl (y up, z backward).")
    ] = "opencv",
) -> int:
    """Turn images into coloured point clouds (PLY)."""
    from ppdcli.geometry.camera import Camera, parse_intrinsics
    from ppdcli.jobs.inputs import discover
    from ppdcli.jobs.run import Format, plan, run

    if intrinsics is not None and fov is not None:
        raise UsageError("--intrinsics and --fov both name the camera; give one")
    # Whatever the photo's size, so that a mistake shows before the work starts.
    if intrinsics is not None:
        parse_intrinsics(intrinsics, 1, 1)
    if fov is not None:
        Camera.from_fov(fov, 1, 1)
    if axes not in AXES:
        raise UsageError(f"--axes {axes}: choose from {', '.join(AXES)}")
    placed = None if near_far is None else numbers("--near-far", near_far, "A,B")
    if placed is not None and not 0 < placed[0] < placed[1]:
        raise UsageError(f"--near-far {near_far}: give 0 < A < B, in metres")
    model.check()
    formats, area = [Format("ply", ".ply")], model.area
    found = discover(source.all(), out.path, [*ENDINGS.values()])
    tasks = plan(found.inputs, formats, out.path)

    def prepare() -> Work:
        from ppdcli.jobs.pointcloud import PointCloudWork  # torch

        return PointCloudWork(
            model.load(out.quiet),
            steps=model.steps,
            seed=model.seed,
            area=area,
            intrinsics=intrinsics,
            fov=fov,
            near_far=placed,
            axes=axes,  # type: ignore[arg-type]
            edge_clean=edge_clean,
            warn=(lambda line: None) if out.quiet else say,
        )

    results = run(tasks, prepare, formats, out.overwrite)
    return report(results, found, out.json_lines, out.quiet, out.verbose)
