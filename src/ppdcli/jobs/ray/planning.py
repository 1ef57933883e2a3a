"""Finds inputs by path or URL, and gives each its outputs."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import PurePath

from ppdcli.errors import PpdError, UsageError
from ppdcli.files import remote
from ppdcli.jobs import inputs
from ppdcli.jobs.inputs import Found, Input
from ppdcli.jobs.journal_entries import Source
from ppdcli.jobs.photo_files import HIDDEN, NO_PHOTO, RESULT, is_image, is_searched
from ppdcli.jobs.plan import Format, Task, plan
from ppdcli.jobs.ray.places import OutputPlace, is_elsewhere, path_of


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
    urls = [argument for argument in arguments if is_elsewhere(argument)]
    paths = [remote.local_path(argument) for argument in arguments if argument not in urls]
    found = inputs.discover(paths, path_of(output), endings) if paths else Found()
    known: set[str] = set()
    for url in urls:
        for entry in _find(found, url, output, endings):
            if entry.name not in known:
                known.add(entry.name)
                found.inputs.append(entry)
    found.keep_endings()
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
            searched=file.url != top,
        )
        if file.url == top or any(sign in url for sign in "*?["):
            yield entry  # named by the user, whatever it is
            continue
        hidden = not all(map(is_searched, file.below.parts))
        result = str(file.below).endswith(tuple(endings)) and (
            top == output.rstrip("/") or file.url.startswith(output.rstrip("/") + "/")
        )
        if hidden or result or not is_image(file.below.name):
            found.others.append((file.url, HIDDEN if hidden else RESULT if result else NO_PHOTO))
        else:
            yield entry


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
    there = OutputPlace(output, path)
    names = {entry.name for entry in entries}
    for task in tasks:
        for url in map(there.url_of, task.outputs.values()):
            if is_elsewhere(output) and url in names:
                raise UsageError(
                    f"{url} is an input, and the output of {task.input.name} would overwrite it; "
                    "choose another --output, or leave that input out"
                )
    return tasks
