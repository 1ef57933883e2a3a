"""What depends on the timestep alone, and when it has to be computed again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from parity import TINY, network
from torch import nn

from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.conditioning import modulate, weights_state


@pytest.fixture
def tiny() -> CasDiT:
    return network("ppd_tiny", TINY).requires_grad_(False)


def test_a_shared_timestep_modulates_as_one_for_each_image() -> None:
    torch.manual_seed(0)
    x, shift, scale = torch.randn(2, 5, 16), torch.randn(1, 16), torch.randn(1, 16)
    normalised = F.layer_norm(x, (16,), eps=1e-6)
    expected = normalised * (1 + scale) + shift
    torch.testing.assert_close(modulate(x, shift, scale), expected)
    both = modulate(x, torch.cat((shift, -shift)), torch.cat((scale, 2 * scale)))
    torch.testing.assert_close(both[0], expected[0])
    torch.testing.assert_close(both[1], normalised[1] * (1 + 2 * scale) - shift)


@torch.no_grad()
def test_conditions_of_several_timesteps_come_apart(tiny: CasDiT) -> None:
    times = torch.tensor([1000, 750, 37])
    apart = tiny.condition(times).split()
    assert [condition.timestep.tolist() for condition in apart] == [[1000], [750], [37]]
    for time, condition in zip(times.split(1), apart, strict=True):
        alone = tiny.condition(time)
        torch.testing.assert_close(condition.blocks, alone.blocks, atol=1e-5, rtol=0)
        torch.testing.assert_close(condition.last, alone.last, atol=1e-5, rtol=0)
        assert [len(vectors) for vectors in condition.blocks] == [1] * TINY.depth
    assert not torch.allclose(apart[0].last, apart[1].last)


@pytest.mark.parametrize(
    "change",
    [
        lambda module: module.load_state_dict(module.state_dict()),
        lambda module: module.load_state_dict(
            {key: value.clone() for key, value in module.state_dict().items()}, assign=True
        ),
        lambda module: module.double(),
        lambda module: nn.init.zeros_(module.final_layer.adaLN_modulation[1].bias),
        lambda module: nn.init.zeros_(module.t_embedder.mlp[2].weight),
    ],
)
def test_weights_that_change_are_noticed(tiny: CasDiT, change: Callable[[CasDiT], object]) -> None:
    before = weights_state(tiny)
    assert before == weights_state(tiny) is not None
    change(tiny)
    assert weights_state(tiny) != before


def test_weights_of_the_blocks_products_do_not_count(tiny: CasDiT) -> None:
    before = weights_state(tiny)
    nn.init.zeros_(tiny.blocks[0].attn.qkv.weight)
    assert weights_state(tiny) == before


def test_weights_in_training_have_no_state(tiny: CasDiT) -> None:
    tiny.final_layer.requires_grad_(True)
    assert weights_state(tiny) is None


def test_weights_made_in_inference_mode_have_no_state() -> None:
    with torch.inference_mode():
        module = CasDiT(TINY).requires_grad_(False)
    assert weights_state(module) is None
