"""Bars on a terminal, and a line that says what is happening now."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import ProgressColumn

Unit = Literal["items", "frames", "bytes", "share", "activity"]

_open: list[Bars] = []  # on this process's terminal; the last one is drawn
_activities: list[Progress] = []


@contextmanager
def progress(unit: Unit, total: float, done: float = 0, label: str = "") -> Iterator[Progress]:
    """A bar on stderr while the block runs, if that is a terminal.

    A bar that was there before, such as that of a folder while a model is downloaded, is hidden
    until the block ends.

    Args:
        unit: what is counted; a share goes from 0 to 1; an activity has a spinner, not a bar.
        total: of them, at the end of the block.
        done: of them, before it.
        label: stands before the bar.
    """
    with _others_hidden():
        if not sys.stderr.isatty():  # while another bar is drawn, it is not the terminal itself
            yield Progress(done, lambda _done, _label: None)
            return
        from rich.console import Console
        from rich.progress import Progress as Bars

        # Output on stdout is data: the bar stays away from it.
        bars = Bars(
            *_columns(unit), console=Console(stderr=True), transient=True, redirect_stdout=False
        )
        _open.append(bars)
        bar = bars.add_task(label, total=total)
        bars.update(bar, completed=done)

        def show(now: float, text: str | None) -> None:
            bars.update(bar, completed=now, description=text)

        bars.start()
        try:
            yield Progress(done, show)
        finally:
            bars.stop()
            _open.pop()


@contextmanager
def activity(label: str) -> Iterator[None]:
    """A line on stderr that says what is happening while the block runs, if that is a terminal."""
    with progress("activity", 1, label=label) as line:
        _activities.append(line)
        try:
            yield
        finally:
            _activities.pop()


@contextmanager
def film_progress() -> Iterator[Callable[[str, int, int | None], None]]:
    """Gives a function that shows the progress of a film while the block runs.

    It is called with what is done, frames done, and frames in all, None if that is not known. Each
    kind of work has a bar of its own.
    """
    with ExitStack() as stack:
        bar: Progress | None = None
        shown = ""

        def show(what: str, done: int, total: int | None) -> None:
            nonlocal bar, shown
            if total is None:
                doing(f"{what}, {done} frames done")
                return
            if bar is None or what != shown:
                stack.close()
                shown = what
                bar = stack.enter_context(progress("frames", total, label=what))
            bar.set(done)

        yield show


def doing(what: str) -> None:
    """Shows what is happening now, if a line for it is there; any code may call it."""
    if _activities:
        _activities[-1].set(0, what)


@contextmanager
def _others_hidden() -> Iterator[None]:
    """Hides the bar that is drawn: two at the same time would overwrite each other."""
    if _open:
        _open[-1].stop()
    try:
        yield
    finally:
        if _open:
            _open[-1].start()


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
        SpinnerColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    label = TextColumn("{task.description}", markup=False)
    columns: dict[Unit, list[ProgressColumn]] = {
        "items": [BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()],
        "frames": [label, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()],
        "bytes": [
            label,
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        ],
        "share": [label, BarColumn(), TaskProgressColumn()],
        "activity": [SpinnerColumn(), label, TimeElapsedColumn()],
    }
    return columns[unit]
