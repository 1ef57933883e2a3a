"""Files on disk -> a whole model, sizes and all."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from ppdcli.checkpoints.layouts import (
    NETWORK_PREFIX,
    load_checked,
    load_da2_encoder,
    load_network,
    read_metadata,
    read_tensors,
)
from ppdcli.errors import CheckpointError
from ppdcli.models.cas_dit import CasDiT, CasDiTConfig
from ppdcli.models.dinov2 import DinoV2Semantics
from ppdcli.models.pixel_perfect import PixelPerfectDepth
from ppdcli.models.tiny_encoder import TinyEncoder, TinyEncoderConfig

TINY_ENCODER_PREFIX = "encoder."


def assemble(network_file: Path, encoder_file: Path | None) -> PixelPerfectDepth:
    """Builds the model that the files hold, in eval mode, float32, on the CPU.

    Args:
        network_file: the network's checkpoint.
        encoder_file: Depth Anything V2 Large's; None where the network's file holds its own
            encoder, as ppd-tiny's does.

    Raises:
        CheckpointError: a file is missing, damaged, unsafe or of another model.
    """
    if encoder_file is None:
        return _own_encoder(network_file)
    with torch.device("meta"):
        network, encoder = CasDiT(CasDiTConfig()), DinoV2Semantics("vitl")
    load_network(network, network_file)
    load_da2_encoder(encoder, encoder_file)
    return PixelPerfectDepth(network, encoder).eval()


def _own_encoder(path: Path) -> PixelPerfectDepth:
    """One .safetensors file with ``dit.*``, ``encoder.*`` and their sizes in its header."""
    sizes = read_metadata(path)
    try:
        with torch.device("meta"):
            encoder = TinyEncoder(TinyEncoderConfig(**json.loads(sizes["encoder"])))
            network = CasDiT(CasDiTConfig(**json.loads(sizes["network"])))
    except Exception as error:  # sizes that make no sense can raise anything
        raise CheckpointError(
            f"{path}: not a ppd-tiny checkpoint: its header does not state the sizes; give a "
            ".safetensors file that `ppd train` wrote, or name another model with -m"
        ) from error
    tensors = read_tensors(path)
    of_encoder = {k: v for k, v in tensors.items() if k.startswith(TINY_ENCODER_PREFIX)}
    of_network = {k: v for k, v in tensors.items() if k not in of_encoder}
    what = "the weights that its header announces"
    load_checked(network, of_network, path, what, NETWORK_PREFIX)
    load_checked(encoder, of_encoder, path, what, TINY_ENCODER_PREFIX)
    return PixelPerfectDepth(network, encoder).eval()
