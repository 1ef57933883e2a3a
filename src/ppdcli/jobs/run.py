"""Many inputs through one pipeline: finished ones are skipped, and a failure stops no other."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing

from ppdcli.jobs.order import Order, Target, target_of
from ppdcli.jobs.photo_stages import PhotoStages
from ppdcli.jobs.pipeline import Stages, run_stages
from ppdcli.jobs.plan import Task
from ppdcli.jobs.record import Record
from ppdcli.jobs.streams import take_stdin
from ppdcli.jobs.todo import TodoList
from ppdcli.jobs.work import Result, with_new_notes
from ppdcli.machine import cores, shorten_thread_spinning, usable_memory

BUDGET = 4 << 30  # bytes under way at most, and
SHARE_OF_MEMORY = 4  # a quarter of the machine's memory
MOST_THREADS = 8  # that read, or that finish


def run(tasks: Sequence[Task], order: Order) -> Generator[Result, None, None]:
    """Works through the tasks; one that fails does not stop the others.

    Args:
        tasks: from ``plan``.
        order: what to make of them.

    Yields:
        One result a task, in order. Closed early, it waits for files that are being written, and
        nothing half-written stays.

    Raises:
        PpdError: the whole run cannot go on.
    """
    if not tasks:
        return
    target = target_of(tasks, order.overwrite)
    yield from work_through(take_stdin(tasks), order, target)


def work_through(
    tasks: Sequence[Task], order: Order, target: Target, sharers: int = 1
) -> Generator[Result, None, None]:
    """``run``, where stdin has been read; a task may be waited for when it is asked for.

    Args:
        tasks: of the whole run, or those that come to this process.
        order: what to make of them.
        target: of the whole run.
        sharers: how many processes share this machine's memory and processor.
    """
    shorten_thread_spinning()
    record = Record(target.folder, target.places)
    todos = TodoList(target.folder, order.settings, order.overwrite)
    if target.resumes:
        todos.read_records()
    photos = PhotoStages(order, todos, record)
    stages = Stages(
        photos.read,
        weight=lambda loaded: loaded.job.photo.rgb[..., 0].size * order.pixel_bytes,
        key=lambda loaded: photos.work.batch_key(loaded.job.photo),
        most=lambda loaded: photos.work.batch_size(loaded.job.photo),
        compute=photos.compute,
        finish=photos.finish,
    )
    threads = max(1, min(MOST_THREADS, cores() // sharers))
    budget = budget_of(usable_memory()) // sharers
    shown: set[str] = set()
    with (
        closing(record),
        closing(run_stages(tasks, stages, budget, max(1, threads // 2), threads)) as results,
    ):
        for result in results:
            yield with_new_notes(result, [*todos.complaints(), *result.notes], shown)


def budget_of(memory: int | None) -> int:
    """Bytes that photos under way may take, of so much memory; None where that is unknown."""
    return BUDGET // 2 if memory is None else min(BUDGET, memory // SHARE_OF_MEMORY)
