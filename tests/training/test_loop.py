"""The training loop: it learns, it goes on where it stopped, and it keeps what it has."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ppdcli.errors import NoRoomError, UsageError
from ppdcli.training import loop
from ppdcli.training.loop import Averaged, learning_rate, tensors, train
from ppdcli.training.recipe import Phase, Stage
from ppdcli.training.shards import Samples, encode_depth

PHASES = (Phase(samples=64, scale=0.5, batch=8), Phase(samples=32, scale=1.0, batch=4))
STAGE = Stage(model={}, phases=PHASES, learning_rate=0.02, weight_decay=0.0, ema=0.9, warmup=2)


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Three shards of pictures whose brightness is their depth."""
    folder = tmp_path / "scenes"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        grey = np.kron(rng.integers(20, 250, (16, 4, 6)), np.ones((8, 8))).astype(np.uint8)
        rgb = np.repeat(grey[..., None], 3, -1)
        np.savez(folder / f"{number}.npz", rgb=rgb, depth=encode_depth(grey / 8))
    return folder


class Net(nn.Module):
    """Grey level to latent by a line, with a batch norm for its buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.conv = nn.Conv2d(3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.norm(x))


def net() -> Net:
    torch.manual_seed(0)
    return Net()


class Loss:
    """Counts the samples it sees; stops the training before sample number ``stop``."""

    def __init__(self, stop: float = math.inf) -> None:
        self.stop, self.sizes, self.values = stop, [], []
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, network: Net, image: Tensor, latent: Tensor, phase: Phase) -> Tensor:
        if sum(self.sizes) + len(image) > self.stop:
            raise KeyboardInterrupt
        assert len(image) == phase.batch and network.training
        self.sizes.append(len(image))
        self.shapes.append(tuple(latent.shape[-2:]))
        value = (network(image) - latent).abs().mean()
        self.values.append(value.item())
        return value


def run(
    network: Net,
    shards: Path,
    loss: Loss,
    stage: Stage = STAGE,
    report: Callable[[dict[str, float]], None] = lambda d: None,
    check: Callable[[Net], None] = lambda net: None,
) -> Net:
    return train(network, stage, loss, shards, shards.parent / "net.ckpt", 5, report, check, 0.0)


def test_it_learns_from_every_sample_of_every_phase(shards: Path) -> None:
    loss = Loss()
    run(net(), shards, loss)
    assert loss.sizes == [8] * 8 + [4] * 8
    assert loss.shapes == [(16, 32)] * 8 + [(32, 48)] * 8
    assert np.mean(loss.values[-4:]) < 0.6 * np.mean(loss.values[:2])


def test_the_same_seed_trains_the_same_network(shards: Path) -> None:
    values = []
    for _ in range(2):
        loss = Loss()
        run(net(), shards, loss)
        values.append(loss.values)
        (shards.parent / "net.ckpt").unlink()
    assert values[0] == values[1]


def test_the_result_is_the_average_and_rests(shards: Path) -> None:
    network = net()
    average = run(network, shards, Loss())
    assert not average.training and not average.norm.training
    assert not any(p.requires_grad for p in average.parameters())
    assert not torch.equal(average.conv.weight, network.conv.weight)
    assert not torch.equal(average.norm.running_mean, network.norm.running_mean)
    assert torch.allclose(average.conv.weight, network.conv.weight, atol=0.2)


@pytest.mark.parametrize("stop", [24, 80])
def test_a_stopped_run_goes_on_and_sees_as_many_samples(
    shards: Path, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    first, second = Loss(stop), Loss()
    with pytest.raises(KeyboardInterrupt):
        run(net(), shards, first)
    run(net(), shards, second)
    assert sum(first.sizes) == stop and sum(first.sizes) + sum(second.sizes) == STAGE.samples
    assert first.sizes + second.sizes == [8] * 8 + [4] * 8


@pytest.mark.parametrize("stop", [24, 68])
def test_a_stopped_run_comes_to_the_same_weights(
    shards: Path, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit, with the randomness of the samples, of their augmentation and of the loss."""

    class Noisy(Loss):
        def __call__(self, network: Net, image: Tensor, latent: Tensor, phase: Phase) -> Tensor:
            return super().__call__(network, image, latent + torch.randn_like(latent), phase)

    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    with pytest.raises(KeyboardInterrupt):
        run(net(), shards, Noisy(stop))
    gone_on = run(Net(), shards, Noisy())
    (shards.parent / "net.ckpt").unlink()
    torch.manual_seed(77)  # whatever the process did before
    whole = run(net(), shards, Noisy())
    for a, b in zip(gone_on.state_dict().values(), whole.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_run_that_goes_on_has_its_weights_average_and_momentum(
    shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    network = net()
    with pytest.raises(KeyboardInterrupt):
        run(network, shards, Loss(40))
    state = torch.load(shards.parent / "net.ckpt", weights_only=True)
    assert state["done"] == 40 and state["step"] == 5
    assert torch.equal(state["network"]["conv.weight"], network.conv.weight)
    assert not torch.equal(state["average"]["conv.weight"], network.conv.weight)
    assert float(state["optimizer"]["state"][0]["step"]) == 5

    with pytest.raises(KeyboardInterrupt):
        run(Net(), shards, Loss(stop=8))
    after = torch.load(shards.parent / "net.ckpt", weights_only=True)
    assert after["done"] == 48 and after["step"] == 6
    assert float(after["optimizer"]["state"][0]["step"]) == 6
    for key in ("network", "average"):
        moved = (after[key]["conv.weight"] - state[key]["conv.weight"]).abs().max()
        assert 0 < moved <= 2 * STAGE.learning_rate  # one step of Adam, not from anywhere else


def test_a_finished_run_is_not_trained_again(shards: Path) -> None:
    average = run(net(), shards, Loss())
    again = run(Net(), shards, Loss(stop=0))
    for a, b in zip(average.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_half_written_checkpoint_never_replaces_a_good_one(
    shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    with pytest.raises(KeyboardInterrupt):
        run(net(), shards, Loss(24))
    checkpoint = shards.parent / "net.ckpt"
    good = checkpoint.read_bytes()

    def full_disk(state: object, file: BinaryIO) -> None:
        file.write(b"half")
        try:
            raise OSError(28, "No space left on device")
        finally:
            raise RuntimeError("unexpected pos 64 vs 0")  # what torch's writer makes of it

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full_disk)
        with pytest.raises(NoRoomError, match=r"net.ckpt: cannot be written \(No space"):
            run(net(), shards, Loss())
    assert checkpoint.read_bytes() == good
    assert {p.name for p in checkpoint.parent.iterdir()} == {"net.ckpt", "scenes"}
    rest = Loss()
    run(net(), shards, rest)
    assert sum(rest.sizes) == STAGE.samples - 24


def test_a_checkpoint_of_another_network_is_named(shards: Path) -> None:
    run(net(), shards, Loss())

    class Wider(Net):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 1)

    with pytest.raises(UsageError, match=r"net\.ckpt: is of a network of other sizes"):
        run(Wider(), shards, Loss())


@pytest.mark.parametrize("damage", [b"", b"no checkpoint", None])
def test_a_damaged_checkpoint_is_named(shards: Path, damage: bytes | None) -> None:
    run(net(), shards, Loss())
    checkpoint = shards.parent / "net.ckpt"
    if damage is None:
        torch.save({"network": {}}, checkpoint)
    else:
        checkpoint.write_bytes(damage)
    with pytest.raises(UsageError, match=r"net\.ckpt: is no checkpoint .* remove it"):
        run(net(), shards, Loss())


def test_reports_tell_samples_loss_speed_and_rate(shards: Path) -> None:
    lines: list[dict[str, float]] = []
    loss = Loss()
    run(net(), shards, loss, report=lines.append)
    assert lines[-1]["samples"] == STAGE.samples
    assert [line["loss"] for line in lines] == pytest.approx(loss.values)
    assert all(line["rate"] > 0 for line in lines)
    assert [line["learning_rate"] for line in lines][:2] == pytest.approx(
        [learning_rate(STAGE, 0, 0), learning_rate(STAGE, 1, 8)]
    )


def test_the_rate_warms_up_then_falls_by_a_cosine_to_a_hundredth() -> None:
    stage = Stage(model={}, phases=(Phase(1000, 1.0, 1),), learning_rate=0.1, warmup=10)
    assert [learning_rate(stage, k, 0) for k in (0, 4, 9, 10)] == pytest.approx(
        [0.01, 0.05, 0.1, 0.1]
    )
    late = [learning_rate(stage, 99, done) for done in (0, 250, 500, 750, 1000)]
    halves = [1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2, 0.01]
    assert late == pytest.approx([0.1 * share for share in halves])


def test_a_constant_rate_stays() -> None:
    stage = replace(STAGE, schedule="constant", warmup=4)
    rates = [learning_rate(stage, k, done) for k, done in ((1, 8), (3, 24), (9, 90))]
    assert rates == pytest.approx([0.01, 0.02, 0.02])


@pytest.mark.parametrize("every", [0.0, 1e9])
def test_the_average_is_checked_now_and_then_and_at_the_end(
    shards: Path, monkeypatch: pytest.MonkeyPatch, every: float
) -> None:
    monkeypatch.setattr(loop, "CHECK_EVERY", every)
    seen: list[Net] = []
    trained = run(net(), shards, Loss(), check=seen.append)
    assert len(seen) == (1 if every else 17)  # 16 steps
    assert all(network is trained for network in seen)
    run(net(), shards, Loss(), check=seen.append)
    assert len(seen) == (1 if every else 17)  # nothing is left to train


def test_no_warm_up_is_possible(shards: Path) -> None:
    stage = Stage(model={}, phases=PHASES, learning_rate=0.02, warmup=0)
    assert learning_rate(stage, 0, 0) == 0.02
    run(net(), shards, Loss(), stage)


def test_the_average_moves_fast_at_first_then_by_its_decay() -> None:
    source = nn.Linear(1, 1)
    with torch.no_grad():
        source.weight.fill_(0.0)
        average = Averaged(source, 0.9)
        source.weight.fill_(1.0)
        average.update(source, 0)
        assert average.network.weight.item() == pytest.approx(0.9)  # 1 - 1 / 10
        average.update(source, 10**6)
        assert average.network.weight.item() == pytest.approx(0.91)  # a tenth of what is left


def test_tensors_are_what_the_networks_take() -> None:
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (2, 16, 32, 3), dtype=np.uint8)
    depth = rng.uniform(1, 9, (2, 16, 32)).astype(np.float32)
    image, latent = tensors(Samples(rgb, depth), torch.device("cpu"))
    assert image.shape == (2, 3, 16, 32) and latent.shape == (2, 1, 16, 32)
    assert image[1, 2, 3, 4].item() == pytest.approx(rgb[1, 3, 4, 2] / 255)
    assert latent.min() >= -1 and latent.max() <= 0.5
    order = np.argsort(depth[0], axis=None)
    assert (np.diff(latent[0, 0].numpy().ravel()[order]) >= 0).all()
