"""What a float16 export computes: products in float16, and the rest in float32."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from networks import small_encoder
from torch import nn

from ppdcli.models.graphs import EncoderGraph
from ppdcli.models.half_products import ByWeights
from ppdcli.models.precision import keep_weights_in

X = torch.linspace(-3, 3, 64).view(1, 4, 16)


def test_the_weights_decide_about_products() -> None:
    half, whole = nn.Linear(16, 8).half(), nn.Linear(16, 8)
    with ByWeights():
        assert half(X).dtype == torch.float16
        assert torch.equal(whole(X), F.linear(X, whole.weight, whole.bias))
        assert nn.Conv2d(4, 2, 1).half()(X[..., None]).dtype == torch.float16


@pytest.mark.parametrize("norm", [nn.LayerNorm(16), nn.BatchNorm1d(4).eval()])
def test_norms_are_in_float32(norm: nn.Module) -> None:
    with ByWeights():
        assert norm(X.half()).dtype == torch.float32


def test_attention_and_activations_round_the_result_alone() -> None:
    heads = torch.randn(3, 1, 2, 8, 16, generator=torch.Generator().manual_seed(0))
    with ByWeights():
        attended = F.scaled_dot_product_attention(*heads.half())
        for activation in (F.gelu, F.silu):
            assert torch.equal(activation(X.half()), activation(X.half().float()).half())
            assert torch.equal(activation(X), activation(X.clone()))
    assert attended.dtype == torch.float16
    expected = F.scaled_dot_product_attention(*heads)
    assert (attended - expected).abs().max() < 5e-3


def test_tokens_are_near_those_of_float32() -> None:
    torch.manual_seed(0)
    encoder = small_encoder().requires_grad_(False)
    image = torch.rand(1, 3, 64, 96)
    expected = EncoderGraph(encoder)(image)
    keep_weights_in(encoder, torch.float16)
    tokens = EncoderGraph(encoder)(image)
    assert tokens.dtype == torch.float32
    assert 0 < (tokens - expected).abs().max() < 2e-2
