"""``ppd`` in a shell: docs/shell.md's pipelines with the real tools, streams, colours, progress."""

from __future__ import annotations

import getpass
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from threads import as_many_threads
from typer.testing import Result

from ppdcli.jobs.journal import NAME

Ppd = Callable[..., Result]

PAGE = (Path(__file__).parents[2] / "docs/shell.md").read_text(encoding="utf-8")
BLOCK = PAGE.partition("```sh\n")[2].partition("```")[0]
PIPELINES = [line for line in BLOCK.splitlines() if line and not line.startswith("#")]

QUICK = ["-m", "ppd-tiny", "--device", "cpu", "--size", "64x48"]
SECONDS = 300  # that a machine under load may take

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


def pipeline(tool: str) -> str:
    """The page's line that uses a tool; skips the test where it is not on this machine."""
    (line,) = (line for line in PIPELINES if re.search(rf"\b{tool}\b", line))
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not on this machine")
    return line


def sh(line: str, first: Path | None = None, **environment: str) -> subprocess.CompletedProcess:
    """Runs a line of the page as it stands, but for a small model and size.

    ``first``: a folder that programs are looked for in before all others.
    """
    line = line.replace("ppd predict", " ".join(["ppd predict", *QUICK]))
    own = Path(sys.executable).parent
    assert (own / "ppd").exists()
    folders = [*([] if first is None else [str(first)]), str(own), os.environ["PATH"]]
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        env={**os.environ, "PATH": ":".join(folders), **as_many_threads(), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )


def noise(path: str, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def photos() -> list[str]:
    """Three photos in ``photos``, whose names are awkward in a shell."""
    names = ["photos/a.jpg", "photos/deep/two words.jpg", "photos/it's $b\n.jpg"]
    for seed, name in enumerate(names):
        noise(name, seed)
    return names


def made(folder: str) -> dict[str, bytes]:
    files = (path for path in Path(folder).rglob("*") if path.is_file() and path.name != NAME)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


# --- the page's five ---------------------------------------------------------------------------


def test_there_are_five() -> None:
    assert len(PIPELINES) == 5
    assert all(" ppd predict " in f" {line}" for line in PIPELINES)


def test_a_video_and_back() -> None:
    line = pipeline("ffmpeg")
    made_clip = sh("ffmpeg -f lavfi -i testsrc=size=64x48:rate=25:duration=0.2 clip.mp4")
    assert made_clip.returncode == 0, made_clip.stderr
    done = sh(line)
    assert done.returncode == 0, done.stderr
    assert len(made("depth")) == 5
    frames = sh("ffmpeg -i depth.mp4 back-%d.png")
    assert frames.returncode == 0, frames.stderr
    assert len(list(Path().glob("back-*.png"))) == 5
    with Image.open("back-1.png") as image:
        assert image.size == (64, 48)


def test_find_in_folders_that_hold_the_same_names(photos: list[str], ppd: Ppd) -> None:
    noise("photos/deep/a.jpg", 7)
    Path("photos/notes.txt").touch()
    line = pipeline("find")
    done = sh(line)
    assert done.returncode == 0, done.stderr
    assert b"\x1b" not in done.stderr  # no bar, and no colours
    for folder in ("photos", "photos/deep"):
        names = sorted(map(str, Path(folder).glob("*.jpg")))
        assert ppd("predict", *names, *QUICK, "-o", f"expected/{folder}").exit_code == 0
        assert made(f"{folder}/depth") == made(f"expected/{folder}")
        assert len(made(f"{folder}/depth")) == 4
    again = sh(line)
    assert again.returncode == 0
    assert again.stderr.decode().splitlines() == ["2 skipped", "2 skipped"]


@pytest.fixture
def separation() -> Iterator[None]:
    """A folder that ``sshd`` wants when root starts it, made by the system where that starts it."""
    folder = Path("/run/sshd")
    if os.geteuid() != 0 or folder.exists():
        yield
        return
    folder.mkdir(mode=0o755)
    yield
    folder.rmdir()


@pytest.fixture
def gpubox(tmp_path: Path, separation: None) -> Iterator[Path]:
    """An SSH server, and a folder with an ``ssh`` that knows it by that name."""
    server, keygen = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin"), "ssh-keygen"
    client = shutil.which("ssh")
    if server is None or client is None or shutil.which(keygen) is None:
        pytest.skip("an SSH server is not on this machine")
    folder = tmp_path / "ssh"
    folder.mkdir(mode=0o700)
    for name in ("host", "user"):
        command = [keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    (threads,) = (f"{name}={value}" for name, value in as_many_threads().items())
    (folder / "server").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {folder}/user.pub\nStrictModes no\nPermitRootLogin yes\n"
        f'PasswordAuthentication no\nSetEnv "PATH={path}" "{threads}"\n'
    )
    (folder / "known").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    (folder / "client").write_text(
        f"Host gpubox\nHostName 127.0.0.1\nPort {port}\nUser {getpass.getuser()}\n"
        f"IdentityFile {folder}/user\nIdentitiesOnly yes\nIdentityAgent none\nBatchMode yes\n"
        f"UserKnownHostsFile {folder}/known\n"
    )
    programs = folder / "bin"
    programs.mkdir()
    (programs / "ssh").write_text(f'#!/bin/sh\nexec {client} -F {folder}/client "$@"\n')
    (programs / "ssh").chmod(0o700)
    process = subprocess.Popen(
        [server, "-D", "-E", str(folder / "said"), "-f", str(folder / "server")],
        stdin=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + SECONDS
        knock = [str(programs / "ssh"), "gpubox", "true"]
        while subprocess.run(knock, capture_output=True, check=False).returncode:
            if process.poll() is not None or time.monotonic() > end:
                pytest.skip(f"an SSH server cannot be had; see {folder}/said")
            time.sleep(0.1)
        yield programs
    finally:
        process.terminate()
        process.wait()


def test_to_another_machine_and_back(gpubox: Path, ppd: Ppd) -> None:
    noise("photo.jpg", 0)
    done = sh(pipeline("ssh"), first=gpubox)
    assert done.returncode == 0, done.stderr
    assert ppd("predict", "photo.jpg", *QUICK, "-o", "expected.npy").exit_code == 0
    assert Path("photo_depth.npy").read_bytes() == Path("expected.npy").read_bytes()


def test_a_table_by_jq(photos: list[str], ppd: Ppd) -> None:
    Path("photos/bad.jpg").write_text("no picture")
    done = sh(pipeline("jq"))
    assert done.returncode == 3, done.stderr
    rows = [line.split("\t") for line in Path("done.tsv").read_text().splitlines()]
    assert [row[:2] for row in rows] == [
        ["depth/a_depth.png", "relative"],
        ["depth/it's $b\\n_depth.png", "relative"],
        ["depth/deep/two words_depth.png", "relative"],
    ]
    assert all(float(row[2]) > 0 for row in rows)


def test_shares_side_by_side(photos: list[str], ppd: Ppd) -> None:
    line = pipeline("parallel")
    version = subprocess.run(["parallel", "--version"], capture_output=True, check=False).stdout
    if not version.startswith(b"GNU parallel"):
        pytest.skip("parallel is another program here")
    done = sh(line)
    assert done.returncode == 0, done.stderr
    assert ppd("predict", "photos", *QUICK, "-o", "expected").exit_code == 0
    assert made("depth") == made("expected")
    entries = [json.loads(line) for line in Path("depth", NAME).read_text().splitlines()]
    assert sorted(entry["path"] for entry in entries) == sorted(made("expected"))


# --- streams -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "format_", "suffix"),
    [
        *[("predict", name, name) for name in ("png", "exr", "npy")],
        ("predict", "preview", "png"),
        ("pointcloud", "ply", "ply"),
        ("pointcloud", "side", "png"),
    ],
)
def test_every_format_from_stdin_to_stdout(
    ppd: Ppd, photo: Path, tiny: list[str], command: str, format_: str, suffix: str
) -> None:
    options = [*tiny, "-f", format_]
    piped = ppd(command, "-", *options, "-o", "-", stdin=photo.read_bytes())
    assert piped.exit_code == 0
    named = ppd(command, "-", *options, "-o", f"named.{suffix}", stdin=photo.read_bytes())
    assert named.exit_code == 0
    assert piped.stdout_bytes == Path(f"named.{suffix}").read_bytes()
    assert len(piped.stdout_bytes) > 100


def test_find_with_nul_to_one_process(photos: list[str]) -> None:
    done = sh("find photos -name '*.jpg' -print0 | ppd predict --from - -f npy --json")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(row["path"] for row in rows) == sorted(photos)


def test_a_reader_that_takes_one_line(photos: list[str]) -> None:
    for seed in range(20):
        noise(f"photos/{seed}.jpg", seed)
    done = sh("ppd predict photos -f npy --model-size --json | head -1")
    assert done.returncode == 1
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["status"] == "done"
    assert done.stderr.splitlines()[-1] == (
        b"error: stdout was closed before the output was complete"
    )
    assert not list(Path("ppd-out").rglob(".ppd-*-*"))
    for name, data in made("ppd-out").items():
        assert np.load(io.BytesIO(data)).shape == (48, 64), name


def test_streams_that_are_closed(photos: list[str]) -> None:
    without_stderr = sh("ppd predict photos/a.jpg --json -f npy 2>&-")
    assert without_stderr.returncode == 0
    (line,) = without_stderr.stdout.splitlines()
    assert json.loads(line)["status"] == "done"
    without_stdout = sh("ppd predict photos/a.jpg --json -f npy >&-")
    assert without_stdout.returncode == 1
    assert without_stdout.stderr == b"error: stdout is closed; send it to a file or a pipe\n"
    without_stdin = sh("ppd predict - -o x.npy <&-")
    assert without_stdin.returncode == 3
    (line,) = without_stdin.stderr.splitlines()
    assert line.startswith(b"failed: stdin")


# --- terminals ---------------------------------------------------------------------------------

COLOUR = re.compile(rb"\x1b\[[0-9;]*(3[0-7]|38;[0-9;]+|9[0-7])m")


def on_a_terminal(line: str, **environment: str) -> bytes:
    """What a line writes to stderr, and to stdout, if they are a terminal."""
    pty = pytest.importorskip("pty")
    own, other = pty.openpty()
    own_folder = str(Path(sys.executable).parent)
    process = subprocess.Popen(
        ["bash", "-c", line.replace("ppd predict", " ".join(["ppd predict", *QUICK]))],
        stdin=subprocess.DEVNULL,
        stdout=other,
        stderr=other,
        env={
            **{k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CI")},
            "PATH": f"{own_folder}:{os.environ['PATH']}",
            **as_many_threads(),
            "TERM": "xterm-256color",
            **environment,
        },
    )
    os.close(other)
    said = b""
    while True:
        try:
            piece = os.read(own, 4096)
        except OSError:  # how Linux tells that nobody writes any more
            piece = b""
        if not piece:
            break
        said += piece
    os.close(own)
    assert process.wait(SECONDS) == 0, said
    return said


def test_colours_of_help() -> None:
    assert COLOUR.search(on_a_terminal("ppd weights --help"))
    assert not COLOUR.search(on_a_terminal("ppd weights --help", NO_COLOR="1"))


def test_progress_on_a_terminal(photos: list[str]) -> None:
    said = on_a_terminal("ppd predict photos -f npy", NO_COLOR="1")
    assert b"0/3" in said and b"3/3" in said  # what lies between may be too short to be shown
    assert b"3 done\r\n" in said
    assert not COLOUR.search(said)
