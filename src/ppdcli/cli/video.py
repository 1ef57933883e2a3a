"""``ppd video``: films in, depth that does not flicker out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, get_args

import typer

from ppdcli.announce import silent
from ppdcli.cli.exits import say
from ppdcli.cli.film_options import ConsistencyOptions, FilmOptions
from ppdcli.cli.groups import format_names, numbers, takes
from ppdcli.cli.job_options import PlaceOptions
from ppdcli.cli.options import ModelOptions, OutputOptions
from ppdcli.cli.report import report
from ppdcli.cli.scale_options import WholeScaleOptions
from ppdcli.cli.window_options import WindowOptions
from ppdcli.errors import UsageError
from ppdcli.files.choices import Colormap
from ppdcli.films.outputs import CLOUD_FOLDERS, FILM_FORMATS, VIDEO_FORMATS, FilmChoices, Preview

if TYPE_CHECKING:
    from ppdcli.films.outputs import Range

COLORMAPS = get_args(Colormap)
PREVIEWS = get_args(Preview)
DEFAULT_FORMATS = ("mkv", "mp4")


@takes(
    film=FilmOptions,
    model=ModelOptions,
    metres=WholeScaleOptions,
    steady=ConsistencyOptions,
    windows=WindowOptions,
    out=OutputOptions,
    job=PlaceOptions,
)
def video(
    film: FilmOptions,
    model: ModelOptions,
    metres: WholeScaleOptions,
    steady: ConsistencyOptions,
    windows: WindowOptions,
    out: OutputOptions,
    job: PlaceOptions,
    format_: Annotated[
        list[str] | None,
        typer.Option(
            "-f",
            "--format",
            help="What to write. Videos: mkv (depth, lossless), mp4 (a preview). A file for each "
            "frame: png, exr, npy. Clouds of chosen frames: ply, html.",
            show_default="mkv,mp4",
        ),
    ] = None,
    full_size: Annotated[
        bool,
        typer.Option(
            "--full-size/--model-size",
            help="Write depth at the film's size, or at the size that the network computes.",
        ),
    ] = True,
    preview: Annotated[
        str, typer.Option(help="What the mp4 shows: depth, or side (photo and depth side by side).")
    ] = "side",
    sound: Annotated[
        bool, typer.Option("--sound/--no-sound", help="Keep the sound in the mp4.")
    ] = True,
    colormap: Annotated[
        str, typer.Option(help=f"Colour map of the mp4: {', '.join(COLORMAPS)}.")
    ] = "spectral",
    value_range: Annotated[
        str | None,
        typer.Option(
            "--range",
            metavar="MIN,MAX",
            help="Depth at the two ends of the mp4's colour map.",
            show_default="of the whole film",
        ),
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="Write while the depth is computed, in one pass. The range of the colours then "
            "follows the film.",
        ),
    ] = False,
    frames: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Frames that become clouds, such as 1,50,100. The first frame is 1.",
            show_default="the first of each scene",
        ),
    ] = None,
    fov: Annotated[
        float | None,
        typer.Option(
            metavar="DEGREES", help="Horizontal field of view, for clouds and for --metric."
        ),
    ] = None,
) -> int:
    """Predict depth of videos that does not flicker."""
    from ppdcli.commands.film_inputs import STDIN, films_named, planned
    from ppdcli.commands.film_models import check_choices, check_sharing
    from ppdcli.commands.film_shares import Crew
    from ppdcli.commands.video import VideoRequest, make_films
    from ppdcli.jobs.inputs import Found

    formats = _formats(format_, out)
    if preview not in PREVIEWS:
        raise UsageError(f"--preview {preview}: choose from {', '.join(PREVIEWS)}")
    if colormap not in COLORMAPS:
        raise UsageError(f"--colormap {colormap}: choose from {', '.join(COLORMAPS)}")
    choices = FilmChoices(
        tuple(formats),
        full_size,
        preview,  # type: ignore[arg-type]
        colormap,  # type: ignore[arg-type]
        _limits(value_range),
        live,
        sound,
        _numbers(frames),
        fov,
        metres.ends(),
        metres.metric,
    )
    if live and (metres.metric or metres.near_far is not None):
        raise UsageError(
            "--live writes before the whole film is known; leave it out, or --near-far and --metric"
        )
    _require_clouds(formats, {"--frames": frames, "--fov": None if metres.metric else fov})
    if fov is not None:
        from ppdcli.geometry.camera import Camera

        Camera.from_fov(fov, 1, 1)  # a mistake shows at once
    model.check()
    check_choices(model.model, steady.consistency(), windows.choices())
    crew = Crew(tuple(job.places(model.device)), job.engine, job.workers)
    if not crew.is_alone:
        check_sharing(model.model, steady.consistency(), live and STDIN in (film.inputs or []))
    request = VideoRequest(
        model.request(metres.metric),
        model.sampling(),
        steady.consistency(),
        windows.choices(),
        film.selection(),
        choices,
        film.rate(),
        crew,
        out.overwrite,
        silent if out.quiet else say,
    )
    films = films_named(film.inputs or [])
    tasks = planned(films, formats, out.path)
    from ppdcli.films.pyav import import_av

    import_av()
    return report(make_films(tasks, request), len(tasks), Found(films), out)


def _formats(given: list[str] | None, out: OutputOptions) -> list[str]:
    if given is not None:
        return format_names(given, FILM_FORMATS)
    suffix = "" if out.path is None else out.path.suffix.lower().removeprefix(".")
    if suffix in VIDEO_FORMATS and out.path is not None and not out.path.is_dir():
        return [suffix]
    return list(DEFAULT_FORMATS)


def _limits(given: str | None) -> Range | None:
    if given is None:
        return None
    low, high = numbers("--range", given, "MIN,MAX")
    if not low < high:
        raise UsageError(f"--range {given}: give MIN < MAX")
    return low, high


def _numbers(given: str | None) -> frozenset[int] | None:
    if given is None:
        return None
    parts = [part.strip() for part in given.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UsageError(f"--frames {given}: give numbers from 1, such as 1,50,100")
    return frozenset(map(int, parts))


def _require_clouds(formats: list[str], options: dict[str, object]) -> None:
    if not any(name in CLOUD_FOLDERS for name in formats):
        for option, value in options.items():
            if value is not None:
                raise UsageError(f"{option} is for clouds; add --format ply or html")
