"""The server of the page: loopback unless told otherwise, with limits, and in one folder."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ppdcli.browsing import is_own_name
from ppdcli.errors import InputError, PpdError, UsageError

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

    from ppdcli.commands.app.network import Network

# The page needs nothing from other machines. NiceGUI's scripts are inline and evaluate code.
POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; connect-src 'self' ws: wss:; frame-ancestors 'none'"
)
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
BESIDES = 1_000_000  # bytes of an upload that are not the photo


def web_app(network: Network, folder: Path, host: str) -> FastAPI:
    """The page and the files that it offers.

    Args:
        network: Predicts.
        folder: Empty; everything that is uploaded or made goes there.
        host: What it will listen on. Requests for other names are refused.

    Raises:
        UsageError: NiceGUI is not installed.
    """
    uploads = folder / "uploads"
    uploads.mkdir()
    os.environ["NICEGUI_STORAGE_PATH"] = str(folder / "storage")
    tempfile.tempdir = str(uploads)  # uploads on their way
    try:
        from nicegui import ui
    except ImportError as error:
        raise UsageError("the page needs NiceGUI; run: pip install 'ppdcli[app]'") from error
    from fastapi import FastAPI
    from fastapi.responses import FileResponse, PlainTextResponse

    from ppdcli.commands.app.page import MADE, MOST_UPLOAD, Pages
    from ppdcli.commands.app.store import Store

    store = Store(folder)
    app = FastAPI(openapi_url=None)

    @app.get(f"/{MADE}/{{name}}/{{format_}}")
    def made(name: str, format_: str) -> Response:  # a plain function runs on a thread of its own
        try:
            path, shown = store.file(name, format_)
        except InputError as error:
            return PlainTextResponse(str(error), 404, HEADERS)
        except PpdError as error:
            return PlainTextResponse(str(error), 500, HEADERS)
        if format_ != "html":
            return FileResponse(path, filename=shown, headers=HEADERS)
        # It is shown in the page, and states a policy of its own.
        return FileResponse(
            path,
            media_type="text/html",
            filename=shown,
            content_disposition_type="inline",
            headers=HEADERS,
        )

    @app.middleware("http")
    async def guard(request: Request, follow: Callable[[Request], Awaitable[Response]]) -> Response:
        if not is_own_name(request.headers.get("host", ""), host):
            return PlainTextResponse("this server has another name", 403, HEADERS)
        length = request.headers.get("content-length", "")
        if request.method == "POST" and not (
            length.isdigit() and int(length) <= MOST_UPLOAD + BESIDES
        ):
            return PlainTextResponse("this upload is too large", 413, HEADERS)
        response = await follow(request)
        if not request.url.path.startswith(f"/{MADE}/"):
            response.headers["Content-Security-Policy"] = POLICY
            response.headers.update(HEADERS)
        return response

    pages = Pages(network, store, uploads)
    ui.run_with(app, root=pages.show, title="ppd: depth of a photo", show_welcome_message=False)
    return app


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Serves until Ctrl-C, which raises KeyboardInterrupt."""
    import uvicorn

    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2)
    uvicorn.Server(config).run(sockets=[listening])


def listen(host: str, port: int) -> socket.socket:
    """A socket at that address; port 0 takes a free one.

    Raises:
        UsageError: The address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(
            f"{host}:{port} cannot be used ({error.strerror or error}); choose another --port"
        ) from error
