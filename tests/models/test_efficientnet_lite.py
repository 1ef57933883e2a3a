"""EfficientNet-Lite2: equal to timm's, at every size."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import nn

from ppdcli.models.efficientnet_lite import EfficientNetLite


def _timm_name(name: str) -> str:
    """The name in timm of one of our tensors."""
    part, _, rest = name.partition(".")
    if part == "stem":
        return rest.replace("0.", "conv_stem.", 1) if rest[0] == "0" else f"bn1.{rest[2:]}"
    stage, block, layer, index, last = rest.split(".")
    plain = stage == "0"
    convs = {
        "expand": "conv_pw",
        "filter": "conv_dw",
        "project": "conv_pw" if plain else "conv_pwl",
    }
    norms = {
        "expand": "bn1",
        "filter": "bn1" if plain else "bn2",
        "project": "bn2" if plain else "bn3",
    }
    return f"blocks.{stage}.{block}.{(convs if index == '0' else norms)[layer]}.{last}"


@pytest.fixture(scope="module")
def backbone() -> EfficientNetLite:
    """With weights and statistics that keep the signal alive through 60 layers."""
    torch.manual_seed(0)
    module = EfficientNetLite().eval()
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.normal_(layer.bias, std=0.5)
            nn.init.normal_(layer.running_mean, std=0.2)
            nn.init.uniform_(layer.running_var, 0.05, 0.4)
    return module


@torch.no_grad()
@pytest.mark.parametrize(("height", "width"), [(64, 96), (48, 80), (33, 47)])
def test_features_equal_timms(height: int, width: int, backbone: EfficientNetLite) -> None:
    theirs = timm.create_model("tf_efficientnet_lite2", pretrained=False, features_only=True).eval()
    theirs.load_state_dict({_timm_name(k): v for k, v in backbone.state_dict().items()})
    image = torch.rand((2, 3, height, width), generator=torch.Generator().manual_seed(1))
    found, expected = backbone(image), theirs(image * 2 - 1)[1:]
    assert len(found) == len(expected) == 4
    for level, other in zip(found, expected, strict=True):
        assert other.std() > 0.05
        torch.testing.assert_close(level, other, rtol=1e-4, atol=1e-4 * float(other.std()))


@torch.no_grad()
def test_levels_have_these_channels_and_sides(backbone: EfficientNetLite) -> None:
    shapes = [tuple(level.shape) for level in backbone(torch.rand(1, 3, 48, 80))]
    sides = ((12, 20), (6, 10), (3, 5), (2, 3))
    assert shapes == [(1, c, *side) for c, side in zip(backbone.channels, sides, strict=True)]
