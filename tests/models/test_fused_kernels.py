"""The kernels for graphics cards, run by Triton's interpreter, against PyTorch's operations."""

from __future__ import annotations

import os
from importlib import import_module

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ppdcli.models import fused
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.conditioning import modulate
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.rope import rotary_table, rotate

pytest.importorskip("triton")
if os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("Triton compiles for the card here", allow_module_level=True)
kernels = import_module("ppdcli.models.fused_kernels")


def draw(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("photos", "vectors"), [(1, 1), (2, 1), (2, 2)])
def test_norm_equals_pytorch(photos: int, vectors: int) -> None:
    x = draw(0, photos, 5, 24)
    shift, scale, _ = draw(1, vectors, 3, 24).unbind(1)
    found = kernels.modulated_norm(x, shift, scale, torch.float32)
    torch.testing.assert_close(found, modulate(x, shift, scale))


@pytest.mark.parametrize(("photos", "vectors"), [(1, 1), (2, 1), (2, 2)])
def test_sum_and_norm_equal_pytorch(photos: int, vectors: int) -> None:
    x, added = draw(0, photos, 5, 24), draw(1, photos, 5, 24).half()
    gate, shift, scale = draw(2, vectors, 3, 24).unbind(1)
    total, normed = kernels.add_and_norm(x, gate, added, shift, scale)
    expected = torch.addcmul(x, gate[:, None], added.float())
    torch.testing.assert_close(total, expected)
    torch.testing.assert_close(normed, modulate(expected, shift, scale).half())


@pytest.mark.parametrize("photos", [1, 2])
@pytest.mark.parametrize("part", [0, 1])
def test_queries_and_keys_equal_pytorch(photos: int, part: int) -> None:
    heads, head_dim, rows, columns = 3, 16, 2, 3
    qkv = draw(0, photos, rows * columns, 3 * heads * head_dim)
    weight, bias = draw(1, 2, head_dim)
    table = rotary_table(rows, columns, head_dim, torch.device("cpu"))
    split = qkv.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)[part]
    expected = rotate(F.layer_norm(split, (head_dim,), weight, bias, 1e-5), table)
    found = kernels.normed_and_rotated(qkv, part, weight, bias, table, heads)
    torch.testing.assert_close(found, expected)


def test_network_is_the_same_with_the_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    network = CasDiT(CasDiTConfig(hidden_size=48, depth=2, num_heads=3, semantics_dim=8)).eval()
    with torch.no_grad():
        for number, weights in enumerate(network.parameters()):
            weights.copy_(0.1 * draw(number, *weights.shape))
        inputs = draw(1, 1, 4, 32, 48), draw(2, 1, 6, 8), torch.tensor([500.0])
        expected = network(*inputs)
        monkeypatch.setattr(torch, "get_autocast_dtype", lambda device: torch.float32)
        monkeypatch.setattr(fused, "uses_kernels", lambda x, head_dim: True)
        torch.testing.assert_close(network(*inputs), expected, rtol=1e-4, atol=1e-4)


def test_a_processor_uses_no_kernel() -> None:
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert not fused.uses_kernels(torch.zeros(1, 4, 64), 16)
