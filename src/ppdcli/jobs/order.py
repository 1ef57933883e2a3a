"""The order of a run: how the work is made, and which files come out."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ppdcli.jobs.plan import Format, Task
from ppdcli.jobs.todo import SettingsOf
from ppdcli.jobs.work import Result
from ppdcli.pipeline import Stages

TaskStages = Stages[Task, Any, Any, Result]

PIXEL_BYTES = 24  # of a prediction: JPEG 2000 takes 23 to decode, WebP 16, other formats at most 12


@dataclass(frozen=True)
class Order:
    """What a run makes of photos. It can be sent to another process.

    Attributes:
        prepare: Makes the work, for photos a ``Work``. It is called once, and only if there is
            something to do, because it loads the model.
        formats: The formats of the files, as in ``plan``.
        overwrite: Make every file, even if it exists. Otherwise ``decision.decide`` decides. A file
            that the user names is always written.
        settings: Returns what the files depend on. It is called before the work is prepared if
            there is a record to compare with, and again afterwards.
        pixel_bytes: The memory that a photo takes for each of its pixels while it is processed.
        stages: Makes the stages of inputs that are no photos and have no record. They are read by
            one thread, in their order. It is called with what gives the work.
    """

    prepare: Callable[[], Any]
    formats: Sequence[Format]
    overwrite: bool = False
    settings: SettingsOf = dict
    pixel_bytes: int = PIXEL_BYTES
    stages: Callable[[Callable[[], Any]], TaskStages] | None = None


@dataclass(frozen=True)
class Target:
    """Where the files of a run go. All processes of a run have the same target.

    Attributes:
        folder: The output folder, which has the journal; None for a file or stdout.
        places: The folders that the outputs go to.
        resumes: Some outputs exist already. If not, the journal need not be read.
    """

    folder: Path | None
    places: Collection[Path]
    resumes: bool


def target_of(tasks: Sequence[Task], overwrite: bool) -> Target:
    """The target of a run with these tasks. There must be at least one."""
    return Target(
        tasks[0].folder,
        frozenset(path.parent for task in tasks for path in task.outputs.values()),
        resumes=not overwrite and _any_exists(tasks),
    )


def _any_exists(tasks: Sequence[Task]) -> bool:
    """Whether some output exists already."""
    return any(os.path.lexists(path) for task in tasks for path in task.outputs.values())
