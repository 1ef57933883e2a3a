"""Embree is found, or its absence is said in a line."""

from __future__ import annotations

import ctypes.util

import pytest

from ppdcli.errors import PpdError
from ppdcli.scenes.furnished import embree


def test_missing_embree_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embree, "find_spec", lambda name: None)
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    with pytest.raises(PpdError, match="pip install embreex"):
        embree.load_embree.__wrapped__()
