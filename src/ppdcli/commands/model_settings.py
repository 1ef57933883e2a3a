"""What a prediction depends on, in words and numbers that a journal can keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ppdcli.checkpoints import catalog, hub
from ppdcli.checkpoints.catalog_rows import Part
from ppdcli.checkpoints.families import FAMILIES
from ppdcli.devices import expected_precision
from ppdcli.exported import checked_card
from ppdcli.jobs.decision import OFF
from ppdcli.jobs.fingerprint import fingerprint, of_given
from ppdcli.model_request import ONNX, ModelRequest, Sampling


def model_settings(request: ModelRequest, sampling: Sampling) -> dict[str, Any]:
    """What depth depends on that this model predicts.

    It loads no model, nor PyTorch where it can do without. A file that is not on this machine is
    None: nobody can tell which one it would be.

    Raises:
        UsageError: an unknown model or device.
        CheckpointError: a pin cannot be read.
    """
    if request.backend == ONNX:
        return _exported_settings(request, sampling)
    chosen = catalog.model(hub.choose(request.name))
    whole = chosen.encoder is None and request.encoder is None  # one file holds both
    moge2: str | None = OFF
    if request.metric is not False and chosen.metric is not None:
        measures = FAMILIES[chosen.family].measures
        moge2 = _weights(chosen.metric, request.encoder if measures else None)
        if moge2 is None and request.metric is None:
            moge2 = OFF
    width, height = chosen.area
    return {
        "model": chosen.name,
        "network": _weights(chosen.network, request.checkpoint),
        "encoder": "in the network's file" if whole else _weights(chosen.encoder, request.encoder),
        "moge2": moge2,
        "seed": sampling.seed,
        "steps": sampling.steps or chosen.steps,
        "size": f"{sampling.area or width * height} pixels",
        "precision": expected_precision(
            request.precision, request.device, FAMILIES[chosen.family].large
        ),
        "compiled": request.compiled,
        "backend": OFF,  # PyTorch's outputs had no such setting before there was another backend
    }


def _exported_settings(request: ModelRequest, sampling: Sampling) -> dict[str, Any]:
    card = checked_card(request)
    width, height = card.area
    return {
        "model": card.model,
        "network": of_given(request.checkpoint),
        "encoder": "in the network's file",
        "moge2": OFF,
        "seed": sampling.seed,
        "steps": sampling.steps or card.preset("standard"),
        "size": f"{sampling.area or width * height} pixels",
        "precision": card.precision,
        "compiled": False,
        "backend": request.backend,
    }


def _weights(part: Part | None, given: Path | None) -> str | None:
    """Which file of weights is used: a given one, or the cache's."""
    if given is not None:
        return of_given(given)
    path = None if part is None else hub.find_sound(part)
    return None if path is None else fingerprint(path)
