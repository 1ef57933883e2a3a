"""Options of ``ppd video``: which frames, and what keeps their depth steady."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, ClassVar

import typer

from ppdcli.errors import UsageError
from ppdcli.films.consistency import Consistency
from ppdcli.films.frames import Selection

USUAL = Consistency()


@dataclass(frozen=True)
class FilmOptions:
    """Which films, and which of their frames."""

    title: ClassVar[str] = "Input"

    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT...",
            help="Videos, or folders of numbered pictures. - reads one video from stdin.",
        ),
    ] = None
    start: Annotated[
        str,
        typer.Option(
            "--from", metavar="TIME", help="Begin here: seconds, or HOURS:MINUTES:SECONDS."
        ),
    ] = "0"
    stop: Annotated[
        str | None,
        typer.Option("--to", metavar="TIME", help="End before this time.", show_default="the end"),
    ] = None
    every: Annotated[int, typer.Option(min=1, metavar="N", help="Take each N-th frame only.")] = 1
    fps: Annotated[
        str | None,
        typer.Option(
            metavar="RATE",
            help="Take at most so many frames a second. For a folder of pictures: their rate.",
            show_default="all frames; 25 for a folder",
        ),
    ] = None

    def rate(self) -> Fraction | None:
        """Frames a second, if they are given.

        Raises:
            UsageError: no number above 0.
        """
        if self.fps is None:
            return None
        try:
            rate = Fraction(self.fps)
        except (ValueError, ZeroDivisionError):
            rate = Fraction(0)
        if not 0 < rate <= 1000:
            raise UsageError(f"--fps {self.fps}: give a number above 0, such as 10 or 30000/1001")
        return rate

    def selection(self) -> Selection:
        """Which frames.

        Raises:
            UsageError: a time or a rate that is none, or the end is not after the beginning.
        """
        from ppdcli.commands.film_inputs import seconds

        start = seconds("--from", self.start)
        stop = None if self.stop is None else seconds("--to", self.stop)
        if stop is not None and stop <= start:
            raise UsageError(f"--to {self.stop}: give a time after --from {self.start}")
        return Selection(start, stop, self.every, self.rate())


@dataclass(frozen=True)
class ConsistencyOptions:
    """What keeps depth steady from frame to frame."""

    title: ClassVar[str] = "Consistency"

    same_noise: Annotated[
        bool,
        typer.Option(
            "--same-noise/--fresh-noise",
            help="Start every frame from the same noise, or each from noise of its own.",
        ),
    ] = USUAL.same_noise
    align: Annotated[
        bool,
        typer.Option(
            "--align/--no-align", help="Fit scale and shift of each frame to the frames before it."
        ),
    ] = USUAL.align
    regions: Annotated[
        bool,
        typer.Option(
            "--regions/--no-regions",
            help="Fit regions of each frame to the frames before it, too.",
        ),
    ] = USUAL.regions
    smooth: Annotated[
        bool,
        typer.Option(
            "--smooth/--no-smooth",
            help="Average along the motion, within a surface and never across an edge.",
        ),
    ] = USUAL.smooth
    warm_start: Annotated[
        bool,
        typer.Option(
            "--warm-start/--no-warm-start",
            help="Start sampling from the frame before. Steadier, in half of the steps, but with "
            "fewer edges.",
        ),
    ] = USUAL.warm_start
    cuts: Annotated[
        bool,
        typer.Option("--cuts/--no-cuts", help="Find scene cuts, and carry nothing over them."),
    ] = USUAL.cuts

    def consistency(self) -> Consistency:
        """These choices."""
        return Consistency(**vars(self))
