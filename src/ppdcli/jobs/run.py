"""Many inputs, one after the other: names of outputs, skipping, failures, the report."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ppdcli.errors import InputError, OutputError, PpdError, UsageError
from ppdcli.jobs.inputs import Input, is_dir, is_file
from ppdcli.photo import IMAGE_SUFFIXES, Photo, load_photo

Status = Literal["done", "skipped", "failed"]
Outputs = dict[str, Path]  # format -> file
Work = Callable[[Photo, Outputs], dict[str, Any]]  # writes a photo's outputs, returns facts

FILE_SUFFIXES = IMAGE_SUFFIXES | {".exr", ".npy", ".ply"}  # of an --output that is meant as a file


@dataclass(frozen=True)
class Format:
    """An output format: ``png`` -> ``photo`` + ``_depth.png``."""

    name: str
    ending: str

    @property
    def suffix(self) -> str:
        """The file suffix, ``.png``."""
        return Path("x" + self.ending).suffix


@dataclass
class Result:
    """What became of one input.

    Attributes:
        outputs: files written, or found finished.
        facts: what the work says of itself: model, seed, steps, size, unit, timings.
        error: one line, None unless failed.
        cause: what was raised, None unless failed.
    """

    name: str
    status: Status
    outputs: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    cause: Exception | None = None


@dataclass(frozen=True)
class Task:
    """An input with the files that it is to become; no files when they go to stdout."""

    input: Input
    outputs: Outputs


def plan(inputs: Sequence[Input], formats: Sequence[Format], output: Path | None) -> list[Task]:
    """Gives every input its output files.

    Args:
        inputs: the images.
        formats: what to write of each.
        output: a folder; a file when there is one input and one format and it has the format's
            suffix; None for stdout.

    Raises:
        UsageError: two inputs would write the same file, one would overwrite an input, or stdout
            or a file would get several outputs or another format.
    """
    if output is None:
        if len(inputs) != 1 or len(formats) != 1:
            raise UsageError(
                f"stdout takes one file, not {len(inputs) * len(formats)}; give one input and one "
                "--format, or a folder with --output"
            )
        return [Task(inputs[0], {})]
    suffix = output.suffix.lower()
    if not is_dir(output) and suffix in {f.suffix for f in formats}:
        if len(inputs) != 1 or len(formats) != 1:
            raise UsageError(
                f"{output}: one file cannot take {len(inputs) * len(formats)} outputs; give one "
                "input and one --format, or a folder"
            )
        tasks = [Task(inputs[0], {formats[0].name: output})]
    elif is_file(output):
        raise UsageError(f"{output}: is a file, not a folder; choose another --output")
    elif suffix in FILE_SUFFIXES and not is_dir(output):
        names = ", ".join(f.name for f in formats)
        raise UsageError(f"{output}: the output is {names}, which is no {suffix}; choose another")
    else:
        tasks = [
            Task(entry, {f.name: output / f"{entry.stem}{f.ending}" for f in formats})
            for entry in inputs
        ]
    _refuse_clashes(tasks)
    return tasks


def _refuse_clashes(tasks: Sequence[Task]) -> None:
    owners: dict[str, str] = {}
    sources = {task.input.path.absolute() for task in tasks if task.input.path is not None}
    for task in tasks:
        for path in task.outputs.values():
            if path.absolute() in sources:
                raise UsageError(
                    f"{path} is an input, and the output of {task.input.name} would overwrite it; "
                    "choose another --output, or leave that input out"
                )
            # Some file systems do not tell A from a.
            other = owners.setdefault(str(path).casefold(), task.input.name)
            if other is not task.input.name:
                raise UsageError(
                    f"{other} and {task.input.name} would both write {path}; give the folder that "
                    "holds both, or run them one by one with different --output"
                )


def run(
    tasks: Sequence[Task],
    prepare: Callable[[], Work],
    formats: Sequence[Format],
    overwrite: bool,
) -> Iterator[Result]:
    """Works through the tasks; one that fails does not stop the others.

    Args:
        tasks: from ``plan``.
        prepare: makes the work, called once and only if something is to be done (it loads the
            model).
        formats: as in ``plan``, for stdout's suffix.
        overwrite: redo outputs that exist; else only the missing ones of an input are made.

    Yields:
        One result a task, in order.

    Raises:
        PpdError: the whole run cannot go on.
    """
    work: Work | None = None
    for task in tasks:
        paths = [str(path) for path in task.outputs.values()]
        missing = {k: v for k, v in task.outputs.items() if overwrite or not is_file(v)}
        if task.outputs and not missing:
            yield Result(task.input.name, "skipped", paths)
            continue
        started = time.perf_counter()
        try:
            photo = _read(task.input)
            read = time.perf_counter() - started
            work = work or prepare()  # loads the model, which is no input's time
            started = time.perf_counter()
            facts = work(photo, missing) if missing else _to_stdout(photo, work, formats[0])
        except (InputError, OutputError) as error:
            named = task.input.name in str(error)
            line = str(error) if named else f"{task.input.name}: {error}"
            yield Result(task.input.name, "failed", [], {}, line, error)
            continue
        total = read + time.perf_counter() - started
        timings = {"read": read, **facts.pop("timings", {}), "total": total}
        facts["timings"] = {key: round(value, 4) for key, value in timings.items()}
        yield Result(task.input.name, "done", paths or ["stdout"], facts)


def _read(entry: Input) -> Photo:
    if entry.path is None:
        return load_photo(io.BytesIO(sys.stdin.buffer.read()), entry.name)
    return load_photo(entry.path)


def _to_stdout(photo: Photo, work: Work, output: Format) -> dict[str, Any]:
    # Writers take paths, since OpenEXR and Open3D do; stdout gets the finished file.
    with tempfile.TemporaryDirectory(prefix="ppd-") as folder:
        path = Path(folder, "stdout" + output.suffix)
        facts = work(photo, {output.name: path})
        write_stdout(path.read_bytes())
        return facts


def write_stdout(data: bytes) -> None:
    """Writes at once, so that a reader of a pipe has it.

    Raises:
        PpdError: the reader has left, or the disk is full.
    """
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        # What is left in the buffer cannot be flushed at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise PpdError("stdout was closed before the output was complete") from None
        raise PpdError(f"stdout: cannot be written ({error.strerror}); make room") from error
