"""ppd-tiny's encoder: shapes, the meaning of its tokens, and what it learns."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from networks import SMALL_STAGES
from torch import Tensor

from ppdcli.models.pyramid_encoder import PyramidEncoder, PyramidEncoderConfig

SMALL = PyramidEncoderConfig(SMALL_STAGES, lateral=8, context=8)


@pytest.fixture(scope="module")
def encoder() -> PyramidEncoder:
    torch.manual_seed(0)
    module = PyramidEncoder(SMALL).train()
    for _ in range(10):
        module(torch.rand(2, 3, 64, 64))  # gives the batch norms their statistics
    return module.eval()


def image(height: int = 48, width: int = 80, count: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand((count, 3, height, width), generator=generator)


@torch.no_grad()
@pytest.mark.parametrize(("height", "width"), [(16, 16), (48, 80), (112, 16)])
def test_one_token_per_8_by_8_pixels(height: int, width: int, encoder: PyramidEncoder) -> None:
    tokens = encoder(image(height, width))
    assert tokens.shape == (2, height // 8 * (width // 8), SMALL.semantics_dim)
    assert torch.isfinite(tokens).all() and tokens.dtype == torch.float32


@pytest.mark.parametrize(("height", "width"), [(48, 72), (40, 48), (15, 16)])
def test_other_sides_are_refused(height: int, width: int, encoder: PyramidEncoder) -> None:
    with pytest.raises(ValueError, match=f"multiples of 16, not \\({height}, {width}\\)"):
        encoder(image(height, width))


@torch.no_grad()
def test_tokens_are_row_major_and_hold_the_depth_of_their_own_pixels(
    encoder: PyramidEncoder,
) -> None:
    """The last channels are sines and cosines of the depth at stride 4, at two frequencies."""
    waves = encoder(image())[..., -16:].transpose(1, 2).unflatten(2, (6, 10))
    sine, _, cosine, _ = waves.split(4, dim=1)
    depth = torch.atan2(sine, cosine) * (2 / math.pi)
    torch.testing.assert_close(
        F.pixel_shuffle(depth, 2), encoder.depths(image())[0], rtol=1e-4, atol=1e-4
    )


@torch.no_grad()
def test_each_part_of_a_token_has_the_same_length(encoder: PyramidEncoder) -> None:
    """Otherwise the longest hides the others, since the network keeps only a token's direction."""
    for part in encoder(image()).split([8, 32, 16], dim=2):
        torch.testing.assert_close(part.norm(dim=2), torch.ones(2, 60))


@torch.no_grad()
def test_depths_come_at_strides_4_to_32_rounded_up(encoder: PyramidEncoder) -> None:
    shapes = [tuple(d.shape) for d in encoder.depths(image(48, 80))]
    assert shapes == [(2, 1, 12, 20), (2, 1, 6, 10), (2, 1, 3, 5), (2, 1, 2, 3)]


@torch.no_grad()
def test_pictures_of_a_batch_do_not_mix(encoder: PyramidEncoder) -> None:
    together = encoder(image())
    for k in range(2):
        alone = encoder(image()[k : k + 1])
        torch.testing.assert_close(alone, together[k : k + 1], rtol=1e-4, atol=1e-4)


def test_the_image_networks_norms_keep_their_statistics() -> None:
    torch.manual_seed(0)
    module = PyramidEncoder(SMALL).train()
    before = {k: v.clone() for k, v in module.state_dict().items() if "running" in k}
    module(image())
    for name, value in module.state_dict().items():
        if "running" in name:
            assert torch.equal(value, before[name]) == name.startswith("backbone."), name


def test_gradients_reach_every_weight() -> None:
    torch.manual_seed(0)
    module = PyramidEncoder(SMALL).train()
    sum(d.square().mean() for d in module.depths(image())).backward()  # type: ignore[union-attr]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())


@pytest.mark.parametrize(
    "sizes",
    [
        {"lateral": 0},
        {"lateral": 10**9},
        {"context": "8"},
        {"stages": []},
        {"stages": [[1, 3, 2, 8, 1]]},
        {"stages": [[1, 3, 2, 8, 10**6]] * 4},
        {"stages": [[1, 3, 2, 10**9, 1]] * 4},
        {"stages": [[1, 3, 2, 8]] * 4},
        {"stages": 7},
    ],
)
def test_impossible_sizes_are_refused(sizes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"lateral|context|stage"):
        PyramidEncoderConfig(**sizes)  # type: ignore[arg-type]
