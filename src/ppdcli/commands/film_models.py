"""The models of ``ppd video``: checked before any work, loaded when a film needs one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ppdcli.announce import Announce
from ppdcli.checkpoints import catalog
from ppdcli.checkpoints.catalog_rows import AUTO
from ppdcli.checkpoints.families import FAMILIES
from ppdcli.commands.better_model import tell_of_better_model
from ppdcli.commands.model_settings import model_settings
from ppdcli.errors import UsageError
from ppdcli.films.consistency import Consistency
from ppdcli.films.window_choices import WindowChoices
from ppdcli.model_request import ONNX, ModelRequest, Sampling
from ppdcli.progress import doing

if TYPE_CHECKING:  # OpenCV and PyTorch
    from ppdcli.films.orders import ComputesChunks
    from ppdcli.films.windowed import WindowedDepth
    from ppdcli.metric import Estimator
    from ppdcli.predictor import Predictor

USUAL = WindowChoices()


def sees_windows(name: str) -> bool:
    """Whether the model of that name sees the frames of a film together."""
    return name != AUTO and FAMILIES[catalog.model(name).family].films


def check_choices(name: str, consistency: Consistency, windows: WindowChoices) -> None:
    """Checks that the choices are those of the kind of model.

    Raises:
        UsageError: they are of the other kind, or no model has this name.
    """
    if not sees_windows(name):
        if windows != USUAL:
            raise UsageError(
                "--exact-stitching and --swapped-channels are for models that see a window of "
                "frames; add -m ppvd, or leave them out"
            )
    elif replace(consistency, cuts=Consistency().cuts) != Consistency():
        raise UsageError(
            f"{name} sees the frames of a window together; of the options for consistency, it has "
            "--cuts alone"
        )


def check_sharing(name: str, consistency: Consistency, live_stdin: bool) -> None:
    """Checks that several processes can share a film.

    Args:
        name: of the model.
        consistency: what keeps depth steady.
        live_stdin: a stream is read, which only one process can do.

    Raises:
        UsageError: they cannot.
    """
    options = "--workers, --devices and --engine"
    if sees_windows(name):
        raise UsageError(
            f"{name} needs the window before for each window; leave out {options}, or give "
            "processes of their own different films"
        )
    if consistency.warm_start:
        raise UsageError(
            f"--warm-start needs the frame before for each frame; leave it out, or {options}"
        )
    if live_stdin:
        raise UsageError(f"--live reads stdin once, in one process; leave it out, or {options}")


def load_for_frames(
    request: ModelRequest, announce: Announce, devices: Sequence[str] = ()
) -> Predictor:
    """Loads a model for single frames.

    Args:
        request: which model.
        announce: called with lines for the user.
        devices: of other processes, which are checked first.

    Raises:
        UsageError: a device is not on this machine, or what is asked does not go together.
        CheckpointError: a file is missing, damaged, unsafe or of another model.
    """
    doing("loading the model")
    if request.backend != ONNX:
        from ppdcli.devices import choose_device  # torch

        for device in devices:
            choose_device(device)
    from ppdcli.loading import load_model  # OpenCV

    predictor = load_model(request, announce)
    tell_of_better_model(request.name, predictor.name, announce)
    return predictor


class FilmModels:
    """The model that is asked for, and one for photos; each is loaded when it is needed first."""

    def __init__(
        self, request: ModelRequest, sampling: Sampling, windows: WindowChoices, announce: Announce
    ) -> None:
        self._request, self._sampling = replace(request, metric=False), sampling
        self._windows, self._announce = windows, announce
        self._photos: Predictor | None = None
        self._films: WindowedDepth | None = None
        self._estimator: Estimator | None = None

    def load(self) -> None:
        """Loads the model that is asked for, if it is not loaded.

        Raises:
            UsageError: what is asked of it does not go together.
            CheckpointError: a file is missing, damaged, unsafe or of another model.
        """
        if sees_windows(self._request.name):
            self._for_films()
        else:
            self._for_photos()

    def fetch(self) -> None:
        """Sees to it that the files of weights are there, for processes that load the model.

        Raises:
            CheckpointError: one cannot be had.
        """
        settings = model_settings(self._request, self._sampling)
        if None in settings.values():  # a file is not on this machine
            load_for_frames(replace(self._request, device="cpu"), self._announce)

    def estimator(
        self, consistency: Consistency, on_frame: Callable[[int], None]
    ) -> ComputesChunks:
        """What computes the depth of a film.

        Args:
            consistency: what keeps depth steady.
            on_frame: called with the number of frames that are done.
        """
        if sees_windows(self._request.name):
            from ppdcli.films.window_estimating import WindowEstimator

            return WindowEstimator(self._for_films(), self._for_photos, consistency.cuts, on_frame)
        from ppdcli.films.estimating import Estimator

        return Estimator(self._for_photos(), self._sampling, consistency, on_frame)

    def for_metres(self) -> Estimator:
        """MoGe-2.

        Raises:
            UsageError: there is none for the model or the backend.
            CheckpointError: its file is missing or damaged.
        """
        if self._estimator is None:
            from ppdcli.loading_pytorch import load_estimator

            doing("loading MoGe-2")
            request = replace(self._request, metric=True)
            if sees_windows(request.name):
                request = replace(request, name=AUTO, checkpoint=None, encoder=None)
            self._estimator = load_estimator(request, self._announce)
            assert self._estimator is not None
        return self._estimator

    def _for_films(self) -> WindowedDepth:
        if self._films is None:
            from ppdcli.loading_films import load_for_films

            doing("loading the model")
            self._films = load_for_films(
                self._request, self._sampling, self._windows, self._announce
            )
        return self._films

    def _for_photos(self) -> Predictor:
        """The model that is asked for, or the best one for photos beside one for films."""
        if self._photos is None:
            request = self._request
            if sees_windows(request.name):
                from ppdcli.loading import load_model

                request = replace(request, name=AUTO, checkpoint=None, encoder=None)
                self._photos = load_model(request, self._announce)
            else:
                self._photos = load_for_frames(request, self._announce)
        return self._photos
