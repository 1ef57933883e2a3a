"""A Hub on this machine: what huggingface_hub asks of the real one, with faults on demand."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from huggingface_hub import constants

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LATER = "89abcdef0123456789abcdef0123456789abcdef"
NOBODY = "http://127.0.0.1:9"  # the discard port, where nothing listens


@dataclass(frozen=True)
class Refusal:
    """An answer in place of a file."""

    status: int
    code: str | None = None
    message: str = "no"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Trouble:
    """What is wrong with one body.

    Attributes:
        cut: bytes after which the connection is closed.
        hold: bytes after which nothing comes until the Hub's ``go_on`` is set.
        flip: index of a byte that comes with one bit turned.
        size: how many bytes come instead of all, with a header that says so.
        whole: a Range is not heeded.
        status: the answer, without a body.
    """

    cut: int | None = None
    hold: int | None = None
    flip: int | None = None
    size: int | None = None
    whole: bool = False
    status: int | None = None


@dataclass(frozen=True)
class Request:
    """What was asked: of the Hub itself (``resolve``), or of its storage (``cdn``)."""

    method: str
    place: str
    path: str
    range: str | None
    token: str | None


class LocalHub:
    """Repositories, their faults, and what was asked of them.

    Attributes:
        files: (repository, file) -> commit -> content.
        main: repository -> commit.
        refusal: what every request for a file is answered instead.
        token: without it, files are refused.
        troubles: of the next bodies, one each; then ``trouble``, of all others.
        is_hub: False: it answers as a server that is no Hub.
        go_on: ends a ``hold``.
    """

    def __init__(self) -> None:
        self.files: dict[tuple[str, str], dict[str, bytes]] = {}
        self.main: dict[str, str] = {}
        self.refusal: Refusal | None = None
        self.token: str | None = None
        self.troubles: list[Trouble] = []
        self.trouble = Trouble()
        self.is_hub = True
        self.go_on = threading.Event()
        self.requests: list[Request] = []
        hub = self
        # Two hosts, as in reality: a token must not follow to the second.
        self._servers = [
            _Server(("127.0.0.1", 0), type(name, (handler,), {"hub": hub}))
            for name, handler in (("Hub", _Resolve), ("Storage", _Storage))
        ]
        self.url, self.storage_url = (
            f"http://{host}:{server.server_port}"
            for host, server in zip(("127.0.0.1", "localhost"), self._servers, strict=True)
        )
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.01,)) for server in self._servers
        ]
        for thread in self._threads:
            thread.start()

    def publish(self, repository: str, file: str, content: bytes, commit: str = COMMIT) -> None:
        """A file's content at a commit, which becomes ``main``."""
        self.files.setdefault((repository, file), {})[commit] = content
        self.main[repository] = commit

    def bodies(self) -> list[Request]:
        """The requests for content, which storage answers."""
        return [r for r in self.requests if (r.method, r.place) == ("GET", "cdn")]

    def close(self) -> None:
        self.go_on.set()
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that leaves is none."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: LocalHub
    place: str

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        get = self.headers.get
        self.hub.requests.append(
            Request(self.command, self.place, self.path, get("Range"), get("Authorization"))
        )
        self.answer()

    def answer(self) -> None:
        raise NotImplementedError

    def send(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class _Resolve(_Handler):
    """``/OWNER/NAME/resolve/REVISION/FILE``: facts in headers, and the way to the content."""

    place = "resolve"

    def answer(self) -> None:
        hub = self.hub
        address, _, rest = unquote(self.path).lstrip("/").partition("/resolve/")
        revision, _, file = rest.partition("/")
        refusal = hub.refusal
        if hub.token is not None and self.headers.get("Authorization") != f"Bearer {hub.token}":
            bad = "Authorization" in self.headers
            message = "Invalid credentials in Authorization header" if bad else "Log in"
            refusal = Refusal(401, None if bad else "GatedRepo", message)
        commit = hub.main.get(address) if revision == "main" else revision
        versions = hub.files.get((address, file), {})
        if refusal is None and commit not in versions:
            known = {c for (a, _), v in hub.files.items() if a == address for c in v}
            code = "EntryNotFound" if commit in known else "RevisionNotFound"
            refusal = Refusal(404, code if known else "RepoNotFound")
        if refusal is not None:
            headers = {"X-Error-Message": refusal.message, **refusal.headers}
            headers |= {"X-Error-Code": refusal.code} if refusal.code else {}
            headers |= {"Content-Type": "application/json"}
            self.send(refusal.status, headers, json.dumps({"error": refusal.message}).encode())
            return
        assert commit is not None
        content = versions[commit]
        headers = {
            "X-Repo-Commit": commit,
            "X-Linked-Size": str(len(content)),
            "X-Linked-ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-HF-Warning": "unauthenticated; Please log in to be allowed more requests.",
            "Accept-Ranges": "bytes",
            "Location": f"{hub.storage_url}/{address}/{commit}/{file}?signature=x",
        }
        self.send(302, headers if hub.is_hub else {"Location": headers["Location"]}, b"Found")


class _Storage(_Handler):
    """The content itself, whole or from a byte on."""

    place = "cdn"

    def answer(self) -> None:
        hub = self.hub
        owner, name, commit, file = self.path.partition("?")[0].lstrip("/").split("/", 3)
        content = hub.files[f"{owner}/{name}", file][commit]
        trouble = hub.trouble
        if self.command == "GET" and hub.troubles:
            trouble = hub.troubles.pop(0)
        if trouble.status is not None:
            self.send(trouble.status, {})
            return
        if trouble.flip is not None:
            k = trouble.flip
            content = content[:k] + bytes([content[k] ^ 1]) + content[k + 1 :]
        if trouble.size is not None:
            content = (content * 2)[: trouble.size]
        wanted = self.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if trouble.whole:
            start = 0
        body, headers = content[start:], {"Content-Length": str(len(content) - start)}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.send(206 if start else 200, headers)
        if self.command == "HEAD":
            return
        try:
            if trouble.hold is not None:
                for piece in (body[: trouble.hold - 9], body[trouble.hold - 9 : trouble.hold]):
                    time.sleep(0.1)  # each arrives alone
                    self.wfile.write(piece)
                    self.wfile.flush()
                hub.go_on.wait(120)
                body = body[trouble.hold :]
            self.wfile.write(body if trouble.cut is None else body[: trouble.cut])
        except OSError:  # the reader has left
            self.close_connection = True
        if trouble.cut is not None:
            self.close_connection = True


@dataclass(frozen=True)
class Folders:
    """Where files of weights go in a test."""

    home: Path

    @property
    def hf(self) -> Path:
        """The Hugging Face cache."""
        return self.home / "hf" / "hub"

    @property
    def own(self) -> Path:
        """Pins and imported files."""
        return self.home / "own"

    def files(self, folder: Path | None = None) -> set[str]:
        """Every file with content below a folder, by its path there, but locks."""
        top = folder or self.home
        found = {p for p in top.rglob("*") if p.is_file() and ".locks" not in p.parts}
        return {str(p.relative_to(top)) for p in found if p.name != "weights.toml"}

    def put(self, repository: str, file: str, content: bytes, commit: str = COMMIT) -> Path:
        """Places a file into the Hugging Face cache as huggingface_hub would."""
        folder = self.hf / f"models--{repository.replace('/', '--')}"
        blob = folder / "blobs" / hashlib.sha256(content).hexdigest()
        entry = folder / "snapshots" / commit / file
        for path in (blob, entry, folder / "refs" / "main"):
            path.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(content)
        entry.symlink_to(os.path.relpath(blob, entry.parent))
        (folder / "refs" / "main").write_text(commit)
        return entry


def use_hub(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Sends this process's requests there."""
    monkeypatch.setattr(constants, "ENDPOINT", address)
    template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
