"""Sampling without waiting for the processor, and steps that are recorded and replayed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from parity import TINY
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ppdcli.models import pixel_perfect
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.flow import euler_sample
from ppdcli.models.pixel_perfect import PixelPerfectDepth, draw_noise
from ppdcli.models.recorded import MOST, RecordedSteps
from ppdcli.models.rope import kept_table

CARD = torch.device("cuda:0")
CONFIGS = [
    replace(TINY, semantics_dim=8),
    replace(TINY, semantics_dim=8, predicts="x0", fine_embedding=True),
]
TIMES = [1000, 750, 500, 249]


def tensors(values: Any) -> list[Tensor]:
    return [value for value in tree_leaves(values) if isinstance(value, Tensor)]


class OnOneDevice(TorchDispatchMode):
    """Refuses what makes the processor wait for a device, or the device for the processor."""

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.device, self.armed, self.seen = device, False, 0

    def __torch_dispatch__(
        self,
        operation: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        name = str(operation)
        if self.armed:
            if "_local_scalar_dense" in name or "nonzero" in name or "lift_fresh" in name:
                raise AssertionError(f"{name} in the loop")
            if any(x.device != self.device for x in tensors((args, kwargs))):
                raise AssertionError(f"{name} with a tensor of another device")
        result = operation(*args, **(kwargs or {}))
        if self.armed:
            self.seen += 1
            if any(x.device != self.device for x in tensors(result)):
                raise AssertionError(f"{name} gives a tensor of another device")
        self.note(operation, args, kwargs or {}, result)
        return result

    def note(self, operation: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Is told of each operation."""


def on_card(config: CasDiTConfig) -> PixelPerfectDepth:
    """A model without values that pretends to be on a card; to be made in a ``FakeTensorMode``."""
    with torch.device("meta"):
        network = CasDiT(config).eval()
    weights: dict[int, Any] = {
        id(weight): nn.Parameter(torch.empty(weight.shape, device=CARD), requires_grad=False)
        for weight in network.parameters()
    }
    return PixelPerfectDepth(copy.deepcopy(network, weights), nn.Identity())


@pytest.mark.parametrize(
    ("config", "kept"), [(CONFIGS[0], 100), (CONFIGS[1], 0)], ids=["kept", "not kept"]
)
def test_the_steps_stay_on_the_card(
    config: CasDiTConfig, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixel_perfect, "timesteps", lambda *_: TIMES)
    monkeypatch.setattr(pixel_perfect, "KEPT_STEPS", kept)
    # Tensors without values have no address, by which changed weights are found.
    monkeypatch.setattr(pixel_perfect, "weights_state", lambda network: None)
    kept_table.cache_clear()  # of tables with values
    loop = OnOneDevice(CARD)

    def on_step(done: int) -> None:
        loop.armed = done < len(TIMES)

    try:
        with FakeTensorMode():
            model = on_card(config)
            image = torch.empty(1, 3, 64, 48, device=CARD)
            semantics = torch.empty(1, 12, 8, device=CARD)
            noise = torch.empty(1, 1, 64, 48, device=CARD)
            with loop:
                depth = model.sample(image, semantics, noise, len(TIMES), on_step)
    finally:
        kept_table.cache_clear()  # it holds tables without values
    assert depth.device == CARD
    assert loop.seen > 20 * (len(TIMES) - 1)


@pytest.mark.parametrize(
    "velocity",
    [
        lambda x, t: x * t.item(),
        lambda x, t: x * t.tolist()[0],
        lambda x, t: x * float(t),
        lambda x, t: x * torch.tensor([2.0]).to(CARD),
        lambda x, t: x * torch.tensor([2.0], device=CARD),
        lambda x, t: x.cpu().to(CARD),
    ],
    ids=["item", "tolist", "float", "to", "tensor", "cpu"],
)
def test_what_waits_is_found(velocity: Callable[[Tensor, Tensor], Tensor]) -> None:
    loop = OnOneDevice(CARD)
    with FakeTensorMode():
        noise = torch.empty(1, 1, 4, 4, device=CARD)
        with loop, pytest.raises(AssertionError, match=r"in the loop|another device"):
            loop.armed = True
            euler_sample(velocity, noise, TIMES)


class Tape(OnOneDevice):
    """Records operations as a CUDA graph does: with the very tensors that they read and wrote."""

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self.armed = True
        self.operations: list[tuple[Any, Any, Any, Any]] = []

    def note(self, operation: Any, args: Any, kwargs: Any, result: Any) -> None:
        self.operations.append((operation, args, kwargs, result))

    def replay(self) -> None:
        for operation, args, kwargs, result in self.operations:
            again = operation(*args, **kwargs)
            for target, source in zip(tensors(result), tensors(again), strict=True):
                if target.data_ptr() != source.data_ptr():  # no view
                    target.copy_(source)


def record(step: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
    with Tape(torch.device("cpu")) as tape:
        velocity = step()
    return tape.replay, velocity


@pytest.fixture(params=CONFIGS, ids=lambda config: config.predicts)
def model(request: pytest.FixtureRequest) -> PixelPerfectDepth:
    network = CasDiT(request.param).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in network.parameters():
            weight.normal_(std=0.1, generator=generator)
    return PixelPerfectDepth(network, nn.Identity()).requires_grad_(False)


def inputs(seed: int, height: int = 32, width: int = 48) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand(1, 3, height, width, generator=generator)
    semantics = torch.randn(1, height * width // 256, 8, generator=generator)
    return image, semantics, draw_noise(height, width, seed)


def test_recorded_steps_give_the_same(model: PixelPerfectDepth) -> None:
    runs = [(inputs(1), 4), (inputs(2), 4), (inputs(3), 3), (inputs(4, 48, 32), 2), (inputs(1), 1)]
    expected = [model.sample(*given, steps) for given, steps in runs]
    made: list[object] = []

    def counted(step: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        made.append(step)
        return record(step)

    model.recorded = RecordedSteps(model.network, counted)
    for (given, steps), depth in zip(runs, expected, strict=True):
        assert torch.equal(model.sample(*given, steps), depth)
    assert len(made) == 2, "one for each size"


def test_few_recordings_are_kept(model: PixelPerfectDepth) -> None:
    made: list[object] = []

    def counted(step: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        made.append(step)
        return record(step)

    model.recorded = RecordedSteps(model.network, counted)
    sizes = [(32, 16 * k) for k in range(1, MOST + 2)]
    for _ in range(2):
        for size in sizes:
            model.sample(*inputs(0, *size), 1)
    assert len(made) == 2 * len(sizes)


def test_a_step_that_cannot_be_recorded_runs(
    model: PixelPerfectDepth, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(step: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        raise RuntimeError("operation not permitted when stream is capturing")

    expected = model.sample(*inputs(1), 2)
    model.recorded = RecordedSteps(model.network, refuse)
    with caplog.at_level("DEBUG", logger="ppdcli"):
        assert torch.equal(model.sample(*inputs(1), 2), expected)
    assert [record.message for record in caplog.records] == [
        "a step of (1, 1, 32, 48) cannot be recorded: operation not permitted when stream is "
        "capturing"
    ]


def test_moved_weights_are_recorded_again(model: PixelPerfectDepth) -> None:
    model.recorded = RecordedSteps(model.network, record)
    model.sample(*inputs(1), 1)
    model.double().float()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(0.5)
    found = model.sample(*inputs(1), 1)
    model.recorded = None
    assert torch.equal(found, model.sample(*inputs(1), 1))
