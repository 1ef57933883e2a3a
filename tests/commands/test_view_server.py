"""The server of ``ppd view``: its page and its scenes, for this machine alone."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Iterator

import pytest

from ppdcli.commands.view_server import ViewServer
from ppdcli.errors import InputError, OutputError
from ppdcli.viewer.scene import Scene


def scene(number: int) -> Scene:
    if number > 1:
        raise InputError(f"{number}.ply: cannot be read \udcff")
    return Scene({"title": f"{number} ü"}, bytes([number]) * 100)


@pytest.fixture
def server() -> Iterator[ViewServer]:
    with ViewServer("127.0.0.1", 0, b"<p>page", scene) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def get(
    server: ViewServer, path: str, host: str | None = None, method: str = "GET"
) -> tuple[int, bytes, dict[str, str]]:
    made = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=20)
    with contextlib.closing(made) as connection:
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", host or f"127.0.0.1:{server.server_address[1]}")
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.headers)


def test_the_page_and_its_scenes(server: ViewServer) -> None:
    status, body, headers = get(server, "/")
    assert (status, body) == (200, b"<p>page")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert json.loads(get(server, "/scene/1.json")[1]) == {"title": "1 ü"}
    assert get(server, "/scene/1.bin")[1] == b"\1" * 100
    assert get(server, "/scene/1.bin", method="HEAD")[:2] == (200, b"")


def test_a_file_that_cannot_be_shown_is_explained(server: ViewServer) -> None:
    status, body, _ = get(server, "/scene/2.json")
    assert (status, body) == (404, rb"2.ply: cannot be read \udcff")


@pytest.mark.parametrize(
    "path",
    ["/../../etc/passwd", "/scene/../../etc/passwd", "/scene/-1.json", "/scene/1.json/", "/scene/1",
     "/scene/%31.json", "/scene/1e3.bin", "/index.html", "/scene/99999999999999.bin"],
)  # fmt: skip
def test_nothing_else_is_served(server: ViewServer, path: str) -> None:
    status, body, _ = get(server, path)
    assert (status, body) == (404, b"nothing is here")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_can_be_sent(server: ViewServer, method: str) -> None:
    assert get(server, "/", method=method)[0] == 501


@pytest.mark.parametrize(
    ("host", "welcome"),
    [
        ("localhost:1", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("[::1]:80", True),
        ("192.168.0.7:80", True),
        ("evil.example", False),
        ("evil.example:80", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("localhost@evil.example", False),
        ("", False),
        ("a:b:c", False),
    ],
)
def test_a_page_of_another_site_cannot_come_in_by_its_name(
    server: ViewServer, host: str, welcome: bool
) -> None:
    assert get(server, "/", host=host or " ")[0] == (200 if welcome else 403)


def test_it_listens_on_loopback_and_says_where(server: ViewServer) -> None:
    assert server.socket.getsockname()[0] == "127.0.0.1"
    assert server.address == f"http://127.0.0.1:{server.server_address[1]}/"


def test_all_addresses_are_reached_by_the_local_one() -> None:
    with ViewServer("0.0.0.0", 0, b"", scene) as server:
        assert server.address.startswith("http://127.0.0.1:")


def test_a_port_that_is_taken_and_a_host_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        taken.listen()
        with pytest.raises(OutputError, match=r"cannot listen on 127\.0\.0\.1, port \d+"):
            ViewServer("127.0.0.1", taken.getsockname()[1], b"", scene)
    with pytest.raises(OutputError, match="cannot listen on 203"):
        ViewServer("203.0.113.1", 0, b"", scene)
