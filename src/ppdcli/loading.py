"""A model by its name: files found or fetched, networks loaded where they are to run."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ppdcli.checkpoints import catalog, hub
from ppdcli.checkpoints.assemble import assemble
from ppdcli.checkpoints.catalog_rows import AUTO, FALLBACK, Model
from ppdcli.checkpoints.families import FAMILIES
from ppdcli.checkpoints.moge2_file import load_moge2
from ppdcli.checkpoints.pins import own_folder
from ppdcli.devices import Precision, check_names, choose_device, choose_precision, dtype_of
from ppdcli.errors import UsageError
from ppdcli.metric import Estimator
from ppdcli.models.moge2 import MoGe2Semantics
from ppdcli.predictor import Predictor

if TYPE_CHECKING:
    import torch


def load(
    name: str = AUTO,
    *,
    checkpoint: str | Path | None = None,
    encoder: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    offline: bool = False,
    metric: bool | None = False,
    compiled: bool = False,
    announce: Callable[[str], None] = lambda line: None,
) -> Predictor:
    """Loads a model by name.

    Args:
        name: a model of the catalogue; ``auto`` takes the best one on this machine.
        checkpoint: the network's file, instead of the cache's.
        encoder: the semantics encoder's file, instead of the cache's.
        device: auto, cpu, cuda, cuda:1, mps.
        precision: auto, fp32, bf16, fp16.
        offline: never use the network.
        metric: load MoGe-2 too, which gives metres and the camera; None: if it is on this machine.
        compiled: as ``Predictor.compile`` does; what is compiled is kept for later runs.
        announce: called with lines for the user: which model, which licence, what it runs on.

    Raises:
        UsageError: an unknown model, device or precision.
        CheckpointError: a file is missing, damaged, unsafe or of another model.
    """
    check_names(device, precision)
    catalog.check_request(name, checkpoint, encoder)
    chosen = catalog.model(hub.choose(name))
    torch_device = choose_device(device)
    if checkpoint is None:
        network_file = hub.fetch(chosen, chosen.network, offline, announce)
    else:
        network_file = Path(checkpoint)
    encoder_file = None if encoder is None else Path(encoder)
    if encoder_file is None and chosen.encoder is not None:
        encoder_file = hub.fetch(chosen, chosen.encoder, offline, announce)
    metric_file = _metric_file(chosen, encoder_file, metric, offline, announce)
    torch_precision = choose_precision(precision, torch_device)
    started = time.perf_counter()
    dtype = dtype_of(torch_precision)
    estimator, prompt = None, None
    if metric_file is not None:
        estimator = _estimator(metric_file, torch_precision, torch_device)
        if FAMILIES[chosen.family].measures:
            prompt = MoGe2Semantics(estimator.model.encoder)  # the same weights, in memory once
    model = assemble(chosen.family, network_file, encoder_file, torch_device, dtype, prompt)
    width, height = chosen.area
    predictor = Predictor(
        model,
        chosen.name,
        width * height,
        chosen.steps,
        torch_device,
        torch_precision,
        announce,
        estimator,
    )
    if compiled:
        compile_predictor(predictor)
    seconds = time.perf_counter() - started
    announce(f"{chosen.name} on {torch_device}, {torch_precision}, loaded in {seconds:.1f} s")
    if name == AUTO and chosen.name == FALLBACK:
        announce(
            f"{chosen.name} is the small model inside the package; for the paper's, give "
            "-m ppd-da2 (downloads about 3.3 GB once)"
        )
    return predictor


def compile_predictor(predictor: Predictor) -> None:
    """``Predictor.compile``, where what is compiled is kept for later runs."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(own_folder() / "compiled"))
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # chatter
    predictor.compile()


def load_estimator(
    name: str = AUTO,
    *,
    encoder: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    offline: bool = False,
    metric: bool | None = True,
    announce: Callable[[str], None] = lambda line: None,
) -> Estimator | None:
    """MoGe-2 alone, for depth that exists already; the arguments are those of ``load``.

    Returns:
        None if ``metric`` is None and it is not on this machine.

    Raises:
        UsageError: an unknown model, device or precision, or a model without a file for metres.
        CheckpointError: the file is missing, damaged, unsafe or of another model.
    """
    check_names(device, precision)
    catalog.check_request(name, None, encoder)
    chosen = catalog.model(hub.choose(name))
    file = _metric_file(
        chosen, None if encoder is None else Path(encoder), metric, offline, announce
    )
    if file is None:
        return None
    torch_device = choose_device(device)
    return _estimator(file, choose_precision(precision, torch_device), torch_device)


def _estimator(file: Path, precision: Precision, device: torch.device) -> Estimator:
    return Estimator(load_moge2(file, device, dtype_of(precision)), device, precision)


def _metric_file(
    model: Model,
    encoder_file: Path | None,
    metric: bool | None,
    offline: bool,
    announce: Callable[[str], None],
) -> Path | None:
    """MoGe-2's file, if it is wanted."""
    if metric is False:
        return None
    if FAMILIES[model.family].measures and encoder_file is not None:
        return encoder_file
    if model.metric is None:
        if metric is None:
            return None
        raise UsageError(
            f"{model.name} names no file for metres; add metric to its table in weights.toml"
        )
    return (
        hub.find_sound(model.metric)
        if metric is None
        else hub.fetch(model, model.metric, offline, announce)
    )
