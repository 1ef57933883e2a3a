"""The catalogue, weights.toml: which files and models there are, and where the files come from."""

from __future__ import annotations

import os
import re
from dataclasses import MISSING, dataclass, fields
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, get_args

from ppdcli.checkpoints.given import require_file
from ppdcli.errors import UsageError, shown
from ppdcli.files.foreign import parse_toml, read_regular

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

AUTO = "auto"
FALLBACK = "ppd-tiny"
PRESETS = ("draft", "standard", "best")

Family = Literal["tiny", "da2", "moge2"]
Table = dict[str, Any]

COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")

LONGEST_NAME, LONGEST_TEXT = 100, 500  # characters
MOST_BYTES = 1 << 20  # of a catalogue
WIDEST = 16_384  # pixels of an area's sides

_NAME = re.compile(
    rf"[A-Za-z0-9][\w.-]{{0,{LONGEST_NAME - 1}}}", re.ASCII
)  # names of files on disk too
_REPOSITORY = re.compile(r"(?!.*(?:--|\.\.))\w(?:[\w.-]*\w)?/\w(?:[\w.-]*\w)?", re.ASCII)


@dataclass(frozen=True)
class Part:
    """One file of weights: inside the package, in a Hub repository, or to be fetched by hand.

    Attributes:
        name: in the catalogue.
        license: SPDX name of the weights' licence.
        terms: what the licence means, in a line.
        bundled: its name inside the package.
        repository, file: on the Hub; without a repository, ``file`` is its usual name.
        get: where a person finds a file that is in no repository.
        revision, bytes, sha256: None where nobody has stated them. ``revision`` is a commit.
    """

    name: str
    license: str
    terms: str | None = None
    bundled: str | None = None
    repository: str | None = None
    file: str | None = None
    get: str | None = None
    revision: str | None = None
    bytes: int | None = None
    sha256: str | None = None

    @property
    def address(self) -> str:
        """What it is called where it comes from, for messages."""
        if self.repository is not None:
            return f"{self.repository}/{self.file}"
        return str(self.bundled or self.file)


@dataclass(frozen=True)
class Model:
    """A model of the catalogue.

    Attributes:
        family: where its semantics come from: the network's own file, Depth Anything V2, MoGe-2.
        area: (width, height) that the model was trained at.
        steps: sampling steps by default.
        draft, best: sampling steps for --preset; those by default where they are not stated.
        encoder: None where the network's file holds the encoder too.
        metric: the file that turns its depth into metres; the model runs without.
        needs: what it takes to run it, in a line.
    """

    name: str
    summary: str
    family: Family
    area: tuple[int, int]
    steps: int
    network: Part
    encoder: Part | None = None
    metric: Part | None = None
    needs: str | None = None
    draft: int | None = None
    best: int | None = None

    def preset(self, name: str) -> int:
        """The sampling steps of a preset.

        Raises:
            UsageError: there is none of that name.
        """
        if name not in PRESETS:
            raise UsageError(f"--preset {name}: choose from {', '.join(PRESETS)}")
        stated = {"draft": self.draft, "best": self.best}.get(name)
        return self.steps if stated is None else stated

    @property
    def parts(self) -> tuple[Part, ...]:
        """The files that the model needs."""
        return (self.network,) if self.encoder is None else (self.network, self.encoder)


@dataclass(frozen=True)
class Catalog:
    """Files and models by name, models with the best last."""

    parts: dict[str, Part]
    models: dict[str, Model]


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
            raw = _read(source, bundled=source is ours)
            parts |= {name: _part(name, table) for name, table in raw["files"].items()}
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
            models[name] = _model(name, table, parts)
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
                "--checkpoint and --encoder need --model, to say which model the files are of"
            )
    elif model(name).encoder is None and encoder is not None:
        raise UsageError(f"{name} has its encoder in its own file; leave out --encoder")
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


def _read(source: Path | Traversable, bundled: bool) -> dict[str, dict[str, Table]]:
    """The tables [files.NAME] and [models.NAME] of a catalogue's file.

    Raises:
        OSError, ValueError: it cannot be read, or is not of that form.
    """
    raw = parse_toml(
        read_regular(source, MOST_BYTES) if isinstance(source, Path) else source.read_bytes()
    )
    if unknown := sorted(set(raw) - {"files", "models"}):
        raise ValueError(
            f"[{shown(unknown[0])}]: unknown; there are [files.NAME] and [models.NAME]"
        )
    tables = {kind: raw.get(kind, {}) for kind in ("files", "models")}
    for kind, rows in tables.items():
        if not isinstance(rows, dict):
            raise ValueError(f"{kind}: must be tables [{kind}.NAME]")
        for name, row in rows.items():
            where = f"[{kind}.{shown(name)}]"
            if not isinstance(row, dict):
                raise ValueError(f"{where}: must be a table")
            if _NAME.fullmatch(name) is None or name == AUTO:
                raise ValueError(
                    f"{where}: a name has letters, digits and . _ -, {LONGEST_NAME} of them at "
                    f"most, and is not {AUTO}"
                )
            if not bundled and (name == FALLBACK or "bundled" in row):
                raise ValueError(f"{where}: only the package has files inside it; choose a name")
    return tables


_TYPES = {
    "area": (list, "two numbers"),
    "steps": (int, "a number"),
    "draft": (int, "a number"),
    "best": (int, "a number"),
    "bytes": (int, "a number"),
}


def _check_keys(where: str, table: Table, kind: type[Part] | type[Model]) -> None:
    known = {f.name: f for f in fields(kind) if f.name != "name"}
    for key, value in table.items():
        if key not in known:
            raise ValueError(f"{where} {shown(key)}: unknown key; there are {', '.join(known)}")
        expected, called = _TYPES.get(key, (str, "text"))
        if not isinstance(value, expected) or isinstance(value, bool):
            raise ValueError(f"{where} {key}: must be {called}")
        if isinstance(value, str) and not (value.strip() and value == shown(value, LONGEST_TEXT)):
            raise ValueError(
                f"{where} {key}: must be one line of text, of {LONGEST_TEXT} characters at most "
                "and without control characters"
            )
    for key, f in known.items():
        if f.default is MISSING and key not in table:
            raise ValueError(f"{where} {key}: is missing")


def _part(name: str, table: Table) -> Part:
    where = f"[files.{name}]"
    _check_keys(where, table, Part)
    row = Part(name=name, **table)
    if sum(place is not None for place in (row.bundled, row.repository, row.get)) != 1:
        raise ValueError(f"{where}: give a repository, or get, which says where to find the file")
    if row.bundled is not None:
        return row
    if row.file is None:
        raise ValueError(f"{where} file: is missing")
    path = PurePosixPath(row.file)
    if path.is_absolute() or ".." in path.parts or "\\" in row.file or not path.name:
        raise ValueError(f"{where} file: must be the path of a file in its repository")
    if row.repository is not None and _REPOSITORY.fullmatch(row.repository) is None:
        raise ValueError(f"{where} repository: must be OWNER/NAME")
    if row.revision is not None:
        if row.repository is None:
            raise ValueError(f"{where} revision: needs a repository")
        if COMMIT.fullmatch(row.revision) is None:
            raise ValueError(f"{where} revision: must be a commit, 40 hexadecimal digits")
    if row.bytes is not None and not 0 < row.bytes < 1 << 63:
        raise ValueError(f"{where} bytes: must be above 0, and a size that a file can have")
    if row.sha256 is not None and SHA256.fullmatch(row.sha256) is None:
        raise ValueError(f"{where} sha256: must be 64 hexadecimal digits in small letters")
    return row


def _model(name: str, table: Table, parts: dict[str, Part]) -> Model:
    where = f"[models.{name}]"
    _check_keys(where, table, Model)
    row = dict(table)
    for key in ("network", "encoder", "metric"):
        if key in row:
            if row[key] not in parts:
                known = shown(", ".join(parts), LONGEST_TEXT)
                raise ValueError(
                    f"{where} {key}: no file is called {shown(row[key])!r}; known: {known}"
                )
            row[key] = parts[row[key]]
    if row["family"] not in get_args(Family):
        raise ValueError(f"{where} family: must be one of {', '.join(get_args(Family))}")
    if (row["family"] == "tiny") == ("encoder" in row):
        has = "has its encoder in the network's file" if "encoder" in row else "needs an encoder"
        raise ValueError(f"{where} encoder: the family {row['family']} {has}")
    sides = row["area"]
    if len(sides) != 2 or not all(type(n) is int and 16 <= n <= WIDEST for n in sides):
        raise ValueError(f"{where} area: must be [width, height] in pixels, 16 to {WIDEST}")
    for key in ("draft", "steps", "best"):
        if not 1 <= row.get(key, 1) <= 1000:
            raise ValueError(f"{where} {key}: must be from 1 to 1000")
    return Model(name=name, **{**row, "area": (sides[0], sides[1])})
