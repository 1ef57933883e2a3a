"""Builds a whole model from its files."""

from __future__ import annotations

from pathlib import Path

import torch

from ppdcli.checkpoints.families import FAMILIES
from ppdcli.checkpoints.layouts import CPU
from ppdcli.checkpoints.model_files import ModelFiles
from ppdcli.models.moge2 import MoGe2Semantics
from ppdcli.models.pixel_perfect import PixelPerfectDepth


def assemble(
    family: str,
    network_file: Path,
    encoder_file: Path | None,
    device: torch.device = CPU,
    dtype: torch.dtype = torch.float32,
    prompt: MoGe2Semantics | None = None,
) -> PixelPerfectDepth:
    """Builds the model that the files hold, in eval mode.

    Args:
        family: a key of ``families.FAMILIES``.
        network_file, encoder_file, device, dtype, prompt: see ``families.ModelFiles``.

    Raises:
        CheckpointError: a file is missing, damaged, unsafe or of another model.
    """
    files = ModelFiles(network_file, encoder_file, device, dtype, prompt)
    return FAMILIES[family].build(files)
