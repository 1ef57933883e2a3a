"""What the fused kernels and the compiler gain on a graphics card, and how far they move the depth.

``python -m studies.card_speed --device cuda`` takes a network of the released size with random
weights, computes a depth map in float32 with PyTorch's own operations, and then times the encoder,
a step and the whole (encoder and 4 steps) in half precision: with PyTorch's operations, with the
kernels of ``models.fused_kernels``, and with compiled blocks; the latter two also with recorded
steps (``models.recorded``). Each row states its share of the speed of a product of large matrices,
and its difference from the float32 depth. A processor has no kernels and records nothing, so it
shows two rows. A line that a step "cannot be recorded" means that the row is one without recording.

Then it enlarges a depth map to a photo of 16 times as many pixels, by NumPy and by the device.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from ppdcli.backends.enlarging import enlarge
from ppdcli.backends.pytorch import PyTorchBackend
from ppdcli.commands.bench_arithmetic import arithmetic, matrix_product, repeated
from ppdcli.commands.bench_model import choose, pytorch_of, random_predictor
from ppdcli.commands.bench_table import in_time, scaled
from ppdcli.devices import dtype_of, finish
from ppdcli.geometry.upsample import upsample_depth
from ppdcli.models import fused
from ppdcli.models.pixel_perfect import draw_noise
from ppdcli.models.precision import keep_weights_in
from ppdcli.scenes.primitives.series import make_samples

STEPS = 4
ENLARGEMENT = 4  # sides of the photo over those of the working size


@contextmanager
def pytorch_operations() -> Iterator[None]:
    """Inside, no fused kernel is used."""
    used, fused.uses_kernels = fused.uses_kernels, lambda x, head_dim: False
    try:
        yield
    finally:
        fused.uses_kernels = used


def report(
    backend: PyTorchBackend,
    precision: torch.dtype,
    height: int,
    width: int,
    repeats: int,
    on_card: bool,
) -> Iterator[str]:
    """The lines of the report.

    Args:
        backend: A model in float32; it is changed to ``precision``.
        on_card: Also the rows of what only a card has.
    """
    model, device = backend.model, backend.torch_device
    image = torch.rand(1, 3, height, width, device=device)
    noise = draw_noise(height, width, 0).to(device)
    limit = matrix_product(device, precision, 3)[0].rate
    encoder_flop, step_flop = arithmetic(model, height, width)
    yield f"{width}x{height}, {device}, {precision}; limit {scaled(limit)}FLOP/s"
    with pytorch_operations():
        exact = model(image, noise, STEPS)
    keep_weights_in(model, precision)

    def cast(action: Callable[[], Tensor]) -> Callable[[], Tensor]:
        def run() -> Tensor:
            with torch.autocast(device.type, precision, enabled=precision != torch.float32):
                result = action()
            finish(device)
            return result

        return run

    semantics = cast(lambda: model.encode(image))()
    parts = {
        "encoder": (cast(lambda: model.encode(image)), encoder_flop),
        "step": (cast(lambda: model.sample(image, semantics, noise, 1)), step_flop),
        "whole": (cast(lambda: model(image, noise, STEPS)), encoder_flop + STEPS * step_flop),
    }

    def row(name: str) -> str:
        cells = []
        for part, (action, flop) in parts.items():
            action()
            depth, seconds = repeated(action, repeats)
            share = flop / median(seconds) / limit
            cells.append(f"{part} {in_time(median(seconds))} ({share:.0%})")
        away = (depth - exact) / (exact.max() - exact.min())
        error = f"off by {away.square().mean().sqrt():.3%}, at most {away.abs().max():.2%}"
        return f"{name:<20} {'  '.join(cells)}  {error}"

    with pytorch_operations():
        yield row("PyTorch's operations")
    if on_card:
        yield row("fused kernels")
        backend.record_steps()
        yield row("fused, recorded")
        model.recorded = None
    backend.compile()
    yield row("compiled blocks")
    if on_card:
        backend.record_steps()
        yield row("compiled, recorded")
        model.recorded = None
    yield enlargement(device, height, width, repeats)


def enlargement(device: torch.device, height: int, width: int, repeats: int) -> str:
    """The line about enlargement, from a rendered scene of thin things in front of others."""
    scene = make_samples(1, 0, 3, (240, 320), 1)
    depth = np.log1p(scene.depth[0])
    depth = (depth - depth.min()) / (depth.max() - depth.min())
    values = cv2.resize(depth, (width, height), interpolation=cv2.INTER_NEAREST)
    size = ENLARGEMENT * height, ENLARGEMENT * width
    photo = cv2.resize(scene.rgb[0], size[::-1], interpolation=cv2.INTER_CUBIC)
    enlarge(values, *size, guide=photo, device=device)
    found, there = repeated(lambda: enlarge(values, *size, guide=photo, device=device), repeats)
    expected, here = repeated(lambda: upsample_depth(values, *size, guide=photo), repeats)
    apart = np.abs(found - expected)
    return (
        f"enlargement to {size[1]}x{size[0]}: NumPy {in_time(median(here))}, "
        f"{device} {in_time(median(there))}; apart by more than 1e-6 of the range: "
        f"{(~(apart <= 1e-6)).sum()} pixels"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="1024x768")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="bf16")
    parser.add_argument("--repeats", type=int, default=8)
    given: Any = parser.parse_args(arguments)
    width, height = map(int, given.size.split("x"))
    backend = pytorch_of(random_predictor(choose("ppd-da2"), given.device, "fp32"))
    logging.basicConfig(format="%(message)s")
    logging.getLogger("ppdcli.models.recorded").setLevel(logging.DEBUG)
    on_card = backend.torch_device.type == "cuda"
    dtype = dtype_of(given.precision)
    for line in report(backend, dtype, height, width, given.repeats, on_card):
        print(line, flush=True)


if __name__ == "__main__":
    main()
