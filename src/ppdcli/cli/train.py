"""``ppd train``: trains a model of the PPD family on rendered scenes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ppdcli.cli.exits import ALL_DONE, say
from ppdcli.cli.groups import takes
from ppdcli.progress import progress

if TYPE_CHECKING:
    from ppdcli.training.loop import Standing


@takes()
def train(
    recipe: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="What to train, as a TOML file.", show_default="ppd-tiny's"
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="Folder for the scenes and the model. A training that was stopped is resumed.",
        ),
    ] = Path("ppd-train"),
    minutes: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            help="How long to train in all. A resumed training counts the time that it has used.",
            show_default="the recipe's",
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(help="Where to train: auto, cpu, cuda, cuda:1 or mps.")
    ] = "auto",
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="How many threads train.", show_default="PyTorch's"),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="How many processes render scenes.")] = 1,
    scenes: Annotated[
        int, typer.Option(min=256, help="How many scenes to keep on disk at most (0.4 MB each).")
    ] = 20_000,
    furniture: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Furniture models for the scenes: a folder of .sh3f files, or a packed file.",
            show_default="Debian's package",
        ),
    ] = None,
    pretrained: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Weights of EfficientNet-Lite2 from ImageNet, to start the encoder from.",
            show_default="the installed package's",
        ),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Start from this model (a ppd.safetensors that was trained before).",
            show_default="ImageNet weights",
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Print tracebacks.")] = False,
) -> int:
    """Train a model of the PPD family on rendered scenes."""
    from ppdcli.devices import check_names
    from ppdcli.training.recipe import load_recipe

    check_names(device, "auto")
    loaded = load_recipe(recipe)
    import torch

    from ppdcli.devices import choose_device
    from ppdcli.training.run import TrainingRequest, run
    from ppdcli.training.validation import Validation

    if threads is not None:
        torch.set_num_threads(threads)
    request = TrainingRequest(
        output, minutes, choose_device(device), workers, scenes, furniture, pretrained, start
    )
    try:
        with progress("share", 1, label="training") as bar:

            def report(standing: Standing) -> None:
                bar.set(standing.share, _describe(standing))
                if not sys.stderr.isatty():
                    say(f"{100 * standing.share:.0f} %, {_describe(standing)}")

            path = run(loaded, request, say, report, Validation(output))
            bar.set(1)
    except KeyboardInterrupt:
        say(f"stopped; what was learned is saved in {output}, and the same command resumes it")
        raise
    if path is None:
        say("the time was too short for the transformer; give more --minutes to resume")
    else:
        say(f"done: {path}; use it with: ppd predict PHOTO -m ppd-tiny --checkpoint {path}")
    return ALL_DONE


def _describe(standing: Standing) -> str:
    return (
        f"phase {standing.phase} of {standing.phases} ({' and '.join(standing.trains)}): "
        f"loss {standing.loss:.4f}, {standing.rate:.1f} pictures a second, "
        f"{standing.scenes} scenes, {standing.minutes_left:.0f} min left"
    )
