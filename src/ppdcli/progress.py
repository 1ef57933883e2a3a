"""Bars on a terminal, of whatever takes long."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

Unit = Literal["items", "bytes", "share"]


@contextmanager
def progress(unit: Unit, total: float, done: float = 0, label: str = "") -> Iterator[Progress]:
    """A bar on stderr while the block runs, if that is a terminal.

    Args:
        unit: what is counted; a share goes from 0 to 1.
        total: of them, at the end of the block.
        done: of them, before it.
        label: stands before the bar.
    """
    if not sys.stderr.isatty():
        yield Progress(done, lambda _done, _label: None)
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    # Output on stdout is data: the bar stays away from it.
    with Bars(
        *_columns(unit), console=Console(stderr=True), transient=True, redirect_stdout=False
    ) as bars:
        bar = bars.add_task(label, total=total)
        bars.update(bar, completed=done)

        def show(now: float, text: str | None) -> None:
            bars.update(bar, completed=now, description=text)

        yield Progress(done, show)


class Progress:
    """How much is done.

    Attributes:
        done: in the bar's unit.
    """

    def __init__(self, done: float, show: Callable[[float, str | None], None]) -> None:
        self.done, self._show = done, show

    def set(self, done: float, label: str | None = None) -> None:
        """So much is done by now; the label stays if it is None."""
        self.done = done
        self._show(done, label)

    def advance(self) -> None:
        """One more is done."""
        self.set(self.done + 1)


def _columns(unit: Unit) -> list[ProgressColumn]:
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    label = TextColumn("{task.description}")
    columns: dict[Unit, list[ProgressColumn]] = {
        "items": [BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()],
        "bytes": [
            label,
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        ],
        "share": [label, BarColumn(), TaskProgressColumn()],
    }
    return columns[unit]
