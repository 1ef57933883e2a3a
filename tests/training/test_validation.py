"""Networks in training are scored on scenes of their own, and left as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from networks import small_encoder
from PIL import Image

from ppdcli.evaluation import synthetic
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.pyramid_encoder import PyramidEncoder
from ppdcli.training import validation
from ppdcli.training.recipe import SEEDS
from ppdcli.training.shards import BANKS
from ppdcli.training.validation import Validation


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "COUNT", 3)
    monkeypatch.setattr(validation, "SHOWN", 2)
    monkeypatch.setattr(validation, "SHAPE", (48, 64))


def networks() -> tuple[PyramidEncoder, CasDiT]:
    torch.manual_seed(0)
    encoder = small_encoder()
    sizes = {"hidden_size": 32, "depth": 2, "num_heads": 2, "patch_size": 4}
    return encoder, CasDiT(CasDiTConfig(semantics_dim=encoder.config.semantics_dim, **sizes))  # type: ignore[arg-type]


def test_its_scenes_are_nobody_elses() -> None:
    assert SEEDS <= validation.SEED != synthetic.SEED and BANKS < validation.BANK != synthetic.BANK


def test_both_stages_have_a_line_and_a_picture(tmp_path: Path) -> None:
    encoder, network = networks()
    check = Validation(tmp_path)
    assert check.encoder(encoder).startswith("encoder, 3 unseen scenes: AbsRel ")
    line = check.diffusion(encoder, network)
    assert line.count("AbsRel") == 2 and line.endswith("in 4 steps")
    with Image.open(tmp_path / "encoder.png") as picture:
        assert picture.size == (3 * 64, 2 * 48)
    with Image.open(tmp_path / "diffusion.png") as picture:
        assert picture.size == (4 * 64, 2 * 48)


def test_the_network_is_left_in_training_and_its_norms_untouched(tmp_path: Path) -> None:
    encoder, _ = networks()
    encoder.train()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    Validation(tmp_path).encoder(encoder)
    assert encoder.training
    for name, value in encoder.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_the_truth_scores_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = Validation(tmp_path)
    encoder, _ = networks()
    truth = iter(np.log1p(check.scenes.depth))
    monkeypatch.setattr(
        PyramidEncoder, "depths", lambda self, image: [torch.from_numpy(next(truth))[None, None]]
    )
    assert "AbsRel 0.000, delta1 1.000" in check.encoder(encoder)
