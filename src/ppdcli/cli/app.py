"""The ``ppd`` program: its commands, one module each."""

from __future__ import annotations

import sys
import warnings
from typing import Annotated, Any

import typer

from ppdcli.cli import (
    bench,
    doctor,
    evaluate,
    export,
    pointcloud,
    predict,
    train,
    video,
    view,
    web,
    weights,
)
from ppdcli.cli.exits import INTERRUPTED, WRONG_USAGE, say
from ppdcli.cli.help_page import Command, CommandGroup
from ppdcli.version import __version__

# Click's, which Typer does not export, and of which its newer versions have a copy of their own.
_UsageError: Any = typer.BadParameter.__base__


class _Commands(CommandGroup):
    """Says what is wrong with a command line in one line, like every other failure."""

    def main(self, *args: Any, **options: Any) -> Any:
        try:
            code = super().main(*args, **{**options, "standalone_mode": False})
        except typer.Abort:
            code = INTERRUPTED
        except _UsageError as error:
            message = error.format_message()
            if type(error).__name__ == "NoArgsIsHelpError":  # the message is the help
                typer.echo(message, err=True)
            else:
                message = message.rstrip(".")
                command = error.ctx.command_path if error.ctx else "ppd"
                say(f"error: {' '.join(message.split())}; see {command} --help")
            code = WRONG_USAGE
        sys.exit(code)


app = typer.Typer(
    cls=_Commands,
    help="Pixel-perfect depth: one photo in, a depth map and an edge-clean point cloud out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("predict", cls=Command)(predict.predict)
app.command("pointcloud", cls=Command)(pointcloud.pointcloud)
app.command("video", cls=Command)(video.video)
app.command("view", cls=Command)(view.view)
app.add_typer(weights.app, name="weights")
app.command("evaluate", cls=Command)(evaluate.evaluate)
app.command("bench", cls=Command)(bench.bench)
app.command("train", cls=Command)(train.train)
app.command("export", cls=Command)(export.export)
app.command("doctor", cls=Command)(doctor.doctor)
app.command("app", cls=Command)(web.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"ppd {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Runs the program."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # a damaged photo makes libraries warn thousands of times
    app(prog_name="ppd")
