from __future__ import annotations

import pytest
import torch
from parity import (
    TOKENS,
    Golden,
    ParityRecord,
    da2_encoder,
    image,
    layout,
    observed,
    sampled,
    stripped,
)

from ppdcli.models.dinov2 import DinoV2Semantics
from ppdcli.models.tensors import to_tensor

GOLDEN = Golden("semantics_da2")


@pytest.fixture(scope="module")
def vits() -> DinoV2Semantics:
    return da2_encoder("vits")


def check_case(encoder: DinoV2Semantics, name: str, case: str, parity: ParityRecord) -> None:
    vit = encoder.backbone
    outputs = {
        "patch_embed": vit.patch_embed,
        "block0": vit.blocks[0],
        "block_last": vit.blocks[-1],
    }
    with torch.no_grad(), observed(outputs, {"tokens_in": vit.blocks[0]}) as stages:
        tokens = encoder(to_tensor(GOLDEN[f"in.image_{case}"]))
    stages["patch_embed"] = stages["patch_embed"].flatten(1, 2)
    for stage, value in stages.items():
        key = f"out.{name}_{case}.{stage}"
        parity.check(GOLDEN, key, sampled(value), TOKENS, f"{name} stages")
    kept = tokens[:, :: int(GOLDEN[f"out.{name}_{case}.token_step"])]
    parity.check(GOLDEN, f"out.{name}_{case}.tokens", kept, TOKENS, f"{name} tokens")


@pytest.mark.parametrize("case", ["a", "b"])
def test_vits_parity(vits: DinoV2Semantics, case: str, parity: ParityRecord) -> None:
    check_case(vits, "vits", case, parity)


@pytest.mark.slow
def test_vitl_parity(parity: ParityRecord) -> None:
    encoder = da2_encoder("vitl")
    for case in ("a", "b"):
        check_case(encoder, "vitl", case, parity)


def test_inputs_follow_from_their_formula() -> None:
    assert (image(48, 64, 1) == GOLDEN["in.image_a"]).all()
    assert (image(128, 96, 2) == GOLDEN["in.image_b"]).all()


@pytest.mark.parametrize(("variant", "dim"), [("vits", 384), ("vitl", 1024)])
def test_keys_and_shapes_are_the_checkpoints(variant: str, dim: int) -> None:
    with torch.device("meta"):
        encoder = DinoV2Semantics(variant)
    expected = stripped(layout(f"depth_anything_v2_{variant}"), "pretrained.")
    del expected["mask_token"]
    assert {k: tuple(v.shape) for k, v in encoder.backbone.state_dict().items()} == expected
    assert encoder.dim == dim
    assert not list(encoder.buffers())


def test_the_table_is_used_as_it_is_on_its_own_grid(vits: DinoV2Semantics) -> None:
    assert vits.positions(37, 37) is vits.backbone.pos_embed
    assert vits.positions(36, 38).shape == (1, 1 + 36 * 38, vits.dim)


def test_positions_are_kept_until_the_table_changes() -> None:
    vit = DinoV2Semantics("vits").requires_grad_(False)
    with torch.inference_mode():
        first = vit.positions(4, 6)
        assert vit.positions(4, 6) is first
        assert vit.positions(6, 4).shape == first.shape
        torch.testing.assert_close(vit.positions(4, 6), first, rtol=0, atol=0)
        vit.backbone.pos_embed.add_(1)
        torch.testing.assert_close(vit.positions(4, 6), first + 1)
        assert vit.half().positions(4, 6).dtype == torch.float16


def test_images_of_a_batch_do_not_mix(vits: DinoV2Semantics) -> None:
    images = torch.cat([to_tensor(image(32, 48, k)) for k in range(2)])
    with torch.no_grad():
        together = vits(images)
        alone = vits(images[1:])
    torch.testing.assert_close(together[1:], alone, atol=TOKENS, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(40, 48), (48, 50)])
def test_other_sizes_are_refused(vits: DinoV2Semantics, height: int, width: int) -> None:
    with pytest.raises(ValueError, match=f"{height} x {width}"):
        vits(torch.zeros(1, 3, height, width))
