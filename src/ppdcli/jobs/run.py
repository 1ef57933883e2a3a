"""Many inputs through one pipeline: finished ones are skipped, and a failure stops no other."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Collection, Generator, Hashable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from ppdcli.errors import InputError, NoRoomError, OutputError, PpdError
from ppdcli.files.source import read_stream
from ppdcli.jobs.journal import Source
from ppdcli.jobs.pipeline import Finished, Stages, run_stages
from ppdcli.jobs.plan import Format, Task
from ppdcli.jobs.record import Record
from ppdcli.jobs.todo import SettingsOf, Todo, TodoList
from ppdcli.photo import Photo, load_photo

Status = Literal["done", "skipped", "failed"]

BUDGET = 4 << 30  # bytes under way at most, and
SHARE_OF_MEMORY = 4  # a quarter of the machine's memory
MOST_THREADS = 8  # that read, or that finish
PIXEL_BYTES = 24  # of a prediction: JPEG 2000 takes 23 to decode, WebP 16, all else but 12 at most

_ALONE = (InputError, OutputError)  # failures that concern one input


@dataclass
class Result:
    """What became of one input.

    Attributes:
        outputs: files written, or found finished.
        facts: what the work says of itself: model, seed, steps, size, unit, timings.
        notes: lines for the user.
        made_again: why files that were there have been made again; None if none was.
        error: one line, None unless failed.
        cause: what was raised, None unless failed.
    """

    name: str
    status: Status
    outputs: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    made_again: str | None = None
    error: str | None = None
    cause: Exception | None = None


@dataclass
class Job:
    """A photo on its way. ``notes``: lines for the user, told with its result."""

    photo: Photo
    notes: list[str] = field(default_factory=list)


class Built(NamedTuple):
    """A photo's results: what is said of them, and how one is written to a path."""

    facts: dict[str, Any]
    write: Callable[[str, Path], None]


class Work(Protocol):
    """What a command does with photos. ``look`` and ``predict`` share one thread."""

    def kind(self, photo: Photo) -> Hashable:
        """Photos of equal kinds can be predicted together."""

    def together(self, photo: Photo) -> int:
        """How many of this kind are."""

    def look(self, job: Job) -> Any:
        """What may refuse the photo before it costs a prediction.

        Raises:
            InputError: it cannot be used.
        """

    def predict(self, photos: Sequence[Photo]) -> Sequence[Any]:
        """The depth of photos of one kind."""

    def build(self, job: Job, seen: Any, depth: Any, wanted: Sequence[str]) -> Built:
        """The results in the formats wanted, on any thread; ``seen`` is what ``look`` gave.

        Raises:
            InputError: there is none.
        """


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


def take_stdin(tasks: Sequence[Task]) -> Sequence[Task]:
    """Gives the task of stdin what comes from there, and tells it by its content.

    On the caller's thread: Python cannot end one that holds stdin's lock.

    Raises:
        InputError: stdin cannot be read, or is endless.
    """

    return [_with_stdin(task) if task.input.is_stdin else task for task in tasks]


def _with_stdin(task: Task) -> Task:
    data = _stdin()
    source = None if task.folder is None else Source("stdin", len(data), zlib.crc32(data))
    return replace(task, input=replace(task.input, read=partial(bytes, data), source=source))


def _stdin() -> bytes:
    return read_stream(sys.stdin.buffer, "stdin")


def work_through(tasks: Sequence[Task], order: Order) -> Generator[Result, None, None]:
    """``run``, where stdin has been read; a task may be waited for when it is asked for."""
    let_network_sleep()
    record = Record(order.folder, order.places)
    todos = TodoList(order.folder, order.settings, order.overwrite)
    if order.resumes:
        todos.read_records()
    desk = _Desk(order, todos, record)
    stages = Stages(
        desk.read,
        weight=lambda loaded: loaded.job.photo.rgb[..., 0].size * order.pixel_bytes,
        key=lambda loaded: desk.work.kind(loaded.job.photo),
        most=lambda loaded: desk.work.together(loaded.job.photo),
        compute=desk.compute,
        finish=desk.finish,
    )
    threads = max(1, min(MOST_THREADS, _cores() // order.sharers))
    budget = _budget() // order.sharers
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


def _any_exists(tasks: Sequence[Task]) -> bool:
    """Whether there is an output to compare with."""
    return any(os.path.lexists(path) for task in tasks for path in task.outputs.values())


@dataclass
class _Loaded:
    """A photo that was read; ``seconds`` that its stages took, and what ``look`` has seen."""

    job: Job
    todo: Todo
    seconds: dict[str, float]
    seen: Any = None


class _Desk:
    """The stages of the pipeline, around a command's work."""

    def __init__(self, order: Order, todos: TodoList, record: Record) -> None:
        self._order, self._todos, self._record = order, todos, record
        self._work: Work | None = None

    @property
    def work(self) -> Work:
        """The command's work, prepared on first use, on the caller's thread."""
        if self._work is None:
            self._work = self._order.prepare()
            self._record.settings = self._order.settings()
        return self._work

    def read(self, task: Task) -> _Loaded | Finished[Result]:
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
        return _Loaded(Job(photo), todo, seconds)

    def compute(self, group: list[tuple[Task, _Loaded]]) -> list[Any]:
        """The depth of each photo, or the result of one that is refused."""
        refused: dict[int, Finished[Result]] = {}
        accepted: list[_Loaded] = []
        for index, (_, loaded) in enumerate(group):
            started = time.perf_counter()
            try:
                loaded.seen = self.work.look(loaded.job)
            except _ALONE as error:
                refused[index] = Finished(_failed(loaded.todo, error, loaded.job.notes))
            else:
                loaded.seconds["look"] = time.perf_counter() - started
                accepted.append(loaded)
        depths = iter(self._predict(accepted) if accepted else ())
        return [refused.get(index) or next(depths) for index in range(len(group))]

    def _predict(self, accepted: list[_Loaded]) -> Sequence[Any]:
        started = time.perf_counter()
        try:
            depths = self.work.predict([loaded.job.photo for loaded in accepted])
        except _ALONE as error:
            return [Finished(_failed(loaded.todo, error, loaded.job.notes)) for loaded in accepted]
        for loaded in accepted:
            loaded.seconds["predict"] = time.perf_counter() - started
        return depths

    def finish(self, task: Task, loaded: _Loaded, depth: Any) -> Result:
        started = time.perf_counter()
        job, todo = loaded.job, loaded.todo
        try:
            names = list(todo.outputs) or [self._order.formats[0].name]
            built = self.work.build(job, loaded.seen, depth, names)
            writing = time.perf_counter()
            for name, path in todo.outputs.items():
                with self._record.writing(name, todo.source):
                    built.write(name, path if task.folder is not None else _followed(path))
            job.notes.extend(self._record.complaints())
            if not todo.outputs:
                _to_stdout(built, self._order.formats[0])
        except NoRoomError:
            raise  # nor is there for the rest
        except _ALONE as error:
            return _failed(todo, error, job.notes)
        ended = time.perf_counter()
        facts = dict(built.facts)
        timings = {
            "read": loaded.seconds["read"],
            **facts.pop("timings", {}),
            "write": ended - writing,
            "total": sum(loaded.seconds.values()) + ended - started,
        }
        facts["timings"] = {key: round(value, 4) for key, value in timings.items()}
        paths = [str(path) for path in task.outputs.values()] or ["stdout"]
        return Result(task.input.name, "done", paths, facts, job.notes, todo.made_again)


def _followed(path: Path) -> Path:
    """The file that a link leads to, which takes the result; the link stays."""
    try:
        path.readlink()
    except OSError:  # no link, or a name that cannot be
        return path
    return Path(os.path.realpath(path))


def _failed(todo: Todo, error: Exception, notes: list[str]) -> Result:
    name = todo.task.input.name
    line = str(error) if name in str(error) else f"{name}: {error}"
    return Result(name, "failed", notes=notes, error=line, cause=error)


def _to_stdout(built: Built, output: Format) -> None:
    # Writers take paths, since OpenEXR and Open3D do; stdout gets the finished file.
    with tempfile.TemporaryDirectory(prefix="ppd-") as folder:
        path = Path(folder, "stdout" + output.suffix)
        built.write(output.name, path)
        write_stdout(path.read_bytes())


def let_network_sleep() -> None:
    """Lets PyTorch's threads sleep while they wait for each other, if it is not imported yet.

    By default they spin for milliseconds, and hundreds of times a photo; where a thread of ours or
    another program has one of two cores, ppd-tiny then takes ten times as long. With both free,
    sleeping costs a run of one photo 0.05 seconds of 3.5.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _budget() -> int:
    """Bytes that photos under way may take, of what this machine or container has."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return BUDGET // 2
    with suppress(OSError, ValueError):  # no such file, or "max"
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return min(BUDGET, memory // SHARE_OF_MEMORY)


def write_stdout(data: bytes) -> None:
    """Writes at once, so that a reader of a pipe has it.

    Raises:
        PpdError: the reader has left, the disk is full, or the caller has closed it.
    """
    if sys.stdout is None:
        raise PpdError("stdout is closed; send it to a file or a pipe")
    try:
        rest = memoryview(data)
        while rest:  # with PYTHONUNBUFFERED a write may take a part only
            rest = rest[sys.stdout.buffer.write(rest) or 0 :]
        sys.stdout.buffer.flush()
    except OSError as error:
        # What is left in the buffer cannot be flushed at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise PpdError("stdout was closed before the output was complete") from None
        raise PpdError(f"stdout: cannot be written ({error.strerror}); make room") from error
