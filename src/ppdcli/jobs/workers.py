"""A run in several processes: one for each device, or several that share a processor.

This process hands out tasks and collects results. Each worker loads the model once and processes
its tasks as ``jobs.run`` does in one process. On a CPU each worker uses as many threads as a single
process would: the last bit of PyTorch's sums depends on that number, and no output may depend on
the number of workers.
"""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from ppdcli.errors import PpdError
from ppdcli.jobs.journal import Journal
from ppdcli.jobs.order import Order, Target, target_of
from ppdcli.jobs.plan import Task
from ppdcli.jobs.record import WRITING_SECONDS
from ppdcli.jobs.run import run
from ppdcli.jobs.streams import take_stdin
from ppdcli.jobs.work import Result, with_new_notes
from ppdcli.jobs.worker import Said, serve
from ppdcli.processes import ignoring_interrupts
from ppdcli.wording import counted

FEWEST, MOST = 2, 32  # tasks that a worker holds, so that it can read ahead
SECONDS_TO_END = WRITING_SECONDS + 2  # before a worker is killed


def run_in_workers(tasks: Sequence[Task], orders: Sequence[Order]) -> Generator[Result, None, None]:
    """``jobs.run.run`` in as many processes as there are orders; for one order, in this process.

    The first worker starts alone, so that a missing model is downloaded or reported once. The
    others start when it has loaded its model. If a worker dies, the others take over its tasks. An
    input fails if two workers died while they had it.

    Args:
        tasks: From ``plan``.
        orders: One for each worker. They differ only in the device.

    Yields:
        One result for each task, in order. If the generator is closed early, it waits for files
        that are being written.

    Raises:
        PpdError: The whole run cannot continue, for example because all workers have died.
    """
    orders = orders[: len(tasks)]
    if len(orders) < 2:
        for order in orders:  # there is none if there are no tasks
            yield from run(tasks, order)
        return
    target = target_of(tasks, orders[0].overwrite)
    pool = _WorkerPool(take_stdin(tasks), orders, target)
    try:
        yield from pool.results()
    finally:
        pool.dismiss()


@dataclass
class _Worker:
    """A process, with the numbers of its tasks. ``ready``: Its model is loaded."""

    order: Order
    process: SpawnProcess
    connection: Connection
    tasks: set[int] = field(default_factory=set)
    ready: bool = False


class _WorkerPool:
    """The workers of a run."""

    def __init__(self, tasks: Sequence[Task], orders: Sequence[Order], target: Target) -> None:
        self._tasks, self._orders, self._target = tasks, orders, target
        self._idle = deque(orders)  # of workers that are still to be started
        self._workers: list[_Worker] = []
        self._waiting = deque(range(len(tasks)))
        self._orphans: deque[int] = deque()  # tasks of workers that died
        self._died_with: set[int] = set()
        self._finished: dict[int, Result] = {}
        self._notes: list[str] = []
        self._died = False

    def results(self) -> Iterator[Result]:
        shown: set[str] = set()
        self._start(self._idle.popleft())
        for number in range(len(self._tasks)):
            while number not in self._finished:
                self._hand_out()
                self._listen()
            result = self._finished.pop(number)
            # Each worker sends a line once; the user sees it once for all workers.
            result = with_new_notes(result, [*self._notes, *result.notes], shown)
            self._notes.clear()
            yield result

    def dismiss(self) -> None:
        """Ends the workers. They first finish the files that they are writing."""
        for worker in self._workers:
            worker.connection.close()
        end = time.monotonic() + SECONDS_TO_END
        for worker in self._workers:
            worker.process.join(max(0.0, end - time.monotonic()))
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()
        folder, places = self._target.folder, self._target.places
        if self._died and folder is not None and folder.is_dir():
            with suppress(OSError):
                Journal(folder, places).close()  # removes their temporary files

    def _start(self, order: Order) -> None:
        context = get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(
            target=serve,
            args=(there, order, self._target, len(self._orders), len(self._tasks)),
            name="ppd-worker",
            daemon=True,
        )
        with ignoring_interrupts():
            process.start()
        there.close()  # now the connection ends when the process ends
        self._workers.append(_Worker(order, process, here))

    def _hand_out(self) -> None:
        # Fewer tasks towards the end, so that all workers finish at about the same time.
        share = min(MOST, max(FEWEST, len(self._waiting) // (2 * len(self._orders))))
        for worker in list(self._workers):
            # A worker loads its model when it has something to do. If everything is finished, the
            # first worker needs no model, and no other worker starts.
            most = share if worker.ready or len(self._workers) == 1 else 1
            while self._waiting and len(worker.tasks) < most:
                self._give(worker, self._waiting.popleft())
            if not self._waiting and self._orphans and not worker.tasks:
                # One at a time, to find out whether this photo kills workers.
                self._give(worker, self._orphans.popleft())

    def _give(self, worker: _Worker, number: int) -> None:
        worker.tasks.add(number)
        with suppress(OSError):  # if the worker has just died, _listen notices it
            worker.connection.send((number, self._tasks[number]))

    def _listen(self) -> None:
        """Waits for a message of any worker."""
        by_connection = {worker.connection: worker for worker in self._workers}
        for connection in wait(list(by_connection)):
            worker = by_connection[connection]  # type: ignore[index]
            try:
                said: Said = worker.connection.recv()
            except (EOFError, OSError):
                self._bury(worker)
                continue
            match said:
                case None:
                    worker.ready = True
                    while self._idle:
                        self._start(self._idle.popleft())
                case Exception():
                    raise said
                case (number, result):
                    worker.tasks.remove(number)
                    self._finished[number] = result

    def _bury(self, worker: _Worker) -> None:
        """Gives the tasks of a dead worker to the others."""
        self._died = True
        self._workers.remove(worker)
        worker.connection.close()
        worker.process.join(SECONDS_TO_END)
        how = _end_of(worker.process.exitcode)
        again = worker.tasks & self._died_with
        for number in again:
            name = self._tasks[number].input.name
            line = f"{name}: the process that worked on it {how}, twice; save the file anew"
            self._finished[number] = Result(name, "failed", error=line)
        left = sorted(worker.tasks - again)
        self._orphans.extend(left)
        self._died_with |= worker.tasks
        if again:
            self._start(worker.order)
        if not self._workers:
            raise PpdError(
                f"every worker process {how}; what is finished is kept, run it again with fewer "
                "--workers"
            )
        taken = f"; others take over its {counted(len(left), 'input')}" if left else ""
        self._notes.append(f"a worker process {how}{taken}")


def _end_of(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return "was killed (was there too little memory?)"
    if code is not None and code < 0:
        return f"was ended by signal {-code}"
    return f"ended with status {code}"
