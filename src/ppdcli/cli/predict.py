"""``ppd predict``: images in, depth out."""

from __future__ import annotations

from typing import Annotated, get_args

import typer

from ppdcli.announce import silent
from ppdcli.cli.engines import run_job
from ppdcli.cli.exits import say
from ppdcli.cli.groups import format_names, numbers, takes
from ppdcli.cli.job_options import JobOptions
from ppdcli.cli.options import InputOptions, ModelOptions, OutputOptions
from ppdcli.cli.scale_options import CameraOptions, MetricOptions
from ppdcli.cloud_options import RELATIVE
from ppdcli.errors import UsageError
from ppdcli.files.choices import Choices, Colormap, PngScale
from ppdcli.files.formats import DEPTH_FORMATS

COLORMAPS = get_args(Colormap)
PNG_SCALES = get_args(PngScale)
DEFAULT_FORMATS = ("png", "preview")


@takes(
    source=InputOptions,
    model=ModelOptions,
    metres=MetricOptions,
    camera=CameraOptions,
    out=OutputOptions,
    job=JobOptions,
)
def predict(
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
            help="Which files to write: png, exr, npy, preview.",
            show_default="png,preview",
        ),
    ] = None,
    png_scale: Annotated[
        str | None,
        typer.Option(
            help="What a step in a 16-bit PNG is: mm, kitti or tum (for metres), or normalized.",
            show_default="mm, or normalized for relative depth",
        ),
    ] = None,
    full_size: Annotated[
        bool,
        typer.Option(
            "--full-size/--model-size",
            help="Write depth at the photo's size, or at the size that the network computes.",
        ),
    ] = True,
    colormap: Annotated[
        str, typer.Option(help=f"Colour map of the previews: {', '.join(COLORMAPS)}.")
    ] = "spectral",
    value_range: Annotated[
        str | None,
        typer.Option(
            "--range", metavar="MIN,MAX", help="Depth at the two ends of the previews' colour map."
        ),
    ] = None,
) -> int:
    """Predict depth maps from images."""
    from ppdcli.commands.predict import PredictRequest
    from ppdcli.jobs.plan import Format

    formats = [Format(name, DEPTH_FORMATS[name].ending) for name in _formats(format_, out)]
    if colormap not in COLORMAPS:
        raise UsageError(f"--colormap {colormap}: choose from {', '.join(COLORMAPS)}")
    limits = None if value_range is None else numbers("--range", value_range, "MIN,MAX")
    if limits is not None and not limits[0] < limits[1]:
        raise UsageError(f"--range {value_range}: give MIN < MAX")
    source_of_metres = metres.source()
    metric = source_of_metres != RELATIVE
    scale = png_scale or ("mm" if metric else "normalized")
    if scale not in PNG_SCALES:
        raise UsageError(f"--png-scale {scale}: choose from {', '.join(PNG_SCALES)}")
    if scale != "normalized" and not metric:
        raise UsageError(
            f"--png-scale {scale} is in metres; add --metric, --near-far or --align, or choose "
            "normalized"
        )
    step = metres.step({"--align": metres.align})
    cameras = camera.cameras()
    model.check()
    request = PredictRequest(
        model=model.request(metres.metric),
        sampling=model.sampling(),
        formats=tuple(formats),
        overwrite=out.overwrite,
        batch=job.photos,
        devices=tuple(job.places(model.device)),
        announce=silent if out.quiet else say,
        metres=source_of_metres,
        depth_scale=step,
        intrinsics=camera.intrinsics,
        cameras=cameras,
        fov=camera.fov,
        full_size=full_size,
        choices=Choices(scale, colormap, limits),  # type: ignore[arg-type]
    )
    of_one = [] if metres.align is None else ["--align"]
    return run_job(request, source, out, job, of_one)


def _formats(given: list[str] | None, out: OutputOptions) -> list[str]:
    from ppdcli.files.source import is_dir

    if given is None:
        if out.path is None:
            return ["png"]
        suffix = out.path.suffix.lower().removeprefix(".")
        names_file = suffix in {
            row.suffix[1:] for row in DEPTH_FORMATS.values() if row.reading
        } and not is_dir(out.path)
        return [suffix] if names_file else list(DEFAULT_FORMATS)
    return format_names(given, DEPTH_FORMATS)
