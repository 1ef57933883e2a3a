"""What a window of the authors' video model costs: operations, seconds and memory.

``python -m studies.window_speed`` builds networks of the released size with random weights, and
computes windows of 16 frames of 512 x 512 in one step. It is for graphics cards: ``--device cuda
--precision bf16``. Two idle processor cores take a quarter of an hour a window, and a sixth of it
with ``--side 256``. With ``--apart`` the network is built when the encoder is gone, which shows
what memory that saves.
"""

from __future__ import annotations

import argparse
import gc
import resource
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ppdcli.backends.pytorch import PyTorchBackend
from ppdcli.commands.bench_table import in_time, scaled
from ppdcli.devices import Precision, choose_device, choose_precision, dtype_of
from ppdcli.films.window_plan import FRAMES, NEW
from ppdcli.models.config import VideoDiTConfig
from ppdcli.models.pi3 import Pi3Config, Pi3Semantics
from ppdcli.models.pixel_perfect import PixelPerfectDepth, draw_noise
from ppdcli.models.precision import keep_weights_in
from ppdcli.models.video_dit import VideoDiT

NETWORK, ENCODER = VideoDiTConfig(), Pi3Config()
SIDE = 512
LARGEST = 0.02  # random weights: what they compute stays finite in half precision too
STEPS = 4  # of a film, for the sum


def without_values(dtype: torch.dtype, *, encoder: bool = True, network: bool = True) -> Any:
    """The model on the meta device, its matrices in that type; a part may be missing."""
    with torch.device("meta"):
        parts = (
            VideoDiT(NETWORK) if network else nn.Identity(),
            Pi3Semantics(ENCODER) if encoder else nn.Identity(),
        )
        model = PixelPerfectDepth(*parts).eval()  # type: ignore[arg-type]
    keep_weights_in(model, dtype)
    return model.requires_grad_(False)


def operations(side: int) -> tuple[int, int]:
    """Operations of the encoder and of one step on a window."""
    model = without_values(torch.float32)
    window = torch.empty(FRAMES, 3, side, side, device="meta")
    with sdpa_kernel(SDPBackend.MATH):
        with FlopCounterMode(display=False) as encoder:
            semantics = model.encode(window)
        with FlopCounterMode(display=False) as step:
            model.sample(window, semantics, window[:, :1], steps=1)
    return encoder.get_total_flops(), step.get_total_flops()


def random_backend(device: torch.device, precision: Precision, **parts: bool) -> PyTorchBackend:
    """The model with random weights on a device; ``parts`` as in ``without_values``."""
    model = without_values(dtype_of(precision), **parts).to_empty(device=device)
    for tensor in model.parameters():
        tensor.uniform_(-LARGEST, LARGEST)
    for buffer in model.buffers():
        buffer.fill_(1)
    return PyTorchBackend(model, device, precision)


def weights_of(backend: PyTorchBackend) -> int:
    """Bytes of its weights."""
    return sum(tensor.nbytes for tensor in backend.model.state_dict().values())


class Cost:
    """What a piece of work took: seconds, those of the processor's cores, and bytes at most."""

    def __init__(self, device: torch.device, work: Callable[[], Any]) -> None:
        forget_peak(device)
        started, cores = time.perf_counter(), time.process_time()
        self.result = work()  # it waits for the device
        self.seconds = time.perf_counter() - started
        self.of_cores = time.process_time() - cores
        self.peak = peak_bytes(device)
        self._on_card = device.type == "cuda"

    def __str__(self) -> str:
        cores = "" if self._on_card else f" ({in_time(self.of_cores)} of all cores)"
        return f"{in_time(self.seconds)}{cores}, peak {scaled(self.peak)}B"


def forget_peak(device: torch.device) -> None:
    """Measures the peak anew from here on. Of a process, only Linux can."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_bytes(device: torch.device) -> int:
    """The most memory since ``forget_peak``: of the card, or of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def repeated(
    what: str, device: torch.device, repeats: int, work: Callable[[], Any]
) -> Generator[str, None, Cost]:
    """A line for each time, and the last one's cost. The first one warms a card up."""
    for number in range(repeats):
        cost = Cost(device, work)
        yield f"{what}, window {number + 1}: {cost}"
    return cost


def measured(
    device: torch.device, precision: Precision, side: int, repeats: int, apart: bool
) -> Iterator[str]:
    """Lines about the seconds and the memory of a window."""
    window = np.random.default_rng(0).random((FRAMES, 3, side, side), np.float32)
    noise = draw_noise(FRAMES * side, side, 0).numpy().reshape(FRAMES, 1, side, side)
    backend = random_backend(device, precision, network=not apart)
    yield f"{device}, {precision}; weights {scaled(weights_of(backend))}B"
    encode = partial(backend.encode, [window], [window])
    encoder = yield from repeated("encoder", device, repeats, encode)
    if apart:
        del backend, encode
        gc.collect()
        backend = random_backend(device, precision, encoder=False)
        yield f"then the network alone; weights {scaled(weights_of(backend))}B"
    sample = partial(backend.sample, [window], encoder.result, noise, 1)
    step = yield from repeated("step", device, repeats, sample)
    total = encoder.seconds + STEPS * step.seconds
    yield f"{STEPS} steps: {in_time(total)} a window, {in_time(total / NEW)} a new frame"


def count(text: str) -> int:
    """A whole number above 0."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints what a window costs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--side", type=count, default=SIDE, help="of the pictures, in pixels")
    parser.add_argument("--repeats", type=count, default=3)
    parser.add_argument("--apart", action="store_true", help="one network in memory at a time")
    given = parser.parse_args(arguments)
    if given.side % 16:
        parser.error(f"--side {given.side}: give a multiple of 16")
    device = choose_device(given.device)
    precision = choose_precision(given.precision, device, large=True)
    encoder, step = operations(given.side)
    print(f"a window: encoder {scaled(encoder)}FLOP, a step {scaled(step)}FLOP")
    with torch.inference_mode():
        for line in measured(device, precision, given.side, given.repeats, given.apart):
            print(line, flush=True)


if __name__ == "__main__":
    main()
