"""``ppd evaluate``: scores of models, and of other tools' depth files, on benchmarks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ppdcli.cli.exits import ALL_DONE, SOME_FAILED, say, say_wrapped, terminal_width
from ppdcli.cli.groups import numbers, takes
from ppdcli.cli.options import ModelOptions, OutputOptions
from ppdcli.commands.benchmark_sets import (
    ALL_SETS,
    FITS,
    RENDERED,
    RGBD,
    WITH_EDGES,
    SetRequest,
    open_benchmark,
)
from ppdcli.errors import UsageError
from ppdcli.progress import progress

if TYPE_CHECKING:
    from ppdcli.evaluation.predictors import Candidate
    from ppdcli.evaluation.rows import ScoreRow

OTHERS, EDGES = "Depth files of other tools", "Scores near edges"  # headings of the help
PROTOCOLS = tuple(FITS)
KINDS = ("ppd", "log-depth", "depth", "disparity")
PNG_SCALES = ("mm", "kitti", "tum")


@takes(model=ModelOptions)
def evaluate(
    model: ModelOptions,
    benchmark: Annotated[str, typer.Argument(metavar="SET", help=", ".join(ALL_SETS))],
    root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the benchmark's files.")
    ] = None,
    list_file: Annotated[
        Path | None, typer.Option("--list", metavar="FILE", help="List of its images, one a line.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Score only this many images.", show_default="all")
    ] = None,
    depth_scale: Annotated[
        str | None,
        typer.Option(
            metavar="SCALE",
            help="For rgbd: what a whole number in a depth file is: mm, kitti, tum, or metres "
            "per step.",
            show_default="as the list or the file says",
        ),
    ] = None,
    furniture: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="For furnished: its furniture models, a folder of .sh3f files or a packed file.",
            show_default="Debian's package",
        ),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="How predictions are fitted to the truth: authors (RANSAC in log depth), "
            "least-squares (as Marigold does), or trimmed (least squares without outliers, for "
            "sensors).",
            show_default="authors; trimmed for rgbd",
        ),
    ] = None,
    predictions: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=DIR",
            help="Score these depth files of another tool.",
            rich_help_panel=OTHERS,
        ),
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            help="What the values of --predictions are, up to scale and shift: ppd, log-depth, "
            "depth or disparity.",
            rich_help_panel=OTHERS,
        ),
    ] = "depth",
    png_scale: Annotated[
        str | None,
        typer.Option(
            help="What a step in the PNGs of --predictions is: mm, kitti or tum.",
            show_default="as the file says",
            rich_help_panel=OTHERS,
        ),
    ] = None,
    edges: Annotated[
        bool | None,
        typer.Option(
            "--edges/--no-edges",
            help="Add scores near depth edges.",
            show_default="if the true depth is exact",
            rich_help_panel=EDGES,
        ),
    ] = None,
    edge_steps: Annotated[
        str | None,
        typer.Option(
            metavar="LOW,HIGH",
            help="Thresholds of Canny's edge detector, as steps of log depth.",
            rich_help_panel=EDGES,
        ),
    ] = None,
    edge_dilation: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="PIXELS",
            help="How far from an edge a pixel still counts as near it.",
            rich_help_panel=EDGES,
        ),
    ] = None,
    edge_samples: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="How many points of each cloud the Chamfer distance uses at most.",
            rich_help_panel=EDGES,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="Folder for the results.",
            show_default="ppd-eval/SET-PROTOCOL",
            rich_help_panel=OutputOptions.title,
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Forget the results in --output, and begin again.",
            rich_help_panel=OutputOptions.title,
        ),
    ] = False,
    json_table: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the table as JSON.",
            rich_help_panel=OutputOptions.title,
        ),
    ] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "-v",
            "--verbose",
            help="Print details: skipped files and tracebacks.",
            rich_help_panel=OutputOptions.title,
        ),
    ] = False,
) -> int:
    """Score models, or depth files of other tools, on a benchmark.

    If you stop it, the same command resumes it.
    """
    if benchmark not in ALL_SETS:
        raise UsageError(f"no benchmark is called {benchmark!r}; choose {', '.join(ALL_SETS)}")
    if protocol is None:
        protocol = "trimmed" if benchmark == RGBD else "authors"
    _choose("--protocol", protocol, PROTOCOLS)
    _choose("--kind", kind, KINDS)
    if png_scale is not None:
        _choose("--png-scale", png_scale, PNG_SCALES)
    named = [_named(text) for text in predictions or []]
    model.check()
    near_edges = benchmark in WITH_EDGES if edges is None else edges
    steps = None if edge_steps is None else numbers("--edge-steps", edge_steps, "LOW,HIGH")
    given = {
        **({} if steps is None else {"canny_low": steps[0], "canny_high": steps[1]}),
        **({} if edge_dilation is None else {"dilation": edge_dilation}),
        **({} if edge_samples is None else {"samples": edge_samples}),
    }
    if given and not near_edges:
        raise UsageError("--edge-... options act on scores near edges; give --edges too")
    area = model.area

    from ppdcli.commands import evaluate as job
    from ppdcli.commands.benchmark import results_of
    from ppdcli.evaluation.prediction_files import of_folder
    from ppdcli.evaluation.report.font import require_matplotlib
    from ppdcli.evaluation.rows import Rows
    from ppdcli.evaluation.true_edges import EdgeSettings
    from ppdcli.jobs.streams import write_stdout

    settings = EdgeSettings(**given) if near_edges else None  # type: ignore[arg-type]
    folder = output or Path("ppd-eval", f"{benchmark}-{protocol}")
    request = SetRequest(
        benchmark,
        root,
        list_file,
        limit,
        protocol,  # type: ignore[arg-type]
        settings,
        depth_scale,
        furniture,
        folder,
        verbose,
    )
    request.check()
    require_matplotlib()
    task = open_benchmark(request, say)
    candidates: list[Candidate] = [
        of_folder(name, folder, kind, png_scale)  # type: ignore[arg-type]
        for name, folder in named
    ]
    if not named or model.model != "auto" or model.checkpoint is not None:
        from ppdcli.evaluation.predictors import of_model
        from ppdcli.loading import load_model

        predictor = load_model(model.request(), say)
        bilinear = task.rules.authors_nearest
        candidates.insert(
            0, of_model(predictor, model.number_of_steps(), model.seed, area, bilinear)
        )
    if benchmark in RENDERED:
        from ppdcli.evaluation.predictors import controls

        candidates += controls()
    _each_by_a_name(candidates)
    if overwrite:
        job.clear(folder)
    rows = Rows(folder, task.settings)
    for line in (*rows.complaints(), *task.facts):
        say_wrapped(line)
    left = sum(
        not rows.has(e.name, c.name, job.stamp_of(e, c)) for e in task.entries for c in candidates
    )
    with progress("items", left) as bar:

        def done(row: ScoreRow) -> None:
            bar.advance()
            if row.reason is not None:
                say(f"not scored: {row.predictor}: {row.image}: {row.reason}")

        job.score_all(task, candidates, rows, folder, done)
    results = results_of(task, rows)
    files = job.write_results(task, results, folder)
    from ppdcli.evaluation import summary
    from ppdcli.evaluation.text_table import text_tables

    if json_table:
        text = summary.dumps(job.json_table(task, results))
    else:
        width = terminal_width(sys.stdout)
        lines = text_tables(results.summaries, results.by_set, results.columns, width)
        text = "".join(f"{line}\n" for line in lines)
    write_stdout(text.encode())
    for line in (*results.facts, *summary.remarks(results.summaries)):
        say_wrapped(line)
    say(f"page: {files[0]}; rows: {folder / 'rows.csv'}")
    return SOME_FAILED if results.failed else ALL_DONE


def _choose(option: str, given: str, known: Sequence[str]) -> None:
    if given not in known:
        raise UsageError(f"{option} {given}: choose from {', '.join(known)}")


def _named(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not (name and equals and folder):
        raise UsageError(f"--predictions {text}: give NAME=FOLDER, such as marigold=out/marigold")
    return name, Path(folder)


def _each_by_a_name(candidates: Sequence[Candidate]) -> None:
    names = [candidate.name for candidate in candidates]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"--predictions {name}=...: two predictors of this table are called {name}; choose "
                "another name"
            )
