"""What a window of the authors' video model costs: operations, seconds and memory.

``python -m studies.window_speed`` builds networks of the released size with random weights, and
computes windows of 16 frames of 512 x 512 in one step. It is for graphics cards: ``--device cuda
--precision bf16``. Two processor cores compute a window in a quarter of an hour.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ppdcli.backends.pytorch import PyTorchBackend
from ppdcli.commands.bench_table import in_time, scaled
from ppdcli.devices import choose_device, choose_precision, dtype_of
from ppdcli.films.window_plan import FRAMES, NEW
from ppdcli.models.config import VideoDiTConfig
from ppdcli.models.pi3 import Pi3Config, Pi3Semantics
from ppdcli.models.pixel_perfect import PixelPerfectDepth
from ppdcli.models.precision import keep_weights_in
from ppdcli.models.video_dit import VideoDiT

NETWORK, ENCODER = VideoDiTConfig(), Pi3Config()
SIDE = 512
LARGEST = 0.02  # random weights: what they compute stays finite in half precision too
STEPS = 4  # of a film, for the sum


def without_values(dtype: torch.dtype) -> PixelPerfectDepth:
    """The model on the meta device, its matrices in that type."""
    with torch.device("meta"):
        model = PixelPerfectDepth(VideoDiT(NETWORK), Pi3Semantics(ENCODER)).eval()
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


def random_backend(device: str, precision: str) -> PyTorchBackend:
    """The model with random weights on a device."""
    there = choose_device(device)
    chosen = choose_precision(precision, there, large=True)
    model = without_values(dtype_of(chosen)).to_empty(device=there)
    for tensor in model.parameters():
        tensor.uniform_(-LARGEST, LARGEST)
    for buffer in model.buffers():
        buffer.fill_(1)
    return PyTorchBackend(model, there, chosen)


def peak_bytes(device: torch.device) -> int:
    """The most memory so far: of the card, or of this process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measured(backend: PyTorchBackend, side: int, repeats: int) -> Iterator[str]:
    """Lines about the seconds and the memory of a window."""
    device = backend.torch_device
    window = np.random.default_rng(0).random((FRAMES, 3, side, side), np.float32)
    noise = backend.noise(FRAMES * side, side, 0).reshape(FRAMES, 1, side, side)
    weights = sum(tensor.nbytes for tensor in backend.model.state_dict().values())
    yield f"{device}, {backend.precision}; weights {scaled(weights)}B"
    whole = {"encoder": 0.0, "step": 0.0}
    for number in range(repeats):
        started = time.perf_counter()
        tokens = backend.encode([window], [window])
        encoded = time.perf_counter()
        backend.sample([window], tokens, noise, 1)
        whole = {"encoder": encoded - started, "step": time.perf_counter() - encoded}
        each = ", ".join(f"{name} {in_time(seconds)}" for name, seconds in whole.items())
        yield f"window {number + 1}: {each}; peak {scaled(peak_bytes(device))}B"
    total = whole["encoder"] + STEPS * whole["step"]
    yield f"{STEPS} steps: {in_time(total)} a window, {in_time(total / NEW)} a new frame"


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints what a window costs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--side", type=int, default=SIDE, help="of the pictures, in pixels")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args(arguments)
    encoder, step = operations(given.side)
    print(f"a window: encoder {scaled(encoder)}FLOP, a step {scaled(step)}FLOP")
    with torch.inference_mode():
        for line in measured(
            random_backend(given.device, given.precision), given.side, given.repeats
        ):
            print(line, flush=True)


if __name__ == "__main__":
    main()
