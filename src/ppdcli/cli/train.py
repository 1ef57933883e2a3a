"""``ppd train``: trains a model of the PPD family on rendered scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ppdcli.cli.options import takes
from ppdcli.cli.report import ALL_DONE, say


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
    from ppdcli.training.run import run

    if threads is not None:
        torch.set_num_threads(threads)
    path = run(loaded, output, choose_device(device), workers, shards, say)
    say(f"done: {path}; use it with: ppd predict PHOTO -m ppd-tiny --checkpoint {path}")
    return ALL_DONE
