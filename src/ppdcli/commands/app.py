"""What ``ppd app`` does: it serves the page from a folder of its own."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from ppdcli.announce import Announce
from ppdcli.model_request import ModelRequest

LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")


@dataclass(frozen=True)
class AppRequest:
    """What the user asks for.

    Attributes:
        model: Device, precision and the like.
        host: Address to listen on.
        port: 0 takes a free one.
        browser: Open the page in the browser, if there is a display.
    """

    model: ModelRequest
    host: str
    port: int
    browser: bool


def run(request: AppRequest, announce: Announce) -> None:
    """Serves until Ctrl-C, which raises KeyboardInterrupt. Then all files are removed.

    Raises:
        UsageError: Gradio is missing, or the address cannot be used.
    """
    from ppdcli.app.network import Network
    from ppdcli.app.server import listen, serve, web_app
    from ppdcli.browsing import open_browser

    listening = listen(request.host, request.port)
    port = listening.getsockname()[1]
    local = request.host in LOOPBACK
    with tempfile.TemporaryDirectory(prefix="ppd-app-") as folder:
        hosts = [*LOOPBACK] if local else ["*"]
        app = web_app(Network(request.model, announce), Path(folder), hosts)
        address = f"http://{request.host}:{port}/"
        announce(f"the page is at {address}; Ctrl-C ends it")
        if not local:
            announce("every machine that reaches this address can use the page")
        if request.browser:
            open_browser(address)
        serve(app, listening)
