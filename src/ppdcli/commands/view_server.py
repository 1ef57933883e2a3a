"""The server of ``ppd view``: a page, and the scenes that it was started for; nothing else."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ppdcli.browsing import is_own_name, page_address
from ppdcli.errors import OutputError, PpdError
from ppdcli.viewer.page import json_of
from ppdcli.viewer.scene import Scene

_OTHER_NAME = "use this machine's address in numbers, or start ppd view with --host and this name"
_SCENE = re.compile(r"/scene/(\d{1,9})\.(json|bin)")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ViewServer(ThreadingHTTPServer):
    """Serves a page and its scenes.

    Args:
        host: to listen on.
        port: of it; 0 for a free one.
        page: the page.
        scene: the scene of a number. Raises PpdError, also for a number that there is none of.

    Raises:
        OutputError: it cannot listen there.
    """

    daemon_threads = True

    def __init__(self, host: str, port: int, page: bytes, scene: Callable[[int], Scene]) -> None:
        self.host, self.page, self.scene = host, page, scene
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            self.address_family = found[0]
            super().__init__(found[4][:2], _Handler)  # type: ignore[arg-type]
        except OSError as error:
            cause = error.strerror or error
            raise OutputError(
                f"cannot listen on {host}, port {port} ({cause}); give another --host or --port"
            ) from error

    def server_bind(self) -> None:
        """Binds without asking a name server for the host's name, as the parent class does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()

    @property
    def address(self) -> str:
        """Where the page is, for a browser of this machine."""
        return page_address(str(self.server_address[0]), int(self.server_address[1]))


class _Handler(BaseHTTPRequestHandler):
    server: ViewServer
    server_version, sys_version = "ppd", ""
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        """Answers a request."""
        status, kind, body = self._answer()
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        """Answers a request for what an answer would state."""
        self.do_GET()

    def _answer(self) -> tuple[HTTPStatus, str, bytes]:
        if not is_own_name(self.headers.get("Host", ""), self.server.host):
            return _text(HTTPStatus.FORBIDDEN, _OTHER_NAME)
        if self.path == "/":
            return HTTPStatus.OK, "text/html; charset=utf-8", self.server.page
        match = _SCENE.fullmatch(self.path)
        if match is None:
            return _text(HTTPStatus.NOT_FOUND, "nothing is here")
        try:
            scene = self.server.scene(int(match[1]))
        except PpdError as error:
            return _text(HTTPStatus.NOT_FOUND, str(error))
        if match[2] == "json":
            return HTTPStatus.OK, "application/json", json_of(scene)
        return HTTPStatus.OK, "application/octet-stream", scene.data

    def log_message(self, format: str, *args: object) -> None:
        """Requests are nobody's news."""


def _text(status: HTTPStatus, line: str) -> tuple[HTTPStatus, str, bytes]:
    return status, "text/plain; charset=utf-8", line.encode("utf-8", "backslashreplace")
