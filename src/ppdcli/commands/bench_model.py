"""The model that ``ppd bench`` measures: as a prediction loads it, or one with random weights."""

from __future__ import annotations

import torch

from ppdcli.backends.enlarging import enlarge_on
from ppdcli.backends.pytorch import PyTorchBackend
from ppdcli.checkpoints import catalog, hub
from ppdcli.checkpoints.catalog_rows import Model
from ppdcli.checkpoints.families import FAMILIES
from ppdcli.checkpoints.store import find
from ppdcli.devices import choose_device, choose_precision, dtype_of
from ppdcli.errors import CheckpointError
from ppdcli.models.cas_dit import CasDiT
from ppdcli.models.config import CasDiTConfig
from ppdcli.models.pixel_perfect import PixelPerfectDepth
from ppdcli.models.precision import keep_weights_in
from ppdcli.predictor import Predictor

NETWORK = CasDiTConfig()

LARGEST = 0.02  # random weights: what they compute stays finite in half precision too


def is_here(chosen: Model) -> bool:
    """Whether all files that a model needs are on this machine."""
    return all(find(part) is not None for part in chosen.parts)


def random_predictor(chosen: Model, device: str, precision: str) -> Predictor:
    """A model of the full size with weights that mean nothing; no file is read, nothing fetched.

    Raises:
        UsageError: the device is not on this machine.
        CheckpointError: the model's own file states its sizes, so that none can be made without.
    """
    unloaded_encoder = FAMILIES[chosen.family].unloaded_encoder
    if unloaded_encoder is None:
        raise CheckpointError(
            f"{chosen.name}: its file states its sizes; get it with `ppd weights pull "
            f"{chosen.name}`, or measure another model"
        )
    torch_device = choose_device(device)
    torch_precision = choose_precision(precision, torch_device, FAMILIES[chosen.family].large)
    with torch.device("meta"):
        model = PixelPerfectDepth(CasDiT(NETWORK), unloaded_encoder()).eval()
    keep_weights_in(model, dtype_of(torch_precision))
    model.to_empty(device=torch_device)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-LARGEST, LARGEST)
        for buffer in model.buffers():  # what pictures are divided by, among them
            buffer.fill_(1)
    width, height = chosen.area
    backend = PyTorchBackend(model, torch_device, torch_precision)
    enlarge = enlarge_on(torch_device)
    return Predictor(backend, chosen.name, width * height, chosen.steps, enlarge=enlarge)


def pytorch_of(predictor: Predictor) -> PyTorchBackend:
    """The backend whose parts are measured."""
    assert isinstance(predictor.backend, PyTorchBackend)
    return predictor.backend


def choose(name: str) -> Model:
    """The model of that name; ``auto``: the best one on this machine.

    Raises:
        UsageError: there is none of that name, or it takes no photos.
    """
    catalog.require_for_photos(name)
    return catalog.model(hub.choose(name))
