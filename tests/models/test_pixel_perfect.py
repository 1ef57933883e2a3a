"""What the sampler computes once: for an image, and for all images of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from parity import TINY
from torch import Tensor, nn

from ppdcli.models import pixel_perfect
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.flow import euler_sample, timesteps
from ppdcli.models.pixel_perfect import PixelPerfectDepth, draw_noise
from studies.plain_dit import PlainDiT

SIZES = replace(TINY, semantics_dim=8, semantics_scale=3.0, fine_embedding=True)


class Encoder(nn.Module):
    """The mean colour of each coarse patch, as a token."""

    def forward(self, image: Tensor) -> Tensor:
        colours = nn.functional.avg_pool2d(image, 16).flatten(2).mT
        return nn.functional.pad(colours, (0, 5), value=0.5)


def randomised(module: CasDiT | PlainDiT) -> CasDiT | PlainDiT:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in module.parameters():
            weight.normal_(std=0.1, generator=generator)
    return module.eval()


def cascade(config: CasDiTConfig) -> CasDiT | PlainDiT:
    return CasDiT(config)


def prompted(config: CasDiTConfig) -> CasDiT | PlainDiT:
    return PlainDiT(config, prompted=True)


def unprompted(config: CasDiTConfig) -> CasDiT | PlainDiT:
    return PlainDiT(config, prompted=False)


@pytest.fixture
def model() -> PixelPerfectDepth:
    return PixelPerfectDepth(randomised(CasDiT(SIZES)), Encoder()).requires_grad_(False)


@pytest.fixture
def conditioned(model: PixelPerfectDepth) -> Iterator[list[int]]:
    """The number of timesteps of every computation of conditions."""
    counts: list[int] = []
    hook = model.network.t_embedder.register_forward_hook(
        lambda _module, args, _output: counts.append(len(args[0]))
    )
    yield counts
    hook.remove()


def image(seed: int, count: int = 1) -> Tensor:
    return torch.rand(count, 3, 32, 48, generator=torch.Generator().manual_seed(seed))


NOISE = draw_noise(32, 48, 0)


@pytest.mark.parametrize(("predicts", "shift"), [("velocity", 1), ("x0", 1), ("x0", 0.1)])
@pytest.mark.parametrize("build", [cascade, prompted, unprompted])
def test_it_follows_the_velocity_of_the_networks_forward(
    build: Callable[[CasDiTConfig], CasDiT | PlainDiT], predicts: str, shift: float
) -> None:
    config = replace(SIZES, predicts=predicts, time_shift=shift)  # type: ignore[arg-type]
    net = randomised(build(config))
    model = PixelPerfectDepth(net, Encoder())
    pictures, noise = image(0, count=2), NOISE.expand(2, -1, -1, -1)
    semantics = model.encode(pictures)

    def velocity(x_t: Tensor, t: Tensor) -> Tensor:
        return net(torch.cat((x_t, pictures - 0.5), dim=1), semantics, t)

    with torch.no_grad():
        expected = euler_sample(velocity, noise, timesteps(3, shift)) + 0.5
    torch.testing.assert_close(model(pictures, noise, 3), expected, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(expected[0], expected[1])


def test_a_run_of_images_takes_its_conditions_once(
    model: PixelPerfectDepth, conditioned: list[int]
) -> None:
    first = model(image(0), NOISE, 4)
    model(image(1, count=2), NOISE.expand(2, -1, -1, -1), 4)
    assert torch.equal(model(image(0), NOISE, 4), first)
    assert conditioned == [4]
    model(image(0), NOISE, 2)
    assert conditioned == [4, 2]


def test_many_steps_are_not_kept(
    model: PixelPerfectDepth, conditioned: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = model(image(0), NOISE, 3)
    monkeypatch.setattr(pixel_perfect, "KEPT_STEPS", 2)
    model.float()  # a cast, even to the same dtype, drops what is kept
    conditioned.clear()
    for _ in range(2):
        torch.testing.assert_close(model(image(0), NOISE, 3), expected)
    assert conditioned == 6 * [1]


def test_a_step_computes_nothing_of_the_image_again(model: PixelPerfectDepth) -> None:
    calls = []
    prepare = model.network.prepare
    model.network.prepare = lambda *args: calls.append(1) or prepare(*args)  # type: ignore
    model(image(0), NOISE, 5)
    assert calls == [1]


def test_weights_that_are_loaded_count_at_once(model: PixelPerfectDepth) -> None:
    old = model(image(0), NOISE, 2)
    weights = {key: value + 0.1 for key, value in model.network.state_dict().items()}
    model.network.load_state_dict(weights)
    fresh = PixelPerfectDepth(CasDiT(SIZES), Encoder())
    fresh.network.load_state_dict(weights)
    new = model(image(0), NOISE, 2)
    assert torch.equal(new, fresh(image(0), NOISE, 2))
    assert not torch.allclose(new, old)


@pytest.mark.parametrize("at_the_same_place", [False, True])
def test_weights_that_lost_digits_count_at_once(
    model: PixelPerfectDepth, at_the_same_place: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if at_the_same_place:  # as chance may have it
        monkeypatch.setattr(pixel_perfect, "weights_state", lambda _network: ())
    old = model(image(0), NOISE, 2)
    model.bfloat16().float()
    assert not torch.equal(model(image(0), NOISE, 2), old)
    fresh = PixelPerfectDepth(CasDiT(SIZES), Encoder())
    fresh.network.load_state_dict(model.network.state_dict())
    assert torch.equal(model(image(0), NOISE, 2), fresh(image(0), NOISE, 2))


@pytest.mark.parametrize("fused", [False, True])
def test_training_between_two_samples(model: PixelPerfectDepth, fused: bool) -> None:
    """A sample leaves nothing behind that a gradient stumbles over, or that grows stale."""
    model.network.requires_grad_(True)
    old = model(image(0), NOISE, 2)
    optimiser = torch.optim.AdamW(model.network.parameters(), lr=0.1, fused=fused)
    x = torch.cat((NOISE, image(0) - 0.5), dim=1)
    with torch.no_grad():
        semantics = model.encoder(image(0))
    model.network(x, semantics, torch.tensor([500.0])).square().mean().backward()
    optimiser.step()
    new = model(image(0), NOISE, 2)
    assert not torch.allclose(new, old)
    fresh = PixelPerfectDepth(CasDiT(SIZES), Encoder())
    fresh.network.load_state_dict(model.network.state_dict())
    assert torch.equal(new, fresh(image(0), NOISE, 2))


def test_weights_made_in_inference_mode_are_never_stale() -> None:
    with torch.inference_mode():
        model = PixelPerfectDepth(randomised(CasDiT(SIZES)), Encoder()).requires_grad_(False)
        old = model(image(0), NOISE, 2)
        nn.init.zeros_(model.network.t_embedder.mlp[2].weight)  # type: ignore[union-attr,index]
        assert not torch.allclose(model(image(0), NOISE, 2), old)
