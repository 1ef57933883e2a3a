"""Bytes for people: sizes in words, and a bar on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ppdcli.wording import counted


def in_words(size: int) -> str:
    """``1341395338`` -> ``1.34 GB``."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= scale:
            digits = 2 if size < 10 * scale else 1 if size < 100 * scale else 0
            return f"{size / scale:.{digits}f} {unit}"
    return counted(size, "byte")


@contextmanager
def progress(what: str, done: int, total: int, wanted: bool) -> Iterator[Callable[[int], None]]:
    """A bar on stderr while the block runs, if that is a terminal and one is wanted.

    Args:
        what: its label.
        done, total: bytes, before the block and at its end.

    Yields:
        A function to be called with how many bytes are done by now.
    """
    if not wanted or not sys.stderr.isatty():
        yield lambda now: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(what, completed=done, total=total)
        yield lambda now: bars.update(bar, completed=now)
