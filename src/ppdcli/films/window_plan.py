"""Which frames a model sees together: windows that share three key frames with the one before.

The numbers are those of the authors' video model, which was trained with them. The functions work
on frames of any kind: pictures, maps, or numbers of frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

FRAMES = 16  # of a window
KEY_SLOTS = (0, 8, 15)  # of a window, whose frames are the first ones of the next window
NEW = FRAMES - len(KEY_SLOTS)  # frames of a window that no window before it had

Frame = TypeVar("Frame")


def next_window(keys: Sequence[Frame], new: Sequence[Frame]) -> list[Frame]:
    """Returns the frames of a window: the key frames, then new ones, then copies of the last one.

    Args:
        keys: The key frames of the window before (``keys_of``); empty for the first window.
        new: The next frames, 16 for the first window and 13 for the others, or fewer if the film
            ends.

    Raises:
        ValueError: The number of keys or of new frames does not fit a window.
    """
    if len(keys) not in (0, len(KEY_SLOTS)) or not 0 < len(new) <= FRAMES - len(keys):
        raise ValueError(f"{len(keys)} key frames and {len(new)} new ones are no window")
    window = [*keys, *new]
    return window + [window[-1]] * (FRAMES - len(window))


def keys_of(window: Sequence[Frame]) -> list[Frame]:
    """Returns the key frames of a window. The first one is always the film's first frame."""
    return [window[slot] for slot in KEY_SLOTS]
