"""Fixtures for weights: ``pytest_plugins = ["hub_fixtures"]`` in a test file brings them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hub_server import NOBODY, Folders, LocalHub, use_hub
from huggingface_hub import constants

from ppdcli.checkpoints import transfer


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    """Empty folders for weights, no login, and a Hub that is not there."""
    folders = Folders(tmp_path / "weights")
    folders.home.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folders.hf))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(folders.home / "token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    use_hub(monkeypatch, NOBODY)
    monkeypatch.setenv("PPD_CACHE", str(folders.own))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folders.home / "config"))
    for name in ("PPD_WEIGHTS", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_VERBOSITY"):
        monkeypatch.delenv(name, raising=False)
    return folders


@pytest.fixture
def catalogue(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """``catalogue(text)``: the user's own weights.toml."""

    def write(text: str) -> Path:
        path = folders.home / "weights.toml"
        path.write_text(text)
        monkeypatch.setenv("PPD_WEIGHTS", str(path))
        return path

    return write


@pytest.fixture
def hub(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A Hub that answers, for this process; no pause between tries."""
    hub = LocalHub()
    use_hub(monkeypatch, hub.url)
    monkeypatch.setattr(transfer, "PAUSES", (0, 0))
    yield hub
    hub.close()


@pytest.fixture
def environment(hub: LocalHub, folders: Folders) -> dict[str, str]:
    """The same Hub and folders, for a process of its own."""
    return {"HF_ENDPOINT": hub.url, "HF_HOME": str(folders.hf.parent)}
