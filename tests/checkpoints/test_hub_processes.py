"""Downloads by real processes: two at once, Ctrl-C, a terminal, full and read-only disks."""

from __future__ import annotations

import hashlib
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hub_server import COMMIT, Folders, LocalHub, Refusal, Trouble

pytest_plugins = ["hub_fixtures"]

CONTENT = bytes(range(256)) * 8000
BLOB = f"hf/hub/models--me--model/blobs/{hashlib.sha256(CONTENT).hexdigest()}"
PARTIAL = f"{BLOB}.ppd.incomplete"
ENTRY = f"hf/hub/models--me--model/snapshots/{COMMIT}/net.pth"
ALL = {BLOB, ENTRY, "hf/hub/models--me--model/refs/main", "own/pins/net.json"}
SECONDS = 120  # that a machine under load may take
PULL = (sys.executable, "-m", "ppdcli", "weights", "pull", "net")

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(
    hub: LocalHub,
    folders: Folders,
    environment: dict[str, str],
    catalogue: Callable[[str], Path],
) -> Iterator[Start]:
    """``start(*command)``: a process, by default one that pulls the file; its pipes are text."""
    hub.publish("me/model", "net.pth", CONTENT)
    catalogue('[files.net]\nrepository = "me/model"\nfile = "net.pth"\nlicense = "MIT"\n')
    started: list[subprocess.Popen[str]] = []

    def call(*command: str, **pipes: int) -> subprocess.Popen[str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **pipes}
        env = {**os.environ, "HF_HUB_DOWNLOAD_TIMEOUT": str(SECONDS), **environment}
        started.append(subprocess.Popen(command or PULL, env=env, text=True, **pipes))
        return started[-1]

    yield call
    hub.go_on.set()
    for process in started:
        process.kill()
        process.communicate()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never comes to that"
        time.sleep(0.02)


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def test_two_at_once_download_it_once(start: Start, hub: LocalHub, folders: Folders) -> None:
    hub.trouble = Trouble(hold=100_000)
    first = start()
    until(lambda: size_of(folders.home / PARTIAL) == 100_000)
    second = start()
    assert second.stderr is not None
    said = [second.stderr.readline(), second.stderr.readline()]
    assert said[1] == "me/model/net.pth: another process is downloading it; waiting\n"
    hub.go_on.set()
    for process in (first, second):
        _, errors = process.communicate(timeout=SECONDS)
        assert process.returncode == 0
        assert errors.splitlines()[-1] == f"net: done, {folders.home / ENTRY}"
    assert len(hub.bodies()) == 1
    assert folders.files() == ALL


def test_the_hub_is_asked_for_the_file_alone(start: Start, hub: LocalHub) -> None:
    """By no telemetry of huggingface_hub either, which a process begins with."""
    start().communicate(timeout=SECONDS)
    asked = {request.path.partition("?")[0] for request in hub.requests}
    assert asked == {
        "/me/model/resolve/main/net.pth",
        f"/me/model/resolve/{COMMIT}/net.pth",
        f"/me/model/{COMMIT}/net.pth",
    }


def test_ctrl_c_keeps_what_has_come(start: Start, hub: LocalHub, folders: Folders) -> None:
    hub.troubles = [Trouble(hold=100_000)]
    process = start()
    until(lambda: size_of(folders.home / PARTIAL) == 100_000)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, output) == (130, "")
    assert errors.splitlines()[-1] == "interrupted; what is finished is kept"
    assert "Traceback" not in errors
    assert folders.files() == {PARTIAL}
    again = start()
    _, errors = again.communicate(timeout=SECONDS)
    assert again.returncode == 0 and "going on after 100 kB" in errors
    assert hub.bodies()[-1].range == "bytes=100000-"
    assert folders.files() == ALL


def test_a_kill_leaves_no_file_under_its_name(
    start: Start, hub: LocalHub, folders: Folders
) -> None:
    hub.troubles = [Trouble(hold=100_000)]
    process = start()
    until(lambda: size_of(folders.home / PARTIAL) == 100_000)
    process.kill()
    process.wait()
    assert folders.files() == {PARTIAL}
    again = start()
    again.communicate(timeout=SECONDS)
    assert again.returncode == 0
    assert folders.files() == ALL


def test_a_refusal_is_one_line(start: Start, hub: LocalHub, folders: Folders) -> None:
    hub.refusal = Refusal(403, "GatedRepo")
    process = start()
    output, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, output) == (1, "")
    licence, error = errors.splitlines()
    assert licence == "downloading me/model/net.pth (licence of these weights: MIT)"
    assert error == (
        "error: me/model/net.pth: its owners require that you agree to their terms (403); agree at "
        f"{hub.url}/me/model, then set HF_TOKEN or run `hf auth login`, or get it by hand and run "
        "`ppd weights import FILE --as net`, or use the model ppd-tiny"
    )
    assert folders.files() == set()


def test_a_bar_on_a_terminal_and_none_elsewhere(
    start: Start, hub: LocalHub, folders: Folders
) -> None:
    hub.trouble = Trouble(hold=1_024_000)
    ours, theirs = pty.openpty()
    process = start(stderr=theirs)
    os.close(theirs)
    seen = b""
    while b"1.0/2.0 MB" not in seen:
        seen += os.read(ours, 4096)
    hub.go_on.set()
    while b"done, " not in seen:
        seen += os.read(ours, 4096)
    assert process.wait(SECONDS) == 0
    os.close(ours)
    shutil.rmtree(folders.hf)
    _, errors = start().communicate(timeout=SECONDS)
    assert "2.0 MB" not in errors and "\r" not in errors and "\x1b" not in errors


# --- disks -------------------------------------------------------------------------------------


def mounts() -> bool:
    """Whether this system lets a test mount things for itself."""
    if shutil.which("unshare") is None:
        return False
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


needs_mounts = pytest.mark.skipif(not mounts(), reason="mounting needs user namespaces")


def in_mount(mount: str, then: str) -> tuple[str, ...]:
    """A command that runs a shell line where something is mounted."""
    return ("unshare", "-rm", "sh", "-c", f"{mount} && {then}")


@needs_mounts
def test_a_full_disk_found_out_beforehand(start: Start, hub: LocalHub, folders: Folders) -> None:
    folders.hf.mkdir(parents=True)
    mount = f"mount -t tmpfs -o size=1m tmpfs {folders.hf}"
    process = start(*in_mount(mount, " ".join(PULL)))
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert "net.pth: needs 2.05 MB in " in errors and "where 1.05 MB are free; make room" in errors
    assert hub.bodies() == []


@needs_mounts
def test_a_disk_that_fills_up_on_the_way(start: Start, folders: Folders) -> None:
    folders.hf.mkdir(parents=True)
    mount = f"mount -t tmpfs -o size=1m tmpfs {folders.hf}"
    # What others write meanwhile: the room that there was is not there any more.
    pull = (
        "import shutil, sys; from ppdcli.cli.app import main; usage = shutil.disk_usage('/');"
        "shutil.disk_usage = lambda _: usage._replace(free=10**9); sys.argv = ['ppd', 'weights',"
        "'pull', 'net']; main()"
    )
    look = f"find {folders.hf} -type f -not -name '*.lock' -printf '%f %s\\n'"
    line = f'{sys.executable} -c "{pull}"; echo $?; {look}'
    output, errors = start(*in_mount(mount, line)).communicate(timeout=SECONDS)
    code, partial = output.splitlines()
    assert code == "1"
    assert errors.splitlines()[-1].startswith(
        f"error: me/model/net.pth: no room left in {folders.hf} (No space left on device); make "
        "room, or set HF_HOME to a folder on another disk, or get it by hand"
    )
    name, size = partial.split()
    assert name == Path(PARTIAL).name and int(size) > 900_000, "it can go on from there"


@needs_mounts
def test_a_read_only_cache(start: Start, hub: LocalHub, folders: Folders) -> None:
    folders.hf.mkdir(parents=True)
    mount = f"mount --bind {folders.hf} {folders.hf} && mount -o remount,ro,bind {folders.hf}"
    process = start(*in_mount(mount, " ".join(PULL)))
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert f"the Hugging Face cache {folders.hf} cannot be written ([Errno 30]" in errors
    assert "set HF_HOME to a folder that is" in errors
    assert hub.bodies() == [] and folders.files() == set()


@needs_mounts
def test_a_read_only_cache_that_has_the_file(start: Start, hub: LocalHub, folders: Folders) -> None:
    entry = folders.put("me/model", "net.pth", CONTENT)
    mount = f"mount --bind {folders.home} {folders.home} && mount -o remount,ro,bind {folders.home}"
    process = start(*in_mount(mount, " ".join(PULL)))
    _, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, errors) == (0, f"net: already here, {entry}\n")
    assert hub.requests == []
