"""Processes: when Python looks for garbage."""

from __future__ import annotations

import gc

import pytest

from ppdcli.processes import collection_paused


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collection_is_as_before_after_a_pause(enabled: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        with pytest.raises(KeyError), collection_paused():
            assert not gc.isenabled()
            raise KeyError
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if before else gc.disable)()
