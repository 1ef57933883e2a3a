"""What is on this machine, whether it is intact, and its removal."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import platformdirs
import pytest
from hub_server import COMMIT, LATER, Folders
from huggingface_hub import constants, scan_cache_dir

from ppdcli.checkpoints import pins, store
from ppdcli.checkpoints.catalog_rows import Part
from ppdcli.checkpoints.hf_cache import PARTIAL
from ppdcli.errors import CheckpointError

pytest_plugins = ["hub_fixtures"]

CONTENT = b"weights of a network"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PART = Part("net", "MIT", repository="me/model", file="net.pth")
BY_HAND = Part("net", "MIT", get="a friend", file="net.pth")


@pytest.fixture(autouse=True)
def its_folders(folders: Folders) -> Folders:
    return folders


def stated(revision: str | None = None, size: int | None = None, sha256: str | None = None) -> Part:
    return Part("net", "MIT", None, None, "me/model", "net.pth", None, revision, size, sha256)


def put_imported(folders: Folders, content: bytes = CONTENT) -> Path:
    path = folders.own / "files" / "net" / "net.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def verified(part: Part) -> str | None:
    held = store.held_file(part)
    assert held is not None
    return store.verify(part, held)


# --- finding -----------------------------------------------------------------------------------


def test_a_file_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "files", lambda _package: tmp_path)
    part = Part("x", "Apache-2.0", bundled="x.safetensors")
    assert store.find(part) is None
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.safetensors").touch()
    assert store.find(part) == tmp_path / "data" / "x.safetensors"
    assert store.held_file(part) == store.Held(tmp_path / "data" / "x.safetensors", "package")


def test_a_file_in_the_hugging_face_cache(folders: Folders) -> None:
    assert store.find(PART) is None
    assert folders.files() == set(), "looking leaves nothing behind"
    entry = folders.put("me/model", "net.pth", CONTENT)
    assert store.find(PART) == entry
    assert store.find(stated(COMMIT)) == entry
    assert store.find(stated(LATER)) is None, "another revision is not the file"


def test_the_pinned_revision_is_the_file(folders: Folders) -> None:
    entry = folders.put("me/model", "net.pth", CONTENT)
    pins.pin(PART, COMMIT, len(CONTENT), SHA256)
    folders.put("me/model", "net.pth", b"of later", LATER)
    assert store.find(PART) == entry
    pins.forget(PART)
    assert store.find(PART) == folders.hf / f"models--me--model/snapshots/{LATER}/net.pth"


@pytest.mark.parametrize("part", [PART, BY_HAND], ids=["on the Hub", "by hand"])
def test_an_imported_file_comes_first(folders: Folders, part: Part) -> None:
    folders.put("me/model", "net.pth", CONTENT)
    path = put_imported(folders)
    (path.parent / ".ppd-0123.pth").write_bytes(b"half a copy")
    assert store.held_file(part) == store.Held(path, "imported")


def test_a_file_of_another_size_is_damaged_and_another_place_is_tried(folders: Folders) -> None:
    path = put_imported(folders, b"short")
    part = stated(size=len(CONTENT))
    assert store.held_file(part) == store.Held(path, "imported", "5 bytes instead of 20")
    assert store.find(part) is None
    entry = folders.put("me/model", "net.pth", CONTENT)
    assert store.held_file(part) == store.Held(entry, "cache")


def test_an_empty_file_is_damaged(folders: Folders) -> None:
    put_imported(folders, b"")
    assert store.find(PART) is None


def test_an_entry_that_leads_nowhere_is_not_here(folders: Folders) -> None:
    entry = folders.put("me/model", "net.pth", CONTENT)
    entry.resolve().unlink()
    assert store.held_file(PART) is None


# --- pins --------------------------------------------------------------------------------------


def test_a_pin_adds_what_nobody_stated(folders: Folders) -> None:
    assert pins.known(PART) == PART
    pins.pin(PART, COMMIT, 20, SHA256)
    assert pins.known(PART) == stated(COMMIT, 20, SHA256)
    assert pins.known(stated(COMMIT)) == stated(COMMIT, 20, SHA256)
    assert folders.files(folders.own) == {"pins/net.json"}
    assert pins.forget(PART) and not pins.forget(PART)
    assert pins.known(PART) == PART


@pytest.mark.parametrize(
    "part",
    [
        stated(LATER),
        stated(size=21),
        stated(sha256="0" * 64),
        Part("net", "MIT", repository="you/model", file="net.pth"),
    ],
    ids=["revision", "size", "hash", "address"],
)
def test_a_pin_of_a_file_that_is_meant_no_more_says_nothing(part: Part) -> None:
    pins.pin(PART, COMMIT, 20, SHA256)
    assert pins.pin_of(part) is None
    assert pins.known(part) == part


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"address": 3}'])
def test_a_damaged_pin_is_named_and_can_be_removed(folders: Folders, text: str) -> None:
    path = folders.own / "pins" / "net.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(CheckpointError, match=r"net.json: cannot be read .*weights remove net`"):
        store.find(PART)
    assert store.remove(PART) == []
    assert pins.forget(PART)


def test_the_own_folder_is_the_users_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda name, **_: f"/caches/{name}")
    assert pins.own_folder() != Path("/caches/ppdcli")
    monkeypatch.delenv("PPD_CACHE")
    assert pins.own_folder() == Path("/caches/ppdcli")


# --- verifying ---------------------------------------------------------------------------------


def test_what_a_file_is_compared_with(folders: Folders) -> None:
    path = put_imported(folders)
    assert verified(PART) is None
    assert verified(stated(size=20)) == "size"
    assert verified(stated(sha256=SHA256)) == "sha256"
    path.unlink()
    folders.put("me/model", "net.pth", CONTENT)
    assert verified(PART) == "sha256 in the Hugging Face cache"
    pins.pin(PART, COMMIT, 20, SHA256)
    assert verified(PART) == "sha256"


@pytest.mark.parametrize("part", [PART, stated(sha256=SHA256)], ids=["cache's hash", "stated"])
def test_a_bit_that_turned_is_found(folders: Folders, part: Part) -> None:
    entry = folders.put("me/model", "net.pth", CONTENT)
    entry.write_bytes(b"W" + CONTENT[1:])
    assert store.find(part) == entry, "of the right size"
    with pytest.raises(CheckpointError) as error:
        verified(part)
    found = hashlib.sha256(b"W" + CONTENT[1:]).hexdigest()
    assert str(error.value) == (
        f"{entry}: damaged (sha256 {found[:12]}, not {SHA256[:12]}); "
        "`ppd weights remove net`, then pull it or import it again"
    )


def test_a_file_of_another_size_needs_no_reading(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders.put("me/model", "net.pth", CONTENT)
    monkeypatch.setattr(store, "sha256_of", lambda _: pytest.fail("it was read"))
    with pytest.raises(CheckpointError, match="20 bytes instead of 21"):
        verified(stated(size=21, sha256=SHA256))


def test_a_file_that_cannot_be_read(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> str:
        raise OSError(5, "Input/output error")

    put_imported(folders)
    monkeypatch.setattr(store, "sha256_of", refuse)
    with pytest.raises(CheckpointError, match=r"damaged \(cannot be read, Input/output error\)"):
        verified(stated(sha256=SHA256))


# --- removing ----------------------------------------------------------------------------------


def test_everything_of_a_file_goes(folders: Folders) -> None:
    entry = folders.put("me/model", "net.pth", CONTENT)
    imported = put_imported(folders)
    (folders.hf / "models--me--model" / "blobs" / f"abc{PARTIAL}").write_bytes(b"half")
    assert store.remove(PART) == [imported, entry]
    assert folders.files() == set()
    assert scan_cache_dir(folders.hf).warnings == []


def test_a_partial_download_goes_by_itself(folders: Folders) -> None:
    partial = folders.hf / "models--me--model" / "blobs" / f"abc{PARTIAL}"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"half")
    others = partial.with_name("def.0123.incomplete")
    others.write_bytes(b"of huggingface_hub")
    assert store.remove(PART) == [partial]
    assert others.exists()


def test_nothing_is_there_to_remove(folders: Folders) -> None:
    assert store.remove(PART) == []
    assert store.remove(BY_HAND) == []


def test_files_of_others_stay(folders: Folders) -> None:
    folders.put("me/model", "net.pth", CONTENT)
    config = folders.put("me/model", "config.json", b"{}")
    elsewhere = folders.put("me/other", "net.pth", CONTENT)
    store.remove(PART)
    assert store.find(PART) is None
    assert config.read_bytes() == b"{}" and elsewhere.read_bytes() == CONTENT
    assert not (folders.hf / "models--me--model" / "blobs" / SHA256).exists()
    assert scan_cache_dir(folders.hf).warnings == []


def test_content_that_another_revision_has_stays(folders: Folders) -> None:
    later = folders.put("me/model", "net.pth", CONTENT, LATER)
    folders.put("me/model", "net.pth", CONTENT, COMMIT)
    folders.put("me/model", "config.json", b"{}", COMMIT)
    store.remove(stated(COMMIT))
    assert store.find(stated(COMMIT)) is None
    assert later.read_bytes() == CONTENT


def test_a_cache_in_disorder_is_no_hindrance(folders: Folders) -> None:
    entry = folders.put("me/model", "net.pth", CONTENT)
    (folders.hf / "models--me--model" / "refs" / "old").write_text("f" * 40)
    assert scan_cache_dir(folders.hf).repos == frozenset()
    assert store.remove(PART) == [entry]
    assert store.find(PART) is None


def test_a_removal_that_fails_is_not_taken_for_done(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders.put("me/model", "net.pth", CONTENT)
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    with pytest.raises(OSError, match="Permission denied"):
        store.remove(PART)


def test_a_cache_by_a_roundabout_path(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders.put("me/model", "net.pth", CONTENT)
    (tmp_path / "way").symlink_to(folders.hf)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "way"))
    assert store.remove(PART) == [
        tmp_path / "way" / f"models--me--model/snapshots/{COMMIT}/net.pth"
    ]
    assert folders.files() == set()


def test_free_space_is_that_of_the_nearest_folder(tmp_path: Path) -> None:
    folder, free = store.free_space(tmp_path / "a" / "b" / "file")
    assert folder == tmp_path
    usage = os.statvfs(tmp_path)
    assert free == pytest.approx(usage.f_bavail * usage.f_frsize, rel=0.2)


def test_a_shared_repository_behind_a_link_is_left_alone(folders: Folders, tmp_path: Path) -> None:
    entry = folders.put("me/model", "net.pth", CONTENT)
    folder = folders.hf / "models--me--model"
    folder.rename(tmp_path / "shared")
    folder.symlink_to(tmp_path / "shared")
    with pytest.raises(OSError, match="is a link, and what it leads to is left alone"):
        store.remove(PART)
    assert entry.read_bytes() == CONTENT
