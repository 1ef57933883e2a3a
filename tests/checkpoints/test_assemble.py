"""Files -> a whole model: layouts, sizes from the header, float32, full size."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from parity import (
    NETWORK,
    Golden,
    ParityRecord,
    layout,
    moge2,
    moge2_config,
    network,
    weights,
)
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from typer.testing import CliRunner

from ppdcli.backends import pytorch
from ppdcli.checkpoints.assemble import assemble
from ppdcli.checkpoints.builders import require_width
from ppdcli.checkpoints.moge2_file import load_moge2_semantics
from ppdcli.cli.app import app
from ppdcli.errors import CheckpointError
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.moge2 import MoGe2Semantics
from ppdcli.models.pixel_perfect import PixelPerfectDepth, draw_noise
from ppdcli.models.tensors import to_tensor

Header = dict[str, str]


def header_of(path: Path) -> Header:
    with safe_open(path, framework="pt") as file:
        return dict(file.metadata())


@pytest.fixture
def changed(random_checkpoint: Path, tmp_path: Path) -> Callable[..., Path]:
    """``changed(tensors, header)``: the random model's file after both callables had their way."""

    def write(
        tensors: Callable[[dict[str, Tensor]], object] = lambda _: None,
        header: Callable[[Header], object] = lambda _: None,
    ) -> Path:
        content, facts = load_file(random_checkpoint), header_of(random_checkpoint)
        tensors(content)
        header(facts)
        path = tmp_path / "changed.safetensors"
        save_file(content, path, metadata=facts)
        return path

    return write


def line_of(path: Path, encoder: Path | None = None) -> str:
    with pytest.raises(CheckpointError) as error:
        assemble("tiny" if encoder is None else "da2", path, encoder)
    line = str(error.value)
    assert line.startswith(f"{path}: ") and "\n" not in line
    return line


# --- ppd-tiny ----------------------------------------------------------------------------------


def test_half_precision_files_become_a_float32_model(random_checkpoint: Path) -> None:
    stored = load_file(random_checkpoint)
    assert stored["dit.x_embedder.proj.weight"].dtype == torch.float16
    model = assemble("tiny", random_checkpoint, None)
    floats = [t for t in model.state_dict().values() if t.is_floating_point()]
    assert {t.dtype for t in floats} == {torch.float32}
    assert torch.equal(
        model.network.state_dict()["x_embedder.proj.weight"],
        stored["dit.x_embedder.proj.weight"].float(),
    )
    assert not model.training
    assert all(not module.training for module in model.modules())
    assert all(not t.is_meta for t in [*model.parameters(), *model.buffers()])


def test_the_sizes_come_from_the_header(random_checkpoint: Path) -> None:
    sizes = json.loads(header_of(random_checkpoint)["network"])
    model = assemble("tiny", random_checkpoint, None)
    assert sizes["hidden_size"] == model.network.config.hidden_size == 32
    assert model.network.config.predicts == "x0"


def test_two_loads_compute_the_same(random_checkpoint: Path) -> None:
    image, noise = torch.rand(1, 3, 32, 48), draw_noise(32, 48, 0)
    first, second = (assemble("tiny", random_checkpoint, None)(image, noise, 2) for _ in range(2))
    assert torch.equal(first, second)


@pytest.mark.parametrize("key", ["dit.x_embedder.proj.weight", "encoder.backbone.stem.0.weight"])
def test_a_missing_key_is_named(changed: Callable[..., Path], key: str) -> None:
    assert f"key {key} is missing" in line_of(changed(lambda tensors: tensors.pop(key)))


@pytest.mark.parametrize("key", ["dit.extra", "encoder.extra", "unknown"])
def test_an_unexpected_key_is_named(changed: Callable[..., Path], key: str) -> None:
    path = changed(lambda tensors: tensors.update({key: torch.zeros(1)}))
    assert f"key {key} is unexpected" in line_of(path)


def test_a_tensor_of_another_shape_is_named(changed: Callable[..., Path]) -> None:
    key = "dit.x_embedder.proj.bias"
    path = changed(lambda tensors: tensors.update({key: torch.zeros(3)}))
    assert f"key {key} has shape (3,), not (32,)" in line_of(path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda header: header.pop("network"),
        lambda header: header.pop("encoder"),
        lambda header: header.update(network="no JSON"),
        lambda header: header.update(network="[1, 2]"),
        lambda header: header.update(network='{"unknown": 1}'),
        lambda header: header.update(network='{"hidden_size": "wide"}'),
        lambda header: header.update(network='{"hidden_size": 30}'),
        lambda header: header.update(network='{"num_heads": 0}'),
        lambda header: header.update(encoder='{"widths": [8]}'),
        lambda header: header.update(encoder='{"widths": 8}'),
    ],
)
def test_a_header_that_makes_no_sense(
    changed: Callable[..., Path], spoil: Callable[[Header], object]
) -> None:
    assert "its header does not state the sizes" in line_of(changed(header=spoil))


def test_a_file_without_a_header(tmp_path: Path, random_checkpoint: Path) -> None:
    path = tmp_path / "plain.safetensors"
    save_file(load_file(random_checkpoint), path)
    assert "ppd train" in line_of(path)


def test_a_pickle_is_no_ppd_tiny(tmp_path: Path, random_checkpoint: Path) -> None:
    path = tmp_path / "tiny.pth"
    torch.save(load_file(random_checkpoint), path)
    assert "not a ppd-tiny checkpoint" in line_of(path)


def test_a_missing_file(tmp_path: Path) -> None:
    assert "no such file" in line_of(tmp_path / "missing.safetensors")


# --- ppd-da2 -----------------------------------------------------------------------------------


def test_ppd_tiny_is_no_ppd_da2(random_checkpoint: Path) -> None:
    assert "not the weights of this network" in line_of(random_checkpoint, random_checkpoint)


@pytest.fixture
def released_files(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """4.6 GB of synthetic weights in the authors' files, gone after the test."""
    files = {
        "ppd": tmp_path / "ppd.pth",
        "depth_anything_v2_vitl": tmp_path / "depth_anything_v2_vitl.pth",
        "moge2_vitl_normal": tmp_path / "model.pt",
    }
    for name, file in files.items():
        content: object = weights(name)
        if name.startswith("moge2"):
            content = {"model_config": moge2_config(name), "model": content}
        torch.save(content, file)
    yield files
    for file in files.values():
        file.unlink()


@pytest.mark.slow
def test_released_layouts_give_the_reference_depth_through_the_command_line(
    released_files: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    parity: ParityRecord,
) -> None:
    golden = Golden("sampler_full")
    image = golden["in.image_a"]
    Image.fromarray(image).save(tmp_path / "photo.png")
    noise = golden.tensor("in.noise_a")
    monkeypatch.setattr(pytorch, "draw_noise", lambda *_: noise)
    monkeypatch.chdir(tmp_path)
    options = ["--size", "64x48", "-f", "npy", "--model-size"]

    def run(model: str, encoder: Path, precision: str) -> np.ndarray:
        files = ["--checkpoint", str(released_files["ppd"]), "--encoder", str(encoder)]
        device = ["--device", "cpu", "--precision", precision, "--overwrite"]
        result = CliRunner().invoke(
            app, ["predict", "photo.png", "-m", model, *files, *options, *device]
        )
        assert result.exit_code == 0, result.stderr
        return np.load("ppd-out/photo_depth.npy")[None, None]

    depth = run("ppd-da2", released_files["depth_anything_v2_vitl"], "fp32")
    parity.check(golden, "out.a_steps4.depth", depth, NETWORK, "depth of the command line")
    half = run("ppd-da2", released_files["depth_anything_v2_vitl"], "bf16")
    # The authors' bf16 autocast moves the velocity by 1.4e-2 on average.
    assert 0 < np.abs(half - depth).mean() < 1.4e-2

    # The authors' tokens of MoGe-2 and their network have goldens apart; here both together.
    prompted = PixelPerfectDepth(
        network("ppd", CasDiTConfig()), MoGe2Semantics(moge2("moge2_vitl_normal").encoder)
    )
    expected = prompted(to_tensor(image), noise, 4)
    depth = run("ppd-moge2", released_files["moge2_vitl_normal"], "fp32")
    np.testing.assert_allclose(depth, expected, atol=1e-6)


def test_a_moge2_of_another_width_is_no_encoder_for_the_network(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    shapes = layout("moge2_tiny").items()
    tensors = {key: torch.zeros(1).expand(shape) for key, shape in shapes}
    torch.save({"model_config": moge2_config("moge2_tiny"), "model": tensors}, path)
    with pytest.raises(
        CheckpointError, match=r"tokens of width 64, but the network takes 1024; give"
    ):
        require_width(load_moge2_semantics(path), path)
