"""The position table by matrix products, which exported graphs have, is that of the network."""

from __future__ import annotations

import pytest
import torch

from ppdcli.models.dinov2 import TABLE, DinoV2, positions_by_products


@pytest.fixture(scope="module")
def vit() -> DinoV2:
    vit = DinoV2("vits")
    torch.nn.init.normal_(vit.backbone.pos_embed)
    return vit


@pytest.mark.parametrize("grid", [(1, 1), (3, 50), (TABLE, TABLE), (TABLE, 20), (48, 64)])
def test_products_give_the_same_positions(vit: DinoV2, grid: tuple[int, int]) -> None:
    with torch.no_grad():
        found = positions_by_products(vit.backbone.pos_embed, *grid)
        expected = vit.positions(*grid)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1e-4
