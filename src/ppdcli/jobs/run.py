"""Processes many inputs in one pipeline: finished ones are skipped, failed ones stop no other."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing

from ppdcli.jobs.order import Order, Target, target_of
from ppdcli.jobs.photo_stages import PhotoStages
from ppdcli.jobs.plan import Task
from ppdcli.jobs.record import Record
from ppdcli.jobs.streams import take_stdin
from ppdcli.jobs.todo import TodoList
from ppdcli.jobs.work import Result, with_new_notes
from ppdcli.machine import shorten_thread_spinning
from ppdcli.pipeline import Stages, limits_here, run_stages


def run(tasks: Sequence[Task], order: Order) -> Generator[Result, None, None]:
    """Processes the tasks. One that fails does not stop the others.

    Args:
        tasks: From ``plan``.
        order: What to make of them.

    Yields:
        One result for each task, in order. If the generator is closed early, it waits for files
        that are being written, and leaves no half-written file.

    Raises:
        PpdError: The whole run cannot continue.
    """
    if not tasks:
        return
    target = target_of(tasks, order.overwrite)
    yield from work_through(take_stdin(tasks), order, target)


def work_through(
    tasks: Sequence[Task], order: Order, target: Target, sharers: int = 1
) -> Generator[Result, None, None]:
    """``run``, after stdin has been read. Taking an item of ``tasks`` may block until it arrives.

    Args:
        tasks: Those of the whole run, or those that this process gets.
        order: What to make of them.
        target: That of the whole run.
        sharers: How many processes share the memory and processor of this machine.
    """
    shorten_thread_spinning()
    if order.stages is not None:
        limits = limits_here(sharers)._replace(readers=1)
        with closing(run_stages(tasks, order.stages(order.prepare), *limits)) as results:
            yield from results
        return
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
    shown: set[str] = set()
    with (
        closing(record),
        closing(run_stages(tasks, stages, *limits_here(sharers))) as results,
    ):
        for result in results:
            yield with_new_notes(result, [*todos.complaints(), *result.notes], shown)
