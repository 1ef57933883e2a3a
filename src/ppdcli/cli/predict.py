"""``ppd predict``: images in, depth out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from ppdcli.cli.engines import run_job
from ppdcli.cli.groups import format_names, numbers, takes
from ppdcli.cli.job_options import JobOptions
from ppdcli.cli.options import InputOptions, MetricOptions, ModelOptions, OutputOptions
from ppdcli.cli.recipe import Recipe
from ppdcli.errors import UsageError
from ppdcli.files.choices import Choices, Colormap, PngScale
from ppdcli.files.formats import DEPTH_FORMATS, own_endings

if TYPE_CHECKING:
    from ppdcli.jobs.work import Work

COLORMAPS = get_args(Colormap)
PNG_SCALES = get_args(PngScale)
DEFAULT_FORMATS = ("png", "preview")


@dataclass(frozen=True)
class PredictRecipe(Recipe):
    """How ``ppd predict`` makes its files; the attributes are its options, checked."""

    formats: tuple[str, ...]
    area: int | None
    batch: int | None
    full_size: bool
    colormap: str
    value_range: str | None
    png_scale: str

    def prepare(self) -> Work:
        from ppdcli.jobs.predict import PredictWork  # torch

        self.check_devices()
        limits = self.value_range
        return PredictWork(
            self.model.load(self.quiet, self.metres.metric),
            steps=self.model.number_of_steps(),
            seed=self.model.seed,
            area=self.area,
            batch=self.batch,
            metric=self.metres.metric,
            keep_sky=self.metres.keep_sky,
            full_size=self.full_size,
            choices=Choices(
                self.png_scale,  # type: ignore[arg-type]
                self.colormap,  # type: ignore[arg-type]
                None if limits is None else numbers("--range", limits, "MIN,MAX"),
            ),
        )

    def settings(self) -> dict[str, dict[str, Any]]:
        shared = {
            **self.model.settings(self.metres.metric),
            "metric": self.metres.metric,
            "keep-sky": self.metres.keep_sky,
            "full-size": self.full_size,
        }
        limits = self.value_range
        shown = "auto" if limits is None else list(numbers("--range", limits, "MIN,MAX"))
        chosen = {
            "png_scale": ("png-scale", self.png_scale),
            "colormap": ("colormap", self.colormap),
            "value_range": ("range", shown),
        }
        return {
            name: {**shared, **dict(chosen[choice] for choice in DEPTH_FORMATS[name].choices)}
            for name in self.formats
        }


@takes(
    source=InputOptions,
    model=ModelOptions,
    metres=MetricOptions,
    out=OutputOptions,
    job=JobOptions,
)
def predict(
    source: InputOptions,
    model: ModelOptions,
    metres: MetricOptions,
    out: OutputOptions,
    job: JobOptions,
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
    from ppdcli.jobs.plan import Format
    from ppdcli.jobs.run import PIXEL_BYTES

    formats = [Format(name, DEPTH_FORMATS[name].ending) for name in _formats(format_, out)]
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
    recipes = PredictRecipe(
        model=model,
        metres=metres,
        quiet=out.quiet,
        devices=tuple(job.places(model.device)),
        formats=tuple(f.name for f in formats),
        area=model.area,
        batch=job.photos,
        full_size=full_size,
        colormap=colormap,
        value_range=value_range,
        png_scale=scale,
    ).for_each()
    return run_job(source, recipes, formats, own_endings(), PIXEL_BYTES, out, job)


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
