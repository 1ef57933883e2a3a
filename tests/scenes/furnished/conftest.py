"""What the tests of scenes share: a tiny library, and whether Embree is there."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from tiny_library import write_library

from ppdcli.scenes.furnished.models.library import Library, open_library


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The models of ``tiny_library``, packed."""
    folder = tmp_path_factory.mktemp("furniture")
    write_library(folder)
    return open_library(folder, folder / "cache")


@pytest.fixture(scope="session")
def embree() -> None:
    """Skips tests that cast rays where Embree is not installed."""
    if find_spec("embreex") is None:
        pytest.skip("embreex is not installed")
