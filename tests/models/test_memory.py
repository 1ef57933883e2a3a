"""The memory that a sampler takes, by its formula and by the tensors that are alive at once."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ppdcli.backends.pytorch import BYTES_PER_PIXEL
from ppdcli.checkpoints.families import FAMILIES
from ppdcli.cli.options import ModelOptions
from ppdcli.commands.bench_arithmetic import arithmetic
from ppdcli.geometry.resize import TRAINING_AREA, working_size
from ppdcli.models import video_dit
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig, VideoDiTConfig
from ppdcli.models.pi3 import Pi3Config, Pi3Semantics
from ppdcli.models.pixel_perfect import PixelPerfectDepth
from ppdcli.models.precision import keep_weights_in
from ppdcli.models.rope import kept_table
from ppdcli.models.video_dit import VideoDiT

LARGE = (3072, 4096)  # height and width of a working size of 12 megapixels


class AliveBytes(TorchDispatchMode):
    """Counts the bytes of the tensors that operations make and that are alive."""

    def __init__(self, known: list[torch.Tensor]) -> None:
        super().__init__()
        self.now = self.most = 0
        self.known = {tensor.untyped_storage()._cdata for tensor in known}

    def __torch_dispatch__(
        self,
        operation: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = operation(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                if storage._cdata not in self.known:
                    self.known.add(storage._cdata)
                    self.now += storage.nbytes()
                    weakref.finalize(storage, self._freed, storage._cdata, storage.nbytes())
        self.most = max(self.most, self.now)
        return result

    def _freed(self, storage: int, size: int) -> None:
        self.known.discard(storage)
        self.now -= size


def without_values(network: nn.Module) -> nn.Module:
    """A copy of the network, to be made in a ``FakeTensorMode``."""
    weights: dict[int, Any] = {
        id(weight): nn.Parameter(torch.empty(weight.shape, dtype=weight.dtype), requires_grad=False)
        for weight in network.parameters()
    }
    for buffer in network.buffers():
        weights[id(buffer)] = torch.empty(buffer.shape, dtype=buffer.dtype)
    return copy.deepcopy(network, weights)


@pytest.mark.parametrize("size", [(768, 1024), LARGE], ids=str)
def test_a_step_takes_no_more_than_the_formula_says(size: tuple[int, int]) -> None:
    """Two blocks of the released width; more blocks take no more, for one runs at a time."""
    with torch.device("meta"):
        on_meta = CasDiT(CasDiTConfig(depth=2)).eval()
    keep_weights_in(on_meta, torch.bfloat16)
    height, width = size
    kept_table.cache_clear()  # of tables with values
    try:
        with FakeTensorMode(), torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            network: Any = without_values(on_meta)
            alive = AliveBytes(list(network.parameters()))
            with alive:
                image = torch.empty(1, 3, height, width)
                semantics = torch.empty(1, height * width // 256, 1024)
                prepared = network.prepare(image, semantics)
                x_t = torch.empty(1, 1, height, width)
                network.velocity(x_t, prepared, network.condition(torch.full((1,), 1000.0)))
    finally:
        kept_table.cache_clear()  # it holds tables without values
    assert height * width * 300 < alive.most < height * width * BYTES_PER_PIXEL


def most_of_window(dtype: torch.dtype) -> tuple[int, int]:
    """Bytes that the encoder and a step take at once of a window of 16 frames of 512 x 512.

    The networks have the released width and every kind of block, but fewer of them.
    """
    with torch.device("meta"):
        parts: tuple[nn.Module, ...] = (
            Pi3Semantics(Pi3Config(encoder_depth=1, decoder_depth=2)).eval(),
            VideoDiT(VideoDiTConfig()).eval(),
        )
    for part in parts:
        keep_weights_in(part, dtype)
    kept_table.cache_clear()
    half = dtype != torch.float32
    most = []
    try:
        with FakeTensorMode(), torch.inference_mode(), torch.autocast("cpu", dtype, enabled=half):
            encoder, network = (without_values(part) for part in parts)
            window, x_t = torch.empty(16, 3, 512, 512), torch.empty(16, 1, 512, 512)
            with AliveBytes(list(encoder.state_dict().values())) as alive:
                encoder(window)
            most.append(alive.most)
            semantics = torch.empty(16, 1024, 2048)
            with AliveBytes(list(network.parameters())) as alive:
                prepared = network.prepare(window, semantics)
                network.velocity(x_t, prepared, network.condition(torch.full((1,), 1000.0)))
            most.append(alive.most)
    finally:
        kept_table.cache_clear()
    return most[0], most[1]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_the_memory_of_a_window_is_bounded(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, step = most_of_window(dtype)
    assert encoder < 1e9
    assert step < 1.8e9
    monkeypatch.setattr(video_dit, "SLICE", 1 << 20)
    _, whole = most_of_window(dtype)
    assert whole > 1.5 * step, "slices are what bounds it"


@cache
def released(family: str) -> PixelPerfectDepth:
    """A model of the released size on the meta device, its weights in bf16."""
    encoder = FAMILIES[family].unloaded_encoder
    assert encoder is not None
    with torch.device("meta"):
        model = PixelPerfectDepth(CasDiT(CasDiTConfig()), encoder()).eval()
    keep_weights_in(model, torch.bfloat16)
    return model


@pytest.mark.parametrize("family", ["da2", "moge2"])
def test_a_large_model_takes_less_than_3_gb_of_a_card(family: str) -> None:
    weights = sum(p.numel() * p.element_size() for p in released(family).parameters())
    assert weights + TRAINING_AREA * BYTES_PER_PIXEL < 3e9


def test_only_memory_limits_the_working_size() -> None:
    area = ModelOptions(size="4096x3072").area
    assert area is not None
    assert working_size(3000, 4000, area) == LARGE
    _, step = arithmetic(released("da2"), *LARGE)
    tokens = LARGE[0] * LARGE[1] // 64
    assert step > 12 * 4 * tokens**2 * 1024  # the attention of the fine blocks
