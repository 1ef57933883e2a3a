"""``ppd weights``: which files of weights there are, their licences, and getting them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ppdcli.cli.exits import ALL_DONE, RUN_FAILED, say, terminal_width
from ppdcli.cli.groups import takes
from ppdcli.cli.help_page import Command, CommandGroup
from ppdcli.errors import CheckpointError, UsageError
from ppdcli.wording import size_in_words, wrapped

if TYPE_CHECKING:
    from ppdcli.checkpoints.catalog_rows import Part

Name = Annotated[str, typer.Argument(metavar="NAME", help="A model, or one of its files.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Print tracebacks.")]

HEADINGS = ("model", "part", "file", "size", "licence", "state", "known")

GAP = 2  # columns between two of the table

app = typer.Typer(
    cls=CommandGroup,
    help="List, download, check and remove the weights of models.",
    no_args_is_help=True,
)


@app.command("list", cls=Command)
@takes()
def list_(verbose: Verbose = False) -> int:
    """List the models and their files: size, licence, where they are, how they are checked."""
    from ppdcli.checkpoints.catalog import catalog

    known = catalog()
    rows, used = [], set()
    for model in known.models.values():
        parts = {"network": model.network, "encoder": model.encoder, "metric": model.metric}
        name = model.name
        for role, part in parts.items():
            if part is not None:
                rows.append((name, role, *_facts(part)))
                used.add(part.name)
                name = ""
    rows += [("", "", *_facts(p)) for p in known.parts.values() if p.name not in used]
    notes = []
    for model in known.models.values():
        needs = "" if model.needs is None else f"; needs {model.needs}"
        notes.append(f"{model.name}: {model.summary}{needs}")
    notes.append("metric: for metres; the model runs without")
    for part in known.parts.values():
        if part.mirror is not None:
            notes.append(
                f"{part.name}: {part.repository} is {part.mirror}; its authors: {part.get}"
            )
    terms: dict[str, list[str]] = {}
    for part in known.parts.values():
        if part.terms is not None:
            terms.setdefault(f"{part.license}: {part.terms}", []).append(part.name)
    notes += [f"{meaning} ({', '.join(names)})" for meaning, names in terms.items()]
    _print_table(rows, notes, verbose)
    return ALL_DONE


@app.command("pull", cls=Command)
@takes()
def pull(
    name: Name,
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not use the network connection.")
    ] = False,
    verbose: Verbose = False,
) -> int:
    """Download the files of a model, or one file. A download that was stopped is resumed."""
    from ppdcli.checkpoints.catalog import catalog, parts_called
    from ppdcli.checkpoints.hub import fetch
    from ppdcli.checkpoints.store import find

    parts, model = parts_called(name), catalog().models.get(name)
    code = ALL_DONE
    for part in parts:
        try:
            path = find(part)
            was_here = path is not None
            if path is None:
                path = fetch(model, part, offline, say)
            say(f"{part.name}: {'already here' if was_here else 'done'}, {path}")
        except CheckpointError as error:  # the other file may still come
            say(f"error: {error}")
            code = RUN_FAILED
    return code


@app.command("verify", cls=Command)
@takes()
def verify(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="A model, or one of its files.", show_default="all on this machine"
        ),
    ] = None,
    verbose: Verbose = False,
) -> int:
    """Check that files are intact: read them whole, and compare their hashes."""
    from ppdcli.checkpoints import store
    from ppdcli.checkpoints.catalog import catalog, parts_called

    code = ALL_DONE
    for part in catalog().parts.values() if name is None else parts_called(name):
        held = store.held_file(part)
        if held is None:
            if name is not None:
                _print(f"{part.name}: not here")
                code = RUN_FAILED
            continue
        try:
            compared = store.verify(part, held)
            _print(f"{part.name}: {f'ok ({compared})' if compared else 'here, no hash known'}")
        except CheckpointError as error:
            _print(f"{part.name}: damaged")
            say(f"error: {error}")
            code = RUN_FAILED
    return code


@app.command("import", cls=Command)
@takes()
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of weights. It is copied.")],
    name: Annotated[
        str,
        typer.Option(
            "--as", metavar="NAME", help="The model that it belongs to, or the name of the file."
        ),
    ],
    verbose: Verbose = False,
) -> int:
    """Import a file that you downloaded by hand, after checking it."""
    from ppdcli.checkpoints.importing import import_file  # torch

    part, path = import_file(file, name, say)
    terms = "" if part.terms is None else f": {part.terms}"
    say(f"{part.name}: imported, {path} (licence of these weights: {part.license}{terms})")
    return ALL_DONE


@app.command("remove", cls=Command)
@takes()
def remove(name: Name, verbose: Verbose = False) -> int:
    """Remove the files of a model, or one file, and forget their pins.

    Files that another model on this machine needs are kept.
    """
    from ppdcli.checkpoints import pins, store
    from ppdcli.checkpoints.catalog import catalog, parts_called

    parts, models = parts_called(name), catalog().models
    if all(part.bundled is not None for part in parts):
        raise UsageError(f"{name} is inside the package and cannot be removed by itself")
    for part in parts:
        users = [
            m.name
            for m in models.values()
            if name in models and m.name != name and part in (*m.parts, m.metric)
            if store.held_file(part) is not None
            if all(store.find(needed) for needed in m.parts)
        ]
        if users:
            say(
                f"{part.name}: kept for {', '.join(users)}; `ppd weights remove {part.name}` "
                "removes it all the same"
            )
            continue
        if part.bundled is not None:
            continue
        try:
            gone = store.remove(part)
            forgotten = pins.forget(part)
        except OSError as error:
            raise CheckpointError(
                f"{error.filename or part.name}: cannot be removed ({error.strerror}); check its "
                "permissions"
            ) from error
        for path in gone:
            say(f"{part.name}: removed {path}")
        if forgotten:
            say(f"{part.name}: what was pinned is forgotten")
        elif not gone:
            say(f"{part.name}: nothing is here")
    return ALL_DONE


@app.command("path", cls=Command)
@takes()
def path(name: Name, verbose: Verbose = False) -> int:
    """Print the paths of a model's files, one a line."""
    from ppdcli.checkpoints.catalog import parts_called
    from ppdcli.checkpoints.store import find

    paths = [(part, find(part)) for part in parts_called(name)]
    for part, found in paths:
        if found is None:
            raise CheckpointError(
                f"{part.name}: not here, or damaged; `ppd weights pull {part.name}` gets it"
            )
    for _, found in paths:
        _print(str(found))
    return ALL_DONE


def _facts(part: Part) -> tuple[str, ...]:
    """The columns of a file."""
    from ppdcli.checkpoints.pins import pin_of
    from ppdcli.checkpoints.store import held_file

    try:
        held, pin = held_file(part), pin_of(part)
    except CheckpointError as error:
        say(f"error: {error}")
        return part.name, "?", part.license, "its pin is damaged", ""
    size = part.bytes or (pin.bytes if pin else None)
    if held is None:
        state = "not here"
    elif held.damage is not None:
        state = f"damaged: {held.damage}"
    else:
        size = size or held.path.stat().st_size
        state = {"package": "in the package", "imported": "imported", "cache": "here"}[held.place]
    if part.bundled is not None:
        known = ""
    elif pin is not None:
        known = f"pinned on first use, {pin.date}"
    elif part.sha256 is not None:
        known = "hash known" if part.revision is None else "revision and hash known"
    else:
        known = "to be pinned on first use"
        if part.revision is not None:
            known = f"revision known, hash {known}"
    return part.name, "?" if size is None else size_in_words(size), part.license, state, known


def _print_table(rows: list[tuple[str, ...]], notes: list[str], every_column: bool) -> None:
    """A table and notes below it; in a terminal they fit its width.

    ``every_column``: show the last one, too, if it does not fit.
    """
    width = terminal_width(sys.stdout)
    headings: tuple[str, ...] = HEADINGS
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    if width is not None and not every_column and sum(widths) + GAP * len(widths) > width:
        headings, rows = headings[:-1], [row[:-1] for row in rows]
        notes = [*notes, f"-v shows what is {HEADINGS[-1]} of each file"]
    for row in (headings, *rows):
        _print((" " * GAP).join(map(str.ljust, row, widths)).rstrip())
    for line in ("", *notes):
        _print(wrapped(line, width, indent=" " * GAP))


def _print(line: str) -> None:
    """One line on stdout; a path in it need not be valid text."""
    from ppdcli.jobs.streams import write_stdout

    write_stdout(line.encode("utf-8", "surrogateescape") + b"\n")
