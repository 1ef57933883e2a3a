"""Machine code where it can be kept, and where it cannot."""

from __future__ import annotations

import pytest
from numba.core import caching

from ppdcli.geometry.compiled import compiled


def test_what_cannot_be_kept_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def twice(number: int) -> int:
        return 2 * number

    assert compiled(twice)(21) == 42
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="no locator"):
        caching.FunctionCache(twice)
    assert compiled(twice)(21) == 42
