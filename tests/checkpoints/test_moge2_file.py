from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from parity import layout, moge2_config
from safetensors.torch import save_file
from torch import Tensor, nn

from ppdcli.checkpoints.moge2_file import load_moge2, load_moge2_semantics, read_moge2
from ppdcli.errors import CheckpointError
from ppdcli.models.moge2_config import MoGe2Config

MASK_TOKEN = "encoder.backbone.mask_token"
LOADERS = pytest.mark.parametrize("load", [load_moge2, load_moge2_semantics])


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    """A value of its own for each key, stored once, so that files are small."""
    shapes = enumerate(layout("moge2_tiny").items(), start=1)
    return {key: torch.tensor(float(value)).expand(shape) for value, (key, shape) in shapes}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, Tensor]) -> Path:
    return saved(tmp_path_factory.mktemp("moge2") / "model.pt", tensors)


def saved(path: Path, tensors: dict[str, Tensor], config: object = None, **options: Any) -> Path:
    config = config or moge2_config("moge2_tiny")
    if path.suffix == ".safetensors":
        whole = {key: value.contiguous() for key, value in tensors.items()}
        save_file(whole, path, metadata={"model_config": json.dumps(config)})
    else:
        torch.save({"model_config": config, "model": tensors}, path, **options)
    return path


def assert_filled(module: nn.Module, tensors: dict[str, Tensor]) -> None:
    for key, value in module.state_dict().items():
        assert torch.equal(value, tensors[key]), key
    assert not any(t.is_meta for t in [*module.parameters(), *module.buffers()])
    assert not module.training


def refusal(path: Path, load: Any = load_moge2) -> str:
    """The message with which the file is refused: one line that names it, and a way on."""
    with pytest.raises(CheckpointError) as caught:
        load(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert ";" in message, "no way on"
    return message


# What is right loads -----------------------------------------------------------------------------


def test_the_authors_file(file: Path, tensors: dict[str, Tensor]) -> None:
    model = load_moge2(file)
    assert_filled(model, tensors)
    assert set(model.state_dict()) == set(tensors) - {MASK_TOKEN}
    assert model.config == MoGe2Config.from_dict(moge2_config("moge2_tiny"))


def test_only_the_encoder_of_it(file: Path, tensors: dict[str, Tensor]) -> None:
    module = load_moge2_semantics(file)
    assert_filled(module, tensors)
    encoder = {key for key in tensors if key.startswith("encoder.")}
    assert set(module.state_dict()) == encoder - {MASK_TOKEN}
    assert module.dim == 64


def test_safetensors(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    path = saved(tmp_path / "moge2.safetensors", tensors)
    assert_filled(load_moge2(path), tensors)
    assert_filled(load_moge2_semantics(path), tensors)


def test_the_old_format_of_torch(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    path = saved(tmp_path / "a.pt", tensors, _use_new_zipfile_serialization=False)
    assert_filled(load_moge2(path), tensors)


def test_a_file_without_mask_token_and_normals(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    config = moge2_config("moge2_tiny")
    del config["normal_head"]
    fewer = {k: v for k, v in tensors.items() if k != MASK_TOKEN and "normal_head" not in k}
    model = load_moge2(saved(tmp_path / "a.pt", fewer, config))
    assert model.normal_head is None
    assert_filled(model, fewer)


@LOADERS
def test_half_precision_files_fill_a_float32_module(
    tmp_path: Path, tensors: dict[str, Tensor], load: Any
) -> None:
    halves = {key: value.flatten()[0].half().expand(value.shape) for key, value in tensors.items()}
    module = load(saved(tmp_path / "a.pt", halves))
    assert {parameter.dtype for parameter in module.parameters()} == {torch.float32}
    assert_filled(module, tensors)


@LOADERS
def test_weights_in_half_precision(file: Path, load: Any) -> None:
    module = load(file, dtype=torch.bfloat16)
    assert module.encoder.backbone.blocks[0].attn.qkv.weight.dtype == torch.bfloat16
    assert module.encoder.backbone.pos_embed.dtype == torch.float32
    assert module.encoder.image_mean.dtype == torch.float32


def test_config_and_tensors(file: Path, tensors: dict[str, Tensor]) -> None:
    config, read = read_moge2(file)
    assert config.encoder.blocks == (2, 5, 8, 11)
    assert set(read) == set(tensors) - {MASK_TOKEN}


# Keys and shapes that do not fit -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "loads_semantics"),
    [("encoder.output_projections.1.bias", False), ("mask_head.output_blocks.4.bias", True)],
)
def test_a_missing_key(
    tmp_path: Path, tensors: dict[str, Tensor], key: str, loads_semantics: bool
) -> None:
    fewer = {name: value for name, value in tensors.items() if name != key}
    path = saved(tmp_path / "a.pt", fewer)
    assert f"key {key} is missing" in refusal(path)
    if loads_semantics:
        load_moge2_semantics(path)
    else:
        assert f"key {key} is missing" in refusal(path, load_moge2_semantics)


def test_an_unexpected_key(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    path = saved(tmp_path / "a.pt", {**tensors, "refiner.weight": torch.ones(1)})
    assert "key refiner.weight is unexpected" in refusal(path)


@LOADERS
def test_a_misshapen_key(tmp_path: Path, tensors: dict[str, Tensor], load: Any) -> None:
    content = {**tensors, "encoder.backbone.cls_token": torch.ones(1, 1, 768)}
    message = refusal(saved(tmp_path / "a.pt", content), load)
    assert "key encoder.backbone.cls_token has shape (1, 1, 768), not (1, 1, 384)" in message


# Configurations that do not fit ------------------------------------------------------------------


@LOADERS
def test_another_configuration(tmp_path: Path, load: Any) -> None:
    config = moge2_config("moge2_tiny")
    config["encoder"]["backbone"] = "dinov2_vitg14"
    message = refusal(saved(tmp_path / "a.pt", {}, config), load)
    assert "model_config encoder.backbone is 'dinov2_vitg14'" in message


@LOADERS
def test_the_first_moge(tmp_path: Path, load: Any) -> None:
    config = {"encoder": "dinov2_vitl14", "remap_output": "exp", "intermediate_layers": 4}
    assert "may be the first MoGe" in refusal(saved(tmp_path / "a.pt", {}, config), load)


@pytest.mark.parametrize("head", ["points_head", "scale_head"])
def test_a_network_that_cannot_tell_metres(
    tmp_path: Path, tensors: dict[str, Tensor], head: str
) -> None:
    config = moge2_config("moge2_tiny")
    del config[head]
    fewer = {key: value for key, value in tensors.items() if not key.startswith(head)}
    path = saved(tmp_path / "a.pt", fewer, config)
    assert f"has no {head}, which metric depth needs" in refusal(path)
    load_moge2_semantics(path)


# Files that are no MoGe-2 ------------------------------------------------------------------------


@LOADERS
@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ({"pretrained.cls_token": torch.ones(1)}, "has no 'model_config'"),
        ({"model_config": {}}, "has no 'model'"),
        (torch.ones(2), "has no 'model_config'"),
        ({"model_config": {"encoder": {}}, "model": {"a": 1}}, "'model' is no table of tensors"),
        ({"model_config": {}, "model": [1]}, "'model' is no table of tensors"),
        ({"model_config": [1], "model": {}}, "model_config is no table"),
        ({"model_config": {}, "model": {}}, "model_config has no encoder"),
    ],
)
def test_another_content(tmp_path: Path, content: object, cause: str, load: Any) -> None:
    path = tmp_path / "a.pt"
    torch.save(content, path)
    assert cause in refusal(path, load)


@LOADERS
@pytest.mark.parametrize(
    ("metadata", "cause"),
    [
        (None, "its header has no model_config"),
        ({"model_config": "{'encoder'"}, "is not JSON"),
        ({"model_config": "3"}, "model_config is no table"),
    ],
)
def test_another_header(
    tmp_path: Path, metadata: dict[str, str] | None, cause: str, load: Any
) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"encoder.a": torch.ones(1)}, path, metadata=metadata)
    assert cause in refusal(path, load)


class Payload:
    """Creates a folder when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.trace),)


@LOADERS
def test_code_is_refused_and_not_run(tmp_path: Path, load: Any) -> None:
    trace = tmp_path / "trace"
    path = saved(tmp_path / "a.pt", {"encoder.a": torch.ones(1)}, {"encoder": Payload(trace)})
    assert "contains code" in refusal(path, load)
    assert not trace.exists()


@LOADERS
@pytest.mark.parametrize("name", ["a.pt", "a.safetensors"])
def test_a_truncated_and_a_missing_file(tmp_path: Path, name: str, load: Any) -> None:
    path = tmp_path / name
    assert "no such file" in refusal(path, load)
    saved(path, {"encoder.a": torch.ones(1000)})
    os.truncate(path, path.stat().st_size // 2)
    assert "cut short" in refusal(path, load)
