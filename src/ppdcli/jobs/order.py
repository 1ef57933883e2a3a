"""What a run is told, in one value that a process of its own can be given."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ppdcli.jobs.plan import Format, Task
from ppdcli.jobs.todo import SettingsOf
from ppdcli.jobs.work import Work


@dataclass(frozen=True)
class Order:
    """What a run is to do with its tasks; a process of its own can be given it.

    Attributes:
        prepare, formats, overwrite, settings, pixel_bytes: as for ``run``.
        folder: of the outputs, whose journal knows them; None for a file or stdout.
        places: the folders that the outputs go to.
        resumes: there are outputs already; if not, a long journal need not be read.
        sharers: how many processes share this machine's memory and processor.
    """

    prepare: Callable[[], Work]
    formats: Sequence[Format]
    overwrite: bool
    settings: SettingsOf
    pixel_bytes: int
    folder: Path | None
    places: Collection[Path]
    resumes: bool
    sharers: int = 1


def order_of(
    tasks: Sequence[Task],
    prepare: Callable[[], Work],
    formats: Sequence[Format],
    overwrite: bool,
    settings: SettingsOf,
    pixel_bytes: int,
) -> Order:
    """The order of a run with these tasks, of which there is one or more."""
    return Order(
        prepare,
        formats,
        overwrite,
        settings,
        pixel_bytes,
        tasks[0].folder,
        frozenset(path.parent for task in tasks for path in task.outputs.values()),
        resumes=not overwrite and _any_exists(tasks),
    )


def _any_exists(tasks: Sequence[Task]) -> bool:
    """Whether there is an output to compare with."""
    return any(os.path.lexists(path) for task in tasks for path in task.outputs.values())
