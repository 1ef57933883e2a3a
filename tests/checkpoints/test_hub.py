"""Files from the Hub: into the cache whole, checked and pinned, or one line and no trace."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hub_server import COMMIT, LATER, NOBODY, Folders, LocalHub, Refusal, Trouble, use_hub
from huggingface_hub import constants, hf_hub_download, scan_cache_dir
from huggingface_hub.utils import _http
from typer.testing import CliRunner

from ppdcli.checkpoints import catalog, hub, pins, store
from ppdcli.checkpoints.catalog_rows import Model, Part
from ppdcli.cli.app import app
from ppdcli.errors import CheckpointError

pytest_plugins = ["hub_fixtures"]
pytestmark = pytest.mark.usefixtures("folders")

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = CONTENT[::-1]
PART = Part(
    "net", "MIT", terms="free for any use", repository="me/model", file="weights/net.safetensors"
)
STATED = Part(
    "net",
    "MIT",
    repository="me/model",
    file="weights/net.safetensors",
    revision=COMMIT,
    bytes=len(CONTENT),
    sha256=SHA256,
)
BLOB = f"hf/hub/models--me--model/blobs/{SHA256}"
ENTRY = f"hf/hub/models--me--model/snapshots/{COMMIT}/weights/net.safetensors"
REF = "hf/hub/models--me--model/refs/main"
PIN = "own/pins/net.json"


@pytest.fixture
def served(hub: LocalHub) -> LocalHub:
    hub.publish("me/model", "weights/net.safetensors", CONTENT)
    return hub


@pytest.fixture
def da2() -> Model:
    return catalog.model("ppd-da2")


def silent(line: str) -> None:
    pytest.fail(f"nothing was to be said: {line}")


def fetch(part: Part = PART, announce: Callable[[str], None] = lambda line: None) -> Path:
    return hub.fetch(None, part, False, announce)


def failure(part: Part = PART) -> str:
    with pytest.raises(CheckpointError) as error:
        fetch(part)
    line = str(error.value)
    assert "\n" not in line
    assert line.startswith("me/model/weights/net.safetensors: ")
    assert "`ppd weights import FILE --as net`, or use the model ppd-tiny" in line
    return line


# --- choose ------------------------------------------------------------------------------------


def test_auto_is_the_best_model_whose_files_are_all_here(folders: Folders, da2: Model) -> None:
    assert da2.encoder is not None and da2.encoder.bytes is not None
    assert hub.choose("auto") == "ppd-tiny"
    folders.put("gangweix/Pixel-Perfect-Depth", "ppd.pth", b"network")
    assert hub.choose("auto") == "ppd-tiny"
    encoder = folders.put(
        "depth-anything/Depth-Anything-V2-Large",
        "depth_anything_v2_vitl.pth",
        b"",
        str(da2.encoder.revision),
    )
    assert hub.choose("auto") == "ppd-tiny", "an encoder of another size is not the encoder"
    os.truncate(encoder, da2.encoder.bytes)
    assert hub.choose("auto") == "ppd-da2"
    assert hub.choose("ppd-tiny") == "ppd-tiny"


def test_metric_depth_is_not_needed_to_be_chosen(
    catalogue: Callable[[str], Path], folders: Folders
) -> None:
    catalogue(
        '[files.net]\nrepository = "me/model"\nfile = "net.pth"\nlicense = "MIT"\n'
        '[files.metres]\nrepository = "me/metres"\nfile = "m.pt"\nlicense = "MIT"\n'
        '[models.mine]\nsummary = "x"\nfamily = "tiny"\narea = [64, 48]\nsteps = 2\n'
        'network = "net"\nmetric = "metres"\n'
    )
    folders.put("me/model", "net.pth", b"network")
    assert hub.choose("auto") == "mine"


# --- what is here, or cannot be asked for ------------------------------------------------------


def test_a_filled_cache_is_used_without_a_request(served: LocalHub, folders: Folders) -> None:
    entry = folders.put("me/model", "weights/net.safetensors", CONTENT)
    for part in (PART, STATED):
        assert hub.fetch(None, part, offline=True, announce=silent) == entry
        assert hub.fetch(None, part, offline=False, announce=silent) == entry
    assert served.requests == []


def test_a_package_without_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(store, "files", lambda _package: tmp_path)
    with pytest.raises(CheckpointError, match="missing from the package"):
        fetch(catalog.model("ppd-tiny").network)


def test_a_file_in_no_repository_is_to_be_fetched_by_hand(
    catalogue: Callable[[str], Path],
) -> None:
    catalogue(
        '[files.net]\nget = "a friend"\nfile = "net.pth"\nlicense = "MIT"\n'
        '[models.mine]\nsummary = "x"\nfamily = "tiny"\narea = [64, 48]\nsteps = 2\n'
        'network = "net"\n'
    )
    model = catalog.model("mine")
    said: list[str] = []
    with pytest.raises(CheckpointError) as error:
        hub.fetch(model, model.network, False, said.append)
    assert str(error.value) == (
        "net.pth of mine: not on this machine, and not on the Hub; get it from a friend and run "
        "`ppd weights import net.pth --as mine`"
    )
    assert said == ["net.pth of mine: to be got by hand (licence of these weights: MIT)"]


@pytest.mark.parametrize("switch", ["offline", "HF_HUB_OFFLINE"])
def test_offline_is_one_line_and_no_request(
    monkeypatch: pytest.MonkeyPatch, served: LocalHub, da2: Model, switch: str
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", switch == "HF_HUB_OFFLINE")
    with pytest.raises(CheckpointError) as error:
        hub.fetch(da2, da2.network, switch == "offline", silent)
    line = str(error.value)
    assert line.startswith("gangweix/Pixel-Perfect-Depth/ppd.pth of ppd-da2: not on this machine")
    assert f"{switch} is set" in line and "ppd weights import" in line and "\n" not in line
    assert served.requests == []


@pytest.mark.parametrize("address", [NOBODY, "http://hub.invalid", "nonsense"])
def test_a_hub_that_cannot_be_reached_is_asked_once(
    monkeypatch: pytest.MonkeyPatch, folders: Folders, address: str
) -> None:
    use_hub(monkeypatch, address)
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waits to try again"))
    assert "the Hub cannot be reached (" in failure()
    assert folders.files() == set()


def test_no_hub_ends_the_command_in_one_line_after_the_licence(photo: Path) -> None:
    result = CliRunner().invoke(app, ["predict", str(photo), "-m", "ppd-da2", "--device", "cpu"])
    assert result.exit_code == 1
    licence, error = result.stderr.splitlines()
    assert licence.startswith("downloading ") and "Apache-2.0" in licence
    assert error.startswith("error: ") and "the Hub cannot be reached" in error
    assert result.stdout == ""


# --- a download --------------------------------------------------------------------------------


def test_a_download_says_the_licence_first_and_ends_in_the_cache(
    served: LocalHub, folders: Folders, da2: Model
) -> None:
    said: list[str] = []

    def announce(line: str) -> None:
        if not said:
            assert served.requests == [] and folders.files() == set()
        said.append(line)

    path = hub.fetch(da2, PART, False, announce)
    assert path == folders.home / ENTRY == hub.find(PART)
    assert path.read_bytes() == CONTENT
    assert folders.files() == {BLOB, ENTRY, REF, PIN}
    assert said == [
        "downloading me/model/weights/net.safetensors of ppd-da2 "
        "(licence of these weights: MIT: free for any use)",
        f"net: 512 kB into {folders.hf / 'models--me--model' / 'blobs'}",
        f"pinned on first use: net is revision {COMMIT[:12]}, 512000 bytes, sha256 {SHA256[:12]}",
    ]
    assert [(r.method, r.place) for r in served.requests] == [
        ("HEAD", "resolve"),
        ("GET", "resolve"),
        ("GET", "cdn"),
    ]
    assert fetch(PART, silent) == path


def test_huggingface_hub_takes_the_download_for_its_own(served: LocalHub, folders: Folders) -> None:
    path = fetch()
    taken = hf_hub_download("me/model", "weights/net.safetensors", local_files_only=True)
    assert Path(taken) == path
    cache = scan_cache_dir(folders.hf)
    assert cache.warnings == []
    (repository,) = cache.repos
    assert (repository.repo_id, repository.size_on_disk) == ("me/model", len(CONTENT))


def test_what_the_catalogue_states_is_not_pinned(served: LocalHub, folders: Folders) -> None:
    served.publish("me/model", "weights/net.safetensors", OTHER, LATER)
    assert fetch(STATED).read_bytes() == CONTENT, "the stated revision, not the last one"
    assert folders.files() == {BLOB, ENTRY}


def test_the_size_is_said_beforehand_where_it_is_stated(served: LocalHub) -> None:
    said: list[str] = []
    fetch(STATED, said.append)
    assert said[0] == (
        "downloading me/model/weights/net.safetensors, 512 kB (licence of these weights: MIT)"
    )


def test_content_that_another_revision_brought_is_not_downloaded_again(
    served: LocalHub, folders: Folders
) -> None:
    served.publish("me/model", "weights/net.safetensors", CONTENT, LATER)
    folders.put("me/model", "weights/net.safetensors", CONTENT, LATER)
    assert fetch(STATED) == folders.home / ENTRY
    assert served.bodies() == []


def test_what_another_process_has_brought_meanwhile_is_taken_as_it_is(
    served: LocalHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = hub.alone

    @contextmanager
    def brought(blob: Path, announce: Callable[[], None]) -> Iterator[None]:
        monkeypatch.setattr(hub, "alone", alone)
        fetch()
        monkeypatch.setattr(hub, "sha256_of", lambda _: pytest.fail("it was read again"))
        with alone(blob, announce):
            yield

    monkeypatch.setattr(hub, "alone", brought)
    assert fetch().read_bytes() == CONTENT
    assert len(served.bodies()) == 1


def test_a_system_without_links_gets_the_file_itself(
    served: LocalHub, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    assert fetch().read_bytes() == CONTENT
    assert folders.files() == {ENTRY, REF, PIN}
    assert fetch(announce=silent) == folders.home / ENTRY


@pytest.mark.parametrize("place", ["HF_TOKEN", "the file of `hf auth login`"])
def test_a_token_goes_to_the_hub_and_nowhere_else(
    served: LocalHub, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    served.token = "hf_secret"
    if place == "HF_TOKEN":
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
    else:
        Path(constants.HF_TOKEN_PATH).write_text("hf_secret\n")
    fetch()
    tokens = {(r.place, r.token) for r in served.requests}
    assert tokens == {("resolve", "Bearer hf_secret"), ("cdn", None)}


@pytest.mark.parametrize("wanted", [False, True])
def test_huggingface_hub_keeps_quiet_unless_asked(
    served: LocalHub,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    wanted: bool,
) -> None:
    monkeypatch.setattr(_http, "_WARNED_TOPICS", set(), raising=False)
    if wanted:
        monkeypatch.setenv("HF_HUB_VERBOSITY", "warning")
    fetch()
    assert ("Please log in" in caplog.text) == wanted


# --- faults on the way -------------------------------------------------------------------------

REFUSALS = {
    "401": (Refusal(401), "requires a login, or has no such repository (401); set HF_TOKEN or run"),
    "403 gated": (
        Refusal(403, "GatedRepo"),
        "its owners require that you agree to their terms (403); agree at",
    ),
    "403": (Refusal(403), "the Hub refuses access (403); set HF_TOKEN or run `hf auth login` with"),
    "404 repository": (Refusal(404, "RepoNotFound"), "no such repository (404); look for a newer"),
    "404 revision": (Refusal(404, "RevisionNotFound"), "the Hub has no such revision (404)"),
    "404 file": (Refusal(404, "EntryNotFound"), "the Hub has no such file (404)"),
    "429": (Refusal(429), "too many requests (429); try again later"),
    "429 with a time": (
        Refusal(429, headers={"Retry-After": "90"}),
        "too many requests (429); try again in 90 seconds",
    ),
    "500": (Refusal(500), "the Hub has a failure (500); try again later"),
    "503": (Refusal(503), "the Hub has a failure (503); try again later"),
    "418": (Refusal(418), "the Hub refuses ("),
}


@pytest.mark.parametrize("fault", REFUSALS)
def test_a_hub_that_refuses_is_asked_once(
    served: LocalHub, folders: Folders, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: pytest.fail("it waits to try again"))
    served.refusal, said = REFUSALS[fault]
    assert said in failure()
    assert len(served.requests) == 1
    assert folders.files() == set()
    served.refusal = None
    assert fetch().read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (
            None,
            "its owners require that you agree to their terms (401); agree at {url}/me/model, "
            "then set",
        ),
        ("hf_old", "the Hub does not accept your token (401); renew it: set HF_TOKEN or run"),
    ],
)
def test_a_login_that_is_missing_or_old(
    served: LocalHub, monkeypatch: pytest.MonkeyPatch, token: str | None, said: str
) -> None:
    served.token = "hf_secret"
    if token is not None:
        monkeypatch.setenv("HF_TOKEN", token)
    assert said.format(url=served.url) in failure()


def test_a_server_that_is_no_hub(served: LocalHub, folders: Folders) -> None:
    served.is_hub = False
    assert "does not answer like a Hub" in failure()
    assert folders.files() == set()


def test_a_broken_connection_is_picked_up_where_it_broke(served: LocalHub) -> None:
    served.troubles = [Trouble(cut=300_000)]
    assert fetch().read_bytes() == CONTENT
    first, second = served.bodies()
    assert (first.range, second.range) == (None, "bytes=300000-")


def test_a_connection_that_breaks_all_the_time_gets_there(served: LocalHub) -> None:
    served.trouble = Trouble(cut=60_000)
    assert fetch().read_bytes() == CONTENT
    assert len(served.bodies()) == 9


def test_storage_in_trouble_for_a_moment(served: LocalHub) -> None:
    served.troubles = [Trouble(status=503), Trouble(status=500)]
    assert fetch().read_bytes() == CONTENT


def test_silence_is_a_broken_connection(served: LocalHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 0.2)
    served.troubles = [Trouble(hold=200_000)]
    assert fetch().read_bytes() == CONTENT
    assert [r.range for r in served.bodies()] == [None, "bytes=200000-"]


@pytest.mark.parametrize("trouble", [Trouble(cut=0), Trouble(status=503)], ids=["cut", "503"])
def test_what_has_come_is_kept_and_the_next_call_goes_on(
    served: LocalHub, folders: Folders, trouble: Trouble
) -> None:
    served.troubles, served.trouble = [Trouble(cut=200_000)], trouble
    line = failure()
    assert "broken off (" in line and "run it again to go on from there" in line
    assert len(served.bodies()) == 3, "one, and two tries that brought nothing"
    assert folders.files() == {f"{BLOB}.ppd.incomplete"}
    assert scan_cache_dir(folders.hf).warnings == []
    assert hub.find(PART) is None
    served.trouble = Trouble()
    said: list[str] = []
    assert fetch(announce=said.append).read_bytes() == CONTENT
    assert "going on after 200 kB" in said[1]
    assert served.bodies()[-1].range == "bytes=200000-"
    assert folders.files() == {BLOB, ENTRY, REF, PIN}


def test_storage_that_sends_all_when_asked_for_the_rest(served: LocalHub) -> None:
    served.troubles = [Trouble(cut=200_000), Trouble(whole=True)]
    assert fetch().read_bytes() == CONTENT
    assert len(served.bodies()) == 2


def test_a_login_that_ends_on_the_way(served: LocalHub, folders: Folders) -> None:
    served.troubles = [Trouble(status=403)]
    assert "the Hub refuses access (403)" in failure()
    assert folders.files() == set()


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (Trouble(flip=99), "damaged on the way (sha256 {} instead of {}), and removed; try again"),
        (Trouble(size=99), "refused, the server sends 99 instead of 512000 bytes; try again"),
        (Trouble(size=600_000), "refused, the server sends 600000 instead of 512000 bytes; try"),
    ],
    ids=["a bit", "short", "long"],
)
@pytest.mark.parametrize("part", [PART, STATED], ids=["unknown", "stated"])
def test_a_damaged_file_gets_no_name(
    served: LocalHub, folders: Folders, part: Part, trouble: Trouble, said: str
) -> None:
    flipped = hashlib.sha256(CONTENT[:99] + bytes([CONTENT[99] ^ 1]) + CONTENT[100:]).hexdigest()
    served.troubles = [trouble]
    assert said.format(flipped[:12], SHA256[:12]) in failure(part)
    assert folders.files() == set() and scan_cache_dir(folders.hf).warnings == []
    assert fetch(part).read_bytes() == CONTENT


def test_a_file_of_another_size_does_not_spoil_what_has_come(
    served: LocalHub, folders: Folders
) -> None:
    served.troubles, served.trouble = [Trouble(cut=200_000)], Trouble(size=300_000)
    assert "the server sends 200000-299999/300000 instead of 200000-511999/512000" in failure()
    assert folders.files() == {f"{BLOB}.ppd.incomplete"}
    served.trouble = Trouble()
    assert fetch().read_bytes() == CONTENT
    assert served.bodies()[-1].range == "bytes=200000-"


def test_a_partial_file_of_something_else_is_found_out(served: LocalHub, folders: Folders) -> None:
    partial = folders.home / f"{BLOB}.ppd.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(OTHER[:100])
    assert "damaged on the way (sha256" in failure()
    assert folders.files() == set()
    partial.write_bytes(OTHER + OTHER)
    assert fetch().read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["bytes", "sha256"])
def test_a_hub_that_has_another_file_than_the_catalogue(
    served: LocalHub, folders: Folders, name: str
) -> None:
    other = OTHER if name == "sha256" else OTHER[:-1]
    served.publish("me/model", "weights/net.safetensors", other)
    line = failure(STATED)
    assert (
        "the Hub's file is not the catalogue's" in line
        and f"instead of {getattr(STATED, name)}"[:20] in line
    )
    assert served.bodies() == [] and folders.files() == set()


# --- damage on this machine --------------------------------------------------------------------


def test_a_file_of_another_size_is_fetched_anew(served: LocalHub, folders: Folders) -> None:
    entry = folders.put("me/model", "weights/net.safetensors", CONTENT)
    os.truncate(entry, 100)
    said: list[str] = []
    assert fetch(STATED, said.append).read_bytes() == CONTENT
    assert said[0] == (
        "me/model/weights/net.safetensors: damaged on this machine "
        f"({entry}: 100 bytes instead of 512000), to be replaced"
    )
    assert folders.files() == {BLOB, ENTRY, REF}


def test_a_damaged_file_in_a_cache_without_links(served: LocalHub, folders: Folders) -> None:
    entry = folders.home / ENTRY
    entry.parent.mkdir(parents=True)
    entry.write_bytes(b"short")
    assert fetch(STATED) == entry
    assert entry.read_bytes() == CONTENT


def test_a_damaged_file_stays_what_it_is_when_the_hub_is_away(folders: Folders) -> None:
    entry = folders.put("me/model", "weights/net.safetensors", CONTENT)
    os.truncate(entry, 100)
    assert "cannot be reached" in failure(STATED)
    with pytest.raises(CheckpointError, match=r"damaged on this machine \(.*, and offline is set"):
        hub.fetch(None, STATED, True, silent)
    assert entry.stat().st_size == 100


def test_a_damaged_import_is_replaced_from_the_hub(served: LocalHub, folders: Folders) -> None:
    imported = folders.own / "files" / "net" / "net.safetensors"
    imported.parent.mkdir(parents=True)
    imported.write_bytes(b"short")
    assert fetch(STATED) == folders.home / ENTRY
    assert not imported.exists()


# --- pins --------------------------------------------------------------------------------------


def test_the_pinned_file_is_fetched_whatever_the_hub_has_since(
    served: LocalHub, folders: Folders
) -> None:
    fetch()
    served.publish("me/model", "weights/net.safetensors", OTHER, LATER)
    shutil.rmtree(folders.hf)
    said: list[str] = []
    assert fetch(announce=said.append) == folders.home / ENTRY
    assert not any(line.startswith("pinned") for line in said)
    assert COMMIT in served.requests[-1].path


def test_another_file_at_the_pinned_revision_is_refused(served: LocalHub, folders: Folders) -> None:
    fetch()
    served.publish("me/model", "weights/net.safetensors", OTHER)
    shutil.rmtree(folders.hf)
    line = failure()
    assert "the Hub's file is not what was pinned on" in line
    assert "run `ppd weights remove net` to allow the new one" in line
    assert folders.files() == {PIN}
    pins.forget(PART)
    assert fetch().read_bytes() == OTHER


def test_a_pinned_revision_that_is_gone(served: LocalHub, folders: Folders) -> None:
    fetch()
    served.files.clear()
    served.publish("me/model", "weights/net.safetensors", OTHER, LATER)
    shutil.rmtree(folders.hf)
    line = failure()
    assert "the Hub no longer has what was pinned here on" in line
    assert "run `ppd weights remove net` to allow" in line


def test_a_pin_that_cannot_be_written_is_said(served: LocalHub, folders: Folders) -> None:
    folders.own.write_text("a file where the folder should be")
    said: list[str] = []
    assert fetch(announce=said.append).read_bytes() == CONTENT
    assert said[-1].startswith("not pinned, so another file may come next time: ")


# --- the disk ----------------------------------------------------------------------------------


def test_a_disk_without_room_is_found_out_beforehand(
    served: LocalHub, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(folders.home)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=311_999))
    line = failure()
    assert (
        f"needs 512 kB in {folders.hf}, where 312 kB are free; make room, or set HF_HOME to" in line
    )
    assert served.bodies() == [] and folders.files() == set()
    partial = folders.home / f"{BLOB}.ppd.incomplete"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(CONTENT[:200_001])
    assert fetch().read_bytes() == CONTENT, "what is there already needs no room"


def test_a_cache_that_is_no_folder(served: LocalHub, folders: Folders) -> None:
    folders.hf.parent.mkdir()
    folders.hf.write_text("a file where the folder should be")
    line = failure()
    assert f"the Hugging Face cache {folders.hf} cannot be written (" in line
    assert "set HF_HOME to a folder that is" in line
