"""``ppd predict``: images in, depth out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ppdcli.cli.options import (
    InputOptions,
    MetricOptions,
    ModelOptions,
    OutputOptions,
    format_names,
    numbers,
    takes,
)
from ppdcli.cli.report import report, say
from ppdcli.errors import UsageError

if TYPE_CHECKING:
    from ppdcli.jobs.run import Work

COLORMAPS = ("spectral", "inferno", "turbo", "viridis", "gray")
PNG_SCALES = ("mm", "kitti", "tum", "normalized")
ENDINGS = {"png": "_depth.png", "exr": "_depth.exr", "npy": "_depth.npy", "preview": "_preview.png"}
OWN_ENDINGS = (*ENDINGS.values(), "_side.png")  # never taken for photos in a folder
DEFAULT_FORMATS = ("png", "preview")


@takes(source=InputOptions, model=ModelOptions, metres=MetricOptions, out=OutputOptions)
def predict(
    source: InputOptions,
    model: ModelOptions,
    metres: MetricOptions,
    out: OutputOptions,
    format_: Annotated[
        list[str] | None,
        typer.Option("-f", "--format", help="png, exr, npy, preview.", show_default="png,preview"),
    ] = None,
    png_scale: Annotated[
        str | None,
        typer.Option(
            help="A PNG's steps: mm, kitti, tum (with --metric), normalized.",
            show_default="mm, or normalized for relative depth",
        ),
    ] = None,
    full_size: Annotated[
        bool,
        typer.Option("--full-size/--model-size", help="The photo's size, or the network's own."),
    ] = True,
    colormap: Annotated[
        str, typer.Option(help=f"Of previews: {', '.join(COLORMAPS)}.")
    ] = "spectral",
    value_range: Annotated[
        str | None,
        typer.Option("--range", metavar="MIN,MAX", help="Depth at a preview's end colours."),
    ] = None,
) -> int:
    """Predict the depth of images."""
    from ppdcli.jobs.inputs import discover
    from ppdcli.jobs.run import Format, plan, run

    formats = [Format(name, ENDINGS[name]) for name in _formats(format_, out)]
    if colormap not in COLORMAPS:
        raise UsageError(f"--colormap {colormap}: choose from {', '.join(COLORMAPS)}")
    limits = None if value_range is None else numbers("--range", value_range, "MIN,MAX")
    if limits is not None and not limits[0] < limits[1]:
        raise UsageError(f"--range {value_range}: give MIN < MAX")
    scale = png_scale or ("mm" if metres.metric else "normalized")
    if scale not in PNG_SCALES:
        raise UsageError(f"--png-scale {scale}: choose from {', '.join(PNG_SCALES)}")
    if scale != "normalized" and not metres.metric:
        raise UsageError(f"--png-scale {scale} is in metres; add --metric, or choose normalized")
    model.check()
    metres.check()
    area = model.area
    found = discover(source.all(), out.path, OWN_ENDINGS)
    tasks = plan(found.inputs, formats, out.path)

    def prepare() -> Work:
        from ppdcli.jobs.predict import PredictWork  # torch

        return PredictWork(
            model.load(out.quiet, metres.metric),
            steps=model.steps,
            seed=model.seed,
            area=area,
            metric=metres.metric,
            keep_sky=metres.keep_sky,
            full_size=full_size,
            colormap=colormap,  # type: ignore[arg-type]
            value_range=limits,
            png_scale=scale,  # type: ignore[arg-type]
            warn=(lambda line: None) if out.quiet else say,
        )

    results = run(tasks, prepare, formats, out.overwrite)
    return report(results, found, out.json_lines, out.quiet, out.verbose)


def _formats(given: list[str] | None, out: OutputOptions) -> list[str]:
    from ppdcli.jobs.inputs import is_dir

    if given is None:
        if out.path is None:
            return ["png"]
        suffix = out.path.suffix.lower().removeprefix(".")
        names_file = suffix in ("png", "exr", "npy") and not is_dir(out.path)
        return [suffix] if names_file else list(DEFAULT_FORMATS)
    return format_names(given, ENDINGS)
