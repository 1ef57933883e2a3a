"""The catalogue, weights.toml: the known models and files, and where the files come from."""

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
from ppdcli.checkpoints.families import FAMILIES
from ppdcli.checkpoints.given import require_file
from ppdcli.errors import UsageError, shown
from ppdcli.files.foreign import reason

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


def catalog() -> Catalog:
    """Returns the package's catalogue, extended by the user's own.

    Raises:
        UsageError: the user's file has a mistake. The message names the file, the table and the
            key.
    """
    ours: Path | Traversable = files("ppdcli") / "weights.toml"
    if not ours.is_file():  # in an editable install, the catalogue is at the top of the source tree
        ours = Path(__file__).parents[3] / "weights.toml"
    sources: list[Path | Traversable] = [ours, *_own_file()]
    parts: dict[str, Part] = {}
    tables: dict[str, tuple[Path | Traversable, Table]] = {}
    for source in sources:
        try:
            raw = read_tables(source, bundled=source is ours)
            parts |= {name: part_of(name, table) for name, table in raw["files"].items()}
        except OSError as error:
            why = reason(error, "check its permissions")
            raise UsageError(f"{source}: {why}; PPD_WEIGHTS names your catalogue") from None
        except ValueError as error:  # TOML and UTF-8 raise it too
            raise UsageError(f"{source}: {error}") from None
        tables |= {name: (source, table) for name, table in raw["models"].items()}
    models = {}
    for name, (
        source,
        table,
    ) in tables.items():  # last, because a model may use files of both catalogues
        try:
            models[name] = model_of(name, table, parts)
        except ValueError as error:
            raise UsageError(f"{source}: {error}") from None
    return Catalog(parts, models)


def models() -> dict[str, Model]:
    """Returns all models of the catalogue by name. Of those for photos, the best one is last.

    Raises:
        UsageError: the user's own catalogue has a mistake.
    """
    return catalog().models


def models_for_photos() -> dict[str, Model]:
    """Returns the models that take photos by name. The best one is last.

    Raises:
        UsageError: the user's own catalogue has a mistake.
    """
    return {name: row for name, row in models().items() if not FAMILIES[row.family].films}


def require_for_photos(name: str) -> None:
    """Checks that the model with a name, if there is one, takes photos.

    Raises:
        UsageError: it sees the frames of a film together, or the user's own catalogue has a
            mistake.
    """
    if name in models() and name not in models_for_photos():
        raise UsageError(
            f"{name} sees the frames of a film together, and no photos; "
            f"run `ppd video -m {name}`, or choose another model"
        )


def model(name: str) -> Model:
    """Returns the model with a name.

    Raises:
        UsageError: there is no such model, or the user's own catalogue has a mistake.
    """
    known = models()
    try:
        return known[name]
    except KeyError:
        names = shown(", ".join([AUTO, *known]), LONGEST_TEXT)
        raise UsageError(f"no model is called {shown(name)!r}; choose one of {names}") from None


def parts_called(name: str) -> tuple[Part, ...]:
    """Returns the file with a name, or the files that the model with this name needs.

    Raises:
        UsageError: no file or model has this name, or the user's own catalogue has a mistake.
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
    """Checks that a model can be built from the given files and, for the rest, its own.

    Raises:
        UsageError: there is no such model, it takes no such file, or the user's own catalogue has a
            mistake.
        CheckpointError: a given file is missing, or is not a regular file.
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
    """Returns the user's catalogue, if there is one."""
    named = os.environ.get("PPD_WEIGHTS")
    if named:
        return [Path(os.path.expanduser(named))]  # noqa: PTH111  it raises nothing without a home folder
    usual = usual_file()
    return [usual] if usual is not None and os.path.lexists(usual) else []


def usual_file() -> Path | None:
    """Returns where the user's catalogue may be; None if the user has no home folder."""
    from platformdirs import user_config_dir

    try:
        folder = Path(user_config_dir("ppdcli", appauthor=False))
    except RuntimeError:
        return None
    return folder / "weights.toml" if folder.is_absolute() else None
