"""Builds models from files. Each weight is loaded directly to its final place."""

from __future__ import annotations

from pathlib import Path

import torch

from ppdcli.checkpoints.layouts import (
    NETWORK_PREFIX,
    Tensors,
    load_checked,
    load_da2_encoder,
    load_network,
    read_metadata,
    read_tensors,
)
from ppdcli.checkpoints.model_files import ModelFiles
from ppdcli.checkpoints.moge2_file import load_moge2_semantics
from ppdcli.checkpoints.ppvd_files import load_pi3, load_video_network
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


def with_da2(files: ModelFiles) -> PixelPerfectDepth:
    """Builds a network that is prompted by Depth Anything V2 Large.

    Raises:
        CheckpointError: a file is missing, damaged, unsafe or of another model.
    """
    network = _network(files)
    with torch.device("meta"):
        encoder = DinoV2Semantics("vitl")
    keep_weights_in(encoder, files.dtype)
    load_da2_encoder(encoder, _encoder_file(files), files.device)
    return PixelPerfectDepth(network, encoder).eval()


def with_moge2(files: ModelFiles) -> PixelPerfectDepth:
    """Builds a network that is prompted by MoGe-2.

    Raises:
        CheckpointError: a file is missing, damaged, unsafe or of another model.
    """
    network, path = _network(files), _encoder_file(files)
    prompt = files.prompt or load_moge2_semantics(path, files.device, files.dtype)
    require_width(prompt, path)
    return PixelPerfectDepth(network, prompt).eval()


def with_pi3(files: ModelFiles) -> PixelPerfectDepth:
    """Builds the authors' video model, whose batch axis is that of a window's frames.

    Raises:
        CheckpointError: a file is missing, damaged, unsafe or of another model.
    """
    network = load_video_network(files.network, files.device, files.dtype)
    encoder = load_pi3(_encoder_file(files), files.device, files.dtype)
    return PixelPerfectDepth(network, encoder).eval()


def _network(files: ModelFiles) -> CasDiT:
    with torch.device("meta"):
        network = CasDiT(CasDiTConfig())
    keep_weights_in(network, files.dtype)
    load_network(network, files.network, files.device)
    return network


def _encoder_file(files: ModelFiles) -> Path:
    if files.encoder is None:
        raise ValueError("this family needs the file of an encoder")
    return files.encoder


def require_width(encoder: MoGe2Semantics, path: Path) -> None:
    """Requires that an encoder's tokens have the width of the released network's input.

    Raises:
        CheckpointError: the width differs. The message names the file.
    """
    if encoder.dim != CasDiTConfig.semantics_dim:
        raise CheckpointError(
            f"{path}: this MoGe-2 gives tokens of width {encoder.dim}, but the network takes "
            f"{CasDiTConfig.semantics_dim}; give the ViT-L's, such as "
            "Ruicheng/moge-2-vitl-normal's model.pt"
        )


def with_own_encoder(files: ModelFiles) -> PixelPerfectDepth:
    """Builds a model from one .safetensors file: ``dit.*``, ``encoder.*``, sizes in the header.

    Raises:
        CheckpointError: the file is missing, damaged, unsafe or of another model.
    """
    path, device, dtype = files.network, files.device, files.dtype
    sizes = read_metadata(path)
    try:
        with torch.device("meta"):
            encoder = PyramidEncoder(PyramidEncoderConfig(**parse_json(sizes["encoder"])))
            model = PixelPerfectDepth(CasDiT(CasDiTConfig(**parse_json(sizes["network"]))), encoder)
    except Exception as error:  # senseless sizes can raise anything
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
