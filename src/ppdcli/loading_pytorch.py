"""A model by its name, for PyTorch: files found or fetched, networks loaded to their device."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ppdcli.announce import Announce, silent
from ppdcli.backends.enlarging import enlarge_on
from ppdcli.backends.pytorch import PyTorchBackend
from ppdcli.backends.pytorch_moge2 import PyTorchEstimator
from ppdcli.checkpoints import catalog, hub
from ppdcli.checkpoints.assemble import assemble
from ppdcli.checkpoints.catalog_rows import Model
from ppdcli.checkpoints.families import FAMILIES
from ppdcli.checkpoints.moge2_file import load_moge2
from ppdcli.checkpoints.pins import own_folder
from ppdcli.devices import (
    Precision,
    check_names,
    choose_device,
    choose_precision,
    dtype_of,
    stated_deviation,
)
from ppdcli.errors import UsageError
from ppdcli.model_request import ModelRequest
from ppdcli.models.moge2 import MoGe2Semantics
from ppdcli.predictor import Predictor

if TYPE_CHECKING:
    import torch


def load_pytorch(request: ModelRequest, announce: Announce = silent) -> Predictor:
    """Loads a model; see ``loading.load_model``."""
    check_names(request.device, request.precision)
    catalog.check_request(request.name, request.checkpoint, request.encoder)
    catalog.require_for_photos(request.name)
    chosen = catalog.model(hub.choose(request.name))
    device = choose_device(request.device)
    network_file = request.checkpoint
    if network_file is None:
        network_file = hub.fetch(chosen, chosen.network, request.offline, announce)
    encoder_file = request.encoder
    if encoder_file is None and chosen.encoder is not None:
        encoder_file = hub.fetch(chosen, chosen.encoder, request.offline, announce)
    moge2_file = file_for_metres(chosen, encoder_file, request, announce)
    precision = choose_precision(request.precision, device, FAMILIES[chosen.family].large)
    started = time.perf_counter()
    dtype = dtype_of(precision)
    estimator, prompt = None, None
    if moge2_file is not None:
        estimator = _estimator(moge2_file, precision, device)
        if FAMILIES[chosen.family].measures:
            prompt = MoGe2Semantics(estimator.model.encoder)  # the same weights, in memory once
    model = assemble(chosen.family, network_file, encoder_file, device, dtype, prompt)
    backend = PyTorchBackend(model, device, precision, announce)
    if request.compiled:
        compile_backend(backend)
    width, height = chosen.area
    predictor = Predictor(
        backend,
        chosen.name,
        width * height,
        chosen.steps,
        announce,
        estimator,
        enlarge_on(device),
    )
    seconds = time.perf_counter() - started
    announce(f"{chosen.name} on {device}, {precision}, loaded in {seconds:.1f} s")
    deviation = stated_deviation(precision, str(device))
    if deviation is not None and request.precision == "auto":
        announce(f"bf16 changes depth by {deviation}; fp32 is exact and slower")
    return predictor


def compile_backend(backend: PyTorchBackend) -> None:
    """``PyTorchBackend.compile``, where what is compiled is kept for later runs."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(own_folder() / "compiled"))
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # chatter
    backend.compile()


def load_estimator(request: ModelRequest, announce: Announce = silent) -> PyTorchEstimator | None:
    """MoGe-2 alone, for depth that exists already.

    Returns:
        None if ``request.metric`` is False, or None and MoGe-2 is not on this machine.

    Raises:
        UsageError: an unknown model, device or precision, or a model without a file for metres.
        CheckpointError: the file is missing, damaged, unsafe or of another model.
    """
    check_names(request.device, request.precision)
    catalog.check_request(request.name, None, request.encoder)
    catalog.require_for_photos(request.name)
    chosen = catalog.model(hub.choose(request.name))
    file = file_for_metres(chosen, request.encoder, request, announce)
    if file is None:
        return None
    device = choose_device(request.device)
    large = FAMILIES[chosen.family].large
    return _estimator(file, choose_precision(request.precision, device, large), device)


def _estimator(file: Path, precision: Precision, device: torch.device) -> PyTorchEstimator:
    model = load_moge2(file, device, dtype_of(precision))
    return PyTorchEstimator(model, device, precision)


def file_for_metres(
    model: Model, encoder_file: Path | None, request: ModelRequest, announce: Announce
) -> Path | None:
    """MoGe-2's file, if it is wanted; downloaded if it must be.

    Args:
        encoder_file: The file of the semantics encoder, which some models share with MoGe-2.

    Raises:
        UsageError: The catalogue names no such file for the model.
        CheckpointError: The file is not here and cannot be downloaded.
    """
    if request.metric is False:
        return None
    if FAMILIES[model.family].measures and encoder_file is not None:
        return encoder_file
    if model.metric is None:
        if request.metric is None:
            return None
        raise UsageError(
            f"{model.name} names no file for metres; add metric to its table in weights.toml"
        )
    if request.metric is None:
        return hub.find_sound(model.metric)
    return hub.fetch(model, model.metric, request.offline, announce)
