"""An exported model, loaded for onnxruntime. Nothing here imports PyTorch."""

from __future__ import annotations

import time

from ppdcli.announce import Announce, silent
from ppdcli.backends.onnx import OnnxBackend
from ppdcli.exported import checked_card, folder_of
from ppdcli.model_request import ModelRequest
from ppdcli.predictor import Predictor


def load_onnx(request: ModelRequest, announce: Announce = silent) -> Predictor:
    """Loads an exported model; see ``loading.load_model``.

    Raises:
        UsageError: something is asked that only PyTorch does, or onnxruntime is not installed.
        CheckpointError: a file is missing, damaged, or of another version.
    """
    card = checked_card(request)
    started = time.perf_counter()
    backend = OnnxBackend(folder_of(request))
    width, height = card.area
    predictor = Predictor(backend, card.model, width * height, card.preset("standard"), announce)
    seconds = time.perf_counter() - started
    announce(f"{card.model} on cpu, {card.precision}, with onnxruntime, loaded in {seconds:.1f} s")
    return predictor
