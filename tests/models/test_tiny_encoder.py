"""ppd-tiny's encoder: shapes, the meaning of its tokens, and what its sizes do."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ppdcli.models.tiny_encoder import TinyEncoder, TinyEncoderConfig

SMALL = TinyEncoderConfig((8, 8, 12, 16, 20), (1, 2, 1, 1), 8)


@pytest.fixture(scope="module")
def encoder() -> TinyEncoder:
    torch.manual_seed(0)
    module = TinyEncoder(SMALL)
    for _ in range(10):
        module(torch.rand(2, 3, 64, 64))  # gives the batch norms their statistics
    return module.eval()


def image(height: int = 48, width: int = 80, count: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand((count, 3, height, width), generator=generator)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (48, 80), (144, 192), (112, 16)])
def test_one_token_per_16_by_16_pixels(height: int, width: int, encoder: TinyEncoder) -> None:
    tokens = encoder(image(height, width))
    assert tokens.shape == (2, height // 16 * (width // 16), SMALL.semantics_dim)
    assert torch.isfinite(tokens).all()


@torch.no_grad()
def test_tokens_of_8_pixels_hold_the_depth_of_their_own_pixels() -> None:
    """With half the token's side, and the pyramid's levels of half the strides."""
    torch.manual_seed(0)
    encoder = TinyEncoder(replace(SMALL, token=8)).eval()
    tokens = encoder(image())
    assert tokens.shape == (2, 60, encoder.config.semantics_dim) and tokens.shape[2] == 8 + 32 + 16
    sine, _, cosine, _ = tokens[..., -16:].transpose(1, 2).unflatten(2, (6, 10)).split(4, dim=1)
    depth = torch.atan2(sine, cosine) * (2 / math.pi)
    torch.testing.assert_close(F.pixel_shuffle(depth, 2), encoder.depths(image())[0])
    middle = encoder.pyramid(image())[1]
    torch.testing.assert_close(
        tokens[..., :8], F.normalize(middle, dim=1).flatten(2).transpose(1, 2)
    )
    with pytest.raises(ValueError, match="8 or 16 pixels, not 12"):
        replace(SMALL, token=12)


@pytest.mark.parametrize(("height", "width"), [(48, 72), (40, 48), (15, 16)])
def test_other_sides_are_refused(height: int, width: int, encoder: TinyEncoder) -> None:
    with pytest.raises(ValueError, match=f"multiples of 16, not \\({height}, {width}\\)"):
        encoder(image(height, width))


@torch.no_grad()
def test_tokens_are_row_major_and_hold_the_depth_of_their_own_pixels(encoder: TinyEncoder) -> None:
    """The last channels are sines and cosines of the depth at stride 4, at two frequencies."""
    waves = encoder(image())[..., -64:].transpose(1, 2).unflatten(2, (3, 5))
    sine, _, cosine, _ = waves.split(16, dim=1)
    depth = torch.atan2(sine, cosine) * (2 / math.pi)
    torch.testing.assert_close(F.pixel_shuffle(depth, 4), encoder.depths(image())[0])


@torch.no_grad()
def test_each_part_of_a_token_has_the_same_length(encoder: TinyEncoder) -> None:
    """Else the longest would drown the others, as the network keeps only a token's direction."""
    for part in encoder(image()).split([8, 32, 64], dim=2):
        torch.testing.assert_close(part.norm(dim=2), torch.ones(2, 15))


@torch.no_grad()
def test_depths_come_at_strides_4_to_32_rounded_up(encoder: TinyEncoder) -> None:
    shapes = [tuple(d.shape) for d in encoder.depths(image(48, 80))]
    assert shapes == [(2, 1, 12, 20), (2, 1, 6, 10), (2, 1, 3, 5), (2, 1, 2, 3)]


@torch.no_grad()
def test_pictures_of_a_batch_do_not_mix(encoder: TinyEncoder) -> None:
    together = encoder(image())
    for k in range(2):
        torch.testing.assert_close(encoder(image()[k : k + 1]), together[k : k + 1])


@torch.no_grad()
def test_every_token_knows_the_whole_picture(encoder: TinyEncoder) -> None:
    """A change in one corner reaches the opposite one, which is beyond the convolutions."""
    changed = image(512, 512, 1).clone()
    changed[..., :64, :64] = 1
    apart = (encoder(changed) - encoder(image(512, 512, 1))).abs()
    assert apart[0, -1].max() > 1e-6 and apart[0, 0].max() > apart[0, -1].max()


@torch.no_grad()
def test_tokens_know_their_row_and_column(encoder: TinyEncoder) -> None:
    tokens = encoder(torch.full((1, 3, 1024, 1024), 0.5))[0].unflatten(0, (64, 64))
    # Far from the borders, whose zero padding would tell the place as well.
    middle = tokens[24:40, 24:40]
    assert (middle[0] - middle[-1]).abs().max() > 1e-4
    assert (middle[:, 0] - middle[:, -1]).abs().max() > 1e-4


def test_gradients_reach_every_weight() -> None:
    torch.manual_seed(0)
    module = TinyEncoder(SMALL)
    sum(d.square().mean() for d in module.depths(image())).backward()  # type: ignore[union-attr]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())


def test_the_default_sizes_are_small() -> None:
    with torch.device("meta"):
        module = TinyEncoder(TinyEncoderConfig())
    assert 1e6 < sum(p.numel() for p in module.parameters()) < 4e6


def test_training_files_know_the_weights_by_these_names() -> None:
    """Renaming a module would orphan every checkpoint."""
    with torch.device("meta"):
        names = set(TinyEncoder(SMALL).state_dict())
    assert len(names) == 202
    assert {
        "stem.0.weight",
        "stem.1.running_mean",
        "stages.0.0.0.weight",
        "stages.1.0.body.1.0.weight",
        "stages.1.2.body.2.1.bias",
        "context.0.weight",
        "laterals.3.bias",
        "smooth.0.1.num_batches_tracked",
        "heads.2.weight",
    } <= names
