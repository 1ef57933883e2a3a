"""Whatever a name leads to is read at once and to an end, or refused in one line."""

from __future__ import annotations

import io
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ppdcli.errors import InputError
from ppdcli.files import source
from ppdcli.files.source import read_file, read_stream


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # also since the path of a socket must be short


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda path: None, "no such file; check the path"),
        (Path.mkdir, "is a folder, not an image; name a file in it"),
        (make_pipe, "is a pipe that nothing writes to; name a file"),
        (make_socket, "is a socket, not an image; name a file"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device, not an image; name a file"),
        (lambda path: path.symlink_to(path.name), "is a link that leads to itself; name a file"),
        (lambda path: path.symlink_to("nowhere"), "no such file; check the path"),
    ],
)
def test_what_is_no_file_is_refused_at_once(make: Callable[[Path], None], cause: str) -> None:
    make(Path("photo.jpg"))
    with pytest.raises(InputError) as error:
        read_file(Path("photo.jpg"), "photo.jpg")
    assert str(error.value) == f"photo.jpg: {cause}"


@pytest.mark.parametrize("name", ["a\0b.jpg", "x" * 300, "y/" * 3000])
def test_impossible_names(name: str) -> None:
    with pytest.raises(InputError):
        read_file(Path(name), "x")


def test_a_file_that_may_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InputError, match=r"^x: cannot be read \(Permission denied\); check the"):
        read_file(Path("photo.jpg"), "x")


def test_a_pipe_that_is_written_to_is_read_to_its_end() -> None:
    """As from ``ppd predict <(program)``."""
    reading, writing = os.pipe()
    data = os.urandom(300_000)  # more than a pipe holds

    def write() -> None:
        with os.fdopen(writing, "wb") as stream:
            stream.write(data)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert read_file(Path(f"/dev/fd/{reading}"), "x") == data
    finally:
        os.close(reading)
        writer.join()


def test_a_file_that_is_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("long.webp").open("wb") as stream:
        stream.truncate(60 << 30)  # of holes
    monkeypatch.setattr(source, "read_stream", lambda *_: pytest.fail("it is read"))
    with pytest.raises(InputError, match=r"^x: is 64\.4 GB, more than the 2 GB that are allowed;"):
        read_file(Path("long.webp"), "x")


def test_a_stream_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MAX_BYTES", 5_000_000)
    with Path("/dev/zero").open("rb") as endless, pytest.raises(InputError, match="endless"):
        read_stream(endless, "x")


def test_a_stream_is_read_from_where_it_stands() -> None:
    stream = io.BytesIO(b"front" + bytes(3_000_000))
    stream.seek(5)
    assert read_stream(stream, "x") == bytes(3_000_000)


def test_a_disk_that_fails_while_it_is_read() -> None:
    class Failing(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:
            raise OSError(5, "Input/output error")

    with pytest.raises(InputError, match=r"^x: cannot be read \(Input/output error\); "):
        read_stream(io.BufferedReader(Failing()), "x")
