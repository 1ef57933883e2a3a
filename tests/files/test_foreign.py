"""Files of others: opened only if they are files, of a sane size, without waiting."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ppdcli.errors import shown
from ppdcli.files import foreign
from ppdcli.files.foreign import (
    DEPTH,
    LINE,
    RECORD_LINE,
    parse_json,
    parse_toml,
    read_regular,
    reason,
    record_lines,
)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def a_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def circle(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (pipe, "is a pipe, not a file"),
        (folder, "is a folder, not a file"),
        (device, "is a device, not a file"),
        (a_socket, "is a socket, not a file"),
        (circle, "symbolic links"),
    ],
)
@pytest.mark.parametrize("linked", [False, True])
def test_what_is_no_file(
    tmp_path: Path, make: Callable[[Path], None], cause: str, linked: bool
) -> None:
    path = tmp_path / "x"
    make(path)
    if linked:
        (tmp_path / "link").symlink_to(path)
        path = tmp_path / "link"
    with pytest.raises(OSError) as error:
        read_regular(path, 100)
    assert cause in error.value.strerror


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "no such file; check the path"),
        (lambda path: path.parent.joinpath("y").symlink_to(path), "no such file; check the path"),
        (folder, "is a folder, not a file; name a file"),
        (pipe, "is a pipe, not a file; name a file"),
        (device, "is a device, not a file; name a file"),
        (lambda path: path.write_bytes(bytes(200)), "cannot be read (is larger than the 100 bytes"),
    ],
)
def test_the_reason_is_a_line_with_a_way_on(
    tmp_path: Path, make: Callable[[Path], None], said: str
) -> None:
    make(tmp_path / "x")
    with pytest.raises(OSError) as error:
        read_regular(tmp_path / "x", 100)
    line = reason(error.value, "give another file")
    assert line.startswith(said) and "\n" not in line


def test_a_file_below_a_file_is_missing(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(OSError) as error:
        read_regular(tmp_path / "x" / "y", 100)
    assert reason(error.value, "", missing="see the list") == "no such file; see the list"


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    for name in ("a\0b", "\ud800", "x" * 300):
        with pytest.raises(OSError):
            read_regular(tmp_path / name, 100)


def test_a_link_is_followed_unless_it_must_not_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    assert read_regular(tmp_path / "link", 100) == b"content"
    with pytest.raises(OSError, match="is a link, which is not followed here"):
        read_regular(tmp_path / "link", 100, follow=False)


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="larger than the 100 bytes"):
        read_regular(path, 100)
    if Path("/proc/self/status").exists():  # which states no size
        with pytest.raises(OSError, match="larger than the 10 bytes"):
            read_regular(Path("/proc/self/status"), 10)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "9" * 5000, "[" * (DEPTH + 1) + "]" * (DEPTH + 1), "{", "\ud800"]
)
def test_json_that_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


def test_json_and_toml_that_are_fine() -> None:
    assert parse_json(b'{"a": [1, {"b": null}]}') == {"a": [1, {"b": None}]}
    assert parse_toml(b'a = [1, {b = "c"}]') == {"a": [1, {"b": "c"}]}


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 3000,
        "a." * LINE + "a = 1",
        "a = \xff",
        "[a]\n[a]",
    ],
    ids=["deep", "long", "no UTF-8", "twice"],
)
def test_toml_that_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_toml(text.encode("latin-1"))


def test_lines_of_a_record() -> None:
    stream = io.BytesIO(b"one\n" + b"x" * (RECORD_LINE * 40) + b"\n" + b"two\n" + b"torn")
    lines = list(record_lines(stream))
    assert lines == [(b"one\n", 4), (None, RECORD_LINE * 40 + 1), (b"two\n", 4), (b"torn", 0)]
    assert list(record_lines(io.BytesIO(b"x" * RECORD_LINE * 3))) == []


def test_lines_that_are_too_long_to_be_skipped_are_one_with_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(foreign, "MOST_SKIPPED", 3 << 20)
    data = b"one\n" + b"x" * (10 << 20) + b"\ntwo\n" * 5
    assert list(record_lines(io.BytesIO(data))) == [(b"one\n", 4), (None, len(data) - 4)]


def test_foreign_text_in_a_message() -> None:
    assert shown("as it is é😀") == "as it is é😀"
    assert shown("a\n\x1b[31m\u202e") == r"a\n\x1b[31m\u202e"
    long = shown("a" * 1_000_000 + "z")
    assert len(long) == 120 and long.startswith("aa") and "..." in long and long.endswith("az")
    assert len(shown("\x1b" * 1000)) <= 120
