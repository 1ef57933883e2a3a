"""The model that ``ppd bench`` measures: as a prediction loads it, or one with random weights."""

from __future__ import annotations

import torch
from torch import nn

from ppdcli.checkpoints import catalog, hub
from ppdcli.checkpoints.store import find
from ppdcli.devices import choose_device, choose_precision, dtype_of
from ppdcli.errors import CheckpointError
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.dinov2 import DinoV2Semantics
from ppdcli.models.moge2 import MoGe2Encoder, MoGe2Semantics
from ppdcli.models.moge2_config import BACKBONES, EncoderConfig
from ppdcli.models.pixel_perfect import PixelPerfectDepth
from ppdcli.models.precision import keep_weights_in
from ppdcli.predictor import Predictor

NETWORK = CasDiTConfig()
BACKBONE = BACKBONES["dinov2_vitl14"]
MOGE2_BLOCKS = (5, 11, 17, 23)  # of the released MoGe-2 ViT-L, whose own file would say it

LARGEST = 0.02  # random weights: what they compute stays finite in half precision too


def is_here(chosen: catalog.Model) -> bool:
    """Whether all files that a model needs are on this machine."""
    return all(find(part) is not None for part in chosen.parts)


def random_predictor(chosen: catalog.Model, device: str, precision: str) -> Predictor:
    """A model of the full size with weights that mean nothing; no file is read, nothing fetched.

    Raises:
        UsageError: the device is not on this machine.
        CheckpointError: the model's own file states its sizes, so that none can be made without.
    """
    if chosen.family == "tiny":
        raise CheckpointError(
            f"{chosen.name}: its file states its sizes; get it with `ppd weights pull "
            f"{chosen.name}`, or measure another model"
        )
    torch_device = choose_device(device)
    torch_precision = choose_precision(precision, torch_device)
    with torch.device("meta"):
        model = PixelPerfectDepth(CasDiT(NETWORK), _encoder(chosen.family)).eval()
    keep_weights_in(model, dtype_of(torch_precision))
    model.to_empty(device=torch_device)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-LARGEST, LARGEST)
        for buffer in model.buffers():  # what pictures are divided by, among them
            buffer.fill_(1)
    width, height = chosen.area
    return Predictor(
        model, chosen.name, width * height, chosen.steps, torch_device, torch_precision
    )


def choose(name: str) -> catalog.Model:
    """The model of that name; ``auto``: the best one on this machine.

    Raises:
        UsageError: there is none of that name.
    """
    return catalog.model(hub.choose(name))


def _encoder(family: catalog.Family) -> nn.Module:
    if family == "moge2":
        return MoGe2Semantics(
            MoGe2Encoder(EncoderConfig(BACKBONE, MOGE2_BLOCKS, NETWORK.semantics_dim))
        )
    return DinoV2Semantics("vits" if BACKBONE.variant == "vits" else "vitl")
