"""Options for models that see a window of frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

from ppdcli.films.window_choices import WindowChoices

USUAL = WindowChoices()


@dataclass(frozen=True)
class WindowOptions:
    """What the model ppvd can do as its authors do it."""

    title: ClassVar[str] = "Model ppvd"

    exact_stitching: Annotated[
        bool,
        typer.Option(
            "--exact-stitching",
            help="Join windows as the authors do, for equality with their numbers: enlarge "
            "bilinearly and fit in float32, without a guard.",
        ),
    ] = USUAL.exact_stitching
    swapped_channels: Annotated[
        bool,
        typer.Option("--swapped-channels", help="Swap red and blue, as the authors' program does."),
    ] = USUAL.swapped_channels

    def choices(self) -> WindowChoices:
        """These choices."""
        return WindowChoices(**vars(self))
