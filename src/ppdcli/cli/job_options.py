"""Options of how the work is shared and where it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

from ppdcli.errors import UsageError


@dataclass(frozen=True)
class PlaceOptions:
    """Which processes share the work."""

    title: ClassVar[str] = "Several processes"

    devices: Annotated[
        str | None,
        typer.Option(
            metavar="LIST", help="Start a process on each of these devices, such as cuda:0,cuda:1."
        ),
    ] = None
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="How many processes share the work.",
            show_default="one for each device",
        ),
    ] = None
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="ray",
            help="Run on a Ray cluster. Photos may then be URLs, such as s3:// and gs://.",
        ),
    ] = None

    def places(self, device: str) -> list[str]:
        """The device of each process that is to work; one name: this process.

        Args:
            device: what --device says.

        Raises:
            UsageError: two options name the device, or one is unknown; devices of several kinds,
                whose outputs would differ; an unknown engine, or one that does not go with these.
        """
        from ppdcli.devices import check_names

        if self.engine is not None:
            self._check_engine(device)
            return [device]
        names = [device]
        if self.devices is not None:
            if device != "auto":
                raise UsageError("--device and --devices both name the device; give one")
            names = [name.strip() for name in self.devices.split(",")]
            for name in names:
                check_names(name, "auto")
            if len({name.partition(":")[0] for name in names}) > 1:
                raise UsageError(
                    f"--devices {self.devices}: name devices of one kind; outputs would depend on "
                    "which of them made them"
                )
        count = self.workers or len(names)
        return [names[k % len(names)] for k in range(count)]

    def _check_engine(self, device: str) -> None:
        if self.engine != "ray":
            raise UsageError(f"--engine {self.engine}: there is one, ray; leave it out for none")
        if self.devices is not None or ":" in device:
            raise UsageError("Ray chooses the devices; with --engine ray give --workers N")


@dataclass(frozen=True)
class JobOptions(PlaceOptions):
    """How many inputs are worked through."""

    title: ClassVar[str] = "Many images"

    batch: Annotated[
        str,
        typer.Option(
            metavar="N",
            help="How many images the network computes at a time. Results do not depend on it.",
        ),
    ] = "auto"
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Process only the I-th of N parts of the input, such as 1/4. For job arrays.",
        ),
    ] = None
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Keep running, and process images that arrive in the folders. Ctrl-C ends it.",
        ),
    ] = False

    @property
    def photos(self) -> int | None:
        """Images per forward, None for what suits the device.

        Raises:
            UsageError: no number above 0.
        """
        if self.batch == "auto":
            return None
        if not (self.batch.isdecimal() and int(self.batch) > 0):
            raise UsageError(f"--batch {self.batch}: give a number above 0, or auto")
        return int(self.batch)

    @property
    def share(self) -> tuple[int, int] | None:
        """Which share of how many, counted from 1.

        Raises:
            UsageError: not I/N with 1 <= I <= N.
        """
        if self.shard is None:
            return None
        number, _, count = self.shard.partition("/")
        if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
            raise UsageError(f"--shard {self.shard}: give I/N with I from 1 to N, such as 1/4")
        return int(number), int(count)

    def places(self, device: str) -> list[str]:
        """See ``PlaceOptions``; also raises where --watch is to have several processes."""
        places = super().places(device)
        if self.watch and self.engine is not None:
            raise UsageError("--watch works in one process; leave out --engine")
        if self.watch and len(places) > 1:
            raise UsageError("--watch works in one process; leave out --workers and --devices")
        return places
