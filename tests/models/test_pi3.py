from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from parity import ParityRecord, layout, observed, sampled
from torch import Tensor, nn
from video_parity import TINY_PI3, VideoGolden, pi3, planes

from ppdcli.models.pi3 import Pi3Config, Pi3Semantics, resampled_positions

GOLDEN = VideoGolden("pi3_tiny")
REGISTERS = 5  # of the decoder; the encoder has a class token and 4 registers, as many


@pytest.fixture(scope="module")
def tiny() -> Pi3Semantics:
    return pi3("pi3_tiny", TINY_PI3)


def tokens_of(module: Pi3Semantics, film: np.ndarray) -> Tensor:
    with torch.no_grad():
        return module(planes(film))


def patches_in(tokens: Tensor) -> Tensor:
    """The registers of a sequence, all, and those patches that the goldens keep."""
    return torch.cat((tokens[:, :REGISTERS], sampled(tokens[:, REGISTERS:])), dim=1)


def stages_of(module: Pi3Semantics, film: np.ndarray) -> dict[str, Tensor]:
    """What the goldens keep of each stage, and all tokens of the result."""
    vit, decoder = module.encoder, module.decoder
    last = len(decoder) - 1
    outputs: dict[str, nn.Module] = {
        "patch_embed": vit.patch_embed,
        "enc_block0": vit.blocks[0],
        "enc_block_last": vit.blocks[-1],
    }
    outputs |= {f"dec{k}": decoder[k] for k in (0, 1, last - 1, last)}
    inputs = {"encoder_input": vit.patch_embed, "tokens_in": vit.blocks[0], "dec_in": decoder[0]}
    with observed(outputs, inputs) as seen:
        tokens = tokens_of(module, film)
    picture, first, dec_in = (seen.pop(name) for name in inputs)
    seen["patch_embed"] = seen["patch_embed"].flatten(1, 2)
    stages = {name: sampled(value) for name, value in seen.items()}
    stages |= {"tokens_in": patches_in(first), "dec_in": patches_in(dec_in)}
    return stages | {"encoder_input": picture[:, :, ::7, ::7], "tokens": tokens}


# Parity ------------------------------------------------------------------------------------------


def test_stages_of_pi3_parity(tiny: Pi3Semantics, parity: ParityRecord) -> None:
    for stage, value in stages_of(tiny, GOLDEN["in.frames_a"]).items():
        quantity = "tokens" if stage == "tokens" else "stages"
        GOLDEN.check(parity, f"out.a.{stage}", value, quantity)


@pytest.mark.parametrize("case", ["b", "c"])
def test_tokens_of_pi3_parity(tiny: Pi3Semantics, case: str, parity: ParityRecord) -> None:
    tokens = tokens_of(tiny, GOLDEN[f"in.frames_{case}"])
    GOLDEN.check(parity, f"out.{case}.tokens", tokens, "tokens")


def test_pi3_on_the_tables_own_grid_parity(tiny: Pi3Semantics, parity: ParityRecord) -> None:
    stages = stages_of(tiny, GOLDEN["in.frames_s37"])
    del stages["encoder_input"]  # not kept
    stages["tokens"] = stages["tokens"][:, ::37]
    for stage, value in stages.items():
        quantity = "tokens" if stage == "tokens" else "stages"
        GOLDEN.check(parity, f"out.s37.{stage}", value, quantity)


def test_small_qkv_of_pi3_parity(parity: ParityRecord) -> None:
    """Queries and keys so small that the epsilon of their norm shows: 1e-6 is off by 2e-3."""
    module = pi3("pi3_tiny", TINY_PI3)
    with torch.no_grad():
        for block in module.decoder:
            for parameter in block.attn.qkv.parameters():
                parameter.mul_(2**-7)
    tokens = tokens_of(module, GOLDEN["in.frames_a"])
    GOLDEN.check(parity, "out.small_qkv.tokens", tokens, "tokens, small qkv")


@pytest.mark.slow
def test_full_size_pi3_parity(parity: ParityRecord) -> None:
    golden = VideoGolden("pi3_full")
    stages = stages_of(pi3("pi3_used", Pi3Config()), golden["in.frames"])
    for stage, value in stages.items():
        if stage == "tokens":
            golden.check(parity, "out.tokens", value[:, ::3], "tokens")
        elif stage == "encoder_input":
            golden.check(parity, "out.encoder_input", value, "stages")
        else:
            golden.check(parity, f"out.{stage}", value[:2, ::3], "stages")


@pytest.mark.parametrize(("rows", "columns"), [(3, 4), (4, 6), (32, 32)])
def test_the_tables_resampling_parity(rows: int, columns: int, parity: ParityRecord) -> None:
    golden = VideoGolden("resize")
    case = f"table_{rows}x{columns}"
    grid = golden.tensor(f"in.{case}")
    class_token = torch.full((1, 1, 2), 7.0)
    table = torch.cat((class_token, grid.flatten(2).transpose(1, 2)), dim=1)
    result = resampled_positions(table, rows, columns)
    assert torch.equal(result[:, :1], class_token)
    resampled = result[:, 1:].transpose(1, 2).unflatten(2, (rows, columns))
    golden.check(parity, f"out.{case}", resampled, "table of positions")


# Layout and sizes --------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "config"), [("pi3_used", Pi3Config()), ("pi3_tiny", TINY_PI3)])
def test_keys_and_shapes_are_those_of_pi3(name: str, config: Pi3Config) -> None:
    with torch.device("meta"):
        module = Pi3Semantics(config)
    shapes = {key: tuple(value.shape) for key, value in module.state_dict().items()}
    assert shapes == layout(f"video/{name}")
    assert {name for name, _ in module.named_buffers()} == {"image_mean", "image_std"}
    assert module.dim == 2 * config.width


def test_frames_have_no_order_but_see_each_other(tiny: Pi3Semantics) -> None:
    film = GOLDEN["in.frames_a"]
    order = [2, 0, 3, 1]
    tokens = tokens_of(tiny, film)
    torch.testing.assert_close(tokens_of(tiny, film[order]), tokens[order], atol=1e-4, rtol=0)
    assert (tokens_of(tiny, film[:3]) - tokens[:3]).abs().max() > 1e-2


@pytest.mark.parametrize(("height", "width"), [(40, 48), (48, 50)])
def test_other_sizes_of_frames_are_refused(tiny: Pi3Semantics, height: int, width: int) -> None:
    with pytest.raises(ValueError, match=f"{height} x {width}"):
        tiny(torch.zeros(1, 3, height, width))


@pytest.mark.parametrize("wrong", [{"width": 66}, {"num_heads": 5}, {"decoder_depth": 5}])
def test_impossible_sizes_of_pi3_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        replace(TINY_PI3, **wrong)
