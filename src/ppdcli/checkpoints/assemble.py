"""Files on disk -> a whole model, sizes and all."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from ppdcli.checkpoints.layouts import (
    CPU,
    NETWORK_PREFIX,
    Tensors,
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
from ppdcli.models.precision import keep_weights_in
from ppdcli.models.tiny_encoder import TinyEncoder, TinyEncoderConfig

TINY_ENCODER_PREFIX = "encoder."


def assemble(
    network_file: Path,
    encoder_file: Path | None,
    device: torch.device = CPU,
    dtype: torch.dtype = torch.float32,
) -> PixelPerfectDepth:
    """Builds the model that the files hold, in eval mode, each weight straight where it stays.

    Args:
        network_file: the network's checkpoint.
        encoder_file: Depth Anything V2 Large's; None where the network's file holds its own
            encoder, as ppd-tiny's does.
        device: where the weights go; on a CPU those of ``dtype`` float32 stay memory-mapped.
        dtype: of the weights that autocast would cast to it (``models.precision``).

    Raises:
        CheckpointError: a file is missing, damaged, unsafe or of another model.
    """
    if encoder_file is None:
        return _own_encoder(network_file, device, dtype)
    with torch.device("meta"):
        network, encoder = CasDiT(CasDiTConfig()), DinoV2Semantics("vitl")
        model = PixelPerfectDepth(network, encoder)
    keep_weights_in(model, dtype)
    load_network(network, network_file, device)
    load_da2_encoder(encoder, encoder_file, device)
    return model.eval()


def _own_encoder(path: Path, device: torch.device, dtype: torch.dtype) -> PixelPerfectDepth:
    """One .safetensors file with ``dit.*``, ``encoder.*`` and their sizes in its header."""
    sizes = read_metadata(path)
    try:
        with torch.device("meta"):
            encoder = TinyEncoder(TinyEncoderConfig(**json.loads(sizes["encoder"])))
            model = PixelPerfectDepth(CasDiT(CasDiTConfig(**json.loads(sizes["network"]))), encoder)
    except Exception as error:  # sizes that make no sense can raise anything
        raise CheckpointError(
            f"{path}: not a ppd-tiny checkpoint: its header does not state the sizes; give a "
            ".safetensors file that `ppd train` wrote, or name another model with -m"
        ) from error
    keep_weights_in(model, dtype)

    def read(of_encoder: bool) -> Tensors:
        return {
            key: tensor
            for key, tensor in read_tensors(path).items()
            if key.startswith(TINY_ENCODER_PREFIX) == of_encoder
        }

    what = "the weights that its header announces"
    load_checked(model.network, lambda: read(False), path, what, NETWORK_PREFIX, device)
    load_checked(model.encoder, lambda: read(True), path, what, TINY_ENCODER_PREFIX, device)
    return model.eval()
