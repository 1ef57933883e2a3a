"""Checks of network sizes that come from files: their type, and a plausible range."""

from __future__ import annotations

import math
from collections.abc import Sequence

WIDEST = 16_384  # channels of a layer; the largest vision transformers have 6,144
DEEPEST = 512  # blocks in a row


def require_counts(most: int, **values: object) -> None:
    """Checks that all values are whole numbers from 1 to ``most``.

    Raises:
        ValueError: A value is not; names it.
    """
    for name, value in values.items():
        if type(value) is not int or not 1 <= value <= most:
            raise ValueError(f"{name} must be a whole number from 1 to {most}, not {value!r:.40}")


def require_lists(most: int, length: int, **values: object) -> None:
    """Checks that all values are lists of ``length`` whole numbers from 1 to ``most``.

    Raises:
        ValueError: A value is not; names it.
    """
    for name, value in values.items():
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != length:
            raise ValueError(f"{name} must be {length} whole numbers")
        for entry in value:
            require_counts(most, **{name: entry})


def require_positive(most: float, **values: object) -> None:
    """Checks that all values are numbers above 0 and at most ``most``.

    Raises:
        ValueError: A value is not; names it.
    """
    for name, value in values.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or math.isnan(value) or not 0 < value <= most:  # type: ignore[arg-type, operator]
            raise ValueError(f"{name} must be a number above 0, {most:g} at most")
