"""The losses of the two stages."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from networks import small_encoder
from torch import Tensor, nn

from ppdcli.devices import training_dtype
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.flow import T, timesteps
from ppdcli.models.pyramid_encoder import PyramidEncoder
from ppdcli.training import stages
from ppdcli.training.recipe import Phase
from ppdcli.training.stages import draw_timesteps, encoder_loss, flow_loss

PHASE = Phase(1.0, ("pyramid",), 2, 2, (1536,))
WITH_EDGES = Phase(1.0, ("pyramid",), 2, 2, (1536,), gradient_weight=0.3)


def batch(count: int = 2, height: int = 32, width: int = 48) -> tuple[Tensor, Tensor]:
    """Images, and the latent of a depth that follows from their colours."""
    generator = torch.Generator().manual_seed(1)
    coarse = torch.rand((count, 3, 4, 6), generator=generator)
    image = nn.functional.interpolate(coarse, size=(height, width), mode="nearest")
    return image, image.mean(1, keepdim=True) - 0.5


@pytest.fixture
def encoder() -> PyramidEncoder:
    torch.manual_seed(0)
    return small_encoder()


@pytest.fixture
def network(encoder: PyramidEncoder) -> CasDiT:
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "depth": 2, "num_heads": 2, "patch_size": 4, "predicts": "x0"}
    module = CasDiT(CasDiTConfig(**sizes, semantics_dim=encoder.config.semantics_dim))
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.1)
    return module


class Perfect(nn.Module):
    """Knows x_0, so its velocity is exact."""

    def __init__(self, latent: Tensor) -> None:
        super().__init__()
        self.latent = latent

    def forward(self, x: Tensor, semantics: Tensor, timestep: Tensor) -> Tensor:
        return (x[:, :1] - self.latent) / (timestep / T).view(-1, 1, 1, 1)


# Timesteps ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_that_share_of_timesteps_is_the_last_and_the_rest_is_even(share: float) -> None:
    torch.manual_seed(0)
    t = draw_timesteps(20_000, share, 1.0, torch.device("cpu"))
    at_T = t == T
    assert at_T.float().mean().item() == pytest.approx(share, abs=0.01)
    rest = t[~at_T]
    if len(rest):
        assert rest.min() >= 1 and rest.max() < T
        counts = torch.histc(rest, 10, 0, T) / len(rest)
        assert (counts - 0.1).abs().max() < 0.01


def test_timesteps_are_drawn_as_densely_as_they_are_sampled() -> None:
    torch.manual_seed(0)
    t = draw_timesteps(20_000, 0.0, 0.1, torch.device("cpu"))
    ends = [0.0, *sorted(timesteps(4, 0.1))]
    counts = torch.histogram(t, torch.tensor(ends)).hist / len(t)
    assert (counts - 0.25).abs().max() < 0.01


# Flow --------------------------------------------------------------------------------------------


def test_a_perfect_predictor_has_no_flow_loss(encoder: PyramidEncoder) -> None:
    image, latent = batch()
    torch.manual_seed(0)
    loss = flow_loss(encoder.eval(), 0.25)(Perfect(latent), image, latent, WITH_EDGES)  # type: ignore[arg-type]
    assert loss.item() < 1e-4


def test_the_flow_loss_is_the_error_of_x_0(encoder: PyramidEncoder) -> None:
    """For an x_0 that is 0.2 too far everywhere, at every t."""
    image, latent = batch()
    shifted = Perfect(latent + 0.2)
    for share in (0.0, 1.0):
        loss = flow_loss(encoder.eval(), share)(shifted, image, latent, WITH_EDGES)  # type: ignore[arg-type]
        assert loss.item() == pytest.approx(4 * 0.2**2 + 0.2, rel=1e-3)


def test_the_encoder_stays_frozen_while_the_network_learns(
    encoder: PyramidEncoder, network: CasDiT
) -> None:
    image, latent = batch()
    encoder.eval()
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    flow_loss(encoder, 0.25)(network, image, latent, WITH_EDGES).backward()
    assert all(p.grad is None for p in encoder.parameters())
    assert all(torch.equal(v, before[k]) for k, v in encoder.state_dict().items())
    assert network.proj_fusion[0].weight.grad.abs().sum() > 0
    assert network.x_embedder.proj.weight.grad.abs().sum() > 0


def test_the_flow_loss_falls_on_one_batch(encoder: PyramidEncoder, network: CasDiT) -> None:
    image, latent = batch()
    torch.manual_seed(0)
    loss = flow_loss(encoder.eval(), 0.25)
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    values = []
    for _ in range(30):
        value = loss(network, image, latent, PHASE)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert sum(values[-5:]) < 0.7 * sum(values[:5])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_the_network_multiplies_in_the_devices_training_dtype(
    dtype: torch.dtype, encoder: PyramidEncoder, network: CasDiT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stages, "training_dtype", lambda device: dtype)
    seen = []
    network.blocks[0].attn.qkv.register_forward_hook(lambda m, i, out: seen.append(out.dtype))
    image, latent = batch()
    loss = flow_loss(encoder.eval(), 0.25)(network, image, latent, PHASE)
    assert seen == [dtype] and loss.dtype == torch.float32


@pytest.mark.parametrize(
    ("device", "native", "expected"),
    [
        ("cpu", {"avx512": True}, torch.bfloat16),
        ("cpu", {"amx": True}, torch.bfloat16),
        ("cpu", {"cuda": True}, torch.float32),
        ("cuda", {"cuda": True}, torch.bfloat16),
        ("cuda", {"avx512": True, "amx": True}, torch.float32),
        ("mps", {"avx512": True, "amx": True, "cuda": True}, torch.float32),
    ],
)
def test_training_runs_in_bf16_only_where_that_is_native(
    device: str, native: dict[str, bool], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    def has(name: str) -> object:
        return lambda **_: native.get(name, False)

    cpu = SimpleNamespace(
        _is_avx512_bf16_supported=has("avx512"), _is_amx_tile_supported=has("amx")
    )
    monkeypatch.setattr(torch, "cpu", cpu)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", has("cuda"))
    assert training_dtype(torch.device(device)) == expected


# Encoder -----------------------------------------------------------------------------------------


def test_a_perfect_encoder_has_no_loss() -> None:
    image, latent = batch()
    pooled = [
        nn.functional.adaptive_avg_pool2d(latent + 0.5, (-(-32 // s), -(-48 // s)))
        for s in (4, 8, 16, 32)
    ]
    perfect = SimpleNamespace(depths=lambda image: pooled)
    assert encoder_loss(perfect, image, latent, WITH_EDGES).item() == 0  # type: ignore[arg-type]
    shifted = SimpleNamespace(depths=lambda image: [d + 0.1 for d in pooled])
    loss = encoder_loss(shifted, image, latent, WITH_EDGES).item()  # type: ignore[arg-type]
    assert loss == pytest.approx(0.1 * sum(stages.LEVEL_WEIGHTS), rel=1e-4)


def test_the_gradient_weight_makes_the_encoder_heed_edges(encoder: PyramidEncoder) -> None:
    image, latent = batch()
    encoder.eval()
    plain, edged = (encoder_loss(encoder, image, latent, p).item() for p in (PHASE, WITH_EDGES))
    assert edged > plain


def test_the_encoders_loss_falls_on_one_batch(encoder: PyramidEncoder) -> None:
    image, latent = batch(4)
    optimizer = torch.optim.AdamW(encoder.parameters(), 1e-2)
    values = []
    for _ in range(20):
        value = encoder_loss(encoder, image, latent, WITH_EDGES)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.5 * values[0]


def test_every_part_of_the_encoder_learns(encoder: PyramidEncoder) -> None:
    encoder_loss(encoder, *batch(4), PHASE).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in encoder.parameters())
