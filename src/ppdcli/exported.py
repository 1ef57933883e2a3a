"""What is asked of an exported model, checked before anything heavy is imported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ppdcli.backends.onnx_folder import Card, read_card
from ppdcli.checkpoints.catalog_rows import AUTO
from ppdcli.errors import UsageError, shown
from ppdcli.model_request import ModelRequest


def checked_card(request: ModelRequest) -> Card:
    """What the exported folder says of itself.

    Raises:
        UsageError: something is asked that only PyTorch does, or of another model.
        CheckpointError: the folder's ``ppd.json`` is missing or damaged.
    """
    folder = folder_of(request)
    if request.device not in ("auto", "cpu"):
        raise UsageError(f"device {request.device}: the backend onnx computes on the cpu")
    if request.encoder is not None:
        raise UsageError("an exported model has its encoder in its folder; leave out the encoder")
    if request.compiled:
        raise UsageError("the backend onnx has no compiler; compile with the backend pytorch")
    if request.metric:
        raise UsageError(
            "metres by MoGe-2 need the backend pytorch; onnx has those by known distances alone"
        )
    card = read_card(folder)
    if request.name not in (AUTO, card.model):
        raise UsageError(
            f"{folder}: is {shown(card.model)}, not {shown(request.name)}; name the model's folder"
        )
    if request.precision not in ("auto", card.precision):
        raise UsageError(
            f"precision {request.precision}: {folder} was exported in {card.precision}; leave out "
            "the precision, or name another folder"
        )
    return card


def without_estimator(request: ModelRequest) -> ModelRequest:
    """The request without MoGe-2, where that was only wanted if it is here."""
    return replace(request, metric=False) if request.metric is None else request


def folder_of(request: ModelRequest) -> Path:
    """The exported folder that is asked for.

    Raises:
        UsageError: none is.
    """
    if request.checkpoint is None:
        model = "ppd-tiny" if request.name == AUTO else request.name
        raise UsageError(
            "the backend onnx runs an exported model; write one with "
            f"`ppd export {model} -o FOLDER`, and give FOLDER as the checkpoint"
        )
    return request.checkpoint
