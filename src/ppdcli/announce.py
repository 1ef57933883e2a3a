"""Lines for the user: library code calls an ``Announce`` with them and prints nothing itself."""

from __future__ import annotations

from collections.abc import Callable

Announce = Callable[[str], None]


def silent(line: str) -> None:
    """Announces nothing."""
