"""Pipes, devices, sockets, folders and circles where a file is expected: one line, at once."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hub_server import Folders
from typer.testing import Result

pytest_plugins = ["hub_fixtures"]

Ppd = Callable[..., Result]


@pytest.fixture(autouse=True)
def watch(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing waits for ever: what reads a pipe would."""
    import faulthandler

    faulthandler.dump_traceback_later(100, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def pipe(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


def circle(path: Path) -> None:
    path.symlink_to(path.name)


def missing(path: Path) -> None:
    pass


def empty(path: Path) -> None:
    path.touch()


def link_to_a_pipe(path: Path) -> None:
    os.mkfifo("pipe-elsewhere")
    path.symlink_to("pipe-elsewhere")


KINDS = [pipe, folder, device, bound, circle, missing, empty, link_to_a_pipe]
COMMANDS = {
    "checkpoint": ["predict", "photo.jpg", "-m", "ppd-tiny", "--checkpoint", "x.pth"],
    "safetensors": ["predict", "photo.jpg", "-m", "ppd-tiny", "--checkpoint", "x.safetensors"],
    "encoder": [
        "predict",
        "photo.jpg",
        "-m",
        "ppd-da2",
        "--checkpoint",
        "n.pth",
        "--encoder",
        "x.pt",
    ],
    "import": ["weights", "import", "x.pth", "--as", "ppd"],
    "recipe": ["train", "--recipe", "x.toml"],
    "against": ["bench", "-m", "ppd-tiny", "--against", "x.json"],
}


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_none(
    ppd: Ppd, photo: Path, command: str, make: Callable[[Path], None]
) -> None:
    name = next(word for word in COMMANDS[command] if word.startswith("x."))
    make(Path(name))
    result = ppd(*COMMANDS[command])
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert result.exit_code in (1, 2)
    assert "unexpected" not in line and (name in line or "n.pth" in line), line
    assert not Path("ppd-train").exists()


@pytest.mark.parametrize("make", [kind for kind in KINDS if kind is not empty])
@pytest.mark.parametrize(
    "command", [["weights", "list"], ["weights", "import", "f", "--as", "ppd"]]
)
def test_a_catalogue_that_is_none(
    ppd: Ppd,
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    make: Callable[[Path], None],
) -> None:
    make(Path("mine.toml"))
    monkeypatch.setenv("PPD_WEIGHTS", "mine.toml")
    result = ppd(*command)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: mine.toml: ") and line.endswith(
        "PPD_WEIGHTS names your catalogue"
    )


@pytest.mark.parametrize("make", [pipe, folder, device, bound, circle])
@pytest.mark.parametrize("place", ["pins/ppd.json", "imports/ppd.json"])
def test_a_record_of_weights_that_is_no_file(
    ppd: Ppd, folders: Folders, place: str, make: Callable[[Path], None]
) -> None:
    path = folders.own / place
    path.parent.mkdir(parents=True)
    here = Path.cwd()
    os.chdir(path.parent)
    make(path)
    os.chdir(here)
    listed = ppd("weights", "list")
    assert listed.exit_code == 0 and "ppd-moge" in listed.stdout
    assert ("its pin is damaged" in listed.stdout) == (place == "pins/ppd.json")
    removed = ppd("weights", "remove", "ppd")
    if make is folder:
        assert removed.exit_code == 1 and f"{path}: cannot be removed" in removed.stderr
    else:
        assert removed.exit_code == 0 and not os.path.lexists(path)


@pytest.mark.parametrize("make", [pipe, folder, device, bound, circle])
def test_a_journal_that_is_no_file(
    ppd: Ppd, photo: Path, tiny: list[str], make: Callable[[Path], None]
) -> None:
    Path("out").mkdir()
    os.chdir("out")
    make(Path(".ppd-journal.jsonl"))
    os.chdir("..")
    result = ppd("predict", photo, *tiny, "-f", "npy", "-o", "out")
    assert result.exit_code == 0 and Path("out/photo_depth.npy").is_file()
    assert ".ppd-journal.jsonl: cannot be written (is a " in result.stderr
