"""What the driver and the actors tell each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ppdcli.files import remote
from ppdcli.jobs import journal_entries
from ppdcli.jobs.inputs import Input
from ppdcli.jobs.journal_entries import Entry
from ppdcli.jobs.order import Order
from ppdcli.jobs.plan import Task
from ppdcli.jobs.ray.places import JOURNAL, OutputPlace
from ppdcli.jobs.work import Result

ATTEMPTS = 4  # at a batch whose actor is lost


@dataclass(frozen=True)
class TaskRow:
    """A task, and what is known of its outputs where they are elsewhere.

    Attributes:
        sizes: of those that exist, by format.
        entries: what is recorded of them.
    """

    number: int
    task: Task
    sizes: Mapping[str, int] = field(default_factory=dict)
    entries: Mapping[str, Entry] = field(default_factory=dict)


def rows_of(tasks: Sequence[Task], there: OutputPlace | None, recorded: bool) -> list[TaskRow]:
    """The tasks with their numbers, and what one look at a remote folder tells of all outputs."""
    if there is None:
        return [TaskRow(number, task) for number, task in enumerate(tasks)]
    found = {file.url: file.bytes for file in remote.find(there.url)}
    entries = _read_journal(there) if recorded else {}
    rows = []
    for number, task in enumerate(tasks):
        urls = {name: there.url_of(path) for name, path in task.outputs.items()}
        sizes = {name: found[url] for name, url in urls.items() if url in found}
        below = {
            name: path.relative_to(there.path).as_posix() for name, path in task.outputs.items()
        }
        known = {name: entries[key] for name, key in below.items() if key in entries}
        rows.append(TaskRow(number, replace(task, input=_sourced(task.input)), sizes, known))
    return rows


def _sourced(entry: Input) -> Input:
    """A photo with what is to be recorded of it, where no path leads to it from its output."""
    source = entry.source or journal_entries.source_of(entry.path, Path.cwd())
    if source is None or entry.path is None:
        return replace(entry, source=source)
    return replace(entry, source=replace(source, path=entry.path.absolute().as_posix()))


def _read_journal(there: OutputPlace) -> dict[str, Entry]:
    files = sorted(remote.find(f"{there.url.rstrip('/')}/{JOURNAL}"), key=lambda file: file.url)
    lines = (entry for file in files for entry in journal_entries.entries_of(remote.read(file.url)))
    return {entry.path: entry for entry in lines}


@dataclass(frozen=True)
class Answer:
    """Of an actor: a task's result, or what ends the run.

    Attributes:
        said: lines that the loading of the model has said.
    """

    number: int
    result: Result | None = None
    error: Exception | None = None
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class ActorOrder:
    """What every actor is given.

    Attributes:
        order: what to make of the photos.
        there: where outputs go that are not on this machine.
        started: nanoseconds since 1970, of the run.
        cwd: the driver's folder.
        threads: the driver's OMP_NUM_THREADS.
    """

    order: Order
    there: OutputPlace | None
    started: int
    cwd: str
    threads: str | None
