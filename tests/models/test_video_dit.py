from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from parity import ParityRecord, layout, normal, observed, read_json, sampled, sha256, weight
from torch import Tensor, nn
from video_parity import TINY_DIT, TINY_DIT_OF_PI3, VideoGolden, positions, video_network

from ppdcli.models import video_dit
from ppdcli.models.config import VideoDiTConfig
from ppdcli.models.video_dit import VideoDiT, grid_positions

GOLDEN = VideoGolden("dit_tiny")


@pytest.fixture(scope="module")
def tiny() -> VideoDiT:
    return video_network("ppvd_tiny", TINY_DIT)


def velocity(module: VideoDiT, x: Tensor, semantics: Tensor, time: int) -> Tensor:
    with torch.no_grad():
        return module(x, semantics, torch.tensor([time]))


def stages_of(module: VideoDiT, x: Tensor, semantics: Tensor, time: int) -> dict[str, Tensor]:
    """Every stage that the goldens keep, whole, and the velocity."""
    outputs: dict[str, nn.Module] = {
        "x_embedder": module.x_embedder,
        "t_embedder": module.t_embedder,
        "proj_fusion": module.proj_fusion,
        "final_layer": module.final_layer,
    }
    outputs |= {f"block{k}": module.blocks[k] for k in (0, 11, 12, 17, 18, 20, 21, 23)}
    outputs |= {f"temporal{k}": block for k, block in enumerate(module.temporal_blocks)}
    inputs = {"tokens_in": 0, "upsampled": 12, "block18_in": 18, "references21": 21}
    with observed(outputs, {name: module.blocks[k] for name, k in inputs.items()}) as seen:
        result = velocity(module, x, semantics, time)
    fine = x.shape[-2] * x.shape[-1] // 64
    seen["references18"] = seen["block18_in"][:1, fine:]
    seen["references21"] = seen["references21"][:1, fine:]
    for name in ("block18_in", "block18", "block20", "block21", "block23"):
        seen[name] = seen[name][:, :fine]
    for name in ("temporal0", "temporal1", "temporal2"):
        seen[name] = seen[name].transpose(0, 1)
    return seen | {"velocity": result}


# Parity ------------------------------------------------------------------------------------------


def test_synthetic_weights_of_video_are_the_references() -> None:
    stored = read_json("video/weight_fingerprints.json")
    for name in ("ppvd_tiny", "ppvd_tiny_sem128", "pi3_tiny"):
        for key, (digest, _) in stored[name]["tensors"].items():
            shape = layout(f"video/{name}")[key]
            assert sha256(weight(key, shape, stored[name]["seed"])) == digest


@pytest.mark.parametrize("case", ["a", "b"])
def test_stages_of_video_parity(tiny: VideoDiT, case: str, parity: ParityRecord) -> None:
    x, semantics = GOLDEN.tensor(f"in.x_{case}"), GOLDEN.tensor(f"in.sem_{case}")
    for stage, value in stages_of(tiny, x, semantics, 750).items():
        whole = stage in {"t_embedder", "velocity"} or stage.startswith("references")
        kept = value if whole else sampled(value)
        GOLDEN.check(parity, f"out.{case}_t750.{stage}", kept, "stages")


@pytest.mark.parametrize("call", ["a_t1000", "a_t37", "b_t1000", "b_t37"])
def test_velocity_of_video_parity(tiny: VideoDiT, call: str, parity: ParityRecord) -> None:
    case, _, time = call.partition("_t")
    x, semantics = GOLDEN.tensor(f"in.x_{case}"), GOLDEN.tensor(f"in.sem_{case}")
    result = velocity(tiny, x, semantics, int(time))
    GOLDEN.check(parity, f"out.{call}.velocity", result, "velocity")


def test_small_qkv_of_video_parity(parity: ParityRecord) -> None:
    """Queries and keys so small that the epsilon of their norm shows: 1e-6 is off by 1e-2."""
    module = video_network("ppvd_tiny", TINY_DIT)
    with torch.no_grad():
        for block in (*module.blocks, *module.temporal_blocks):
            for parameter in block.attn.qkv.parameters():
                parameter.mul_(2**-7)
    result = velocity(module, GOLDEN.tensor("in.x_a"), GOLDEN.tensor("in.sem_a"), 750)
    GOLDEN.check(parity, "out.small_qkv.velocity", result, "velocity, small qkv")


@pytest.mark.slow
def test_native_size_parity(
    tiny: VideoDiT, monkeypatch: pytest.MonkeyPatch, parity: ParityRecord
) -> None:
    """At 512 x 512, where the stored table counts. It runs in slices, then whole, for the stages
    to be seen."""
    golden = VideoGolden("dit_native")
    x, semantics = golden.tensor("in.x"), golden.tensor("in.sem")
    sliced = velocity(tiny, x, semantics, 500)
    monkeypatch.setattr(video_dit, "SLICE", 1 << 20)
    seen = stages_of(tiny, x, semantics, 500)
    for result in (sliced, seen.pop("velocity")):
        golden.check(parity, "out.t500.velocity_every8", result[..., 3::8, 5::8], "velocity")
        golden.check(parity, "out.t500.velocity_crop", result[..., 240:272, 240:272], "velocity")
    seen["references21"] = seen["references21"][:, ::32]
    del seen["references18"]  # not kept
    for stage, value in seen.items():
        whole = stage in {"t_embedder", "references21"}
        golden.check(parity, f"out.t500.{stage}", value if whole else sampled(value), "stages")


@pytest.mark.slow
def test_full_size_video_parity(parity: ParityRecord) -> None:
    golden = VideoGolden("dit_full")
    module = video_network("ppvd", VideoDiTConfig())
    x, semantics = golden.tensor("in.x"), golden.tensor("in.sem")
    result = velocity(module, x, semantics, 1000)
    golden.check(parity, "out.t1000.velocity", result, "velocity")
    for stage, value in stages_of(module, x, semantics, 249).items():
        if stage in {"t_embedder", "velocity"}:
            kept = value
        elif stage == "final_layer":
            kept = sampled(value)
        elif stage.startswith("references"):
            kept = value[:, ::2]
        else:
            kept = sampled(value)[: 1 if stage == "proj_fusion" else 2, ::2]
        golden.check(parity, f"out.t249.{stage}", kept, "stages")


# Layout, sizes and parts -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("ppvd", VideoDiTConfig()),
        ("ppvd_tiny", TINY_DIT),
        ("ppvd_tiny_sem128", TINY_DIT_OF_PI3),
    ],
)
def test_keys_and_shapes_are_those_of_the_video_checkpoint(
    name: str, config: VideoDiTConfig
) -> None:
    with torch.device("meta"):
        module = VideoDiT(config)
    shapes = {f"dit_video.{key}": tuple(v.shape) for key, v in module.state_dict().items()}
    assert shapes == layout(f"video/{name}")
    assert not list(module.buffers())


def test_slices_change_nothing(tiny: VideoDiT, monkeypatch: pytest.MonkeyPatch) -> None:
    x, semantics = GOLDEN.tensor("in.x_a"), GOLDEN.tensor("in.sem_a")
    whole = velocity(tiny, x, semantics, 750)
    for size in (100, 300):  # of 4 frames with 96 fine tokens each
        monkeypatch.setattr(video_dit, "SLICE", size)
        sliced = velocity(tiny, x, semantics, 750)
        torch.testing.assert_close(sliced, whole, atol=1e-5, rtol=0)


def test_the_initial_table_is_the_formula_of_other_grids() -> None:
    torch.manual_seed(0)
    module = VideoDiT(TINY_DIT)
    assert torch.equal(module.pos_embed, grid_positions(32, 32, 64))
    for rows, columns in ((4, 6), (3, 4), (32, 31)):
        expected = torch.from_numpy(positions(rows, columns, 64))
        torch.testing.assert_close(module.positions(rows, columns), expected, atol=1e-7, rtol=0)
    assert module.positions(32, 32) is module.pos_embed


def test_a_fresh_video_network_predicts_nothing() -> None:
    torch.manual_seed(0)
    result = velocity(VideoDiT(TINY_DIT), GOLDEN.tensor("in.x_b"), GOLDEN.tensor("in.sem_b"), 750)
    assert torch.equal(result, torch.zeros_like(result))


def test_later_frames_may_change_places(tiny: VideoDiT) -> None:
    """The first three frames are special; the others have no order."""
    x = torch.from_numpy(normal((6, 4, 32, 48), 1))
    semantics = torch.from_numpy(normal((6, 6, 2048), 2))
    order = [0, 1, 2, 5, 3, 4]
    result = velocity(tiny, x, semantics, 500)
    turned = velocity(tiny, x[order], semantics[order], 500)
    torch.testing.assert_close(turned, result[order], atol=1e-5, rtol=0)
    order = [3, 1, 2, 0, 4, 5]
    turned = velocity(tiny, x[order], semantics[order], 500)
    assert (turned - result[order]).abs().max() > 1e-3


def test_the_first_three_frames_reach_all_others(tiny: VideoDiT) -> None:
    tokens = torch.arange(5 * 6 * 9, dtype=torch.float32).reshape(5, 54, 1)
    references = video_dit.reference_tokens(tokens, 6, 9)  # 1 x 2 whole cells; the rest is cut
    cells = tokens[:3].reshape(3, 6, 9)[:, :4, :8].reshape(3, 4, 2, 4).mean((1, 3))
    torch.testing.assert_close(references[0, :, 0], cells.flatten())


@pytest.mark.parametrize(
    ("shape", "tokens", "message"),
    [
        ((2, 4, 48, 64), (2, 12, 2048), "3 frames or more, not 2"),
        ((3, 4, 40, 64), (3, 12, 2048), "40 x 64"),
        ((3, 4, 48, 64), (3, 12, 1024), "12, 2048"),
        ((3, 4, 48, 64), (4, 12, 2048), "3, 12, 2048"),
    ],
)
def test_windows_that_do_not_fit_are_refused(
    tiny: VideoDiT, shape: tuple[int, ...], tokens: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        velocity(tiny, torch.zeros(shape), torch.zeros(tokens), 1000)


@pytest.mark.parametrize("wrong", [{"hidden_size": 66}, {"num_heads": 5}, {"semantics_dim": 0}])
def test_impossible_video_networks_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        replace(TINY_DIT, **wrong)


def test_bf16_autocast_keeps_the_stream_of_video_in_float32(tiny: VideoDiT) -> None:
    outputs = {"qkv": tiny.blocks[20].attn.qkv, "temporal": tiny.temporal_blocks[1]}
    x, semantics = GOLDEN.tensor("in.x_b"), GOLDEN.tensor("in.sem_b")
    with torch.autocast("cpu", torch.bfloat16), observed(outputs, {}) as seen:
        result = velocity(tiny, x, semantics, 1000)
    assert seen["qkv"].dtype == torch.bfloat16
    assert result.dtype == seen["temporal"].dtype == torch.float32
    np.testing.assert_allclose(result, GOLDEN["out.b_t1000.velocity"], atol=0.15)
