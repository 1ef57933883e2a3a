"""``ppd app``: a local web page for photos."""

from __future__ import annotations

from typing import Annotated

import typer

from ppdcli.cli.exits import INTERRUPTED, say
from ppdcli.cli.groups import takes
from ppdcli.commands.app.request import LOOPBACK, AppRequest
from ppdcli.model_request import ModelRequest


@takes()
def app(
    device: Annotated[
        str, typer.Option(help="Where to compute: auto, cpu, cuda, cuda:1 or mps.")
    ] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")] = "auto",
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Listen on this address, so that other machines can use the page, too.",
        ),
    ] = LOOPBACK[0],
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="Listen on this port; 0: a free one.")
    ] = 0,
    browser: Annotated[
        bool,
        typer.Option("--browser/--no-browser", help="Open the browser, if there is a display."),
    ] = True,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Print tracebacks.")] = False,
) -> int:
    """Open a web page: drop a photo, see its depth and cloud, download the files."""
    from ppdcli.commands.app.run import run
    from ppdcli.devices import check_names

    check_names(device, precision)
    model = ModelRequest("auto", None, None, device, precision, False, True, False)
    try:
        run(AppRequest(model, host, port, browser), say)
    except KeyboardInterrupt:
        say("stopped")
    return INTERRUPTED
