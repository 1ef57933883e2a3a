"""The server of the page, without a browser."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from fake_network import network

from ppdcli.errors import UsageError

pytest.importorskip("nicegui", reason="the extra app is not installed")
testclient = pytest.importorskip("starlette.testclient")

from ppdcli.commands.app import server  # noqa: E402


@pytest.fixture(scope="module")  # NiceGUI has one page in a process
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("app")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NICEGUI_STORAGE_PATH", "")  # the server sets both
        patch.setattr(tempfile, "tempdir", tempfile.tempdir)
        app = server.web_app(network(), folder, "127.0.0.1")
        with testclient.TestClient(app, base_url="http://127.0.0.1") as client:
            yield client


def test_the_page_asks_no_other_machine(client: Any) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "http" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_other_names_of_the_server_are_refused(client: Any) -> None:
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 403
    assert client.get("/", headers={"Host": "localhost:7860"}).status_code == 200


def test_unknown_files_are_refused_in_a_line(client: Any) -> None:
    answer = client.get("/made/unknown/ply")
    assert answer.status_code == 404
    assert answer.text == "this photo has been forgotten; make its depth again"


@pytest.mark.parametrize("path", ["/made/..%2F..%2Fetc/passwd", "/made/%2e%2e/%2fetc%2fpasswd"])
def test_no_path_leads_out_of_the_folder(client: Any, path: str) -> None:
    assert "root:" not in client.get(path).text


def test_uploads_are_limited(client: Any) -> None:
    assert client.post("/_nicegui/x", content=b"x" * 100).status_code != 413
    headers = {"Content-Length": str(300 << 20)}
    assert client.post("/_nicegui/x", headers=headers).status_code == 413
    endless = client.build_request("POST", "/_nicegui/x", content=iter([b"x"]))  # no length
    assert client.send(endless).status_code == 413


def test_a_port_that_is_taken_is_an_error_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"127\.0\.0\.1:{port} cannot be used .*--port"):
            server.listen("127.0.0.1", port)


def test_a_free_port_is_found() -> None:
    with server.listen("127.0.0.1", 0) as listening:
        assert listening.getsockname()[1] > 0
