"""The parts of a step are told apart, and what is printed adds up."""

from __future__ import annotations

import re

import pytest
import torch

from ppdcli.models.config import CasDiTConfig
from studies import step_speed


@pytest.mark.parametrize(
    ("operator", "kind"),
    [
        ("aten::addmm", "products"),
        ("aten::mm", "products"),
        ("aten::mkldnn_convolution", "products"),
        ("aten::_scaled_dot_product_flash_attention_for_cpu", "attention"),
        ("aten::_scaled_dot_product_cudnn_attention", "attention"),
        ("aten::gelu", "rest"),
        ("aten::mul", "rest"),
    ],
)
def test_operators_belong_to_parts(operator: str, kind: str) -> None:
    assert step_speed.kind_of(operator) == kind


def test_the_attention_is_most_of_a_large_step() -> None:
    flop = step_speed.attention_flop(CasDiTConfig(), 768, 1024)
    assert flop == pytest.approx(0.62 * 12.8e12, rel=0.01)


def test_kernels_are_as_exact_as_their_dtype() -> None:
    q, k, v = torch.randn(3, 1, 2, 100, 16, generator=torch.Generator().manual_seed(0))
    found = {name: error for name, _, error in step_speed.time_kernels(q, k, v, 1)}
    assert "FLASH_ATTENTION" in found
    assert all(error < 1e-5 for error in found.values())


@pytest.mark.usefixtures("small_model")
def test_the_shares_add_up(capsys: pytest.CaptureFixture[str]) -> None:
    step_speed.main(["--size", "64x48", "--device", "cpu", "--repeats", "1"])
    shares = re.findall(r"^\w+ +([0-9.]+)% of the step", capsys.readouterr().out, re.M)
    assert len(shares) == 3
    assert sum(map(float, shares)) == pytest.approx(100, abs=0.2)
