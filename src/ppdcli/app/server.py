"""The server of the page: loopback unless told otherwise, with limits, and in one folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ppdcli.errors import InputError, PpdError, UsageError

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

    from ppdcli.app.network import Network

MOST_UPLOAD = "200mb"
LOOPBACK = "127.0.0.1"
# The page needs nothing from other machines. Gradio's own scripts are inline and evaluate code.
POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; connect-src 'self' ws: data: blob:; frame-ancestors 'self'"
)


def web_app(network: Network, folder: Path, hosts: list[str]) -> FastAPI:
    """The page and the files that it offers.

    Args:
        network: Predicts.
        folder: Empty; everything that is uploaded or made goes there.
        hosts: Names that a request may be for, so that no other web site reaches the page by a
            name of its own ("DNS rebinding"); ["*"] for any.

    Raises:
        UsageError: Gradio is not installed.
    """
    _prepare(folder)
    try:
        import gradio as gr
    except ImportError as error:
        raise UsageError("the page needs Gradio; run: pip install 'ppdcli[app]'") from error
    from fastapi import FastAPI
    from fastapi.responses import FileResponse, PlainTextResponse
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from ppdcli.app.page import CSS, MADE, build
    from ppdcli.app.store import Store

    store = Store(folder)
    app = FastAPI(openapi_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts)
    app.middleware("http")(_with_policy)

    @app.get(f"/{MADE}/{{name}}/{{format_}}")
    def made(name: str, format_: str) -> Response:  # a plain function runs on a thread of its own
        try:
            path, shown = store.file(name, format_)
        except InputError as error:
            return PlainTextResponse(str(error), 404)
        except PpdError as error:
            return PlainTextResponse(str(error), 500)
        if format_ == "html":  # it is shown, and brings a policy of its own
            return FileResponse(
                path, media_type="text/html", filename=shown, content_disposition_type="inline"
            )
        return FileResponse(path, filename=shown)

    theme = gr.themes.Soft(font=["system-ui", "sans-serif"], font_mono=["monospace"])
    return gr.mount_gradio_app(
        app,
        build(network, store),
        path="",
        max_file_size=MOST_UPLOAD,
        show_error=True,
        footer_links=[],
        ssr_mode=False,
        theme=theme,
        css=CSS,
    )


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
    try:
        return socket.create_server((host, port), family=_family(host))
    except OSError as error:
        raise UsageError(
            f"{host}:{port} cannot be used ({error.strerror or error}); choose another --port"
        ) from error


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _prepare(folder: Path) -> None:
    """Tells Gradio where to put files and to ask no other machine, before it is imported."""
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "uploads")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"


async def _with_policy(
    request: Request, follow: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Adds headers that keep the page on this machine."""
    response = await follow(request)
    if "text/html" in response.headers.get("content-type", "") and "/made/" not in request.url.path:
        response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
