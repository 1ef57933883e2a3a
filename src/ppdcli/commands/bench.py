"""Measures how much time and memory each part of a prediction takes."""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ppdcli.commands.bench_arithmetic import Arithmetic, arithmetic, matrix_product, repeated
from ppdcli.commands.bench_folder import Rate, folder_size, time_batch, time_folder
from ppdcli.commands.bench_model import pytorch_of
from ppdcli.devices import dtype_of, finish
from ppdcli.errors import PpdError
from ppdcli.files import png, preview
from ppdcli.geometry.resize import working_size
from ppdcli.loading_pytorch import compile_backend
from ppdcli.machine import peak_memory
from ppdcli.model_request import Sampling
from ppdcli.models.flow import euler_sample, timesteps
from ppdcli.models.pixel_perfect import draw_noise
from ppdcli.photo import load_photo
from ppdcli.predictor import Predictor
from ppdcli.version import __version__

IMPORTS = "import ppdcli.commands.predict, ppdcli.loading"
ENLARGEMENT = 4  # sides of the photo over those of the working size: 12 megapixels at 1024x768


@dataclass(frozen=True)
class Measured:
    """A prediction, part by part.

    Attributes:
        parts: seconds that a part took, run by run.
        work: of the encoder and of a step.
        product: of two square matrices in the network's precision, ``side`` wide.
        main_memory: the process's peak in bytes, None where the system does not tell.
        device_memory: PyTorch's peak on a card in bytes, None elsewhere.
        size, photo: (height, width) of the network's picture and of the photo.
        batch: the networks with several photos in a forward; None if one is best on the device.
        folder: a folder of photos; None if it would take long.
    """

    parts: dict[str, list[float]]
    work: dict[str, Arithmetic]
    product: Arithmetic
    side: int
    main_memory: int | None
    device_memory: int | None
    size: tuple[int, int]
    photo: tuple[int, int]
    batch: Rate | None
    folder: Rate | None


def facts(predictor: Predictor) -> dict[str, str | int | bool]:
    """What the times depend on, besides the request."""
    backend = pytorch_of(predictor)
    device = backend.torch_device
    if device.type == "cuda":
        processor = torch.cuda.get_device_name(device)
    else:
        processor = f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    return {
        "program": f"ppdcli {__version__}",
        "torch": torch.__version__,
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor,
        "threads": torch.get_num_threads(),
        "device": str(device),
        "precision": predictor.precision,
        "compiled": backend.is_compiled,
    }


def start_up() -> None:
    """Starts a Python process that imports what a prediction needs, and ends.

    Raises:
        PpdError: it fails.
    """
    done = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, check=False)
    if done.returncode:
        lines = done.stderr.decode(errors="replace").splitlines() or ["it says nothing"]
        raise PpdError(f"{sys.executable}: cannot import ppdcli ({lines[-1]}); install it again")


def measure(
    predictor: Predictor,
    sampling: Sampling,
    repeats: int,
    folder: Path,
    compiled: bool = False,
    batch: int | None = None,
    photos: int | None = None,
) -> Measured:
    """Predicts an artificial photo several times, as ``ppd predict`` does, and times the parts.

    On a card, and for a compiled model, a whole prediction comes first that is not measured,
    because it includes work that happens only once. A batch and a folder of the photo follow.

    Args:
        predictor: the model.
        sampling: how depth is sampled, with the steps stated; the photo is 4:3.
        repeats: how often, if ``BUDGET`` allows.
        folder: takes the photo and its depth.
        compiled: compile the model first.
        batch: photos in a forward. None: as many as ``ppd predict`` takes; no batch if that is one.
        photos: in the folder. None: see ``folder_size``.
    """
    backend = pytorch_of(predictor)
    device = backend.torch_device
    steps = sampling.steps or predictor.steps
    height, width = working_size(3, 4, sampling.area or predictor.area)
    sampling = Sampling(steps, sampling.seed, height * width)
    jpeg = folder / "photo.jpg"
    _draw_photo(jpeg, ENLARGEMENT * height, ENLARGEMENT * width)
    stand_in = _draw_depth(height, width)
    encoder, step = arithmetic(backend.model, height, width)

    def run() -> dict[str, float]:
        return _predict(predictor, jpeg, sampling, stand_in, folder)

    if compiled:
        compile_backend(backend)
        run()
    if device.type == "cuda":
        run()
        torch.cuda.reset_peak_memory_stats(device)
    runs: list[dict[str, float]] = []
    repeated(lambda: runs.append(run()), repeats)
    parts = {name: [seconds[name] for seconds in runs] for name in runs[0]}
    main_memory, device_memory = peak_memory(), _device_memory(device)
    product, side = matrix_product(device, dtype_of(predictor.precision), repeats)
    in_steps = [run[f"step {k}"] for run in runs for k in range(1, steps + 1)]
    together = batch or backend.most_photos(height, width)
    several = None
    if batch is not None or together > 1:
        several = time_batch(predictor, jpeg, sampling, together)
    photos = photos or folder_size(median(parts["photo"]))
    whole = None
    if photos is not None:
        whole = time_folder(predictor, jpeg, sampling, photos, batch, stand_in, folder)
    return Measured(
        parts,
        {
            "encoder": Arithmetic(encoder, encoder / median(parts["encoder"])),
            "step": Arithmetic(step, step / median(in_steps)),
        },
        product,
        side,
        main_memory,
        device_memory,
        (height, width),
        (ENLARGEMENT * height, ENLARGEMENT * width),
        several,
        whole,
    )


def baseline(
    predictor: Predictor, size: tuple[int, int], steps: int, seed: int, repeats: int
) -> list[float]:
    """Seconds of the encoder and the steps of the same network in plain float32, op by op.

    Afterwards the weights of the predictor are float32, and nothing is compiled.
    """
    backend = pytorch_of(predictor)
    backend.uncompile()
    device = backend.torch_device
    model = backend.model.to(device, torch.float32)  # the encoder may wait in main memory
    image = torch.rand(1, 3, *size, device=device)
    noise = draw_noise(*size, seed).to(device)

    @torch.inference_mode()
    def run() -> None:
        semantics = model.encoder(image)

        def velocity(x_t: Tensor, t: Tensor) -> Tensor:
            return model.network(torch.cat((x_t, image - 0.5), dim=1), semantics, t)

        euler_sample(velocity, noise, timesteps(steps))
        finish(device)

    if device.type == "cuda":
        run()
    return repeated(run, repeats)[1]


def _predict(
    predictor: Predictor,
    jpeg: Path,
    sampling: Sampling,
    stand_in: np.ndarray,
    folder: Path,
) -> dict[str, float]:
    """Seconds of each part of one prediction, and of the whole."""
    ends: list[float] = []
    device = pytorch_of(predictor).torch_device

    def on_step(_done: int) -> None:
        finish(device)  # a card goes on beside the program otherwise
        ends.append(time.perf_counter())

    started = time.perf_counter()
    photo = load_photo(jpeg)
    decoded = time.perf_counter()
    depth = predictor.predict(photo, **vars(sampling), on_step=on_step)
    predicted = time.perf_counter()
    encoder, sampler = depth.timings["encoder"], depth.timings["sampler"]
    starts = [predicted - sampler, *ends]
    height, width = photo.rgb.shape[:2]
    # Random weights predict noise, whose many edges would take long to resize.
    full = replace(depth, values=stand_in).resized(height, width, photo.rgb, predictor.enlarge)
    resized = time.perf_counter()
    png.write(folder / "depth.png", full, "normalized")
    preview.write(folder / "preview.png", full)
    written = time.perf_counter()
    return {
        "decode": decoded - started,
        "prepare": predicted - decoded - encoder - sampler,
        "encoder": encoder,
        **{f"step {k}": end - starts[k - 1] for k, end in enumerate(ends, start=1)},
        "network": encoder + sampler,
        "resize": resized - predicted,
        "write": written - resized,
        "photo": written - started,
    }


def _draw_photo(path: Path, height: int, width: int) -> None:
    """A JPEG of a slope of colours, a box and some noise: about as many bytes as a photo's."""
    y, x = np.mgrid[0:height, 0:width]
    slope = np.stack((x * 200 // width, y * 200 // height, (x + y) * 200 // (width + height)), -1)
    rgb = slope.astype(np.uint8)
    rgb[height // 3 : 2 * height // 3, width // 4 : width // 2] = (200, 60, 20)
    rgb += np.random.default_rng(0).integers(0, 24, rgb.shape, dtype=np.uint8)
    Image.fromarray(rgb).save(path, quality=90)


def _draw_depth(height: int, width: int) -> np.ndarray:
    """(H, W) float32 relative depth of that photo: ground that rises into the distance, a box."""
    depth = np.repeat(np.linspace(1, 0, height, dtype=np.float32)[:, None], width, axis=1)
    depth[height // 3 : 2 * height // 3, width // 4 : width // 2] = 0.1
    return depth


def _device_memory(device: torch.device) -> int | None:
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
