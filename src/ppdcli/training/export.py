"""Writes a trained pair of networks to one .safetensors file that ``ppd`` loads."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn

from ppdcli.checkpoints.builders import TINY_ENCODER_PREFIX
from ppdcli.checkpoints.layouts import NETWORK_PREFIX
from ppdcli.files.atomic import atomic_path
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.pyramid_encoder import PyramidEncoder


def export(path: Path, network: CasDiT, encoder: PyramidEncoder, card: dict[str, str]) -> None:
    """Writes both networks in half precision, with their sizes and the model card in the header.

    A tensor with values beyond the range of half precision keeps its dtype.

    Raises:
        OutputError: The file cannot be written.
    """
    tensors = _half(network, NETWORK_PREFIX) | _half(encoder, TINY_ENCODER_PREFIX)
    header = {
        **card,
        "network": json.dumps(asdict(network.config)),
        "encoder": json.dumps(asdict(encoder.config)),
    }
    with atomic_path(path) as temporary:
        # Not save_file: it creates files that only their owner can read.
        temporary.write_bytes(save(tensors, metadata=header))


def _half(module: nn.Module, prefix: str) -> dict[str, torch.Tensor]:
    return {
        prefix + name: _halved(tensor).cpu().contiguous()
        for name, tensor in module.state_dict().items()
    }


def _halved(tensor: torch.Tensor) -> torch.Tensor:
    half = tensor.half() if tensor.is_floating_point() else tensor
    # The variance of a batch norm can exceed 65504, the maximum of float16.
    return half if bool(half.isfinite().all()) else tensor
