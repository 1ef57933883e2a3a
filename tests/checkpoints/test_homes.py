"""Users without a home, or with one that cannot be read: what is inside the package still works."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from hub_server import Folders
from huggingface_hub import constants

from ppdcli.checkpoints import hub, pins, store
from ppdcli.checkpoints.catalog import catalog, model, usual_file
from ppdcli.checkpoints.catalog_rows import Part
from ppdcli.checkpoints.failures import missing_certificates
from ppdcli.commands.doctor import examine
from ppdcli.errors import CheckpointError

pytest_plugins = ["hub_fixtures"]

PART = Part("net", "MIT", repository="me/model", file="net.pth")


@pytest.fixture
def no_home(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """No HOME, and a user that the system does not know."""
    for name in ("HOME", "PPD_CACHE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(uid: int) -> object:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", "~/.cache/huggingface/hub")


@pytest.fixture
def locked(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that may not be looked into, also for root, whom no permissions stop."""
    folders.own.mkdir()
    lstat, stat = Path.lstat, Path.stat

    def refuse(path: Path, plain: object) -> os.stat_result:
        if path.is_relative_to(folders.own) and path != folders.own:
            raise PermissionError(13, "Permission denied", str(path))
        return plain(path)  # type: ignore[operator, no-any-return]

    monkeypatch.setattr(Path, "lstat", lambda path: refuse(path, lstat))
    monkeypatch.setattr(Path, "stat", lambda path, **_: refuse(path, stat))
    return folders.own


@pytest.mark.usefixtures("no_home")
def test_without_a_home_the_package_is_enough(tmp_path: Path) -> None:
    assert usual_file() is None and "ppd-tiny" in catalog().models
    assert hub.choose("auto") == "ppd-tiny"
    assert store.find(model("ppd-tiny").network) is not None
    assert store.find(PART) is None and store.remove(PART) == [] and not pins.forget(PART)
    with pytest.raises(CheckpointError, match=r"has no home folder, .* set HOME, or PPD_CACHE"):
        pins.own_folder()
    with pytest.raises(CheckpointError, match="has no home folder; set HOME, or HF_HOME"):
        hub.fetch(None, PART, False, lambda line: None)


def test_a_folder_that_cannot_be_read_stops_only_what_needs_it(locked: Path) -> None:
    assert hub.choose("auto") == "ppd-tiny" and hub.find_sound(PART) is None
    with pytest.raises(CheckpointError, match=f"check the permissions of {locked}"):
        store.find(PART)


@pytest.mark.usefixtures("no_home")
def test_doctor_says_which_folders_are_missing() -> None:
    troubles = {finding.topic: finding.text for finding in examine(offline=True) if finding.trouble}
    assert "set HOME, or PPD_CACHE" in troubles["imports"]
    assert "set HOME, or HF_HOME" in troubles["downloads"]


def test_certificates_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    assert missing_certificates() is None
    monkeypatch.setenv("SSL_CERT_FILE", os.__file__)
    assert missing_certificates() is None
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such.pem")
    assert missing_certificates() == "SSL_CERT_FILE names /no/such.pem, which is not there"
