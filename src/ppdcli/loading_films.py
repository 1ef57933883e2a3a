"""A model for films by its name, for PyTorch: files found or fetched, networks on their device."""

from __future__ import annotations

import time

from ppdcli.announce import Announce, silent
from ppdcli.backends.pytorch import PyTorchBackend
from ppdcli.checkpoints import catalog, hub
from ppdcli.checkpoints.assemble import assemble
from ppdcli.checkpoints.families import FAMILIES
from ppdcli.devices import check_names, choose_device, choose_precision, dtype_of
from ppdcli.errors import UsageError
from ppdcli.films.window_choices import WindowChoices
from ppdcli.films.windowed import WindowedDepth, WindowSettings
from ppdcli.loading_pytorch import compile_backend
from ppdcli.model_request import PYTORCH, ModelRequest, Sampling


def load_for_films(
    request: ModelRequest,
    sampling: Sampling,
    choices: WindowChoices,
    announce: Announce = silent,
) -> WindowedDepth:
    """Loads a model that sees the frames of a film together.

    Args:
        request: which model and how it runs.
        sampling: steps and seed; such a model has one size alone.
        choices: what can be had as the authors have it.
        announce: called with lines for the user, of which one states the licence before a download.

    Raises:
        UsageError: an unknown model, device or precision, a model for photos, a size, or a backend
            that has no such model.
        CheckpointError: a file is missing, damaged, unsafe or of another model.
    """
    check_names(request.device, request.precision)
    catalog.check_request(request.name, request.checkpoint, request.encoder)
    chosen = catalog.model(request.name)
    width, height = chosen.area
    if not FAMILIES[chosen.family].films:
        raise UsageError(f"{chosen.name} sees one frame at a time; load it as a model for photos")
    if request.backend != PYTORCH:
        raise UsageError(f"{chosen.name} runs on the backend {PYTORCH} alone; choose that")
    if sampling.area not in (None, width * height):
        raise UsageError(f"{chosen.name} works at {width}x{height} alone; leave out the size")
    device = choose_device(request.device)
    network, encoder = request.checkpoint, request.encoder
    if network is None:
        network = hub.fetch(chosen, chosen.network, request.offline, announce)
    if encoder is None and chosen.encoder is not None:
        encoder = hub.fetch(chosen, chosen.encoder, request.offline, announce)
    precision = choose_precision(request.precision, device, FAMILIES[chosen.family].large)
    started = time.perf_counter()
    model = assemble(chosen.family, network, encoder, device, dtype_of(precision))
    backend = PyTorchBackend(model, device, precision, announce)
    if request.compiled:
        compile_backend(backend)
    seconds = time.perf_counter() - started
    announce(f"{chosen.name} on {device}, {precision}, loaded in {seconds:.1f} s")
    steps = sampling.steps or chosen.steps
    settings = WindowSettings((height, width), steps, sampling.seed, choices)
    return WindowedDepth(backend, chosen.name, settings, announce)
