"""Files on disk -> a whole model, sizes and all."""

from __future__ import annotations

from pathlib import Path

import torch

from ppdcli.checkpoints.catalog import Family
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
from ppdcli.checkpoints.moge2_file import load_moge2_semantics
from ppdcli.errors import CheckpointError, shown
from ppdcli.files.foreign import parse_json
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.dinov2 import DinoV2Semantics
from ppdcli.models.moge2 import MoGe2Semantics
from ppdcli.models.pixel_perfect import PixelPerfectDepth
from ppdcli.models.precision import keep_weights_in
from ppdcli.models.pyramid_encoder import PyramidEncoder, PyramidEncoderConfig

TINY_ENCODER_PREFIX = "encoder."


def assemble(
    family: Family,
    network_file: Path,
    encoder_file: Path | None,
    device: torch.device = CPU,
    dtype: torch.dtype = torch.float32,
    prompt: MoGe2Semantics | None = None,
) -> PixelPerfectDepth:
    """Builds the model that the files hold, in eval mode, each weight straight where it stays.

    Args:
        family: which semantics encoder prompts the network.
        network_file: the network's checkpoint.
        encoder_file: Depth Anything V2 Large's or MoGe-2's; None for the family "tiny", where the
            network's file holds the encoder too.
        device: where the weights go; on a CPU those of ``dtype`` float32 stay memory-mapped.
        dtype: of the weights that autocast would cast to it (``models.precision``).
        prompt: the encoder, where it is loaded already.

    Raises:
        CheckpointError: a file is missing, damaged, unsafe or of another model.
    """
    if encoder_file is None:
        return _own_encoder(network_file, device, dtype)
    with torch.device("meta"):
        network = CasDiT(CasDiTConfig())
    keep_weights_in(network, dtype)
    load_network(network, network_file, device)
    if family == "moge2":
        prompt = prompt or load_moge2_semantics(encoder_file, device, dtype)
        _require_width(prompt, encoder_file)
        return PixelPerfectDepth(network, prompt).eval()
    with torch.device("meta"):
        encoder = DinoV2Semantics("vitl")
    keep_weights_in(encoder, dtype)
    load_da2_encoder(encoder, encoder_file, device)
    return PixelPerfectDepth(network, encoder).eval()


def _require_width(encoder: MoGe2Semantics, path: Path) -> None:
    if encoder.dim != CasDiTConfig.semantics_dim:
        raise CheckpointError(
            f"{path}: this MoGe-2 gives tokens {encoder.dim} wide, and the network takes "
            f"{CasDiTConfig.semantics_dim}; give the ViT-L's, such as "
            "Ruicheng/moge-2-vitl-normal's model.pt"
        )


def _own_encoder(path: Path, device: torch.device, dtype: torch.dtype) -> PixelPerfectDepth:
    """One .safetensors file with ``dit.*``, ``encoder.*`` and their sizes in its header."""
    sizes = read_metadata(path)
    try:
        with torch.device("meta"):
            encoder = PyramidEncoder(PyramidEncoderConfig(**parse_json(sizes["encoder"])))
            model = PixelPerfectDepth(CasDiT(CasDiTConfig(**parse_json(sizes["network"]))), encoder)
    except Exception as error:  # sizes that make no sense can raise anything
        raise CheckpointError(
            f"{path}: not a ppd-tiny checkpoint: its header does not state the sizes "
            f"({shown(error, 160)}); give a .safetensors file that `ppd train` wrote, or name "
            "another model with -m"
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
