"""The files of a model, and where its weights go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from ppdcli.models.moge2 import MoGe2Semantics


@dataclass(frozen=True)
class ModelFiles:
    """What a model is made of.

    Attributes:
        network: the network's checkpoint.
        encoder: the semantics encoder's; None where the network's file holds it.
        device: where the weights go; on a CPU those of ``dtype`` float32 stay memory-mapped.
        dtype: of the weights that autocast would cast to it (``models.precision``).
        prompt: the encoder, where it is loaded already.
    """

    network: Path
    encoder: Path | None
    device: torch.device
    dtype: torch.dtype
    prompt: MoGe2Semantics | None = None
