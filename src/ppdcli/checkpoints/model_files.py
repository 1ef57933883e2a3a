"""The files of a model, and the device and type of its weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ppdcli.models.moge2 import MoGe2Semantics


@dataclass(frozen=True)
class ModelFiles:
    """The parts from which a model is built.

    Attributes:
        network: the network's checkpoint.
        encoder: the semantics encoder's checkpoint; None if the network's file holds the encoder.
        device: the device of the weights. On a CPU, float32 weights stay memory-mapped.
        dtype: the type of the weights that autocast would cast to it (``models.precision``).
        prompt: the encoder, if it is already loaded.
    """

    network: Path
    encoder: Path | None
    device: torch.device
    dtype: torch.dtype
    prompt: MoGe2Semantics | None = None
