"""The model that the page uses: one is loaded at a time, and it predicts one photo at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ppdcli.announce import Announce
from ppdcli.checkpoints.catalog import models_for_photos
from ppdcli.checkpoints.catalog_rows import Model
from ppdcli.checkpoints.store import find
from ppdcli.commands.app.shot import Shot
from ppdcli.commands.cloud_camera import given_view, guessed_view
from ppdcli.errors import InputError, UsageError
from ppdcli.jobs.work import Job
from ppdcli.loading import load_model
from ppdcli.metric import to_metric
from ppdcli.model_request import ModelRequest
from ppdcli.panoramas import require_pinhole
from ppdcli.photo import load_photo
from ppdcli.predictor import Predictor


@dataclass(frozen=True)
class Wish:
    """What is wanted of a photo.

    Attributes:
        model: Name of a model on this machine.
        steps: Sampling steps; None: the model's own number.
        fov: Horizontal field of view in degrees; None: as the photo states it, or assumed.
        metric: Metres by MoGe-2.
    """

    model: str
    steps: int | None = None
    fov: float | None = None
    metric: bool = False


def models_here() -> dict[str, Model]:
    """The models for photos whose files are on this machine, by name."""
    known = models_for_photos()
    return {name: model for name, model in known.items() if all(map(find, model.parts))}


def has_moge2(model: Model) -> bool:
    """Whether the file for metres is on this machine, too."""
    return model.metric is not None and find(model.metric) is not None


@dataclass
class Network:
    """Loads models and predicts. It may be used by many threads, one after the other.

    Attributes:
        request: Device, precision and the like; its model's name is replaced.
        announce: Called with lines for the user.
        load: Loads a model.
    """

    request: ModelRequest
    announce: Announce
    load: Callable[[ModelRequest, Announce], Predictor] = load_model
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _loaded: tuple[ModelRequest, Predictor] | None = None

    def shot(self, photo: Path, wish: Wish, tell: Callable[[float, str], None]) -> Shot:
        """Predicts the depth of a photo and finds its camera.

        Args:
            photo: The file.
            wish: The model and its settings.
            tell: Called with the share that is done, 0 to 1, and what is happening.

        Raises:
            InputError: The photo cannot be read or used.
            UsageError: A setting is out of range.
            CheckpointError: The model cannot be loaded.
            PpdError: Memory is too small.
        """
        if wish.fov is not None and not 1 <= wish.fov <= 170:
            raise UsageError(f"the field of view is {wish.fov:g} degrees; give 1 to 170")
        with self._lock:
            tell(0.0, "reading the photo")
            read = load_photo(photo)
            read = replace(read, name=photo.name)
            read.require_visible()
            require_pinhole(read, wish.fov is not None)
            tell(0.05, "loading the model")
            predictor = self._predictor(wish)
            job = Job(read)
            view = given_view(job, None, wish.fov)
            estimate = None
            if wish.metric:
                tell(0.1, "measuring with MoGe-2")
                estimate = predictor.estimate(read, None if view is None else view.camera)
            steps = wish.steps or predictor.steps

            def on_step(done: int) -> None:
                tell(0.15 + 0.75 * done / steps, f"step {done} of {steps} done")

            tell(0.15, "predicting")
            (depth,) = predictor.predict_batch([read], steps=steps, on_step=on_step)
        view = view or guessed_view(job, estimate)
        if estimate is not None:
            try:
                depth = to_metric(depth, estimate)
            except InputError as error:
                raise InputError(f"{photo.name}: {error}") from error
        # The view's own notes advise on options of the command line.
        return Shot(read, depth, view, (*read.notes, f"Camera: {view.source}."))

    def _predictor(self, wish: Wish) -> Predictor:
        request = replace(self.request, name=wish.model, metric=wish.metric)
        if self._loaded is None or self._loaded[0] != request:
            self._loaded = None  # the old one's memory is needed
            self._loaded = (request, self.load(request, self.announce))
        return self._loaded[1]
