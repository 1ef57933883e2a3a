"""Counts the arithmetic of a prediction, and measures how much the device can do."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from ppdcli.backends.pytorch import PyTorchBackend
from ppdcli.devices import dtype_of, finish
from ppdcli.models.pixel_perfect import draw_noise

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


def arithmetic(backend: PyTorchBackend, height: int, width: int) -> tuple[int, int]:
    """Operations of the encoder and of one step: matrix products, convolutions and attention.

    The count is the same whichever kernel PyTorch chooses.
    """
    model, device = backend.model, backend.torch_device
    image = torch.rand(1, 3, height, width, device=device)
    noise = draw_noise(height, width, 0).to(device)
    half = backend.precision != "fp32"
    with torch.autocast(device.type, dtype_of(backend.precision), enabled=half):
        with _counter() as encoder:
            semantics = model.encode(image)
        with _counter() as step:
            model.sample(image, semantics, noise, steps=1)
    return encoder.get_total_flops(), step.get_total_flops()


def _counter() -> FlopCounterMode:
    """PyTorch's counter, with a formula for the attention kernels that it counts as nothing."""
    kernels = torch.ops.aten
    formulas = {
        kernels._scaled_dot_product_flash_attention_for_cpu: _attention_flop,
        kernels._scaled_dot_product_fused_attention_overrideable: _attention_flop,
        kernels._scaled_dot_product_attention_math_for_mps: _attention_flop,
    }
    return FlopCounterMode(display=False, custom_mapping=formulas)


def _attention_flop(
    q: tuple[int, ...], k: tuple[int, ...], v: tuple[int, ...], *_: object, **__: object
) -> int:
    """Operations of q k^T and of its product with v, from their shapes (N, heads, tokens, d)."""
    n, heads, queries, width = q
    return 2 * n * heads * queries * k[2] * (width + v[3])
