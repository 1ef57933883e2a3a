"""The stages of a photo: read it, run the network, write the results."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ppdcli.errors import InputError, NoRoomError, OutputError
from ppdcli.jobs.order import Order
from ppdcli.jobs.plan import Task
from ppdcli.jobs.record import Record
from ppdcli.jobs.streams import write_to_stdout
from ppdcli.jobs.todo import Todo, TodoList
from ppdcli.jobs.work import Job, Result, Work
from ppdcli.photo import load_photo
from ppdcli.pipeline import Finished
from ppdcli.processes import collection_paused
from ppdcli.progress import doing

_ALONE = (InputError, OutputError)  # failures of one input, which do not stop the run


@dataclass
class LoadedPhoto:
    """A photo that was read, the seconds of its stages, and the context from ``examine``."""

    job: Job
    todo: Todo
    seconds: dict[str, float]
    context: Any = None


class PhotoStages:
    """The stages of the pipeline, around a command's work."""

    def __init__(self, order: Order, todos: TodoList, record: Record) -> None:
        self._order, self._todos, self._record = order, todos, record
        self._work: Work | None = None

    @property
    def work(self) -> Work:
        """The command's work, prepared on first use, on the caller's thread."""
        if self._work is None:
            with collection_paused():  # it imports PyTorch
                self._work = self._order.prepare()
            self._record.settings = self._order.settings()
        return self._work

    def read(self, task: Task) -> LoadedPhoto | Finished[Result]:
        todo = self._todos.of(task)
        if todo.refusal is not None:
            return Finished(_failed(todo, OutputError(todo.refusal), []))
        if todo.finished:
            paths = [str(path) for path in task.outputs.values()]
            return Finished(Result(task.input.name, "skipped", paths))
        started = time.perf_counter()
        try:
            if task.input.path is None:
                assert task.input.read is not None
                photo = load_photo(io.BytesIO(task.input.read()), task.input.name)
            else:
                photo = load_photo(task.input.path)
        except _ALONE as error:
            return Finished(_failed(todo, error, []))
        seconds = {"read": time.perf_counter() - started}
        if self._work is not None:  # else the model is not loaded yet
            self._work.make_ahead(photo)
        return LoadedPhoto(Job(photo, list(photo.notes)), todo, seconds)

    def compute(self, group: list[tuple[Task, LoadedPhoto]]) -> list[Any]:
        """The depth of each photo, or a finished result for one that is refused."""
        refused: dict[int, Finished[Result]] = {}
        accepted: list[LoadedPhoto] = []
        for index, (_, loaded) in enumerate(group):
            started = time.perf_counter()
            try:
                loaded.context = self.work.examine(loaded.job)
            except _ALONE as error:
                refused[index] = Finished(_failed(loaded.todo, error, loaded.job.notes))
            else:
                loaded.seconds["examine"] = time.perf_counter() - started
                accepted.append(loaded)
        depths = iter(self._predict(accepted) if accepted else ())
        return [refused.get(index) or next(depths) for index in range(len(group))]

    def _predict(self, accepted: list[LoadedPhoto]) -> Sequence[Any]:
        started = time.perf_counter()
        try:
            depths = self.work.predict([loaded.job.photo for loaded in accepted])
        except _ALONE as error:
            return [Finished(_failed(loaded.todo, error, loaded.job.notes)) for loaded in accepted]
        for loaded in accepted:
            loaded.seconds["predict"] = time.perf_counter() - started
        return depths

    def finish(self, task: Task, loaded: LoadedPhoto, depth: Any) -> Result:
        doing("writing")
        started = time.perf_counter()
        job, todo = loaded.job, loaded.todo
        try:
            names = list(todo.outputs) or [self._order.formats[0].name]
            results = self.work.build(job, loaded.context, depth, names)
            writing = time.perf_counter()
            for name, path in todo.outputs.items():
                with self._record.writing(name, todo.source):
                    results.write(name, path)
            job.notes.extend(self._record.complaints())
            if not todo.outputs:
                write_to_stdout(results, self._order.formats[0])
        except NoRoomError:
            raise  # there is no room for the others either
        except _ALONE as error:
            return _failed(todo, error, job.notes)
        ended = time.perf_counter()
        facts = dict(results.facts)
        timings = {
            "read": loaded.seconds["read"],
            **facts.pop("timings", {}),
            "write": ended - writing,
            "total": sum(loaded.seconds.values()) + ended - started,
        }
        facts["timings"] = {key: round(value, 4) for key, value in timings.items()}
        paths = [str(path) for path in task.outputs.values()] or ["stdout"]
        return Result(task.input.name, "done", paths, facts, job.notes, todo.made_again)


def _failed(todo: Todo, error: Exception, notes: list[str]) -> Result:
    name = todo.task.input.name
    line = str(error) if name in str(error) else f"{name}: {error}"
    return Result(name, "failed", notes=notes, error=line, cause=error)
