"""Many inputs through one pipeline: finished ones are skipped, and a failure stops no other."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace

from ppdcli.jobs.order import Order, order_of
from ppdcli.jobs.photo_stages import PhotoStages
from ppdcli.jobs.pipeline import Stages, run_stages
from ppdcli.jobs.plan import Format, Task
from ppdcli.jobs.record import Record
from ppdcli.jobs.streams import take_stdin
from ppdcli.jobs.todo import SettingsOf, TodoList
from ppdcli.jobs.work import Result, Work
from ppdcli.machine import cores, let_network_sleep, usable_memory

BUDGET = 4 << 30  # bytes under way at most, and
SHARE_OF_MEMORY = 4  # a quarter of the machine's memory
MOST_THREADS = 8  # that read, or that finish
PIXEL_BYTES = 24  # of a prediction: JPEG 2000 takes 23 to decode, WebP 16, all else but 12 at most


def run(
    tasks: Sequence[Task],
    prepare: Callable[[], Work],
    formats: Sequence[Format],
    overwrite: bool,
    settings: SettingsOf = dict,
    pixel_bytes: int = PIXEL_BYTES,
) -> Generator[Result, None, None]:
    """Works through the tasks; one that fails does not stop the others.

    Args:
        tasks: from ``plan``.
        prepare: makes the work, called once and only if something is to be done (it loads the
            model).
        formats: as in ``plan``, for stdout's suffix.
        overwrite: make every output, whatever is there; else what ``verdict.judge`` says. A file
            that the user names is always written.
        settings: what the outputs depend on. Asked before the work is prepared, if something is
            recorded to compare with, and after.
        pixel_bytes: memory that a photo takes a pixel, on its way.

    Yields:
        One result a task, in order. Closed early, it waits for files that are being written, and
        nothing half-written stays.

    Raises:
        PpdError: the whole run cannot go on.
    """
    if not tasks:
        return
    order = order_of(tasks, prepare, formats, overwrite, settings, pixel_bytes)
    yield from work_through(take_stdin(tasks), order)


def work_through(tasks: Sequence[Task], order: Order) -> Generator[Result, None, None]:
    """``run``, where stdin has been read; a task may be waited for when it is asked for."""
    let_network_sleep()
    record = Record(order.folder, order.places)
    todos = TodoList(order.folder, order.settings, order.overwrite)
    if order.resumes:
        todos.read_records()
    photos = PhotoStages(order, todos, record)
    stages = Stages(
        photos.read,
        weight=lambda loaded: loaded.job.photo.rgb[..., 0].size * order.pixel_bytes,
        key=lambda loaded: photos.work.kind(loaded.job.photo),
        most=lambda loaded: photos.work.together(loaded.job.photo),
        compute=photos.compute,
        finish=photos.finish,
    )
    threads = max(1, min(MOST_THREADS, cores() // order.sharers))
    budget = budget_of(usable_memory()) // order.sharers
    told: set[str] = set()
    with (
        closing(record),
        closing(run_stages(tasks, stages, budget, max(1, threads // 2), threads)) as results,
    ):
        for result in results:
            said = [*todos.complaints(), *result.notes]
            notes = [line for line in said if line not in told]
            told.update(notes)
            yield replace(result, notes=notes)


def budget_of(memory: int | None) -> int:
    """Bytes that photos under way may take, of so much memory; None where that is unknown."""
    return BUDGET // 2 if memory is None else min(BUDGET, memory // SHARE_OF_MEMORY)
