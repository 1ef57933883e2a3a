"""A small network in the place of the released one, for the studies of speed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ppdcli.checkpoints.families import FAMILIES
from ppdcli.commands import bench_arithmetic, bench_model
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.dinov2 import DinoV2Semantics


@pytest.fixture
def small_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """``random_predictor`` makes a small model, and the limit is measured with small matrices."""
    sizes = CasDiTConfig(hidden_size=32, depth=2, num_heads=2, semantics_dim=384)
    monkeypatch.setattr(bench_model, "NETWORK", sizes)
    family = replace(FAMILIES["da2"], unloaded_encoder=lambda: DinoV2Semantics("vits"))
    monkeypatch.setitem(FAMILIES, "da2", family)
    monkeypatch.setattr(bench_arithmetic, "SIDES", {"cpu": (8, 16)})
