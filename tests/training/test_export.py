"""Export: the trained pair comes back from its file, in half the size."""

from __future__ import annotations

import copy
import json
import stat
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from networks import small_encoder
from safetensors import safe_open

from ppdcli.checkpoints.assemble import assemble
from ppdcli.errors import OutputError
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.pixel_perfect import PixelPerfectDepth, draw_noise
from ppdcli.models.pyramid_encoder import PyramidEncoder
from ppdcli.training.export import export

CARD = {"about": "a test", "license": "Apache-2.0"}


@pytest.fixture(scope="module")
def pair() -> tuple[CasDiT, PyramidEncoder]:
    torch.manual_seed(0)
    encoder = small_encoder().train()
    for _ in range(20):
        encoder(torch.rand(2, 3, 32, 32))  # gives the batch norms their statistics
    sizes = {"hidden_size": 32, "depth": 2, "num_heads": 2, "patch_size": 4, "fine_embedding": True}
    config = CasDiTConfig(**sizes, semantics_dim=encoder.config.semantics_dim, predicts="x0")
    network = CasDiT(config)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network.eval(), encoder.eval()


@pytest.fixture(scope="module")
def file(pair: tuple[CasDiT, PyramidEncoder], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "new folder" / "ppd.safetensors"
    export(path, *pair, CARD)
    return path


def test_the_header_has_the_card_and_the_sizes(
    pair: tuple[CasDiT, PyramidEncoder], file: Path
) -> None:
    with safe_open(file, framework="pt") as opened:
        header = opened.metadata()
    assert CARD.items() <= header.items()
    assert CasDiTConfig(**json.loads(header["network"])) == pair[0].config
    assert json.loads(header["encoder"]) == json.loads(json.dumps(asdict(pair[1].config)))


def test_values_are_half_precision_and_complete(
    pair: tuple[CasDiT, PyramidEncoder], file: Path
) -> None:
    originals = [t for module in pair for t in module.state_dict().values()]
    with safe_open(file, framework="pt") as opened:
        tensors = [opened.get_tensor(key) for key in opened.keys()]  # noqa: SIM118
    assert len(tensors) == len(originals)
    assert {t.dtype for t in tensors} == {torch.float16, torch.int64}
    assert sum(t.numel() for t in tensors) == sum(t.numel() for t in originals)
    assert file.stat().st_size < 2.3 * sum(t.numel() for t in originals) + 20_000


def test_the_loaded_model_predicts_what_the_trained_one_does(
    pair: tuple[CasDiT, PyramidEncoder], file: Path
) -> None:
    image = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(1))
    noise = draw_noise(48, 64, seed=2)
    trained = PixelPerfectDepth(*pair)(image, noise, steps=3)
    loaded = assemble("tiny", file, None)
    assert not loaded.training and loaded.network.config.predicts == "x0"
    found = loaded(image, noise, steps=3)
    assert trained.std() > 0.05
    assert (found - trained).abs().max() < 0.02 * trained.std()


def test_what_half_precision_cannot_hold_stays_whole(
    pair: tuple[CasDiT, PyramidEncoder], tmp_path: Path
) -> None:
    network, encoder = pair[0], copy.deepcopy(pair[1])
    encoder.smooth[2][1].running_var[3] = 113_644.0  # type: ignore[index, union-attr]
    export(tmp_path / "ppd.safetensors", network, encoder, CARD)
    loaded = assemble("tiny", tmp_path / "ppd.safetensors", None).encoder
    assert loaded.smooth[2][1].running_var[3] == 113_644.0  # type: ignore[index, union-attr]


def test_the_networks_stay_as_they_are(pair: tuple[CasDiT, PyramidEncoder], tmp_path: Path) -> None:
    before = [{k: v.clone() for k, v in module.state_dict().items()} for module in pair]
    export(tmp_path / "again.safetensors", *pair, {})
    for module, old in zip(pair, before, strict=True):
        for key, value in module.state_dict().items():
            assert value.dtype == old[key].dtype and torch.equal(value, old[key])


def test_the_file_is_as_readable_as_any_other(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.touch()
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)


def test_a_place_that_cannot_be_written_is_named(
    pair: tuple[CasDiT, PyramidEncoder], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"):
        export(tmp_path / "file" / "ppd.safetensors", *pair, {})
