"""PyAV, which is imported when a video is read or written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ppdcli.errors import UsageError


def import_av() -> Any:
    """PyAV.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import av
        import av.logging
    except ImportError as error:
        raise UsageError("videos need PyAV; run: pip install 'ppdcli[video]'") from error
    av.logging.set_level(None)  # what it says of damaged files is not for the user
    return av


def address(path: Path) -> str:
    """A file for PyAV: with the protocol, a name with a colon or a dash is taken for no URL.

    Raises:
        ValueError: the name is not UTF-8.
    """
    name = str(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ValueError("its name is not UTF-8; rename it") from None
    return f"file:{name}"
