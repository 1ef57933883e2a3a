"""The ``ppd`` program: its commands, one module each."""

from __future__ import annotations

from typing import Annotated

import typer

from ppdcli.cli import evaluate, pointcloud, predict, train
from ppdcli.version import __version__

app = typer.Typer(
    help="Pixel-perfect depth: one photo in, a depth map and an edge-clean point cloud out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("predict")(predict.predict)
app.command("pointcloud")(pointcloud.pointcloud)
app.command("evaluate")(evaluate.evaluate)
app.command("train")(train.train)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"ppd {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Runs the program."""
    app()
