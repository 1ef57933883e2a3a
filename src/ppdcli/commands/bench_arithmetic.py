"""Counts the arithmetic of a prediction, and measures how much the device can do."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ppdcli.devices import finish
from ppdcli.models.pixel_perfect import PixelPerfectDepth

BUDGET = 100.0  # seconds, after which nothing is repeated once more
SIDES = {"cpu": (1024, 2048), "cuda": (4096, 8192, 16384)}  # of square matrices, the fastest counts
OTHER_SIDES = (2048, 4096)
PRODUCTS = {"cuda": 10}  # at a time, else 1, so that waiting for the device does not count
Result = TypeVar("Result")


@dataclass(frozen=True)
class Arithmetic:
    """An amount of arithmetic, and its speed.

    Attributes:
        flop: floating point operations, a multiplication and an addition being two.
        rate: of them a second, at the median time.
    """

    flop: int
    rate: float


def repeated(action: Callable[[], Result], repeats: int) -> tuple[Result, list[float]]:
    """Repeats an action, and returns its last result and the seconds of each repetition.

    It stops after ``repeats`` times, or when more than ``BUDGET`` seconds have passed.
    """
    seconds: list[float] = []
    while True:
        started = time.perf_counter()
        result = action()
        seconds.append(time.perf_counter() - started)
        if len(seconds) >= repeats or sum(seconds) > BUDGET:
            return result, seconds
        del result  # a model need not be in memory twice


def matrix_product(
    device: torch.device, dtype: torch.dtype, repeats: int
) -> tuple[Arithmetic, int]:
    """The fastest product of two square matrices, and their side."""
    count = PRODUCTS.get(device.type, 1)
    rates: dict[int, float] = {}
    for side in SIDES.get(device.type, OTHER_SIDES):
        a = torch.randn(side, side, device=device).to(dtype)
        b = torch.randn(side, side, device=device).to(dtype)

        def multiply(a: Tensor = a, b: Tensor = b) -> None:
            for _ in range(count):
                a @ b
            finish(device)

        multiply()
        _, seconds = repeated(multiply, repeats)
        rates[side] = count * 2 * side**3 / median(seconds)
    side = max(rates, key=lambda side: rates[side])
    return Arithmetic(2 * side**3, rates[side]), side


def arithmetic(model: PixelPerfectDepth, height: int, width: int) -> tuple[int, int]:
    """Operations of the encoder and of one step: matrix products, convolutions and attention.

    They are counted on a copy of the model on PyTorch's meta device, which has shapes and no
    values. There attention consists of two matrix products, so that the count does not depend on
    the kernels that this machine has.
    """
    model = _on_meta(model)
    image = torch.empty(1, 3, height, width, device="meta")
    noise = torch.empty(1, 1, height, width, device="meta")
    with sdpa_kernel(SDPBackend.MATH):
        with FlopCounterMode(display=False) as encoder:
            semantics = model.encode(image)
        with FlopCounterMode(display=False) as step:
            model.sample(image, semantics, noise, steps=1)
    return encoder.get_total_flops(), step.get_total_flops()


def _on_meta(model: PixelPerfectDepth) -> PixelPerfectDepth:
    """A float32 copy of the model that has no values."""
    copies: dict[int, Any] = {}
    for tensor in (*model.parameters(), *model.buffers()):
        dtype = torch.float32 if tensor.is_floating_point() else tensor.dtype
        empty = torch.empty(tensor.shape, dtype=dtype, device="meta")
        is_weight = isinstance(tensor, nn.Parameter)
        copies[id(tensor)] = nn.Parameter(empty, requires_grad=False) if is_weight else empty
    return copy.deepcopy(model, copies)
