"""Options of the commands that serve a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ServerOptions:
    """Where the page is."""

    title: ClassVar[str] = "Server"

    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Listen on this address, so that other machines can open the page, too.",
        ),
    ] = LOOPBACK
    port: Annotated[
        int, typer.Option(min=0, max=65535, metavar="N", help="Listen on this port; 0: a free one.")
    ] = 0
    browser: Annotated[
        bool,
        typer.Option("--browser/--no-browser", help="Open the browser, if there is a display."),
    ] = True
