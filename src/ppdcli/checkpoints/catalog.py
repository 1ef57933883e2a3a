"""The catalogue, weights.toml: which files and models there are, and where the files come from."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from ppdcli.checkpoints.catalog_reading import (
    LONGEST_TEXT,
    Table,
    model_of,
    part_of,
    read_tables,
)
from ppdcli.checkpoints.catalog_rows import AUTO, Catalog, Model, Part
from ppdcli.checkpoints.given import require_file
from ppdcli.errors import UsageError, shown

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def catalog() -> Catalog:
    """The package's catalogue with the user's own on top.

    Raises:
        UsageError: a mistake in the user's file; names the file, the table and the key.
    """
    ours: Path | Traversable = files("ppdcli") / "weights.toml"
    if not ours.is_file():  # an editable install, where the catalogue lies atop the source tree
        ours = Path(__file__).parents[3] / "weights.toml"
    sources: list[Path | Traversable] = [ours, *_own_file()]
    parts: dict[str, Part] = {}
    tables: dict[str, tuple[Path | Traversable, Table]] = {}
    for source in sources:
        try:
            raw = read_tables(source, bundled=source is ours)
            parts |= {name: part_of(name, table) for name, table in raw["files"].items()}
        except OSError as error:
            raise UsageError(
                f"{source}: cannot be read ({error.strerror}); PPD_WEIGHTS names your catalogue"
            ) from None
        except ValueError as error:  # of TOML and UTF-8 too
            raise UsageError(f"{source}: {error}") from None
        tables |= {name: (source, table) for name, table in raw["models"].items()}
    models = {}
    for name, (source, table) in tables.items():  # last: a model may use the files of both
        try:
            models[name] = model_of(name, table, parts)
        except ValueError as error:
            raise UsageError(f"{source}: {error}") from None
    return Catalog(parts, models)


def models() -> dict[str, Model]:
    """Every model of the catalogue by name, the best last.

    Raises:
        UsageError: a mistake in the user's own catalogue.
    """
    return catalog().models


def model(name: str) -> Model:
    """The model of that name.

    Raises:
        UsageError: there is none, or a mistake in the user's own catalogue.
    """
    known = models()
    try:
        return known[name]
    except KeyError:
        names = shown(", ".join([AUTO, *known]), LONGEST_TEXT)
        raise UsageError(f"no model is called {shown(name)!r}; choose one of {names}") from None


def parts_called(name: str) -> tuple[Part, ...]:
    """The file of that name, or the files that the model of that name needs.

    Raises:
        UsageError: neither has that name, or a mistake in the user's own catalogue.
    """
    known = catalog()
    if name in known.models:
        return known.models[name].parts
    if name in known.parts:
        return (known.parts[name],)
    raise UsageError(
        f"no model or file is called {shown(name)!r}; "
        f"models: {shown(', '.join(known.models), LONGEST_TEXT)}; "
        f"files: {shown(', '.join(known.parts), LONGEST_TEXT)}"
    )


def check_request(name: str, checkpoint: str | Path | None, encoder: str | Path | None) -> None:
    """Whether a model of that name can be made of files given by hand, and the rest fetched.

    Raises:
        UsageError: no such model, a file that it has no place for, or a mistake in the user's
            own catalogue.
        CheckpointError: a file is missing, or no file.
    """
    if name == AUTO:
        catalog()
        if checkpoint is not None or encoder is not None:
            raise UsageError(
                "checkpoint and encoder need the name of the model that the files are of"
            )
    elif model(name).encoder is None and encoder is not None:
        raise UsageError(f"{name} has its encoder in its own file; leave out the encoder")
    for file in (checkpoint, encoder):
        if file is not None:
            require_file(Path(file))


def _own_file() -> list[Path]:
    """The user's catalogue, if there is one."""
    named = os.environ.get("PPD_WEIGHTS")
    if named:
        return [Path(os.path.expanduser(named))]  # noqa: PTH111  which a user without home survives
    usual = usual_file()
    return [usual] if usual is not None and os.path.lexists(usual) else []


def usual_file() -> Path | None:
    """Where the user's catalogue is looked for, which need not exist; None without a home."""
    from platformdirs import user_config_dir

    try:
        folder = Path(user_config_dir("ppdcli", appauthor=False))
    except RuntimeError:
        return None
    return folder / "weights.toml" if folder.is_absolute() else None
