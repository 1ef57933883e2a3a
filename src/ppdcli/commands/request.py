"""What a command is asked to make of photos, in a value that other processes can be sent."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from ppdcli.announce import Announce, silent
from ppdcli.commands.better_model import tell_of_better_model
from ppdcli.jobs.order import PIXEL_BYTES, Order
from ppdcli.jobs.plan import Format
from ppdcli.jobs.work import Work
from ppdcli.model_request import ONNX, ModelRequest, Sampling
from ppdcli.progress import doing
from ppdcli.wording import counted

if TYPE_CHECKING:  # OpenCV
    from ppdcli.predictor import Predictor


@dataclass(frozen=True)
class PhotoRequest(ABC):
    """What a command makes of photos.

    Attributes:
        model: which model, and how it runs.
        sampling: how depth is sampled.
        formats: of the files.
        overwrite: make every file, whatever is there.
        batch: photos in a forward; None: as many as suit the device.
        devices: of all processes, which every one of them checks before it loads the model.
        announce: called with lines for the user; a function that other processes can import.
    """

    pixel_bytes: ClassVar[int] = PIXEL_BYTES  # see ``Order``

    model: ModelRequest
    sampling: Sampling
    formats: tuple[Format, ...]
    overwrite: bool
    batch: int | None
    devices: tuple[str, ...]
    announce: Announce

    @abstractmethod
    def prepare(self) -> Work:
        """Loads the model."""

    @abstractmethod
    def settings(self) -> dict[str, dict[str, Any]]:
        """What the files of each format depend on."""

    def orders(self) -> list[Order]:
        """One for each process. The first process alone announces the model."""
        return [
            replace(
                self,
                model=replace(self.model, device=device),
                announce=self.announce if number == 0 else silent,
            )._order()
            for number, device in enumerate(self.devices)
        ]

    def _order(self) -> Order:
        return Order(self.prepare, self.formats, self.overwrite, self.settings, self.pixel_bytes)

    def load_predictor(self) -> Predictor:
        """The model, after the devices have been checked.

        Raises:
            UsageError: a device is not on this machine, or an unknown model or precision.
            CheckpointError: a file is missing, damaged, unsafe or of another model.
        """
        self.check_devices()
        from ppdcli.loading import load_model  # OpenCV

        doing("loading the model")
        predictor = load_model(self.model, self.announce)
        tell_of_better_model(self.model.name, predictor.name, self.announce)
        return predictor

    def on_step(self, predictor: Predictor) -> Callable[[int], None]:
        """What the predictor calls after each step: it shows how many are done."""
        steps = self.sampling.steps or predictor.steps
        doing("predicting")
        return lambda done: doing(f"predicting, {done} of {counted(steps, 'step')} done")

    def check_devices(self) -> None:
        """Finds a device that is not on this machine; imports PyTorch, unless onnx is to run.

        Raises:
            UsageError: there is one.
        """
        if self.model.backend == ONNX:
            return  # ``load_model`` checks the one device
        doing("starting PyTorch")
        from ppdcli.devices import choose_device  # torch

        for device in self.devices:
            choose_device(device)
