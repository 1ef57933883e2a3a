"""Compilation of loops over pixels to machine code."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F, *, fastmath: bool = False) -> F:
    """Returns the function compiled to machine code, which runs in parallel to other threads.

    It is compiled at its first call. The code is cached beside the source or in the user's cache
    folder. If neither is writable, as in a container without a disk, every process compiles it
    again, which takes seconds.

    Args:
        fastmath: Allows sums in another order; no value may be infinite or NaN.
    """
    # Without a home folder, Numba would create a cache folder "~" in the current folder.
    has_home = os.path.isabs(os.path.expanduser("~"))  # noqa: PTH111, PTH117  no errors
    try:
        return njit(cache=has_home, nogil=True, fastmath=fastmath)(function)  # type: ignore[return-value]
    except RuntimeError:  # Numba raises it if no cache folder is writable
        return njit(nogil=True, fastmath=fastmath)(function)  # type: ignore[return-value]
