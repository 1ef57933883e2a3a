"""``ppd bench``: where time and memory go on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ppdcli.announce import Announce, silent
from ppdcli.cli.exits import ALL_DONE, say
from ppdcli.cli.groups import takes
from ppdcli.cli.options import ModelOptions
from ppdcli.errors import UsageError
from ppdcli.model_request import ONNX

if TYPE_CHECKING:
    from ppdcli.checkpoints.catalog_rows import Model
    from ppdcli.predictor import Predictor

REPEATS = 5


@takes(model=ModelOptions)
def bench(
    model: ModelOptions,
    repeats: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="How many times to repeat each measurement. Slow parts are repeated less often.",
        ),
    ] = REPEATS,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="How many photos to compute at once, for the line `batch` and in the folder.",
            show_default="what ppd predict takes",
        ),
    ] = None,
    photos: Annotated[
        int | None,
        typer.Option(
            "--folder",
            min=1,
            metavar="N",
            help="How many photos the folder has that is timed.",
            show_default="what takes 20 seconds",
        ),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Compare with the --output of an earlier run."),
    ] = None,
    base: Annotated[
        bool, typer.Option("--baseline", help="Also time the network in plain fp32.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Write the results to this file, as JSON."
        ),
    ] = None,
    json_result: Annotated[
        bool, typer.Option("--json", help="Print the results as JSON instead of a table.")
    ] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Print tracebacks.")] = False,
) -> int:
    """Measure how much time and memory each part of a prediction takes on this machine."""
    import tempfile

    from ppdcli.commands import bench_table as tables
    from ppdcli.jobs.streams import write_stdout
    from ppdcli.machine import shorten_thread_spinning
    from ppdcli.model_request import Sampling

    if model.backend == ONNX:
        raise UsageError("ppd bench measures PyTorch's parts; leave out --backend onnx")
    model.check()
    shorten_thread_spinning()  # as a prediction does
    area = model.area
    if output is not None and output.is_dir():
        raise UsageError(f"--output {output}: is a folder; name a file")
    earlier = None if against is None else tables.read(against)

    from ppdcli.commands import bench as job  # torch
    from ppdcli.commands.bench_arithmetic import repeated
    from ppdcli.commands.bench_model import choose
    from ppdcli.geometry.resize import working_size

    chosen = choose(model.model)
    steps = model.number_of_steps() or chosen.steps
    height, width = working_size(3, 4, area or chosen.area[0] * chosen.area[1])
    request = {"model": chosen.name, "size": f"{width}x{height}", "steps": steps}
    if against is not None and earlier is not None:
        tables.check_comparable(against, earlier, request)
    start = {"import": repeated(job.start_up, repeats)[1]}
    predictor, loading = _load(model, chosen, repeats)
    if loading is not None:
        start["load"] = loading
    with tempfile.TemporaryDirectory(prefix="ppd-") as folder:
        measured = job.measure(
            predictor,
            Sampling(steps, model.seed, area),
            repeats,
            Path(folder),
            model.compile_,
            batch,
            photos,
        )
    plain = job.baseline(predictor, measured.size, steps, model.seed, repeats) if base else None
    weights = "random" if loading is None else "file"
    facts = {**job.facts(predictor), **request, "weights": weights}
    result = tables.as_json(facts, start, measured, plain)
    if earlier is not None:
        result["against"] = tables.ratios(earlier, result)
    if output is not None:
        tables.write(output, result)
    text = tables.dumps(result) if json_result else "\n".join([*tables.table(result), ""])
    write_stdout(text.encode())
    return ALL_DONE


def _load(model: ModelOptions, chosen: Model, repeats: int) -> tuple[Predictor, list[float] | None]:
    """The model, and the seconds that loading takes; None for random weights."""
    from ppdcli.commands.bench_arithmetic import repeated
    from ppdcli.commands.bench_model import is_here, random_predictor
    from ppdcli.loading import load_model

    if model.checkpoint is None and model.encoder is None and not is_here(chosen):
        predictor = random_predictor(chosen, model.device, model.precision)
        said = f"{predictor.device}, {predictor.precision}"
        say(f"{chosen.name} is not on this machine: random weights of its size, {said}")
        return predictor, None
    announce: Iterator[Announce] = iter([say])  # the first time, then no more
    eager = replace(model.request(), compiled=False)  # it counts arithmetic, then it is compiled
    return repeated(lambda: load_model(eager, next(announce, silent)), repeats)
