"""Which precision ``auto`` takes, and who says so."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ppdcli import devices
from ppdcli.checkpoints.families import FAMILIES
from ppdcli.devices import DEVIATION, choose_precision, processor_precision
from ppdcli.loading import load


@pytest.mark.parametrize(
    ("device", "native", "capability", "expected"),
    [
        ("cuda", True, (8, 0), "bf16"),
        ("cuda", False, (7, 5), "fp16"),
        ("cuda", False, (6, 1), "fp32"),
        ("mps", True, None, "fp32"),
        ("cpu", True, None, "bf16"),
        ("cpu", False, None, "fp32"),
    ],
)
def test_auto_takes_half_precision_only_where_it_pays(
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    native: bool,
    capability: tuple[int, int] | None,
    expected: str,
) -> None:
    features = frozenset({"avx2", "amx_bf16"} if native else {"avx2"})
    monkeypatch.setattr(devices, "multiplies_bf16", lambda _: native)
    monkeypatch.setattr(devices, "processor_features", lambda: features)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert choose_precision("auto", torch.device(device), large=True) == expected
    assert choose_precision("fp16", torch.device(device), large=True) == "fp16"


@pytest.mark.parametrize(
    ("features", "large", "expected"),
    [
        ({"amx_tile", "amx_bf16", "avx512_bf16"}, True, "bf16"),
        ({"avx512_bf16"}, True, "bf16"),
        ({"amx_tile", "amx_bf16", "avx512_bf16"}, False, "fp32"),
        ({"avx2", "avx512f", "amx_tile", "amx_int8"}, True, "fp32"),
        (set(), True, "fp32"),
    ],
)
def test_a_processor_takes_bf16_for_large_models_if_it_multiplies_it(
    features: set[str], large: bool, expected: str
) -> None:
    assert processor_precision(features, large) == expected


def test_a_line_says_that_auto_is_not_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "processor_features", lambda: frozenset({"amx_bf16"}))
    monkeypatch.setitem(FAMILIES, "tiny", replace(FAMILIES["tiny"], large=True))
    said: list[str] = []
    assert load("ppd-tiny", device="cpu", announce=said.append).precision == "bf16"
    assert [line for line in said if DEVIATION in line and "fp32 is exact" in line]
    said.clear()
    load("ppd-tiny", device="cpu", precision="bf16", announce=said.append)
    assert not [line for line in said if DEVIATION in line]  # the user knows what bf16 is
    monkeypatch.undo()
    assert load("ppd-tiny", device="cpu").precision == "fp32"
