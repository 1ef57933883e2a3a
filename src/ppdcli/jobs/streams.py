"""stdin as an input, and stdout as the place of a result."""

from __future__ import annotations

import os
import sys
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ppdcli.errors import InputError, PpdError
from ppdcli.files.source import read_stream
from ppdcli.images.several import count_pictures
from ppdcli.jobs.journal_entries import Source
from ppdcli.jobs.plan import Format, Task
from ppdcli.jobs.work import Writable


def take_stdin(tasks: Sequence[Task]) -> Sequence[Task]:
    """Gives the task of stdin what comes from there, and tells it by its content.

    On the caller's thread: Python cannot end one that holds stdin's lock.

    Raises:
        InputError: stdin cannot be read, is endless, or holds several photos.
    """

    return [_with_stdin(task) if task.input.is_stdin else task for task in tasks]


def _with_stdin(task: Task) -> Task:
    data = _stdin()
    count = count_pictures(data)
    if count > 1:
        raise InputError(
            f"stdin: holds {count} pictures one after another, but - is one photo; write them to "
            "files instead (mkdir frames && ffmpeg -i VIDEO frames/%05d.png), and give their folder"
        )
    source = None if task.folder is None else Source("stdin", len(data), zlib.crc32(data))
    return replace(task, input=replace(task.input, read=partial(bytes, data), source=source))


def _stdin() -> bytes:
    return read_stream(sys.stdin.buffer, "stdin")


def write_to_stdout(results: Writable, output: Format) -> None:
    """Writes a result in one format to stdout.

    Raises:
        PpdError: see ``write_stdout``.
    """
    # Writers take paths, since OpenEXR and Open3D do; stdout gets the finished file.
    with tempfile.TemporaryDirectory(prefix="ppd-") as folder:
        path = Path(folder, "stdout" + output.suffix)
        results.write(output.name, path)
        write_stdout(path.read_bytes())


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
