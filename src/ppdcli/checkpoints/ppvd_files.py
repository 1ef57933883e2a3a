"""Loads the two files of the authors' video model: PPVD's network, and Pi3 as its encoder."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch

from ppdcli.checkpoints.layouts import (
    CPU,
    NETWORK_ENCODER_PREFIX,
    Tensors,
    load_checked,
    read_tensors,
)
from ppdcli.models.config import VideoDiTConfig
from ppdcli.models.pi3 import Pi3Config, Pi3Semantics
from ppdcli.models.precision import keep_weights_in
from ppdcli.models.video_dit import VideoDiT

VIDEO_PREFIX = "dit_video."
PI3_HEADS = (
    "camera_decoder.",
    "camera_head.",
    "conf_decoder.",
    "conf_head.",
    "point_decoder.",
    "point_head.",
)


def load_video_network(
    path: Path,
    device: torch.device = CPU,
    dtype: torch.dtype = torch.float32,
    config: VideoDiTConfig | None = None,
) -> VideoDiT:
    """Loads PPVD's network, in eval mode. An encoder in the same file is left out.

    Args:
        path: ppvd.pth, or a .safetensors file with the same names.
        device: the device of the weights. On a CPU, float32 weights stay memory-mapped.
        dtype: the type of the weights that autocast would cast to it (``models.precision``).
        config: the network's sizes; those of the released model if None.

    Raises:
        CheckpointError: the file cannot be read, or its keys or shapes do not fit.
    """
    with torch.device("meta"):
        network = VideoDiT(VideoDiTConfig() if config is None else config)
    keep_weights_in(network, dtype)
    read = partial(_without, path, (NETWORK_ENCODER_PREFIX,))
    load_checked(network, read, path, "the weights of PPVD's network", VIDEO_PREFIX, device)
    return network.eval()


def load_pi3(
    path: Path,
    device: torch.device = CPU,
    dtype: torch.dtype = torch.float32,
    config: Pi3Config | None = None,
) -> Pi3Semantics:
    """Loads the part of Pi3 that PPVD uses, in eval mode. The heads in the file are left out.

    Args:
        path: Pi3's model.safetensors.
        device, dtype, config: see ``load_video_network``.

    Raises:
        CheckpointError: the file cannot be read, or its keys or shapes do not fit.
    """
    with torch.device("meta"):
        encoder = Pi3Semantics(Pi3Config() if config is None else config)
    keep_weights_in(encoder, dtype)
    read = partial(_without, path, PI3_HEADS)
    load_checked(encoder, read, path, "the weights of Pi3", device=device)
    return encoder.eval()


def _without(path: Path, prefixes: tuple[str, ...]) -> Tensors:
    """The tensors of a file whose names begin with none of the prefixes."""
    tensors = read_tensors(path)
    return {key: tensor for key, tensor in tensors.items() if not key.startswith(prefixes)}
