"""Gives photos to the actors and collects results in order."""

from __future__ import annotations

import logging
import os
import pickle
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ppdcli.errors import PpdError
from ppdcli.jobs import journal
from ppdcli.jobs.order import Order
from ppdcli.jobs.plan import Task
from ppdcli.jobs.ray.actor import Actor
from ppdcli.jobs.ray.cluster import address, connected
from ppdcli.jobs.ray.places import OutputPlace, is_elsewhere, path_of
from ppdcli.jobs.ray.planning import check_ray
from ppdcli.jobs.ray.rows import ATTEMPTS, ActorOrder, Answer, TaskRow, rows_of
from ppdcli.jobs.work import Result, with_new_notes

LARGEST_BATCH = 16  # photos


def run_on_ray(
    tasks: Sequence[Task],
    order: Order,
    output: str,
    workers: int | None,
    on_cpu: bool,
) -> Generator[Result, None, None]:
    """``jobs.run.run`` on Ray: on the cluster of RAY_ADDRESS, else on this machine.

    Args:
        tasks: from ``plan_outputs`` for this ``output``.
        order: given to every actor.
        workers: actors; by default one for each GPU of the cluster, or for each of its machines.
        on_cpu: take no GPU.

    Yields:
        One result a task, in order.

    Raises:
        PpdError: the whole run cannot go on.
    """
    if not tasks:
        return
    check_ray()
    folder = tasks[0].folder
    there = OutputPlace(output, path_of(output)) if is_elsewhere(output) else None
    actor_order = ActorOrder(
        order,
        there,
        time.time_ns(),
        str(Path.cwd()),
        os.environ.get("OMP_NUM_THREADS"),
    )
    rows = rows_of(tasks, there, folder is not None and not order.overwrite)
    shown: set[str] = set()
    with connected(workers) as ray:
        gpus = 0 if on_cpu else int(ray.cluster_resources().get("GPU", 0))
        count = workers or gpus or sum(node["Alive"] for node in ray.nodes())
        stream = partial(
            _stream, ray, order=actor_order, workers=min(count, len(tasks)), gpu=gpus > 0
        )
        for result in _in_order(tasks, rows, stream):
            yield with_new_notes(result, result.notes, shown)
    if folder is not None and there is None and folder.is_dir() and not address():
        with suppress(OSError):  # removes what lost actors left of their temporary files
            journal.Journal(folder, {p.parent for t in tasks for p in t.outputs.values()}).close()


def _stream(
    ray: Any, rows: Sequence[TaskRow], alone: bool, order: ActorOrder, workers: int, gpu: bool
) -> Iterator[Answer]:
    """The answers to rows; none where an actor was lost too often.

    Args:
        alone: give an actor one photo at a time, so that none is lost with another.
    """
    from ray import data

    context = data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.max_errored_blocks = -1  # a batch that is lost for good is told photo by photo
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)
    # Large enough to fill the pipeline, small enough to share the work.
    batch = 1 if alone else max(1, min(LARGEST_BATCH, len(rows) // (4 * workers)))
    items = [{"row": pickle.dumps(row)} for row in rows]
    given = data.from_items(items, override_num_blocks=-(-len(rows) // batch))
    with warnings.catch_warnings():
        # Ray 2.64 is to take the last two away. Without them it would go on for ever with a photo
        # that kills every process.
        warnings.simplefilter("ignore")
        dataset = given.map_batches(
            Actor,
            fn_constructor_args=(order,),
            batch_size=None,
            compute=data.ActorPoolStrategy(
                size=workers, max_tasks_in_flight_per_actor=1 if alone else None
            ),
            num_cpus=1,
            num_gpus=1 if gpu else None,
            max_restarts=-1,
            max_task_retries=ATTEMPTS - 1,
        )
    try:
        for row in dataset.iter_rows():
            yield pickle.loads(row["answer"])
    except ray.exceptions.RayError as error:
        last = str(error).strip().rpartition("\n")[2]
        raise PpdError(
            f"Ray: the actors cannot be started or reached ({last}); is ppdcli, in this version, "
            "on every machine of the cluster?"
        ) from error


def _in_order(
    tasks: Sequence[Task],
    rows: Sequence[TaskRow],
    stream: Callable[[Sequence[TaskRow], bool], Iterator[Answer]],
) -> Iterator[Result]:
    """The results, in order.

    A photo that ends its actor takes those with it that wait there. So the photos without an answer
    are tried once more, each alone, and what still has no answer has failed.
    """
    said = False
    kept: dict[int, Answer] = {}  # since the first photo without an answer
    expected = 0

    def result_of(answer: Answer) -> Result:
        nonlocal said
        if answer.error is not None:
            raise answer.error
        assert answer.result is not None
        lines = () if said else answer.said
        said = said or bool(lines)
        return replace(answer.result, notes=[*lines, *answer.result.notes])

    for answer in stream(rows, False):
        if answer.error is not None or answer.number == expected:
            yield result_of(answer)
            expected += 1
        else:
            kept[answer.number] = answer
    missing = [row for row in rows[expected:] if row.number not in kept]
    if missing:
        kept |= {answer.number: answer for answer in stream(missing, True)}
    for number in range(expected, len(rows)):
        yield result_of(kept[number]) if number in kept else _lost(tasks[number])


def _lost(task: Task) -> Result:
    name = task.input.name
    line = f"{name}: its actor was lost {ATTEMPTS} times; see Ray's logs, and run it again"
    return Result(name, "failed", error=line)
