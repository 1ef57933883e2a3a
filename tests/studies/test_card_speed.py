"""The rows of the report, and what they compare."""

from __future__ import annotations

import re

import pytest
import torch

from ppdcli.commands.bench_model import choose, pytorch_of, random_predictor
from ppdcli.models import fused
from studies import card_speed


@pytest.mark.usefixtures("small_model")
def test_rows_compare_with_float32(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(card_speed.PyTorchBackend, "compile", lambda self: None)
    card_speed.main(["--size", "64x48", "--device", "cpu", "--repeats", "1"])
    rows = re.findall(r"^(\D+?) +encoder .* off by ([0-9.]+)%", capsys.readouterr().out, re.M)
    assert [name for name, _ in rows] == ["PyTorch's operations", "compiled blocks"]
    assert all(0 < float(error) < 5 for _, error in rows)


@pytest.mark.usefixtures("small_model")
def test_a_card_has_more_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_speed.PyTorchBackend, "compile", lambda self: None)
    backend = pytorch_of(random_predictor(choose("ppd-da2"), "cpu", "fp32"))
    *lines, enlarged = card_speed.report(backend, torch.bfloat16, 48, 64, 1, on_card=True)
    names = [re.split(" +encoder ", line)[0] for line in lines[1:]]
    assert names == [
        "PyTorch's operations",
        "fused kernels",
        "fused, recorded",
        "compiled blocks",
        "compiled, recorded",
    ]
    assert re.fullmatch(
        r"enlargement to 256x192: NumPy .*s, cpu .*s; apart by .* the range: 0 pixels", enlarged
    )


def test_kernels_are_back_afterwards() -> None:
    used = fused.uses_kernels
    with card_speed.pytorch_operations():
        assert fused.uses_kernels is not used
    assert fused.uses_kernels is used
