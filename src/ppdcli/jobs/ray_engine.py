"""A run on Ray Data, on this machine or on a cluster, with inputs and outputs by path or URL.

The driver finds the inputs, gives them their outputs and collects results in order. An actor loads
the model once and works through a batch as ``jobs.run`` does in one process. Local outputs have the
journal of any other run. For outputs elsewhere, where nothing can be appended to, each batch leaves
its lines as a small file in ``.ppd-journal/``; their names are in the order of time. The file is
there, without sizes, before the batch's first output is: what a run that is killed has put there is
known, and made again.

What fails because a process or a machine is lost is done again; what fails because of a photo, or
of the model, is not.
"""

from __future__ import annotations

import importlib.util
import io
import logging
import os
import pickle
import tempfile
import time
import warnings
from collections.abc import Callable, Generator, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePath
from typing import Any

from ppdcli.errors import OutputError, PpdError, UsageError
from ppdcli.files import remote
from ppdcli.jobs import inputs, journal
from ppdcli.jobs.inputs import Found, Input
from ppdcli.jobs.journal import Entry, Settings, Source
from ppdcli.jobs.plan import Format, Task, plan
from ppdcli.jobs.run import run
from ppdcli.jobs.verdict import MAKE, Verdict, judge_size
from ppdcli.jobs.work import Built, Job, Result, Work
from ppdcli.jobs.workers import Recipe, hush_libraries, portable, traceback_of
from ppdcli.photo import Photo

JOURNAL = ".ppd-journal"  # a folder, beside remote outputs
LARGEST_BATCH = 16  # photos
ATTEMPTS = 4  # at a batch whose actor is lost
STORE_BYTES = 200_000_000  # Ray's memory for what its processes tell each other, on this machine


def check_ray() -> None:
    """Finds out whether Ray is here, without importing it.

    Raises:
        UsageError: it is not.
    """
    if any(importlib.util.find_spec(name) is None for name in ("ray", "fsspec", "pyarrow")):
        raise UsageError("--engine ray needs more packages; pip install 'ppdcli[ray]'")


def discover(arguments: Sequence[str], output: str, endings: Sequence[str]) -> Found:
    """``jobs.inputs.discover`` for paths and URLs: files, folders and patterns of either.

    Raises:
        PpdError: nothing to do.
        UsageError: a URL cannot be used.
        InputError: a place cannot be reached.
    """
    urls = [argument for argument in arguments if _is_elsewhere(argument)]
    paths = [remote.local_path(argument) for argument in arguments if argument not in urls]
    found = inputs.discover(paths, path_of(output), endings) if paths else Found()
    known: set[str] = set()
    for url in urls:
        for entry in _find(found, url, output, endings):
            if entry.name not in known:
                known.add(entry.name)
                found.inputs.append(entry)
    if not found.inputs:
        raise PpdError(f"{', '.join(arguments)}: no image found; name image files or their folder")
    return found


def _find(found: Found, url: str, output: str, endings: Sequence[str]) -> Iterator[Input]:
    files = remote.find(url)
    top = url.rstrip("/")
    if not files:  # which fails when it is read
        yield Input(url, None, PurePath(PurePath(url).stem), partial(remote.read, url))
    for file in files:
        stem = file.below.with_suffix("")
        entry = Input(
            file.url,
            None,
            stem,
            partial(remote.read, file.url),
            Source(file.url, file.bytes, file.version),
        )
        if file.url == top or any(sign in url for sign in "*?["):
            yield entry  # named by the user, whatever it is
            continue
        hidden = any(part.startswith(".") for part in file.below.parts)
        result = str(file.below).endswith(tuple(endings)) and (
            top == output.rstrip("/") or file.url.startswith(output.rstrip("/") + "/")
        )
        if hidden or result or not inputs.is_image(file.below.name):
            found.passed_over += 1
        else:
            yield entry


def path_of(output: str) -> Path:
    """An output as a path: for a URL one that only stands for it, to plan with."""
    return Path(remote.local_path(output))


def plan_outputs(entries: Sequence[Input], formats: Sequence[Format], output: str) -> list[Task]:
    """``jobs.plan.plan`` for an output that is a path or a URL.

    Raises:
        UsageError: as there, or an output would overwrite an input.
    """
    path = path_of(output)
    try:
        tasks = plan(entries, formats, path)
    except UsageError as error:
        raise UsageError(str(error).replace(str(path), output)) from None
    there = _Place(output, path)
    names = {entry.name for entry in entries}
    for task in tasks:
        for url in map(there.url_of, task.outputs.values()):
            if _is_elsewhere(output) and url in names:
                raise UsageError(
                    f"{url} is an input, and the output of {task.input.name} would overwrite it; "
                    "choose another --output, or leave that input out"
                )
    return tasks


def run_on_ray(
    tasks: Sequence[Task],
    recipe: Recipe,
    formats: Sequence[Format],
    overwrite: bool,
    pixel_bytes: int,
    output: str,
    workers: int | None,
    on_cpu: bool,
) -> Generator[Result, None, None]:
    """``jobs.run.run`` on Ray: on the cluster of RAY_ADDRESS, else on this machine.

    Args:
        tasks: from ``plan_outputs`` for this ``output``.
        recipe: given to every actor.
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
    there = _Place(output, path_of(output)) if _is_elsewhere(output) else None
    crew = _Crew(
        recipe,
        formats,
        overwrite,
        pixel_bytes,
        there,
        time.time_ns(),
        str(Path.cwd()),
        os.environ.get("OMP_NUM_THREADS"),
    )
    rows = _rows(tasks, there, folder is not None and not overwrite)
    told: set[str] = set()
    with _ray(workers) as ray:
        gpus = 0 if on_cpu else int(ray.cluster_resources().get("GPU", 0))
        count = workers or gpus or sum(node["Alive"] for node in ray.nodes())
        stream = partial(_stream, ray, crew=crew, workers=min(count, len(tasks)), gpu=gpus > 0)
        for result in _in_order(tasks, rows, stream):
            notes = [line for line in result.notes if line not in told]
            told.update(notes)
            yield replace(result, notes=notes)
    if folder is not None and there is None and folder.is_dir() and not _address():
        with suppress(OSError):  # removes what lost actors left of their temporary files
            journal.Journal(folder, {p.parent for t in tasks for p in t.outputs.values()}).close()


@dataclass(frozen=True)
class _Place:
    """Outputs that are not on this machine: a URL, and the path that stands for it."""

    url: str
    path: Path

    def url_of(self, path: Path) -> str:
        if path == self.path:
            return self.url
        return f"{self.url.rstrip('/')}/{path.relative_to(self.path).as_posix()}"


@dataclass(frozen=True)
class _Row:
    """A task, and what is known of its outputs where they are elsewhere.

    Attributes:
        sizes: of those that exist, by format.
        entries: what is recorded of them.
    """

    number: int
    task: Task
    sizes: Mapping[str, int] = field(default_factory=dict)
    entries: Mapping[str, Entry] = field(default_factory=dict)


def _is_elsewhere(name: str) -> bool:
    return remote.is_url(remote.local_path(name))


def _rows(tasks: Sequence[Task], there: _Place | None, recorded: bool) -> list[_Row]:
    """The tasks with their numbers, and what one look at a remote folder tells of all outputs."""
    if there is None:
        return [_Row(number, task) for number, task in enumerate(tasks)]
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
        rows.append(_Row(number, replace(task, input=_sourced(task.input)), sizes, known))
    return rows


def _sourced(entry: Input) -> Input:
    """A photo with what is to be recorded of it, where no path leads to it from its output."""
    source = entry.source or journal.source_of(entry.path, Path.cwd())
    if source is None or entry.path is None:
        return replace(entry, source=source)
    return replace(entry, source=replace(source, path=entry.path.absolute().as_posix()))


def _read_journal(there: _Place) -> dict[str, Entry]:
    files = sorted(remote.find(f"{there.url.rstrip('/')}/{JOURNAL}"), key=lambda file: file.url)
    lines = (entry for file in files for entry in journal.entries_of(remote.read(file.url)))
    return {entry.path: entry for entry in lines}


# --- Ray ---------------------------------------------------------------------------------------


def _address() -> str | None:
    return os.environ.get("RAY_ADDRESS") or None


@contextmanager
def _ray(workers: int | None) -> Iterator[Any]:
    """Ray, silent, connected or started; and ended."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    import ray

    started = ray.is_initialized()
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
    if not _address():
        options |= {
            "address": "local",
            "num_cpus": max(os.cpu_count() or 1, workers or 1),
            "object_store_memory": STORE_BYTES,
            "include_dashboard": False,
        }
    try:
        if not started:
            with _no_stderr():
                ray.init(**options)
    except Exception as error:
        where = f"{_address()} cannot be reached" if _address() else "cannot be started here"
        cause = " ".join(str(error).split())
        raise PpdError(f"Ray: {where} ({cause}); check RAY_ADDRESS and the cluster") from error
    try:
        yield ray
    finally:
        if not started:
            ray.shutdown()


@contextmanager
def _no_stderr() -> Iterator[None]:
    """Keeps off stderr what Ray's C++ prints there while it starts; its errors are exceptions."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def _stream(
    ray: Any, rows: Sequence[_Row], alone: bool, crew: _Crew, workers: int, gpu: bool
) -> Iterator[_Answer]:
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
            _Actor,
            fn_constructor_args=(crew,),
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
    rows: Sequence[_Row],
    stream: Callable[[Sequence[_Row], bool], Iterator[_Answer]],
) -> Iterator[Result]:
    """The results, in order.

    A photo that ends its actor takes those with it that wait there. So the photos without an answer
    are tried once more, each alone, and what still has no answer has failed.
    """
    said = False
    kept: dict[int, _Answer] = {}  # since the first photo without an answer
    expected = 0

    def result_of(answer: _Answer) -> Result:
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


# --- in the actor ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Answer:
    """Of an actor: a task's result, or what ends the run.

    Attributes:
        said: lines that the loading of the model has said.
    """

    number: int
    result: Result | None = None
    error: Exception | None = None
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Crew:
    """What every actor is told.

    Attributes:
        there: where outputs go that are not on this machine.
        started: nanoseconds since 1970, of the run.
        cwd: the driver's folder.
        threads: the driver's OMP_NUM_THREADS.
    """

    recipe: Recipe
    formats: Sequence[Format]
    overwrite: bool
    pixel_bytes: int
    there: _Place | None
    started: int
    cwd: str
    threads: str | None


class _Actor:
    """Works through batches; Ray makes one object of it in each of its processes."""

    def __init__(self, crew: _Crew) -> None:
        self._crew = crew
        self._work: Work | None = None
        self._said: tuple[str, ...] = ()
        hush_libraries()
        with suppress(OSError):  # another machine may not have it; URLs do not need it
            os.chdir(crew.cwd)
        # Ray has set it to 1; with another number of threads PyTorch's sums end in other bits.
        os.environ.pop("OMP_NUM_THREADS", None)
        if crew.threads is not None:
            os.environ["OMP_NUM_THREADS"] = crew.threads

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[bytes]]:
        rows: list[_Row] = [pickle.loads(row) for row in batch["row"]]
        try:
            work = self._at_home if self._crew.there is None else self._elsewhere
            results = list(work(rows))
            for cause in (result.cause for result in results):
                if cause is not None:
                    cause.add_note(traceback_of(cause))
        except Exception as error:
            answers = [_Answer(rows[0].number, error=portable(error))]
        else:
            answers = [
                _Answer(row.number, result, said=self._said)
                for row, result in zip(rows, results, strict=True)
            ]
        return {"answer": [pickle.dumps(answer) for answer in answers]}

    def _prepare(self) -> Work:
        if self._work is None:
            with redirect_stderr(io.StringIO()) as said:
                self._work = self._crew.recipe.prepare()
            self._said = tuple(said.getvalue().splitlines())
        return self._work

    def _at_home(self, rows: Sequence[_Row]) -> Iterator[Result]:
        crew, tasks = self._crew, [row.task for row in rows]
        settings = crew.recipe.settings
        return run(tasks, self._prepare, crew.formats, crew.overwrite, settings, crew.pixel_bytes)

    def _elsewhere(self, rows: Sequence[_Row]) -> Iterator[Result]:
        crew = self._crew
        assert crew.there is not None
        settings = crew.recipe.settings() if any(row.entries for row in rows) else {}
        with tempfile.TemporaryDirectory(prefix="ppd-") as folder:
            todo: dict[int, Task] = {}
            urls: dict[Path, str] = {}
            verdicts = {row.number: self._judge(row, settings) for row in rows}
            for row in rows:
                outputs = {
                    name: Path(folder, str(row.number), path.name)
                    for name, path in row.task.outputs.items()
                    if verdicts[row.number][name].action == "make"
                }
                urls |= {p: crew.there.url_of(row.task.outputs[n]) for n, p in outputs.items()}
                refused = any(v.action == "refuse" for v in verdicts[row.number].values())
                if outputs and not refused:
                    todo[row.number] = Task(row.task.input, outputs)
            uploads: dict[Path, int | None] = {
                path: None for task in todo.values() for path in task.outputs.values()
            }
            complaint = self._write_journal(rows, todo, uploads) if todo else []
            results = run(
                list(todo.values()),
                lambda: _Uploading(self._prepare(), urls, uploads),
                crew.formats,
                overwrite=True,
                pixel_bytes=crew.pixel_bytes,
            )
            made = dict(zip(todo, results, strict=True))
            there = {path: size for path, size in uploads.items() if size is not None}
            if todo:
                complaint = self._write_journal(rows, todo, there) or complaint
            for row in rows:
                yield self._told(row, verdicts[row.number], made.get(row.number), complaint)

    def _judge(self, row: _Row, settings: Mapping[str, Settings]) -> dict[str, Verdict]:
        assert self._crew.there is not None
        verdicts = {}
        for name, path in row.task.outputs.items():
            size, source = row.sizes.get(name), row.task.input.source
            by_name = row.task.folder is None  # which is written, whatever is there
            if size is None or source is None or by_name or self._crew.overwrite:
                # Without a source the photo is not there, and fails when it is read.
                verdicts[name] = MAKE
                continue
            url = self._crew.there.url_of(path)
            entry, now = row.entries.get(name), settings.get(name, {})
            verdicts[name] = judge_size(url, size, entry, now, source)
        return verdicts

    def _told(
        self,
        row: _Row,
        verdicts: Mapping[str, Verdict],
        made: Result | None,
        complaint: Sequence[str],
    ) -> Result:
        """The result as the user knows its outputs."""
        assert self._crew.there is not None
        name = row.task.input.name
        urls = [self._crew.there.url_of(path) for path in row.task.outputs.values()]
        for verdict in verdicts.values():
            if verdict.refusal is not None:
                cause = OutputError(verdict.refusal)
                return Result(name, "failed", error=f"{name}: {cause}", cause=cause)
        if made is None:
            return Result(name, "skipped", urls)
        reasons = dict.fromkeys(reason for v in verdicts.values() for reason in v.reasons)
        done = made.status == "done"
        return replace(
            made,
            outputs=urls if done else [],
            notes=[*made.notes, *complaint],
            made_again=(", ".join(reasons) or None) if done else None,
        )

    def _write_journal(
        self, rows: Sequence[_Row], todo: Mapping[int, Task], uploads: Mapping[Path, int | None]
    ) -> list[str]:
        """Records what is put there, by its size if it is there; returns lines for the user."""
        crew = self._crew
        assert crew.there is not None
        if rows[0].task.folder is None:
            return []
        settings = crew.recipe.settings()
        lines = [
            journal.line_of(
                Entry(
                    row.task.outputs[name].relative_to(crew.there.path).as_posix(),
                    uploads[path],
                    settings.get(name, {}),
                    row.task.input.source,
                )
            )
            for row in rows
            if row.number in todo
            for name, path in todo[row.number].outputs.items()
            if path in uploads
        ]
        name = f"{JOURNAL}/{crew.started:020d}-{rows[0].number:08d}.jsonl"
        try:
            remote.put_bytes(b"".join(lines), f"{crew.there.url.rstrip('/')}/{name}")
        except OutputError as error:
            line = "a later run will have no record of these files, and will not touch them"
            return [f"{error}; {line}"]
        return []


@dataclass(frozen=True)
class _Uploading:
    """A command's work, whose files go elsewhere as soon as they are written.

    Attributes:
        urls: where each file goes.
        uploads: its size, once it is there.
    """

    work: Work
    urls: Mapping[Path, str]
    uploads: dict[Path, int | None]

    def kind(self, photo: Photo) -> Hashable:
        return self.work.kind(photo)

    def together(self, photo: Photo) -> int:
        return self.work.together(photo)

    def look(self, job: Job) -> Any:
        return self.work.look(job)

    def predict(self, photos: Sequence[Photo]) -> Sequence[Any]:
        return self.work.predict(photos)

    def build(self, job: Job, seen: Any, depth: Any, wanted: Sequence[str]) -> Built:
        facts, write = self.work.build(job, seen, depth, wanted)

        def write_there(name: str, path: Path) -> None:
            write(name, path)
            size = path.stat().st_size
            remote.put(path, self.urls[path])
            path.unlink()
            self.uploads[path] = size

        return Built(facts, write_there)
