"""Exports a model as ONNX: written beside, compared with PyTorch, then renamed."""

from __future__ import annotations

import importlib
import json
import secrets
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ppdcli.announce import Announce, silent
from ppdcli.backends.onnx import OnnxBackend
from ppdcli.backends.onnx_folder import (
    CARD_FILE,
    ENCODER_FILE,
    EXPORTED,
    FORMAT,
    OPSET,
    STEP_FILE,
    Card,
    T,
    sha256_of,
)
from ppdcli.backends.protocol import Backend
from ppdcli.backends.pytorch import PyTorchBackend
from ppdcli.backends.torch_noise import draw_noise
from ppdcli.checkpoints import catalog
from ppdcli.checkpoints.catalog_rows import PRESETS, Model
from ppdcli.devices import Precision, dtype_of
from ppdcli.errors import OutputError, PpdError, UsageError
from ppdcli.files.atomic import make_folder, not_written
from ppdcli.loading import load_model
from ppdcli.model_request import ModelRequest
from ppdcli.models.flow import timesteps
from ppdcli.models.pixel_perfect import PixelPerfectDepth
from ppdcli.models.precision import keep_weights_in
from ppdcli.version import __version__

OWN_FILES = {
    CARD_FILE,
    *(name + end for name in (ENCODER_FILE, STEP_FILE) for end in ("", ".data")),
}
PACKAGES = ("onnx", "onnxruntime", "onnxscript")
MOST_DIFFERENCE = {"fp32": 1e-4, "fp16": 1e-2}  # from PyTorch's fp32, as a share of the range
COMPARED = ((64, 160), (176, 112))  # (height, width); the exporter traces another size
COMPARED_STEPS = 2


@dataclass(frozen=True)
class Exported:
    """The result of an export.

    Attributes:
        folder: with the files.
        bytes: of all of them.
        difference: the largest between onnxruntime's depth and PyTorch's, as a share of its range.
    """

    folder: Path
    bytes: int
    difference: float


def export(
    request: ModelRequest,
    folder: Path,
    overwrite: bool,
    precision: str = "fp32",
    announce: Announce = silent,
) -> Exported:
    """Writes a model's encoder and a step of its network as ONNX, and ``ppd.json``.

    Args:
        request: which model, on the CPU in fp32.
        folder: appears complete or not at all.
        overwrite: replace an earlier export.
        precision: fp32, or fp16 for smaller files.
        announce: called with lines for the user.

    Raises:
        UsageError: an unknown model or precision, or a missing package.
        CheckpointError: a file of weights is missing, damaged, unsafe or of another model.
        OutputError: the folder is in the way, or cannot be written.
        PpdError: onnxruntime and PyTorch do not agree.
    """
    kind = _checked(precision)
    require_packages()
    check_folder(folder, overwrite)
    predictor = load_model(request, announce)
    backend = predictor.backend
    assert isinstance(backend, PyTorchBackend)
    from ppdcli.backends.onnx_export import write_graphs  # PyTorch's exporter

    beside = folder.with_name(f".{folder.name[:100]}-{secrets.token_hex(4)}")
    try:
        make_folder(beside)
        announce("exporting; this takes a minute or more")
        expected = some_depths(backend)
        keep_weights_in(backend.model, dtype_of(kind))  # the model is in memory once
        write_graphs(backend.model, beside)
        card = make_card(catalog.model(predictor.name), backend.model, kind, beside)
        (beside / CARD_FILE).write_text(
            json.dumps(card.as_json(), indent=1) + "\n", encoding="utf-8"
        )
        difference = largest_difference(expected, some_depths(OnnxBackend(beside)))
        if not difference <= MOST_DIFFERENCE[kind]:
            raise PpdError(
                f"{folder}: not written, because onnxruntime's depth differs from PyTorch's by "
                f"{difference:.1e} of its range, more than {MOST_DIFFERENCE[kind]:g}; try "
                f"{_another_way(kind)}"
            )
        size = sum(file.stat().st_size for file in beside.iterdir())
        _put_in_place(beside, folder)
    except OSError as error:
        raise not_written(folder, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Exported(folder, size, difference)


def _checked(precision: str) -> Precision:
    for known in EXPORTED:
        if precision == known:
            return known
    raise UsageError(f"precision {precision}: a model is exported in {' or '.join(EXPORTED)}")


def _another_way(precision: Precision) -> str:
    if precision == "fp16":
        return "--precision fp32"
    return "another version of PyTorch or onnxruntime"


def require_packages() -> None:
    """Finds missing packages before any work.

    Raises:
        UsageError: one is missing.
    """
    try:
        for name in PACKAGES:
            importlib.import_module(name)
    except ImportError as error:
        raise UsageError(
            f"ppd export needs {error.name}; run: pip install 'ppdcli[onnx]'"
        ) from error


def check_folder(folder: Path, overwrite: bool) -> None:
    """Finds out whether the folder may be written.

    Raises:
        OutputError: something is there that may not be replaced.
    """
    if not folder.name:
        raise OutputError(f"{folder}: name a new folder")
    try:
        if not folder.exists():
            return
        if not folder.is_dir():
            raise OutputError(f"{folder}: is a file; name a folder")
        names = {file.name for file in folder.iterdir()}
    except OSError as error:
        raise not_written(folder, error) from error
    if foreign := sorted(names - OWN_FILES):
        raise OutputError(f"{folder}: has another file, {foreign[0]}; name a new folder")
    if names and not overwrite:
        raise OutputError(f"{folder}: has files; --overwrite replaces them, or name a new folder")


def _put_in_place(beside: Path, folder: Path) -> None:
    old = folder.with_name(beside.name + "-old")
    if folder.exists():
        folder.rename(old)
    try:
        beside.rename(folder)
    except OSError:
        with suppress(OSError):
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def make_card(
    model: Model, networks: PixelPerfectDepth, precision: Precision, folder: Path
) -> Card:
    """What ``ppd.json`` is to say of the graphs in a folder."""
    shift = networks.network.config.time_shift
    enlargement = None
    if hasattr(networks.encoder, "input_size"):
        enlargement = float(networks.encoder.config.enlargement)  # type: ignore[union-attr, arg-type]
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(folder.iterdir())
    }
    return Card(
        format=FORMAT,
        program=f"ppdcli {__version__}",
        model=model.name,
        licenses={part.name: part.license for part in model.parts},
        opset=OPSET,
        precision=precision,
        files=files,
        area=model.area,
        presets={name: model.preset(name) for name in PRESETS},
        enlargement=enlargement,
        time_shift=float(shift),
        rounded=rounded_otherwise(),
        how=_how(model, enlargement),
    )


def rounded_otherwise() -> dict[str, dict[str, int]]:
    """The timesteps for which the sampler's float32 rounds a half to the other side."""
    found = {}
    for steps in range(1, T + 1):
        exact = [round(T - i * (T + 1) / steps) for i in range(steps)]
        pairs = enumerate(zip(exact, timesteps(steps), strict=True))
        changed = {str(i): int(taken) for i, (rule, taken) in pairs if rule != taken}
        if changed:
            found[str(steps)] = changed
    return found


def _how(model: Model, enlargement: float | None) -> tuple[str, ...]:
    width, height = model.area
    lines = [
        f"Resize: scale both sides by sqrt({width} * {height} / (H * W)), and round each to a "
        "multiple of 16, at least 16. Average over areas to shrink; else bicubic, a = -0.75.",
        "image: (1, 3, H, W), RGB, float32, 0 to 1, with no other normalisation.",
        "noise: (1, 1, H, W), standard normal: torch.randn of a CPU generator with the seed.",
        "timesteps of n steps: 1000 - i * 1001 / n, i from 0 to n - 1, rounded to whole numbers, a "
        "half to the even one, except as `rounded` says. Then t = 1000 * s * u / (1 + (s - 1) * u) "
        "with u = t / 1000 and s = time_shift.",
        "Euler step from t to the next timestep s (0 after the last): v = step.onnx(x_t, image, "
        "tokens, timestep = t); x_0 = x_t - t / 1000 * v; x_1 = x_t + (1 - t / 1000) * v; "
        "x_s = (1 - s / 1000) * x_0 + s / 1000 * x_1. The first x_t is the noise.",
        "Inputs and outputs are float32, whatever the precision.",
        "depth: x + 0.5 after the last step: about 0 (near) to 1 (far), affine in log(metres + 1).",
    ]
    encoder = "tokens: encoder.onnx(image), once for a photo."
    if enlargement is not None:
        encoder = (
            "tokens: encoder.onnx(view, image), once for a photo; of the image only the size "
            "counts. view: the photo, resized by the same rule to (h, w), in the same form; "
            "h = round(H * enlargement / 32) * 32, at least 32, and likewise w; with an "
            "enlargement of 1 it is the image."
        )
    return (*lines[:2], encoder, *lines[2:])


def some_depths(backend: Backend, sizes: Sequence[tuple[int, int]] = COMPARED) -> list[np.ndarray]:
    """Depth of random pictures, one for each of the sizes (height, width): for each backend of the
    same pictures and noise."""
    generator = np.random.default_rng(0)
    depths = []
    for height, width in sizes:
        image, view = (
            generator.random((1, 3, *size), np.float32)
            for size in ((height, width), backend.encoder_size(height, width))
        )
        if image.shape == view.shape:
            view = image
        noise = draw_noise(height, width, 0)
        tokens = backend.encode([image], [view])
        depths += backend.sample([image], tokens, noise, COMPARED_STEPS)
    return depths


def largest_difference(expected: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> float:
    """The largest difference between depths, each as a share of its range."""
    differences = [
        float(np.abs(one - other).max() / np.ptp(one))
        for one, other in zip(expected, found, strict=True)
    ]
    return max(differences) if np.isfinite(differences).all() else float("inf")
