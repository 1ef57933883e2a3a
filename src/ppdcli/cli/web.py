"""``ppd app``: a local web page for photos."""

from __future__ import annotations

from typing import Annotated

import typer

from ppdcli.cli.exits import INTERRUPTED, say
from ppdcli.cli.groups import takes
from ppdcli.cli.server_options import ServerOptions
from ppdcli.commands.app.request import AppRequest
from ppdcli.model_request import ModelRequest


@takes(server=ServerOptions)
def app(
    server: ServerOptions,
    device: Annotated[
        str, typer.Option(help="Where to compute: auto, cpu, cuda, cuda:1 or mps.")
    ] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")] = "auto",
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Print tracebacks.")] = False,
) -> int:
    """Open a web page: drop a photo, see its depth and cloud, download the files."""
    from ppdcli.commands.app.run import run
    from ppdcli.devices import check_names

    check_names(device, precision)
    model = ModelRequest("auto", None, None, device, precision, False, True, False)
    try:
        run(AppRequest(model, server.host, server.port, server.browser), say)
    except KeyboardInterrupt:
        say("stopped")
    return INTERRUPTED
