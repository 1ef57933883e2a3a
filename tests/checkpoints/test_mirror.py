"""A file that its authors share by hand, and a third party on the Hub: both are one file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hub_server import COMMIT, LATER, Folders, LocalHub

from ppdcli.checkpoints import catalog, hub, pins, store
from ppdcli.checkpoints.catalog_rows import Part
from ppdcli.checkpoints.importing import import_file
from ppdcli.errors import CheckpointError

pytest_plugins = ["hub_fixtures"]
pytestmark = pytest.mark.usefixtures("folders")

REPOSITORY = "apozz/Pixel-Perfect-Depth-MoGe2"


def part() -> Part:
    return catalog.catalog().parts["ppd-moge"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The authors' file, by its content."""
    torch.save({"dit.x": torch.zeros(3)}, tmp_path / "ppd_moge.pth")
    return tmp_path / "ppd_moge.pth"


@pytest.fixture
def mirror(hub: LocalHub, file: Path) -> LocalHub:
    hub.publish(REPOSITORY, "ppd_moge.pth", file.read_bytes())
    return hub


def fetch(announce: Callable[[str], None] = lambda line: None) -> Path:
    return hub.fetch(catalog.model("ppd-moge2"), part(), False, announce)


def test_it_is_fetched_named_as_a_mirror_and_pinned(mirror: LocalHub, file: Path) -> None:
    said: list[str] = []
    path = fetch(said.append)
    assert path.read_bytes() == file.read_bytes() and store.find(part()) == path
    assert said[0].startswith("downloading ppd_moge.pth of ppd-moge2 (licence of these weights: Ap")
    assert said[1] == (
        f"ppd-moge: from {REPOSITORY}, a third party's mirror, unmodified by its own account"
    )
    assert said[-1].startswith(f"pinned on first use: ppd-moge is revision {COMMIT[:12]}")
    pin = pins.pin_of(part())
    assert pin is not None and (pin.address, pin.revision) == ("ppd_moge.pth", COMMIT)
    assert pin.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert hub.choose("ppd-moge2") == "ppd-moge2"


def test_later_the_pinned_revision_is_fetched(mirror: LocalHub, file: Path) -> None:
    fetch().resolve().unlink()
    mirror.publish(REPOSITORY, "ppd_moge.pth", b"other", LATER)
    assert fetch().read_bytes() == file.read_bytes(), "not what is main now"


def test_an_imported_file_is_used_without_a_request(mirror: LocalHub, file: Path) -> None:
    _, path = import_file(file, "ppd-moge2", lambda line: None)
    assert fetch() == path and mirror.requests == []


def test_after_an_import_the_mirror_must_have_the_same_file(
    mirror: LocalHub, file: Path, folders: Folders
) -> None:
    _, path = import_file(file, "ppd-moge", lambda line: None)
    path.unlink()
    assert fetch().read_bytes() == file.read_bytes()
    pin = pins.pin_of(part())
    assert pin is not None and pin.revision == COMMIT


def test_after_an_import_another_file_of_the_mirror_is_refused(hub: LocalHub, file: Path) -> None:
    _, path = import_file(file, "ppd-moge", lambda line: None)
    path.unlink()
    hub.publish(REPOSITORY, "ppd_moge.pth", file.read_bytes()[:-1] + b"!")
    with pytest.raises(CheckpointError, match=r"not what was pinned on .*, it has sha256") as error:
        fetch()
    assert "\n" not in str(error.value)


def test_after_a_download_another_import_is_refused(
    mirror: LocalHub, file: Path, tmp_path: Path
) -> None:
    fetch()
    torch.save({"dit.x": torch.ones(3)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="not ppd-moge, or damaged: has"):
        import_file(tmp_path / "other.pth", "ppd-moge", lambda line: None)
    import_file(file, "ppd-moge", lambda line: None)


def test_without_the_mirror_the_authors_file_is_the_way_on(hub: LocalHub) -> None:
    with pytest.raises(CheckpointError) as error:
        fetch()
    line = str(error.value)
    assert line.startswith("ppd_moge.pth of ppd-moge2: the Hub has no such")
    assert "get it from the shared-drive link in the authors' README, https://github.com/" in line
    assert "run `ppd weights import FILE --as ppd-moge`, or use the model ppd-tiny" in line
