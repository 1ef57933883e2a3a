"""``ppd weights``: which files of weights there are, their licences, and getting them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ppdcli.cli.exits import ALL_DONE, RUN_FAILED, say
from ppdcli.cli.groups import takes
from ppdcli.errors import CheckpointError, UsageError

if TYPE_CHECKING:
    from ppdcli.checkpoints.catalog_rows import Part

Name = Annotated[str, typer.Argument(metavar="NAME", help="A model, or one of its files.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Show tracebacks.")]

HEADINGS = ("model", "part", "file", "size", "licence", "state", "known")

app = typer.Typer(help="Show, get, check and remove the files of weights.", no_args_is_help=True)


@app.command("list")
@takes()
def list_(verbose: Verbose = False) -> int:
    """List models and their files: size, licence, what is here, what is known of them."""
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
    _print_table(rows, notes)
    return ALL_DONE


@app.command("pull")
@takes()
def pull(
    name: Name,
    offline: Annotated[bool, typer.Option("--offline", help="Never use the network.")] = False,
    verbose: Verbose = False,
) -> int:
    """Download the files that a model needs, or one file; go on with a broken download."""
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


@app.command("verify")
@takes()
def verify(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A model or file.", show_default="all that is here"),
    ] = None,
    verbose: Verbose = False,
) -> int:
    """Read files whole and compare them with the hashes that are known of them."""
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


@app.command("import")
@takes()
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of weights; it stays.")],
    name: Annotated[str, typer.Option("--as", metavar="NAME", help="The model or file it is of.")],
    verbose: Verbose = False,
) -> int:
    """Take over a file that you fetched by hand, checked against what is known of it."""
    from ppdcli.checkpoints.importing import import_file  # torch

    part, path = import_file(file, name, say)
    terms = "" if part.terms is None else f": {part.terms}"
    say(f"{part.name}: imported, {path} (licence of these weights: {part.license}{terms})")
    return ALL_DONE


@app.command("remove")
@takes()
def remove(name: Name, verbose: Verbose = False) -> int:
    """Remove a model's files that no other model here uses, or one file; forget their pins."""
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


@app.command("path")
@takes()
def path(name: Name, verbose: Verbose = False) -> int:
    """Print where a model's files are, or one file, a line each."""
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
    from ppdcli.checkpoints.progress import in_words
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
    return part.name, "?" if size is None else in_words(size), part.license, state, known


def _print_table(rows: list[tuple[str, ...]], notes: list[str]) -> None:
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        table = Table(*HEADINGS)
        for row in rows:
            table.add_row(*map(escape, row))
        console = Console()
        console.print(table)
        console.print(*notes, sep="\n", markup=False, highlight=False)
        return
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    for row in (HEADINGS, *rows):
        _print("  ".join(map(str.ljust, row, widths)).rstrip())
    for line in ("", *notes):
        _print(line)


def _print(line: str) -> None:
    """One line on stdout; a path in it need not be valid text."""
    from ppdcli.jobs.streams import write_stdout

    write_stdout(line.encode("utf-8", "surrogateescape") + b"\n")
