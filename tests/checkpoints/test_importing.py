"""Files that a person fetched: told apart, checked, copied in."""

from __future__ import annotations

import hashlib
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hub_server import Folders
from safetensors.torch import save_file

from ppdcli.checkpoints import catalog, pins, store
from ppdcli.checkpoints.importing import import_file, kind_of
from ppdcli.errors import CheckpointError, UsageError

pytest_plugins = ["hub_fixtures"]

ONE = torch.zeros(1)
CONTENTS = {
    "network": {"dit.x": ONE},
    "network and encoder": {"dit.x": ONE, "sem_encoder.x": ONE},
    "tiny": {"dit.x": ONE, "encoder.backbone.stem.0.weight": ONE},
    "da2": {"pretrained.x": ONE, "depth_head.x": ONE},
    "moge2": {"model_config": {"encoder": {}}, "model": {"encoder.backbone.x": ONE}},
    "moge2 alone": {"encoder.backbone.x": ONE, "mask_head.x": ONE},
}
OWN = """
[files.mine]
get = "a friend"
file = "mine.safetensors"
license = "MIT"
[files.spare]
get = "a friend"
file = "spare.pth"
license = "MIT"
sha256 = "{sha256}"
[models.mine-tiny]
summary = "x"
family = "tiny"
area = [64, 48]
steps = 2
network = "mine"
"""


@pytest.fixture(autouse=True)
def its_folders(folders: Folders, catalogue: Callable[[str], Path]) -> Folders:
    catalogue(OWN.format(sha256="0" * 64))
    return folders


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """``file("network")``: a checkpoint of that kind."""

    def write(kind: str, name: str = "file.pth") -> Path:
        path = tmp_path / name
        if path.suffix == ".safetensors":
            save_file(CONTENTS[kind], path)
        else:
            torch.save(CONTENTS[kind], path)
        return path

    return write


def refused(path: Path, name: str) -> str:
    with pytest.raises(CheckpointError) as error:
        import_file(path, name, lambda line: None)
    line = str(error.value)
    assert line.startswith(f"{path}: ") and "\n" not in line
    return line


# --- what a file is ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("network", "network"),
        ("network and encoder", "network"),
        ("tiny", "tiny"),
        ("da2", "da2"),
        ("moge2", "moge2"),
        ("moge2 alone", "moge2"),
    ],
)
def test_a_file_is_told_by_what_it_holds(
    file: Callable[..., Path], content: str, kind: str
) -> None:
    assert kind_of(file(content)) == kind


def test_ppd_tiny_is_a_network_with_its_own_encoder() -> None:
    path = store.find(catalog.model("ppd-tiny").network)
    assert path is not None and kind_of(path) == "tiny"


@pytest.mark.parametrize("content", [{"conv.weight": ONE}, {}, [ONE], {3: ONE}], ids=str)
def test_a_file_of_something_else(tmp_path: Path, content: object) -> None:
    path = tmp_path / "else.pth"
    torch.save(content, path)
    assert "holds none of a network with its own encoder, a Pixel-Perfect" in refused(path, "ppd")


def test_a_file_that_would_run_code(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return print, ("executed",)

    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps(Evil(), protocol=2))
    refused(path, "ppd")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "missing.pth", "ppd")


# --- what it becomes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "name", "part"),
    [
        ("network", "ppd-da2", "ppd"),
        ("network", "ppd-moge2", "ppd-moge"),
        ("network", "ppd-moge", "ppd-moge"),
        ("tiny", "mine-tiny", "mine"),
        ("tiny", "mine", "mine"),
    ],
)
def test_a_file_becomes_the_part_that_it_is(
    file: Callable[..., Path], folders: Folders, content: str, name: str, part: str
) -> None:
    source, said = file(content), []
    found, path = import_file(source, name, said.append)
    assert found.name == part
    assert path.parent == folders.own / "files" / part
    assert path.read_bytes() == source.read_bytes()
    assert store.find(catalog.parts_called(part)[0]) == path
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    size = source.stat().st_size
    assert said == [f"pinned on first use: {part} has {size} bytes, sha256 {digest}"]
    pin = pins.pin_of(catalog.parts_called(part)[0])
    assert pin is not None
    assert (pin.revision, pin.bytes, pin.sha256) == (None, size, digest)


def test_the_copy_is_called_as_usual_but_keeps_its_suffix(file: Callable[..., Path]) -> None:
    _, path = import_file(file("network"), "ppd", lambda line: None)
    assert path.name == "ppd.pth"
    pins.forget(catalog.parts_called("ppd")[0])
    _, later = import_file(file("network", "b.safetensors"), "ppd", lambda line: None)
    assert later.name == "ppd.safetensors"
    assert list(path.parent.iterdir()) == [later], "the older one is gone"


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        ("moge2", "ppd", "holds MoGe-2 weights, but ppd needs a Pixel-Perfect Depth network"),
        ("network", "da2-vitl", "holds a Pixel-Perfect Depth network, but da2-vitl needs Depth An"),
        ("tiny", "ppd-da2", "holds a network with its own encoder, but ppd-da2 needs a Pixel-Perf"),
        ("da2", "ppd-moge2", "holds Depth Anything V2 weights, but ppd-moge2 needs a Pixel-Perfec"),
        ("tiny", "ppd-tiny", "ppd-tiny is inside the package; give a file of your own"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    file: Callable[..., Path], folders: Folders, content: str, name: str, said: str
) -> None:
    assert said in refused(file(content), name)
    assert folders.files() == set()


def test_an_unknown_name(file: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match="no model or file is called 'ppd3'"):
        import_file(file("network"), "ppd3", lambda line: None)


# --- files of others in the same folder --------------------------------------------------------


def test_other_files_in_the_folder_stay(file: Callable[..., Path], folders: Folders) -> None:
    folder = folders.own / "files" / "ppd"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("somebody's")
    (folder / "ppd.safetensors").write_text("somebody's")
    _, path = import_file(file("network"), "ppd", lambda line: None)
    assert store.find(catalog.parts_called("ppd")[0]) == path
    assert {p.name for p in folder.iterdir()} == {"notes.txt", "ppd.safetensors", "ppd.pth"}
    assert path in store.remove(catalog.parts_called("ppd")[0]) and not path.exists()
    assert (folder / "notes.txt").read_text() == "somebody's"


def test_a_file_that_no_import_made_is_not_replaced(
    file: Callable[..., Path], folders: Folders
) -> None:
    target = folders.own / "files" / "ppd" / "ppd.pth"
    target.parent.mkdir(parents=True)
    target.write_text("somebody's")
    assert f"{target} is there and was not made by an import; move" in refused(
        file("network"), "ppd"
    )
    assert target.read_text() == "somebody's"


def test_an_import_that_was_changed_since_is_not_replaced(file: Callable[..., Path]) -> None:
    _, path = import_file(file("network"), "ppd", lambda line: None)
    path.write_text("changed")
    pins.forget(catalog.parts_called("ppd")[0])
    refused(file("network and encoder"), "ppd")
    import_file(file("network", "b.safetensors"), "ppd", lambda line: None)
    assert path.read_text() == "changed"


@pytest.mark.parametrize("below", ["files", "files/ppd"])
def test_nothing_is_written_or_removed_through_a_link(
    file: Callable[..., Path], folders: Folders, tmp_path: Path, below: str
) -> None:
    shared = tmp_path / "shared"
    (shared / "ppd").mkdir(parents=True)
    for place in (shared, shared / "ppd"):
        (place / "ppd.pth").write_text("somebody's")
    link = folders.own / below
    link.parent.mkdir(parents=True)
    link.symlink_to(shared)
    before = sorted(shared.rglob("*"))
    assert f"{link} is a link, and imports stay in ppd's own folder" in refused(
        file("network"), "ppd"
    )
    assert store.remove(catalog.parts_called("ppd")[0]) == []
    assert sorted(shared.rglob("*")) == before and (shared / "ppd.pth").read_text() == "somebody's"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"file": "../../x", "bytes": 1, "mtime_ns": 2}'])
def test_a_record_of_an_import_that_makes_no_sense_says_nothing(
    file: Callable[..., Path], folders: Folders, text: str
) -> None:
    import_file(file("network"), "ppd", lambda line: None)
    (folders.own / "imports" / "ppd.json").write_text(text)
    import_file(file("network"), "ppd", lambda line: None)  # the same file is no other
    with pytest.raises(CheckpointError):
        import_file(file("network and encoder"), "ppd", lambda line: None)


# --- whether it is the one ---------------------------------------------------------------------


def test_a_file_of_another_size_than_stated(file: Callable[..., Path], folders: Folders) -> None:
    path = file("da2")
    line = refused(path, "ppd-da2")
    assert f"has {path.stat().st_size} bytes instead of 1341395338; get it again" in line
    assert folders.files() == set()


def test_a_file_of_another_hash_than_stated(file: Callable[..., Path], folders: Folders) -> None:
    assert "instead of 000000000000; get it again" in refused(file("network"), "spare")
    assert folders.files() == set()


def test_a_file_of_the_stated_hash_is_not_pinned(
    file: Callable[..., Path], folders: Folders, catalogue: Callable[[str], Path]
) -> None:
    source = file("network")
    catalogue(OWN.format(sha256=store.sha256_of(source)))
    _, path = import_file(source, "spare", pytest.fail)
    assert folders.files(folders.own / "files") == {"spare/spare.pth"}
    assert not (folders.own / "pins").exists() and path.name == "spare.pth"


def test_a_file_that_differs_from_the_pinned_one(file: Callable[..., Path]) -> None:
    _, path = import_file(file("network"), "ppd", lambda line: None)
    before = path.read_bytes()
    line = refused(file("network and encoder"), "ppd")
    assert "that was pinned on " in line and "run `ppd weights remove ppd` to allow" in line
    assert path.read_bytes() == before
    import_file(file("network"), "ppd", lambda line: pytest.fail(f"it is pinned: {line}"))


# --- the disk ----------------------------------------------------------------------------------


def test_a_disk_without_room(
    file: Callable[..., Path], folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(folders.home)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=7))
    assert f"on {folders.home}, where 7 bytes are free; make room, or set PPD" in refused(
        file("network"), "ppd"
    )
    assert folders.files() == set()


def test_a_disk_that_fills_up_on_the_way(
    file: Callable[..., Path], folders: Folders, full_disk: Callable[[int], None]
) -> None:
    path = file("network")
    full_disk(path.stat().st_size // 2)
    line = refused(path, "ppd")
    full_disk(-1)
    assert "cannot be copied to" in line and "(File too large); make room, or set" in line
    assert folders.files() == set()


def test_a_folder_that_is_none(file: Callable[..., Path], folders: Folders) -> None:
    folders.own.write_text("a file where the folder should be")
    assert "cannot be copied to" in refused(file("network"), "ppd")
