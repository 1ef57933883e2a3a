from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from parity import (
    FOCAL_SHIFT_OF_OURS,
    MOGE_INTRINSICS,
    MOGE_MASK,
    MOGE_MASK_FLIPS,
    MOGE_NORMAL,
    MOGE_SCALE,
    MOGE_SEMANTICS,
    Golden,
    ParityRecord,
    image,
    layout,
    moge2,
    moge2_config,
    observed,
    read_json,
    sha256,
    weight,
)
from torch import Tensor

from ppdcli.errors import InputError
from ppdcli.geometry.focal import fit_focal_shift, subsampled
from ppdcli.models import moge2 as moge2_module
from ppdcli.models.moge2 import MoGe2, MoGe2Semantics
from ppdcli.models.moge2_blocks import ConvStack, ResidualBlock, view_plane
from ppdcli.models.moge2_config import MoGe2Config
from ppdcli.models.precision import keep_weights_in
from ppdcli.models.tensors import to_tensor

GOLDEN = Golden("moge_tiny")
MASK_TOKEN = "encoder.backbone.mask_token"


@pytest.fixture(scope="module")
def tiny() -> MoGe2:
    return moge2("moge2_tiny")


def picture(golden: Golden, key: str) -> Tensor:
    return to_tensor(golden[f"in.{key}"])


# Parity ------------------------------------------------------------------------------------------


def check_forward(golden: Golden, model: MoGe2, case: str, parity: ParityRecord) -> None:
    with torch.no_grad():
        output = model(picture(golden, f"image_{case}"), int(golden[f"in.num_tokens_{case}"]))
    key = f"out.{case}"
    parity.check_points(golden, f"{key}.points", output.points)
    parity.check(golden, f"{key}.normal", output.normal, MOGE_NORMAL, "normal")
    parity.check(golden, f"{key}.mask", output.mask, MOGE_MASK, "mask probability")
    limit = MOGE_SCALE * float(golden[f"{key}.metric_scale"][0])
    parity.check(golden, f"{key}.metric_scale", output.metric_scale, limit, "metric scale")
    sampled = subsampled(output.points[0].numpy(), output.mask[0].numpy() > 0.5)
    fitted = torch.tensor(fit_focal_shift(*sampled, None))
    parity.check(
        golden, f"{key}.focal_shift", fitted, FOCAL_SHIFT_OF_OURS, "focal and shift, whole"
    )


def check_infer(golden: Golden, model: MoGe2, case: str, suffix: str, parity: ParityRecord) -> None:
    num_tokens = int(golden[f"in.infer_num_tokens_{case}"])
    prediction = model.infer(
        picture(golden, f"infer_image_{case}"),
        num_tokens=None if num_tokens < 0 else num_tokens,
        fov_x=float(golden["in.fov_x"]) if suffix else None,
    )
    key = f"out.infer_{case}{suffix}"
    parity.check_depth(golden, key, prediction.depth[0], prediction.mask[0])
    limit = MOGE_INTRINSICS * float(golden[f"{key}.intrinsics"][0, 0])
    parity.check(golden, f"{key}.intrinsics", prediction.intrinsics[0], limit, "infer intrinsics")
    assert prediction.depth.dtype == prediction.intrinsics.dtype == torch.float32


def check_semantics(golden: Golden, model: MoGe2, case: str, parity: ParityRecord) -> None:
    with torch.no_grad():
        tokens = MoGe2Semantics(model.encoder)(picture(golden, f"sem_image_{case}"))
    parity.check(golden, f"out.semantics_{case}", tokens, MOGE_SEMANTICS, "semantics")


@pytest.mark.parametrize("name", ["moge2_tiny", "moge2_vitl_normal"])
def test_synthetic_weights_are_the_references(name: str) -> None:
    prints = read_json("weight_fingerprints.json")[name]
    for key, (digest, _) in prints["tensors"].items():
        assert sha256(weight(key, layout(name)[key], prints["seed"])) == digest


@pytest.mark.parametrize("case", ["a", "b"])
def test_forward_parity(tiny: MoGe2, case: str, parity: ParityRecord) -> None:
    check_forward(GOLDEN, tiny, case, parity)


@pytest.mark.parametrize("case", ["a", "b"])
@pytest.mark.parametrize("suffix", ["", "_fov"])
def test_infer_parity(tiny: MoGe2, case: str, suffix: str, parity: ParityRecord) -> None:
    check_infer(GOLDEN, tiny, case, suffix, parity)


@pytest.mark.parametrize("case", ["a", "b"])
def test_semantics_parity(tiny: MoGe2, case: str, parity: ParityRecord) -> None:
    check_semantics(GOLDEN, tiny, case, parity)


@pytest.mark.slow
def test_full_size_parity(parity: ParityRecord) -> None:
    golden, model = Golden("moge_full"), moge2("moge2_vitl_normal")
    check_forward(golden, model, "a", parity)
    check_infer(golden, model, "a", "", parity)
    check_infer(golden, model, "a", "_fov", parity)
    check_semantics(golden, model, "a", parity)


# Shapes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["moge2_tiny", "moge2_vitl_normal"])
def test_keys_and_shapes_are_the_checkpoints(name: str) -> None:
    with torch.device("meta"):
        model = MoGe2(MoGe2Config.from_dict(moge2_config(name)))
    expected = layout(name)
    del expected[MASK_TOKEN]
    assert {key: tuple(value.shape) for key, value in model.state_dict().items()} == expected
    assert {name for name, _ in model.named_buffers()} <= expected.keys()
    semantics = MoGe2Semantics(model.encoder)
    assert semantics.dim == model.config.encoder.dim_out
    assert semantics.state_dict().keys() == {k for k in expected if k.startswith("encoder.")}


def test_images_of_a_batch_do_not_mix(tiny: MoGe2) -> None:
    images = torch.cat([to_tensor(image(48, 64, k)) for k in (1, 9)])
    together, alone = tiny.infer(images), tiny.infer(images[:1])
    both = together.mask[:1] & alone.mask
    assert (together.mask[:1] ^ alone.mask).float().mean() <= MOGE_MASK_FLIPS
    torch.testing.assert_close(together.depth[:1][both], alone.depth[both], rtol=1e-3, atol=0)
    torch.testing.assert_close(together.intrinsics[:1], alone.intrinsics, rtol=1e-3, atol=0)
    assert not torch.allclose(together.intrinsics[0], together.intrinsics[1], rtol=0.01)
    with torch.no_grad():
        torch.testing.assert_close(
            tiny.semantics(images)[:1], tiny.semantics(images[:1]), atol=1e-4, rtol=0
        )


def test_the_token_grid_has_the_images_shape_and_no_more_tokens(tiny: MoGe2) -> None:
    grids = []
    handle = tiny.encoder.register_forward_pre_hook(lambda _, args: grids.append(args[1:]))
    try:
        for height, width in ((48, 64), (64, 48), (4, 400)):
            with torch.no_grad():
                output = tiny(torch.rand(1, 3, height, width), 30)
            assert output.points.shape == (1, height, width, 3)
            assert output.points.isfinite().all()
    finally:
        handle.remove()
    assert grids == [(4, 6), (6, 4), (1, 54)]


def test_the_view_plane_reaches_the_corners_of_the_image() -> None:
    plane = view_plane(3, 4, aspect=2.0, like=torch.zeros(()))
    assert plane.shape == (1, 2, 3, 4)
    cell = torch.tensor([2 / 4, 1 / 3]) / 5**0.5
    corner = plane[0, :, -1, -1] + cell
    torch.testing.assert_close(corner, torch.tensor([2.0, 1.0]) / 5**0.5)
    torch.testing.assert_close(plane.flip(2, 3), -plane)


@pytest.mark.parametrize(("height", "width"), [(40, 48), (48, 50)])
def test_semantics_of_other_sizes_are_refused(tiny: MoGe2, height: int, width: int) -> None:
    with pytest.raises(ValueError, match=f"{height} x {width}"):
        MoGe2Semantics(tiny.encoder)(torch.zeros(1, 3, height, width))


def test_points_behind_the_camera_are_masked(tiny: MoGe2, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = picture(GOLDEN, "infer_image_a")
    with torch.no_grad():
        output = tiny(pixels, 60)
    monkeypatch.setattr(moge2_module, "recover_focal_shift", lambda *_: (1.0, -2.0))
    prediction = tiny.infer(pixels, 60)
    depth = output.points[..., 2] - 2
    likely = output.mask > 0.5
    assert 0.1 < (depth[likely] > 0).float().mean() < 0.9
    assert torch.equal(prediction.mask, likely & (depth > 0))
    expected = torch.where(prediction.mask, depth * output.metric_scale, torch.inf)
    torch.testing.assert_close(prediction.depth, expected)


def test_points_that_fit_no_camera_are_refused(tiny: MoGe2) -> None:
    with pytest.raises(InputError, match="camera estimate failed"):
        tiny.infer(picture(GOLDEN, "image_b"), int(GOLDEN["in.num_tokens_b"]))


# Precision ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "error"), [(torch.bfloat16, 0.1), (torch.float16, 0.015)])
def test_half_precision_keeps_what_comes_out_in_float32(
    tiny: MoGe2, dtype: torch.dtype, error: float
) -> None:
    half, pixels = copy.deepcopy(tiny), picture(GOLDEN, "image_a")
    keep_weights_in(half, dtype)
    outputs = {
        "log z": half.points_head.output_blocks[-1],
        "scale": half.scale_head,
        "conv": half.neck.resamplers[0],
    }
    with torch.no_grad(), torch.autocast("cpu", dtype), observed(outputs, {}) as seen:
        output, semantics = half(pixels, 60), half.semantics(pixels)
        prediction = half.infer(pixels)
    assert half.encoder.output_projections[0].weight.dtype == dtype
    assert [seen[name].dtype for name in outputs] == [torch.float32, torch.float32, dtype]
    with torch.no_grad():
        exact, exact_semantics = tiny(pixels, 60), tiny.semantics(pixels)
    for name in ("points", "normal", "mask", "metric_scale"):
        assert getattr(output, name).dtype == torch.float32, name
        assert getattr(output, name).isfinite().all(), name
    off = output.points[..., 2].log() - exact.points[..., 2].log()
    assert 0 < off.abs().max() < error
    assert semantics.dtype == torch.float32
    assert (semantics - exact_semantics).abs().max() < error
    assert prediction.depth.dtype == torch.float32
    assert prediction.depth[prediction.mask].isfinite().all()


# Configurations ----------------------------------------------------------------------------------


def changed(**changes: Any) -> dict[str, Any]:
    """The tiny configuration with other values; ``neck__dim_in`` is dim_in of the neck."""
    raw = moge2_config("moge2_tiny")
    for path, value in changes.items():
        *tables, key = path.split("__")
        table = raw[tables[0]] if tables else raw
        table[key] = value
    return raw


def built(raw: dict[str, Any], tiny: MoGe2) -> MoGe2:
    with torch.device("meta"):
        model = MoGe2(MoGe2Config.from_dict(raw))
    known = tiny.state_dict()
    model.load_state_dict({key: known[key] for key in model.state_dict()}, assign=True)
    return model.eval()


def test_a_number_of_layers_means_the_last_ones() -> None:
    by_number = MoGe2Config.from_dict(changed(encoder__intermediate_layers=4))
    by_name = MoGe2Config.from_dict(changed(encoder__intermediate_layers=[8, 9, 10, 11]))
    assert by_number == by_name
    assert by_number.encoder.blocks == (8, 9, 10, 11)
    every = MoGe2Config.from_dict(changed(encoder__intermediate_layers=12))
    assert every.encoder.blocks == tuple(range(12))


def test_blocks_after_the_last_that_is_used_do_not_matter(tiny: MoGe2) -> None:
    model = copy.deepcopy(built(changed(encoder__intermediate_layers=[2, 5]), tiny))
    pixels = picture(GOLDEN, "image_a")
    with torch.no_grad():
        before = model(pixels, 30)
        model.encoder.backbone.blocks[6].mlp.fc1.weight.zero_()
        after = model(pixels, 30)
        model.encoder.backbone.blocks[5].mlp.fc1.weight.zero_()
        other = model(pixels, 30)
    assert torch.equal(before.points, after.points)
    assert torch.equal(before.metric_scale, after.metric_scale)
    assert not torch.allclose(before.metric_scale, other.metric_scale, rtol=1e-4)


def test_absent_heads(tiny: MoGe2) -> None:
    pixels = picture(GOLDEN, "image_a")
    with torch.no_grad():
        whole = tiny(pixels, 30)
    without = built(changed(normal_head=None, mask_head=None), tiny)
    with torch.no_grad():
        output = without(pixels, 30)
    assert output.normal is output.mask is None
    assert torch.equal(output.points, whole.points)
    assert torch.equal(output.metric_scale, whole.metric_scale)
    everywhere = without.infer(pixels, 30, fov_x=60)
    assert everywhere.mask.all()
    assert everywhere.depth.isfinite().all()


@pytest.mark.parametrize("head", ["points_head", "scale_head"])
def test_no_metres_without_points_or_scale(tiny: MoGe2, head: str) -> None:
    raw = moge2_config("moge2_tiny")
    del raw[head]
    with pytest.raises(ValueError, match="needs a points head and a scale head"):
        built(raw, tiny).infer(picture(GOLDEN, "image_a"), 30)


def test_a_linear_points_head(tiny: MoGe2) -> None:
    pixels = picture(GOLDEN, "image_a")
    with torch.no_grad():
        exp = tiny(pixels, 30).points
        linear = built(changed(remap_output="linear"), tiny)(pixels, 30).points
    torch.testing.assert_close(linear[..., 2], exp[..., 2].log(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(linear[..., :2], exp[..., :2] / exp[..., 2:], atol=1e-5, rtol=1e-5)


def test_one_value_for_all_levels() -> None:
    raw = changed(neck__num_res_blocks=2, neck__resamplers="bilinear", neck__dim_out=8)
    for head in ("points_head", "normal_head", "mask_head"):
        raw[head]["dim_in"] = 8
    config = MoGe2Config.from_dict(raw)
    assert config.neck.num_res_blocks == (2, 2, 2, 2, 2)
    assert config.neck.resamplers == ("bilinear",) * 4
    assert config.points_head.dim_in == config.neck.outputs == (8, 8, 8, 8, 8)


def test_levels_without_a_projection() -> None:
    raw = changed(mask_head__dim_in=None, mask_head__dim_out=[None, None, None, 5, 1])
    stack = ConvStack(MoGe2Config.from_dict(raw).mask_head)
    widths = enumerate((64, 32, 32, 16, 16))
    with torch.no_grad():
        outputs = stack([torch.zeros(1, width, 2 << i, 2 << i) for i, width in widths])
    assert not any(key.startswith("input_blocks") for key in stack.state_dict())
    assert [tuple(o.shape[1:]) for o in outputs[3:]] == [(5, 16, 16), (1, 32, 32)]


@pytest.mark.parametrize("kind", ["none", "layer_norm", "group_norm"])
def test_norms_in_residual_blocks(kind: str) -> None:
    names = {"neck__res_block_in_norm": kind, "neck__num_res_blocks": [1, 0, 0, 0, 0]}
    config = MoGe2Config.from_dict(changed(**names, neck__dim_times_res_block_hidden=2)).neck
    torch.manual_seed(0)
    block = ResidualBlock(64, config)
    keys = {"layers.2.weight", "layers.2.bias", "layers.5.weight", "layers.5.bias"}
    if kind != "none":
        keys |= {"layers.0.weight", "layers.0.bias"}
    assert block.state_dict().keys() == keys
    assert block.layers[2].weight.shape == (128, 64, 3, 3)
    x = torch.randn(1, 64, 6, 6)

    def unmoved_by(channels: int) -> bool:
        """Whether the block cancels a factor on the last so many channels."""
        factor = torch.ones(1, 64, 1, 1)
        factor[:, -channels:] = 100
        return torch.allclose(block.layers(factor * x), block.layers(x), atol=1e-3)

    with torch.no_grad():
        assert unmoved_by(64) == (kind != "none")
        assert unmoved_by(32) == (kind == "group_norm")
        assert not unmoved_by(16)
        torch.testing.assert_close(block(x), x + block.layers(x))


def test_absent_norms_default_to_the_authors() -> None:
    raw = changed(neck__num_res_blocks=[0, 1, 1, 0, 0])
    del raw["neck"]["res_block_in_norm"], raw["neck"]["res_block_hidden_norm"]
    neck = MoGe2Config.from_dict(raw).neck
    assert (neck.in_norm, neck.hidden_norm, neck.hidden_factor) == ("layer_norm", "group_norm", 1)


def test_keys_that_the_authors_ignore_are_ignored() -> None:
    plain = MoGe2Config.from_dict(moge2_config("moge2_tiny"))
    assert MoGe2Config.from_dict(changed(loss="l1", encoder__strict=True)) == plain
    assert plain.num_tokens_range == (24, 60)
    raw = moge2_config("moge2_tiny")
    del raw["num_tokens_range"]
    assert MoGe2Config.from_dict(raw).num_tokens_range == (1200, 3600)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("encoder", "dinov2_vitl14", "encoder is 'dinov2_vitl14'"),
        ("encoder__backbone", "dinov2_vitg14", "encoder.backbone is 'dinov2_vitg14'"),
        ("encoder__backbone", ["a"], "encoder.backbone is ['a']"),
        ("encoder__dim_out", 0, "encoder.dim_out is 0"),
        ("encoder__dim_out", "64", "encoder.dim_out is '64'"),
        ("encoder__dim_out", 32, "neck.dim_in is (66, 2, 2, 2, 2): the encoder gives (34,"),
        ("encoder__intermediate_layers", 13, "encoder.intermediate_layers is 13"),
        ("encoder__intermediate_layers", 0, "encoder.intermediate_layers is 0"),
        ("encoder__intermediate_layers", True, "encoder.intermediate_layers is True"),
        ("encoder__intermediate_layers", [], "encoder.intermediate_layers is []"),
        ("encoder__intermediate_layers", [5, 12], "encoder.intermediate_layers is [5, 12]"),
        ("encoder__intermediate_layers", [5, 2], "encoder.intermediate_layers is [5, 2]"),
        ("encoder__intermediate_layers", [5, 5], "encoder.intermediate_layers is [5, 5]"),
        ("encoder__intermediate_layers", [-1], "encoder.intermediate_layers is -1"),
        ("neck", None, "neck is None"),
        ("neck__attention", 3, "neck.attention is 3"),
        ("neck__activation", "gelu", "neck.activation is 'gelu'"),
        ("neck__dim_in", [66, 2, 2], "neck.dim_in is [66, 2, 2]"),
        ("neck__dim_res_blocks", [64, 32, 32, 16], "neck.dim_res_blocks is [64, 32, 32, 16]"),
        ("neck__num_res_blocks", -1, "neck.num_res_blocks is -1"),
        ("neck__num_res_blocks", 1.5, "neck.num_res_blocks is 1.5"),
        ("neck__resamplers", ["bilinear"] * 5, "neck.resamplers is ['bilinear',"),
        ("neck__resamplers", "avg_pool", "neck.resamplers is 'avg_pool'"),
        ("neck__res_block_in_norm", "batch", "neck.res_block_in_norm is 'batch'"),
        ("neck__res_block_hidden_norm", "group_norm", "neck.dim_res_blocks is 16: group_norm"),
        ("neck__dim_out", 7, "points_head.dim_in is (64, 32, 32, 16, 16): the neck gives (7,"),
        ("points_head__dim_out", None, "points_head.dim_out is (None, None, None, None, None)"),
        (
            "mask_head__dim_out",
            [None] * 4 + [3],
            "mask_head.dim_out is (None, None, None, None, 3)",
        ),
        ("normal_head", 3, "normal_head is 3"),
        ("normal_head__depth", 3, "normal_head.depth is 3"),
        ("scale_head", {"dims": [1024, 64, 1]}, "scale_head.dims is [1024, 64, 1]"),
        ("scale_head", {"dims": 384}, "scale_head.dims is 384"),
        ("scale_head", {"dims": [384, 0, 1]}, "scale_head.dims is 0"),
        ("remap_output", "sinh", "remap_output is 'sinh'"),
        ("num_tokens_range", [60, 24], "num_tokens_range is [60, 24]"),
        ("num_tokens_range", 60, "num_tokens_range is 60"),
    ],
)
def test_other_configurations_are_refused_by_key_and_value(
    path: str, value: object, named: str
) -> None:
    with pytest.raises(ValueError) as caught:
        MoGe2Config.from_dict(changed(**{path: value}))
    assert f"model_config {named}" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["encoder", "neck", "encoder.dim_out", "neck.resamplers"])
def test_missing_keys_are_named(path: str) -> None:
    raw = moge2_config("moge2_tiny")
    *tables, key = path.split(".")
    del (raw[tables[0]] if tables else raw)[key]
    with pytest.raises(ValueError, match=f"model_config has no {path}"):
        MoGe2Config.from_dict(raw)
