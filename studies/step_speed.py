"""Where the time of a sampling step goes, and how far each part is from the machine's limit.

``python -m studies.step_speed`` takes a network of the released size with random weights. In turn
it measures a product of large matrices, which is the limit, and a step under PyTorch's profiler.
Then it times every attention kernel that this device has on the step's fine tokens, with the error
against float32. On a graphics card: ``--device cuda --precision bf16``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.profiler import ProfilerActivity, profile

from ppdcli.commands.bench_arithmetic import arithmetic, matrix_product
from ppdcli.commands.bench_model import choose, pytorch_of, random_predictor
from ppdcli.commands.bench_table import in_time, scaled
from ppdcli.devices import dtype_of, finish
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.pixel_perfect import draw_noise
from ppdcli.predictor import Predictor

PRODUCTS, ATTENTION, REST = "products", "attention", "rest"
# Words in the names of operators, in the order in which they are looked for.
KINDS = {
    ATTENTION: ("scaled_dot_product", "attention"),
    PRODUCTS: ("addmm", "aten::mm", "bmm", "linear", "convolution"),
}
KERNELS = (
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
    SDPBackend.CUDNN_ATTENTION,
)
CHECKED = 64  # queries whose result is compared with float32


def kind_of(operator: str) -> str:
    """The part of a step that an operator belongs to."""
    found = (kind for kind, words in KINDS.items() if any(word in operator for word in words))
    return next(found, REST)


def attention_flop(config: CasDiTConfig, height: int, width: int) -> int:
    """Operations of the attention of a step, by its formula."""
    coarse = height * width // (2 * config.patch_size) ** 2
    return sum(config.depth // 2 * 4 * n**2 * config.hidden_size for n in (coarse, 4 * coarse))


def time_parts(step: Callable[[], object], device: torch.device) -> dict[str, float]:
    """Seconds of the parts of a step, by the profiler."""
    on_card = device.type == "cuda"
    activities = [ProfilerActivity.CUDA] if on_card else []
    with profile(activities=[ProfilerActivity.CPU, *activities]) as profiler:
        step()
        finish(device)
    seconds = dict.fromkeys((PRODUCTS, ATTENTION, REST), 0.0)
    for event in profiler.key_averages():
        if event.device_type.name != "CPU":
            continue  # a kernel, whose time its operator has already
        spent = event.self_device_time_total if on_card else event.self_cpu_time_total
        seconds[kind_of(event.key)] += spent / 1e6
    return seconds


def sides(predictor: Predictor, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values of the fine tokens, normally distributed."""
    config, backend = pytorch_of(predictor).model.network.config, pytorch_of(predictor)
    tokens = height * width // config.patch_size**2
    shape = (1, config.num_heads, tokens, config.hidden_size // config.num_heads)
    q, k, v = (
        torch.randn(shape, device=backend.torch_device, dtype=dtype_of(predictor.precision))
        for _ in range(3)
    )
    return q, k, v


def time_kernels(
    q: Tensor, k: Tensor, v: Tensor, repeats: int
) -> Iterator[tuple[str, float, float]]:
    """Name, seconds and error of each attention kernel that the device has."""
    scores = q[:, :, :CHECKED].float() @ k.float().mT / q.shape[-1] ** 0.5
    exact = scores.softmax(dim=-1) @ v.float()
    for kernel in KERNELS:
        seconds = []
        try:
            with sdpa_kernel(kernel), torch.inference_mode():
                for _ in range(repeats + 1):  # the first time is not counted
                    started = time.perf_counter()
                    result = F.scaled_dot_product_attention(q, k, v)
                    finish(q.device)
                    seconds.append(time.perf_counter() - started)
        except RuntimeError:  # no such kernel here
            continue
        error = (result[:, :, :CHECKED].float() - exact).square().mean().sqrt() / exact.std()
        yield kernel.name, median(seconds[1:]), float(error)


def report(predictor: Predictor, height: int, width: int, repeats: int) -> Iterator[str]:
    """The lines of the report."""
    backend = pytorch_of(predictor)
    model, device = backend.model, backend.torch_device
    image = torch.rand(1, 3, height, width, device=device)
    noise = draw_noise(height, width, 0).to(device)
    dtype = dtype_of(predictor.precision)

    def step() -> Any:
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            return model.sample(image, semantics, noise, 1)

    with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
        semantics = model.encode(image)
    step()
    limits, parts = [], []
    for _ in range(repeats):
        limits.append(matrix_product(device, dtype, 3)[0].rate)
        parts.append(time_parts(step, device))
    limit = median(limits)
    yield f"{width}x{height}, {device}, {predictor.precision}; limit {scaled(limit)}FLOP/s"
    whole = arithmetic(model, height, width)[1]
    assert isinstance(model.network, CasDiT)
    of_attention = attention_flop(model.network.config, height, width)
    flop = {PRODUCTS: whole - of_attention, ATTENTION: of_attention, REST: 0}
    total = median(sum(part.values()) for part in parts)
    for name, operations in flop.items():
        seconds = median(part[name] for part in parts)
        line = f"{name:<10} {seconds / total:6.1%} of the step"
        if operations:
            line += f", {scaled(operations)}FLOP, {operations / seconds / limit:.0%} of the limit"
        yield line
    yield f"step       {in_time(total)}; {whole / limit / total:.0%} of it at the limit alone"
    for name, seconds, error in time_kernels(*sides(predictor, height, width), repeats):
        tokens = height * width // model.network.config.patch_size**2
        rate = 4 * tokens**2 * model.network.config.hidden_size / seconds
        yield f"{name:<20} {rate / limit:.0%} of the limit, error {error:.2g} of the spread"


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="512x384")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args(arguments)
    width, height = map(int, given.size.split("x"))
    predictor = random_predictor(choose("ppd-da2"), given.device, given.precision)
    for line in report(predictor, height, width, given.repeats):
        print(line, flush=True)


if __name__ == "__main__":
    main()
