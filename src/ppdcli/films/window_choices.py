"""What a user can choose of a model that sees a window of frames. It imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WindowChoices:
    """What can be had as the authors of the video model have it.

    Attributes:
        exact_stitching: enlarge bilinearly and fit in float32 at full size, without a guard; for
            equality with their numbers.
        swapped_channels: show the network blue, green, red, as their program does. Whether their
            weights were trained so is not known.
    """

    exact_stitching: bool = False
    swapped_channels: bool = False
