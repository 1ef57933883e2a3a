"""The table of model families: what it takes to add one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from typer.testing import Result

from ppdcli.checkpoints.families import FAMILIES, FILE_KINDS, Family, FileKind
from ppdcli.checkpoints.importing import kind_of
from ppdcli.checkpoints.model_files import ModelFiles
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.pixel_perfect import PixelPerfectDepth

CATALOGUE = """
[files.mine]
file = "mine.pt"
get = "my desk"
license = "MIT"

[models.mine]
summary = "a model of a family of one's own"
family = "grey"
area = [64, 48]
steps = 2
network = "mine"
"""
SEMANTICS = 8


class GreyEncoder(nn.Module):
    """One token for each cell of 8 x 8 pixels: its mean brightness, in every channel."""

    def forward(self, image: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, H/8 * W/8, 8)."""
        grey = nn.functional.avg_pool2d(image.mean(1, keepdim=True), 8)
        return grey.flatten(2).transpose(1, 2).expand(-1, -1, SEMANTICS)


def small_network() -> CasDiT:
    sizes = {"hidden_size": 32, "depth": 2, "num_heads": 2, "fine_embedding": True, "patch_size": 4}
    return CasDiT(CasDiTConfig(**sizes, semantics_dim=SEMANTICS, predicts="x0"))


def build_grey(files: ModelFiles) -> PixelPerfectDepth:
    network = small_network()
    network.load_state_dict(torch.load(files.network, weights_only=True)["grey"])
    return PixelPerfectDepth(network, GreyEncoder()).eval()


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One more row, a catalogue that names a model of it, and the file of its weights."""
    monkeypatch.setitem(FAMILIES, "grey", Family("grey", None, build_grey))
    monkeypatch.setitem(FILE_KINDS, "grey", FileKind("grey weights", lambda names: "grey" in names))
    catalogue = tmp_path / "own.toml"
    catalogue.write_text(CATALOGUE, encoding="utf-8")
    monkeypatch.setenv("PPD_WEIGHTS", str(catalogue))
    monkeypatch.setenv("PPD_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(0)
    network = small_network()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.2)
    path = tmp_path / "weights.pt"
    torch.save({"grey": network.state_dict()}, path)
    return path


def test_a_row_is_all_that_a_family_needs(
    weights: Path, ppd: Callable[..., Result], photo: Path
) -> None:
    call = ("predict", photo, "-m", "mine", "--checkpoint", weights, "--device", "cpu")
    result = ppd(*call, "-f", "npy", "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert "mine on cpu" in result.stderr
    depth = np.load(f"out/{photo.stem}_depth.npy")
    assert depth.shape == (40, 60) and np.ptp(depth) > 0
    again = ppd(*call, "-f", "npy", "-o", "out")
    assert "1 skipped" in again.stderr


def test_its_files_are_imported_by_their_content(
    weights: Path, ppd: Callable[..., Result], photo: Path
) -> None:
    assert kind_of(weights) == "grey"
    imported = ppd("weights", "import", weights, "--as", "mine")
    assert imported.exit_code == 0, imported.stderr
    result = ppd("predict", photo, "-m", "mine", "--device", "cpu", "-f", "npy")
    assert result.exit_code == 0, result.stderr


def test_a_model_of_an_unknown_family_is_told_which_there_are(
    weights: Path, monkeypatch: pytest.MonkeyPatch, ppd: Callable[..., Result], photo: Path
) -> None:
    monkeypatch.delitem(FAMILIES, "grey")
    result = ppd("predict", photo, "-m", "mine", "--checkpoint", weights)
    assert result.exit_code == 2
    assert "[models.mine] family: must be one of tiny, da2, moge2" in result.stderr


def test_every_kind_that_a_family_names_is_known() -> None:
    for family in FAMILIES.values():
        assert {family.network, family.encoder} - {None} <= set(FILE_KINDS)
