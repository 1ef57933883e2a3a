"""What a run is told: how the work is made, and what files come out of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ppdcli.jobs.plan import Format, Task
from ppdcli.jobs.todo import SettingsOf
from ppdcli.jobs.work import Work

PIXEL_BYTES = 24  # of a prediction: JPEG 2000 takes 23 to decode, WebP 16, all else but 12 at most


@dataclass(frozen=True)
class Order:
    """What a run makes of photos. It can be sent to another process.

    Attributes:
        prepare: makes the work. It is called once, and only if there is something to do, because
            it loads the model.
        formats: of the files, as in ``plan``.
        overwrite: make every file, whatever is there. Otherwise ``decision.decide`` says which.
            A file that the user names is always written.
        settings: what the files depend on. It is asked before the work is prepared if there is a
            record to compare with, and again afterwards.
        pixel_bytes: memory that a photo takes for each of its pixels, on its way.
    """

    prepare: Callable[[], Work]
    formats: Sequence[Format]
    overwrite: bool = False
    settings: SettingsOf = dict
    pixel_bytes: int = PIXEL_BYTES


@dataclass(frozen=True)
class Target:
    """Where the files of a run go; the same for all of its processes.

    Attributes:
        folder: of the outputs, whose journal knows them; None for a file or stdout.
        places: the folders that the outputs go to.
        resumes: there are outputs already; if not, a long journal need not be read.
    """

    folder: Path | None
    places: Collection[Path]
    resumes: bool


def target_of(tasks: Sequence[Task], overwrite: bool) -> Target:
    """The target of a run with these tasks, of which there is one or more."""
    return Target(
        tasks[0].folder,
        frozenset(path.parent for task in tasks for path in task.outputs.values()),
        resumes=not overwrite and _any_exists(tasks),
    )


def _any_exists(tasks: Sequence[Task]) -> bool:
    """Whether there is an output to compare with."""
    return any(os.path.lexists(path) for task in tasks for path in task.outputs.values())
