"""What a command makes of photos, as it is told to the processes that do the work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from ppdcli.cli.options import MetricOptions, ModelOptions

if TYPE_CHECKING:
    from ppdcli.jobs.work import Work


@dataclass(frozen=True)
class Recipe(ABC):
    """What a command makes of photos, as a process of its own can be told.

    Attributes:
        quiet: say nothing of the model.
        devices: of all processes, which every one of them checks before it loads the model.
    """

    model: ModelOptions
    metres: MetricOptions
    quiet: bool
    devices: tuple[str, ...]

    @abstractmethod
    def prepare(self) -> Work:
        """Loads the model."""

    @abstractmethod
    def settings(self) -> dict[str, dict[str, Any]]:
        """What the files of each format depend on."""

    def for_each(self) -> list[Self]:
        """One a process; the first alone says which model it is."""
        return [
            replace(self, model=replace(self.model, device=device), quiet=self.quiet or number > 0)
            for number, device in enumerate(self.devices)
        ]

    def check_devices(self) -> None:
        """Finds a device that is not on this machine; imports PyTorch.

        Raises:
            UsageError: there is one.
        """
        from ppdcli.devices import choose_device  # torch

        for device in self.devices:
            choose_device(device)
