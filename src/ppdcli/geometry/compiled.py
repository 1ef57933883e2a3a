"""Loops over pixels as machine code."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F, *, fastmath: bool = False) -> F:
    """The function as machine code, which runs beside other threads.

    It is compiled at its first call and kept: beside its source, or in the user's cache folder.
    Where neither can be written, as in a container without a disk of its own, it is compiled again
    in every process, which takes seconds.

    Args:
        fastmath: sums may be taken in another order, and nothing is infinite or NaN.
    """
    # Without a home Numba's cache folder would be a "~" in the folder where the program is started.
    has_home = os.path.isabs(os.path.expanduser("~"))  # noqa: PTH111, PTH117  no errors
    try:
        return njit(cache=has_home, nogil=True, fastmath=fastmath)(function)  # type: ignore[return-value]
    except RuntimeError:  # Numba's word for no such folder
        return njit(nogil=True, fastmath=fastmath)(function)  # type: ignore[return-value]
