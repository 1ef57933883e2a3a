"""The paper's table at small scale: its networks, and the way from training to lines."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ppdcli.evaluation import synthetic
from ppdcli.models.config import CasDiTConfig
from ppdcli.training import pool, shards
from ppdcli.training.shards import write_shard
from studies import paper_table
from studies.depth_autoencoder import DepthAutoencoder
from studies.plain_dit import PlainDiT

SIZES = CasDiTConfig(
    hidden_size=32, depth=2, num_heads=2, patch_size=8, semantics_dim=12, predicts="x0"
)


def random_net(prompted: bool, **sizes: object) -> PlainDiT:
    torch.manual_seed(0)
    network = PlainDiT(CasDiTConfig(**{**vars(SIZES), **sizes}), prompted)  # type: ignore[arg-type]
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    return network.eval()


def inputs(height: int = 32, width: int = 48) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    tokens = height * width // 256
    x = torch.randn((2, 4, height, width), generator=generator)
    semantics = torch.randn((2, tokens, 12), generator=generator)
    return x, semantics, torch.tensor([1000.0, 300.0])


@torch.no_grad()
def test_only_a_prompted_network_looks_at_the_semantics() -> None:
    x, semantics, time = inputs()
    other = semantics.flip(1)
    plain, prompted = random_net(prompted=False), random_net(prompted=True)
    assert torch.equal(plain(x, semantics, time), plain(x, other, time))
    assert not torch.allclose(prompted(x, semantics, time), prompted(x, other, time))
    assert prompted(x, semantics, time).shape == (2, 1, 32, 48)


@torch.no_grad()
def test_a_coarse_semantics_token_goes_to_the_four_patches_it_covers() -> None:
    """Blocks that are the identity let no patch see another."""
    network = random_net(prompted=True)
    for block in network.blocks:
        for part in (block.adaLN_modulation[1].weight, block.adaLN_modulation[1].bias):
            nn.init.zeros_(part)
    x, semantics, time = inputs()
    changed = semantics.clone()
    changed[:, 4] += torch.arange(12.0)  # row 1, column 1 of 2 x 3 coarse patches
    moved = (network(x, semantics, time) != network(x, changed, time)).any(1)
    expected = torch.zeros(2, 32, 48, dtype=torch.bool)
    expected[:, 16:32, 16:32] = True
    assert torch.equal(moved, expected)


@torch.no_grad()
def test_an_x0_prediction_becomes_the_velocity_that_leads_there() -> None:
    x, semantics, time = inputs()
    direct, converted = random_net(True, predicts="velocity"), random_net(True, predicts="x0")
    x_0 = direct(x, semantics, time)
    velocity = converted(x, semantics, time)
    torch.testing.assert_close(x[:, :1] - (time / 1000).view(-1, 1, 1, 1) * velocity, x_0)


def test_the_autoencoder_squeezes_eightfold() -> None:
    network = DepthAutoencoder()
    depth = torch.rand(2, 1, 32, 48)
    assert network.encoder(depth).shape == (2, 4, 4, 6)
    assert network(depth).shape == depth.shape


def test_frames_are_the_synthetic_set_made_smaller() -> None:
    frame = next(paper_table.frames(1))
    whole = next(iter(synthetic.scenes(1)))[1]
    assert frame.photo.rgb.shape == (96, 128, 3)
    assert np.array_equal(frame.depth, whole[2::4, 2::4])
    assert frame.camera is not None
    assert frame.camera.fx == pytest.approx(synthetic.camera_of(0, 384, 512).fx / 4)


@pytest.mark.slow
def test_it_trains_every_row_and_prints_the_table(
    tmp_path: Path,
    random_checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(shards, "SCENES_PER_SHARD", 4)
    monkeypatch.setattr(pool, "FEWEST", 4)
    monkeypatch.setattr(paper_table, "MEMORY", 1)
    monkeypatch.setattr(paper_table, "render_scenes", lambda *arguments: None)
    (tmp_path / "scenes").mkdir()
    write_shard(tmp_path / "scenes", paper_table.SEED, 0, {"primitives": 1.0}, None)
    checkpoint = ["--checkpoint", str(random_checkpoint)]
    command = ["paper_table", "-o", str(tmp_path), "--samples", "24", "--shards", "1", *checkpoint]
    monkeypatch.setattr(sys, "argv", [*command, "--scenes", "1"])
    paper_table.main()
    about, head, *lines = capsys.readouterr().out.splitlines()[-7:]
    assert about.startswith("24 samples each; 1 scenes, 128x96")
    assert head.split()[0] == "AbsRel"
    assert [line[:34].strip() for line in lines] == [row.name for row in paper_table.ROWS]
    assert all(len(line[34:].split()) == 8 for line in lines)

    paper_table.main()  # everything is trained already
    again = capsys.readouterr().out.splitlines()[-5:]
    assert [line.split()[:-1] for line in again] == [line.split()[:-1] for line in lines]
    assert len(list(tmp_path.glob("*.pt"))) == len(paper_table.ROWS)
