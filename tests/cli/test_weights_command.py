"""``ppd weights``: what is said and done, and exit codes."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest
import torch
from hub_server import Folders, LocalHub, Refusal, Trouble
from typer.testing import Result

pytest_plugins = ["hub_fixtures"]

Ppd = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]

OWN = """
[files.net]
repository = "me/model"
file = "net.safetensors"
license = "MIT"
terms = "free for any use"
[files.twin]
repository = "me/model"
file = "twin.safetensors"
license = "CC-BY-NC-4.0"
[files.sem]
get = "the authors"
file = "sem.pth"
license = "MIT"
[models.mine]
summary = "of my own"
family = "tiny"
area = [64, 48]
steps = 2
network = "net"
[models.other]
summary = "another"
family = "da2"
area = [64, 48]
steps = 2
network = "net"
encoder = "sem"
metric = "twin"
"""


@pytest.fixture(autouse=True)
def own(catalogue: Callable[[str], Path]) -> None:
    catalogue(OWN)


@pytest.fixture
def served(hub: LocalHub, random_checkpoint: Path) -> LocalHub:
    hub.publish("me/model", "net.safetensors", random_checkpoint.read_bytes())
    hub.publish("me/model", "twin.safetensors", b"twin")
    return hub


@pytest.fixture
def sem(tmp_path: Path) -> Path:
    path = tmp_path / "sem.pth"
    torch.save({"pretrained.x": torch.zeros(1)}, path)
    return path


def test_a_model_from_the_hub_to_a_depth_map(
    ppd: Ppd, served: LocalHub, folders: Folders, photo: Path
) -> None:
    pulled = ppd("weights", "pull", "mine")
    assert (pulled.exit_code, pulled.stdout) == (0, "")
    licence, size, pinned, done = pulled.stderr.splitlines()
    assert licence == (
        "downloading me/model/net.safetensors of mine "
        "(licence of these weights: MIT: free for any use)"
    )
    assert size.startswith("net: ") and pinned.startswith("pinned on first use: net is revision ")
    assert done.startswith("net: done, ")
    asked = len(served.requests)
    for model in ([], ["-m", "mine"]):
        options = ["-f", "npy", "--model-size", "--device", "cpu", "--offline", "--overwrite"]
        predicted = ppd("predict", photo, *model, *options)
        assert predicted.exit_code == 0, predicted.stderr
        assert "mine on cpu" in predicted.stderr
    assert np.load("ppd-out/photo_depth.npy").ndim == 2
    assert len(served.requests) == asked


def test_a_model_named_outright_is_fetched(ppd: Ppd, served: LocalHub, photo: Path) -> None:
    predicted = ppd("predict", photo, "-m", "mine", "--device", "cpu")
    assert predicted.exit_code == 0, predicted.stderr
    assert predicted.stderr.startswith("downloading me/model/net.safetensors of mine (licence of")


# --- pull --------------------------------------------------------------------------------------


def test_pull_again(ppd: Ppd, served: LocalHub) -> None:
    ppd("weights", "pull", "net")
    asked = len(served.requests)
    again = ppd("weights", "pull", "mine")
    (line,) = again.stderr.splitlines()
    assert (again.exit_code, len(served.requests)) == (0, asked)
    assert line.startswith("net: already here, ")


def test_pull_gets_what_there_is_and_says_what_is_not(ppd: Ppd, served: LocalHub) -> None:
    pulled = ppd("weights", "pull", "other")
    assert pulled.exit_code == 1
    assert "net: done, " in pulled.stderr
    assert pulled.stderr.splitlines()[-1] == (
        "error: sem.pth of other: not on this machine, and not on the Hub; get it from the authors "
        "and run `ppd weights import sem.pth --as other`"
    )
    assert "twin" not in pulled.stderr, "metres are optional"


def test_pull_fails_in_one_line(ppd: Ppd, served: LocalHub, folders: Folders) -> None:
    served.refusal = Refusal(429)
    pulled = ppd("weights", "pull", "net")
    assert pulled.exit_code == 1
    assert len(pulled.stderr.splitlines()) == 2
    assert "too many requests (429)" in pulled.stderr
    served.refusal, served.troubles = None, [Trouble(flip=3)]
    pulled = ppd("weights", "pull", "net")
    assert pulled.exit_code == 1
    assert "damaged on the way" in pulled.stderr.splitlines()[-1]
    assert folders.files() == set()


def test_pull_offline(ppd: Ppd, served: LocalHub) -> None:
    pulled = ppd("weights", "pull", "net", "--offline")
    assert (pulled.exit_code, served.requests) == (1, [])
    assert "offline is set" in pulled.stderr


@pytest.mark.parametrize("command", ["pull", "verify", "remove", "path"])
def test_an_unknown_name_is_wrong_usage(ppd: Ppd, command: str) -> None:
    done = ppd("weights", command, "ppd-huge")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "no model or file is called 'ppd-huge'; models: ppd-tiny, ppd-da2," in done.stderr


def test_a_mistake_in_the_users_catalogue_is_wrong_usage(
    ppd: Ppd, catalogue: Callable[[str], Path]
) -> None:
    path = catalogue(OWN.replace("steps", "step"))
    for command in (("weights", "list"), ("predict", "photo.jpg")):
        done = ppd(*command)
        assert done.exit_code == 2
        assert done.stderr.startswith(f"error: {path}: [models.mine] step: unknown key; there are ")


# --- list --------------------------------------------------------------------------------------


def rows(listed: Result) -> dict[tuple[str, str], str]:
    """(model, part) -> the rest of the row."""
    assert (listed.exit_code, listed.stderr) == (0, "")
    table = listed.stdout.partition("\n\n")[0].splitlines()
    columns = [table[0].index(name) for name in ("part", "file")]
    found, model = {}, ""
    for line in table[1:]:
        model = line[: columns[0]].strip() or model
        found[model, line[columns[0] : columns[1]].strip()] = " ".join(line[columns[1] :].split())
    return found


def test_list_says_what_there_is(ppd: Ppd) -> None:
    listed = ppd("weights", "list")
    with as_file(files("ppdcli") / "data" / "ppd-tiny.safetensors") as tiny:
        size = tiny.stat().st_size / 1e6
    assert rows(listed) == {
        ("ppd-tiny", "network"): f"ppd-tiny {size:.1f} MB Apache-2.0 in the package",
        ("ppd-tiny", "metric"): "moge2-vitl 1.32 GB MIT not here "
        "revision known, hash to be pinned on first use",
        ("ppd-da2", "network"): "ppd ? Apache-2.0 not here to be pinned on first use",
        ("ppd-da2", "encoder"): "da2-vitl 1.34 GB CC-BY-NC-4.0 not here revision and hash known",
        ("ppd-da2", "metric"): "moge2-vitl 1.32 GB MIT not here "
        "revision known, hash to be pinned on first use",
        ("ppd-moge2", "network"): "ppd-moge ? Apache-2.0 not here to be pinned on first use",
        ("ppd-moge2", "encoder"): "moge2-vitl 1.32 GB MIT not here "
        "revision known, hash to be pinned on first use",
        ("ppd-moge2", "metric"): "moge2-vitl 1.32 GB MIT not here "
        "revision known, hash to be pinned on first use",
        ("ppvd", "network"): "ppvd ? Apache-2.0 not here to be pinned on first use",
        ("ppvd", "encoder"): "pi3 ? CC-BY-NC-4.0 not here to be pinned on first use",
        ("mine", "network"): "net ? MIT not here to be pinned on first use",
        ("other", "network"): "net ? MIT not here to be pinned on first use",
        ("other", "encoder"): "sem ? MIT not here to be pinned on first use",
        ("other", "metric"): "twin ? CC-BY-NC-4.0 not here to be pinned on first use",
    }
    notes = listed.stdout.partition("\n\n")[2].splitlines()
    assert "mine: of my own" in notes
    (mirror,) = (note for note in notes if note.startswith("ppd-moge: "))
    assert "apozz/Pixel-Perfect-Depth-MoGe2 is a third party's mirror" in mirror
    assert "CC-BY-NC-4.0: non-commercial use only, with attribution (da2-vitl)" in notes
    assert "MIT: free for any use (net)" in notes


def test_list_says_what_is_here(ppd: Ppd, served: LocalHub, folders: Folders, sem: Path) -> None:
    ppd("weights", "pull", "net")
    ppd("weights", "import", sem, "--as", "other")
    folders.put("me/model", "twin.safetensors", b"twin")
    found = rows(ppd("weights", "list"))
    assert " MIT here pinned on first use, 20" in found["mine", "network"]
    assert " MIT imported pinned on first use, 20" in found["other", "encoder"]
    assert found["other", "metric"] == "twin 4 bytes CC-BY-NC-4.0 here to be pinned on first use"
    os.truncate(ppd("weights", "path", "net").stdout.strip(), 5)
    found = rows(ppd("weights", "list"))
    assert " damaged: 5 bytes instead of " in found["mine", "network"]


def test_list_shows_files_that_no_model_uses(ppd: Ppd, catalogue: Callable[[str], Path]) -> None:
    catalogue('[files.spare]\nrepository = "me/model"\nfile = "a"\nlicense = "MIT"\n')
    listed = ppd("weights", "list")
    assert "spare" in listed.stdout.partition("\n\n")[0].splitlines()[-1]


@pytest.mark.parametrize(
    ("columns", "options", "known"), [(80, [], False), (80, ["-v"], True), (180, [], True)]
)
def test_list_fits_a_terminal(start: Start, columns: int, options: list[str], known: bool) -> None:
    ours, theirs = pty.openpty()
    process = start("weights", "list", *options, stdout=theirs, env={"COLUMNS": str(columns)})
    os.close(theirs)
    seen = b""
    with suppress(OSError):  # the end, on Linux
        while chunk := os.read(ours, 4096):
            seen += chunk
    os.close(ours)
    assert process.wait(300) == 0
    shown = seen.decode().splitlines()
    assert ("revision and hash known" in seen.decode()) == known
    assert ("-v shows what is known of each file" in shown) == (not known)
    assert any("CC-BY-NC-4.0: non-commercial use only" in line for line in shown)
    if not options:
        assert max(map(len, shown)) <= columns


# --- verify, path ------------------------------------------------------------------------------


def test_verify_and_path(ppd: Ppd, served: LocalHub, folders: Folders) -> None:
    for command in ("verify", "path"):
        missing = ppd("weights", command, "mine")
        assert missing.exit_code == 1
        assert "net: not here" in missing.stdout + missing.stderr
    alone = ppd("weights", "verify")
    assert (alone.exit_code, alone.stdout) == (0, "ppd-tiny: here, no hash known\n")
    ppd("weights", "pull", "net")
    where = ppd("weights", "path", "mine")
    (entry,) = folders.hf.glob("*/snapshots/*/net.safetensors")
    assert (where.exit_code, where.stdout, where.stderr) == (0, f"{entry}\n", "")
    intact = ppd("weights", "verify", "mine")
    assert (intact.exit_code, intact.stdout, intact.stderr) == (0, "net: ok (sha256)\n", "")
    content = bytearray(entry.read_bytes())
    content[-1] ^= 1
    entry.write_bytes(content)
    damaged = ppd("weights", "verify")
    assert damaged.exit_code == 1
    assert damaged.stdout == "ppd-tiny: here, no hash known\nnet: damaged\n"
    assert damaged.stderr.startswith(f"error: {entry}: damaged (sha256 ")
    assert "`ppd weights remove net`, then pull it" in damaged.stderr
    ppd("weights", "remove", "net")
    assert ppd("weights", "pull", "net").exit_code == 0
    assert ppd("weights", "verify", "net").exit_code == 0


# --- import, remove ----------------------------------------------------------------------------


def test_import_and_remove(ppd: Ppd, sem: Path, folders: Folders) -> None:
    taken = ppd("weights", "import", sem, "--as", "other")
    copy = folders.own / "files" / "sem" / "sem.pth"
    assert (taken.exit_code, taken.stdout) == (0, "")
    pinned, imported = taken.stderr.splitlines()
    assert pinned.startswith("pinned on first use: sem has ")
    assert imported == f"sem: imported, {copy} (licence of these weights: MIT)"
    assert ppd("weights", "path", "sem").stdout == f"{copy}\n"
    removed = ppd("weights", "remove", "sem")
    assert (removed.exit_code, removed.stdout) == (0, "")
    assert removed.stderr.splitlines() == [
        f"sem: removed {copy}",
        "sem: what was pinned is forgotten",
    ]
    assert folders.files() == set() and sem.exists()
    assert ppd("weights", "remove", "sem").stderr == "sem: nothing is here\n"


def test_import_of_another_kind(ppd: Ppd, sem: Path, folders: Folders) -> None:
    refused = ppd("weights", "import", sem, "--as", "mine")
    assert (refused.exit_code, folders.files()) == (1, set())
    assert refused.stderr.startswith(f"error: {sem}: holds Depth Anything V2 weights, but mine n")


def test_import_needs_to_know_as_what(ppd: Ppd, sem: Path) -> None:
    done = ppd("weights", "import", sem)
    assert done.exit_code == 2 and "--as" in done.stderr


def test_remove_keeps_what_another_model_here_uses(
    ppd: Ppd, served: LocalHub, folders: Folders, sem: Path
) -> None:
    ppd("weights", "pull", "mine")
    ppd("weights", "import", sem, "--as", "sem")
    removed = ppd("weights", "remove", "other")
    assert removed.exit_code == 0
    kept, gone, _ = removed.stderr.splitlines()
    assert kept == "net: kept for mine; `ppd weights remove net` removes it all the same"
    assert gone.startswith("sem: removed ")
    removed = ppd("weights", "remove", "mine")
    assert "net: removed " in removed.stderr, "the other model is not here any more"
    assert folders.files() == set()


def test_a_file_is_removed_by_its_own_name_whoever_uses_it(
    ppd: Ppd, served: LocalHub, folders: Folders
) -> None:
    ppd("weights", "pull", "mine")
    assert ppd("weights", "remove", "net").exit_code == 0
    assert folders.files() == set()


def test_what_is_inside_the_package_is_not_removed(ppd: Ppd) -> None:
    done = ppd("weights", "remove", "ppd-tiny")
    assert done.exit_code == 2
    assert "inside the package and cannot be removed" in done.stderr


def test_removing_makes_way_for_a_new_file(ppd: Ppd, served: LocalHub, folders: Folders) -> None:
    ppd("weights", "pull", "twin")
    served.publish("me/model", "twin.safetensors", b"of later", "f" * 40)
    assert "already here" in ppd("weights", "pull", "twin").stderr
    ppd("weights", "remove", "twin")
    assert ppd("weights", "pull", "twin").exit_code == 0
    path = Path(ppd("weights", "path", "twin").stdout.strip())
    assert path.read_bytes() == b"of later"


# --- help --------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["list", "pull", "verify", "import", "remove", "path"])
def test_every_command_has_help(ppd: Ppd, command: str) -> None:
    shown = ppd("weights", command, "--help")
    assert shown.exit_code == 0
    assert f"Usage: ppd weights {command}" in shown.stdout


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; sys.argv = ['ppd', 'weights', 'pull', '--help']\n"
        "from ppdcli.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "ppdcli" in loaded
    assert not {"huggingface_hub", "torch", "numpy", "safetensors"} & loaded


def test_without_a_command_help_is_shown(ppd: Ppd) -> None:
    shown = ppd("weights")
    assert shown.exit_code == 2
    assert "verify" in shown.stdout + shown.stderr
