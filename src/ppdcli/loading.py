"""A model by its name, loaded for the backend that is to run it."""

from __future__ import annotations

from pathlib import Path

from ppdcli.announce import Announce, silent
from ppdcli.checkpoints.catalog_rows import AUTO
from ppdcli.errors import UsageError, not_installed
from ppdcli.model_request import ONNX, PYTORCH, ModelRequest, check_backend
from ppdcli.predictor import Predictor


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
    backend: str = PYTORCH,
    announce: Announce = silent,
) -> Predictor:
    """Loads a model by name.

    Args:
        name: a model of the catalogue; ``auto`` takes the best one on this machine.
        checkpoint: the network's file, instead of the cache's; for ``onnx`` the folder.
        encoder: the semantics encoder's file, instead of the cache's.
        device: auto, cpu, cuda, cuda:1, mps.
        precision: auto, fp32, bf16, fp16.
        offline: never use the network.
        metric: load MoGe-2 too, which gives metres and the camera; None: if it is on this machine.
        compiled: have PyTorch compile the transformer; what is compiled is kept for later runs.
        backend: pytorch; or onnx, which runs a folder that ``ppd export`` wrote, without PyTorch.
        announce: called with lines for the user: which model, which licence, what it runs on.

    Raises:
        UsageError: an unknown model, device, precision or backend, or what a backend cannot do.
        CheckpointError: a file is missing, damaged, unsafe or of another model.
    """
    request = ModelRequest(
        name,
        None if checkpoint is None else Path(checkpoint),
        None if encoder is None else Path(encoder),
        device,
        precision,
        compiled,
        offline,
        metric,
        backend,
    )
    return load_model(request, announce)


def load_model(request: ModelRequest, announce: Announce = silent) -> Predictor:
    """``load`` for what is asked in one value. Only what the backend needs is imported."""
    check_backend(request.backend)
    if request.backend == ONNX:
        from ppdcli.loading_onnx import load_onnx

        return load_onnx(request, announce)
    try:
        from ppdcli.loading_pytorch import load_pytorch
    except ModuleNotFoundError as error:
        raise UsageError(not_installed(error)) from error
    return load_pytorch(request, announce)
