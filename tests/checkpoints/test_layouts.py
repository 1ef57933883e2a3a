from __future__ import annotations

import os
import re
import weakref
from pathlib import Path

import pytest
import torch
from parity import TINY, da2_encoder, network, weights
from safetensors.torch import save_file
from torch import Tensor, nn

from ppdcli.checkpoints import layouts
from ppdcli.checkpoints.layouts import (
    load_checked,
    load_da2_encoder,
    load_network,
    read_metadata,
    read_pickle,
    read_tensors,
)
from ppdcli.errors import CheckpointError
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.dinov2 import DinoV2Semantics


@pytest.fixture(scope="module")
def tiny_weights() -> dict[str, Tensor]:
    return weights("ppd_tiny")


@pytest.fixture(scope="module")
def da2_weights() -> dict[str, Tensor]:
    return weights("depth_anything_v2_vits")


@pytest.fixture(scope="module")
def da2_file(tmp_path_factory: pytest.TempPathFactory, da2_weights: dict[str, Tensor]) -> Path:
    return saved(tmp_path_factory.mktemp("da2") / "depth_anything_v2_vits.pth", da2_weights)


def saved(path: Path, content: object) -> Path:
    if path.suffix == ".safetensors":
        save_file(content, path)
    else:
        torch.save(content, path)
    return path


def empty_network() -> CasDiT:
    with torch.device("meta"):
        return CasDiT(TINY)


def empty_encoder() -> DinoV2Semantics:
    with torch.device("meta"):
        return DinoV2Semantics("vits")


def assert_same(module: nn.Module, expected: nn.Module) -> None:
    state = module.state_dict()
    for key, value in expected.state_dict().items():
        assert torch.equal(state[key], value), key
    assert not any(t.is_meta for t in [*module.parameters(), *module.buffers()])


def refusal(path: Path, module: CasDiT | DinoV2Semantics) -> str:
    """The message with which the file is refused: one line that names it."""
    load = load_network if isinstance(module, CasDiT) else load_da2_encoder
    with pytest.raises(CheckpointError) as caught:
        load(module, path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert ";" in message, "no way on"
    return message


# What is right loads -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["net.pth", "net.pt", "net.safetensors"])
def test_network_file(tmp_path: Path, tiny_weights: dict[str, Tensor], name: str) -> None:
    module = empty_network()
    load_network(module, saved(tmp_path / name, tiny_weights))
    assert_same(module, network("ppd_tiny", TINY))
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_network_file_in_the_old_format(tmp_path: Path, tiny_weights: dict[str, Tensor]) -> None:
    path = tmp_path / "old.pth"
    torch.save(tiny_weights, path, _use_new_zipfile_serialization=False)
    module = empty_network()
    load_network(module, path)
    assert_same(module, network("ppd_tiny", TINY))


def test_an_encoder_beside_the_network_is_passed_over(
    tmp_path: Path, tiny_weights: dict[str, Tensor]
) -> None:
    content = {**tiny_weights, "sem_encoder.pretrained.cls_token": torch.zeros(1, 1, 8)}
    module = empty_network()
    load_network(module, saved(tmp_path / "ppd.pth", content))
    assert_same(module, network("ppd_tiny", TINY))


def test_da2_file_with_its_depth_head(da2_file: Path) -> None:
    assert any(key.startswith("depth_head.") for key in read_tensors(da2_file))
    module = empty_encoder()
    load_da2_encoder(module, da2_file)
    assert_same(module, da2_encoder("vits"))


def test_half_precision_files_fill_a_float32_module(
    tmp_path: Path, tiny_weights: dict[str, Tensor]
) -> None:
    halves = {key: value.half() for key, value in tiny_weights.items()}
    module = empty_network()
    load_network(module, saved(tmp_path / "half.safetensors", halves))
    assert {parameter.dtype for parameter in module.parameters()} == {torch.float32}
    key = "blocks.0.attn.qkv.weight"
    assert torch.equal(module.state_dict()[key], halves[f"dit.{key}"].float())


def test_fitting_tensors_are_taken_over_not_copied(tiny_weights: dict[str, Tensor]) -> None:
    module = empty_network()
    load_checked(module, lambda: tiny_weights, Path("net.pth"), "the weights", "dit.")
    parameter = module.x_embedder.proj.weight
    assert parameter.data_ptr() == tiny_weights["dit.x_embedder.proj.weight"].data_ptr()


def test_a_non_persistent_buffer_survives() -> None:
    module = nn.Linear(2, 2)
    module.register_buffer("scale", torch.tensor(3.0), persistent=False)
    content = {"weight": torch.ones(2, 2), "bias": torch.ones(2)}
    load_checked(module, lambda: content, Path("a.safetensors"), "the weights")
    assert module.scale.item() == 3
    assert torch.equal(module.weight, torch.ones(2, 2))


def test_metadata(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_file({"a": torch.ones(1)}, path, metadata={"model": "tiny"})
    assert read_metadata(path) == {"model": "tiny"}
    assert read_metadata(saved(tmp_path / "bare.safetensors", {"a": torch.ones(1)})) == {}
    assert read_metadata(saved(tmp_path / "a.pth", {"a": torch.ones(1)})) == {}


# Keys and shapes that do not fit -----------------------------------------------------------------


def test_missing_keys(tmp_path: Path, tiny_weights: dict[str, Tensor]) -> None:
    content = {k: v for k, v in tiny_weights.items() if not k.startswith("dit.proj_fusion.4")}
    message = refusal(saved(tmp_path / "a.pth", content), empty_network())
    assert "key dit.proj_fusion.4.weight is missing (and 1 more" in message


def test_unexpected_key(tmp_path: Path, tiny_weights: dict[str, Tensor]) -> None:
    content = {**tiny_weights, "dit.blocks.4.mlp.fc1.bias": torch.zeros(3)}
    message = refusal(saved(tmp_path / "a.pth", content), empty_network())
    assert "key dit.blocks.4.mlp.fc1.bias is unexpected;" in message


def test_misshapen_key(tmp_path: Path) -> None:
    message = refusal(saved(tmp_path / "a.pth", weights("ppd_tiny_sem384")), empty_network())
    assert "key dit.proj_fusion.0.weight has shape (256, 448), not (256, 1088);" in message


def test_keys_without_their_prefix(tmp_path: Path, tiny_weights: dict[str, Tensor]) -> None:
    content = {key.removeprefix("dit."): value for key, value in tiny_weights.items()}
    message = refusal(saved(tmp_path / "a.pth", content), empty_network())
    assert "key dit.x_embedder.proj.weight is missing (and 143 more" in message


def test_a_refused_file_changes_nothing(tmp_path: Path, tiny_weights: dict[str, Tensor]) -> None:
    module = network("ppd_tiny", TINY)
    content = {key: value + 1 for key, value in tiny_weights.items()}
    content["extra"] = torch.zeros(1)
    refusal(saved(tmp_path / "a.pth", content), module)
    assert_same(module, network("ppd_tiny", TINY))


def test_an_encoder_given_as_the_network(da2_file: Path) -> None:
    message = refusal(da2_file, empty_network())
    assert "it looks like Depth Anything V2 weights, a semantics encoder" in message


def test_a_network_given_as_the_encoder(tmp_path: Path, tiny_weights: dict[str, Tensor]) -> None:
    message = refusal(saved(tmp_path / "ppd.pth", tiny_weights), empty_encoder())
    assert "it looks like a Pixel-Perfect Depth network" in message


def test_a_moge_file_given_as_the_network(tmp_path: Path) -> None:
    content = {"model_config": {"encoder": {}}, "model": {"encoder.x": torch.zeros(1)}}
    path = saved(tmp_path / "model.pt", content)
    assert "MoGe-2 weights" in refusal(path, empty_network())
    assert read_pickle(path)["model_config"] == {"encoder": {}}


# Files that are no checkpoints -------------------------------------------------------------------


class Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("new_format", [True, False])
def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path, new_format: bool) -> None:
    trace, path = tmp_path / "trace", tmp_path / "a.pth"
    torch.save(
        {"dit.a": torch.ones(1), "b": Payload(trace)},
        path,
        _use_new_zipfile_serialization=new_format,
    )
    assert "contains code" in refusal(path, empty_network())
    assert not trace.exists()


def test_a_pickled_module_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pth", nn.Linear(2, 2))
    assert "contains code" in refusal(path, empty_network())


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_a_truncated_file(tmp_path: Path, tiny_weights: dict[str, Tensor], name: str) -> None:
    path = saved(tmp_path / name, tiny_weights)
    os.truncate(path, path.stat().st_size // 2)
    assert "cut short" in refusal(path, empty_network())


def test_a_truncated_file_in_the_old_format(
    tmp_path: Path, tiny_weights: dict[str, Tensor]
) -> None:
    path = tmp_path / "old.pth"
    torch.save(tiny_weights, path, _use_new_zipfile_serialization=False)
    os.truncate(path, path.stat().st_size // 2)
    assert "cut short" in refusal(path, empty_network())


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>"])
def test_a_file_of_something_else(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert re.search("not a checkpoint|cut short", refusal(path, empty_network()))


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors"])
def test_a_missing_file(tmp_path: Path, name: str) -> None:
    assert "no such file" in refusal(tmp_path / name, empty_network())
    with pytest.raises(CheckpointError, match="no such file"):
        read_metadata(tmp_path / name)


@pytest.mark.parametrize("content", [torch.ones(2), [torch.ones(2)], {"step": 3}])
def test_no_table_of_tensors(tmp_path: Path, content: object) -> None:
    path = saved(tmp_path / "a.pth", content)
    assert "does not hold a plain table of tensors" in refusal(path, empty_network())


def test_damaged_metadata(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"<html>")
    with pytest.raises(CheckpointError, match="cut short"):
        read_metadata(path)


# --- memory ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors"])
def test_a_file_is_converted_in_portions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    content = {f"{k}.weight": torch.full((64, 64), float(k)) for k in range(8)}
    content["0.bias"] = torch.arange(64.0)
    path = saved(tmp_path / name, content)
    module = nn.ModuleList(nn.Linear(64, 64, bias=k == 0, device="meta") for k in range(8))
    module.to(torch.bfloat16)
    module[0].bias = nn.Parameter(module[0].bias.float())
    monkeypatch.setattr(layouts, "PORTION", 3 * 64 * 64 * 4)
    maps: list[weakref.ref[Tensor]] = []

    def read() -> dict[str, Tensor]:
        assert all(there() is None for there in maps), "an earlier mapping is still held"
        tensors = read_tensors(path)
        maps.append(weakref.ref(tensors["1.weight"]))
        return tensors

    load_checked(module, read, path, "the weights")
    assert len(maps) == 1 + 3
    for k, layer in enumerate(module):
        assert layer.weight.dtype == torch.bfloat16
        assert torch.equal(layer.weight, torch.full((64, 64), float(k)).bfloat16())
    assert torch.equal(module[0].bias, torch.arange(64.0))


def test_a_file_that_cannot_be_mapped_is_read_once_for_all_portions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "old.pth"
    torch.save({"weight": torch.ones(2, 2)}, path, _use_new_zipfile_serialization=False)
    monkeypatch.setattr(layouts, "PORTION", 1)
    reads: list[None] = []

    def read() -> dict[str, Tensor]:
        reads.append(None)
        return read_tensors(path)

    module = nn.Linear(2, 2, bias=False, device="meta", dtype=torch.float16)
    load_checked(module, read, path, "the weights")
    assert torch.equal(module.weight, torch.ones(2, 2).half())
    assert len(reads) == 1
