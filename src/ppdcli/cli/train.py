"""``ppd train``: trains a model of the PPD family on rendered scenes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ppdcli.cli.options import takes
from ppdcli.cli.report import ALL_DONE, say

if TYPE_CHECKING:
    from ppdcli.training.run import StageReport


@takes()
def train(
    recipe: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="TOML recipe.", show_default="ppd-tiny's"),
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder; an earlier run in it goes on.")
    ] = Path("ppd-train"),
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Of the training itself.", show_default="PyTorch's"),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that render scenes.")] = 1,
    shards: Annotated[
        int, typer.Option(min=8, help="Scenes to render, in shards of 128 (32 MB each).")
    ] = 1000,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks.")] = False,
) -> int:
    """Train a model of the PPD family on rendered scenes."""
    from ppdcli.devices import check_names
    from ppdcli.training.recipe import load_recipe

    check_names(device, "auto")
    loaded = load_recipe(recipe)
    import torch

    from ppdcli.devices import choose_device
    from ppdcli.evaluation.halfway import Halfway
    from ppdcli.training.run import run

    if threads is not None:
        torch.set_num_threads(threads)
    with _progress() as report:
        place = choose_device(device)
        path = run(loaded, output, place, workers, shards, say, report, Halfway(output))
    say(f"done: {path}; use it with: ppd predict PHOTO -m ppd-tiny --checkpoint {path}")
    return ALL_DONE


@contextmanager
def _progress() -> Iterator[StageReport]:
    """A bar a stage on a terminal, lines elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks = {}

        def report(stage: str, total: int, state: dict[str, float]) -> None:
            left = (total - state["samples"]) / max(state["rate"], 1e-9) / 60
            standing = (
                f"loss {state['loss']:.4f}, {state['rate']:.1f} a second, {left:.0f} min left"
            )
            if not console.is_terminal:
                say(f"{stage}: {state['samples']:.0f} of {total} samples, {standing}")
                return
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=state["samples"], description=f"{stage}: {standing}")

        yield report
