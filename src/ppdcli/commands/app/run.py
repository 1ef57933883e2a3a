"""What ``ppd app`` does: it serves the page from a folder of its own."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

from ppdcli.announce import Announce
from ppdcli.browsing import open_browser, page_address
from ppdcli.commands.app.network import Network
from ppdcli.commands.app.request import LOOPBACK, AppRequest
from ppdcli.commands.app.server import listen, serve, web_app


def run(request: AppRequest, announce: Announce) -> None:
    """Serves until Ctrl-C, which raises KeyboardInterrupt, or SIGTERM. Then all files are removed.

    Raises:
        UsageError: NiceGUI is missing, or the address cannot be used.
        SystemExit: SIGTERM came.
    """
    signal.signal(signal.SIGTERM, _end)  # which otherwise ends Python with the files left behind
    listening = listen(request.host, request.port)
    local = request.host in LOOPBACK
    with tempfile.TemporaryDirectory(prefix="ppd-app-") as folder:
        app = web_app(Network(request.model, announce), Path(folder), request.host)
        address = page_address(*listening.getsockname()[:2])
        announce(f"the page is at {address}; Ctrl-C ends it")
        if not local:
            announce("every machine that reaches this address can use the page")
        if request.browser:
            open_browser(address)
        serve(app, listening)


def _end(number: int, _frame: object) -> None:
    sys.exit(128 + number)
