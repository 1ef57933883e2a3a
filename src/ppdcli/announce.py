"""Lines for the user: library code calls an ``Announce`` with them and prints nothing itself."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable

from ppdcli.errors import PpdWarning

Announce = Callable[[str], None]


def silent(line: str) -> None:
    """Announces nothing."""


def warn(lines: Iterable[str]) -> None:
    """Lines for whoever called the Python function that calls this."""
    for line in lines:
        warnings.warn(line, PpdWarning, stacklevel=3)
