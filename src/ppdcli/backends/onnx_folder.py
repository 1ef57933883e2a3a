"""A folder with an exported model: two graphs, and ``ppd.json``, which says how to run them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ppdcli.devices import Precision
from ppdcli.errors import CheckpointError, UsageError, shown
from ppdcli.files.foreign import parse_json, read_regular, reason

CARD_FILE, ENCODER_FILE, STEP_FILE = "ppd.json", "encoder.onnx", "step.onnx"
OPSET = 18
FORMAT = 1  # of ppd.json
MOST_CARD = 1 << 20  # bytes
MOST_HASHED = 1 << 28  # bytes; larger files are compared by their size, since a hash takes seconds
EXPORTED: tuple[Precision, ...] = ("fp32", "fp16")
T = 1000  # the flow's time of pure noise


@dataclass(frozen=True)
class Card:
    """What ``ppd.json`` states for programs.

    Attributes:
        format: of the file itself.
        program: what wrote it.
        model: the model's name.
        licenses: of the weights, by file of the catalogue.
        opset: of ONNX.
        precision: fp32 or fp16, of the large weights and of the products with them.
        files: name -> bytes and sha256 of each other file in the folder.
        area: (width, height) at which the model was trained; photos are resized to so many pixels.
        presets: sampling steps: standard (the default), draft and best.
        enlargement: side of the encoder's picture divided by that of the network's; None if the
            encoder takes the network's picture.
        time_shift: s; each share u of T becomes s u / (1 + (s - 1) u).
        rounded: numbers of steps -> index -> timestep, where float32 rounds it differently.
        how: the same in words, for people.
    """

    format: int
    program: str
    model: str
    licenses: Mapping[str, str]
    opset: int
    precision: Precision
    files: Mapping[str, Mapping[str, Any]]
    area: tuple[int, int]
    presets: Mapping[str, int]
    enlargement: float | None
    time_shift: float
    rounded: Mapping[str, Mapping[str, int]]
    how: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For the file."""
        return asdict(self)

    def encoder_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the encoder's picture for one of the network."""
        scale = self.enlargement
        if scale is None or scale == 1:
            return height, width
        high, wide = (max(1, round(side * scale / 32)) * 32 for side in (height, width))
        return high, wide

    def timesteps(self, steps: int) -> list[float]:
        """The timesteps of the sampler, from ``T`` down."""
        changed = self.rounded.get(str(steps), {})
        whole = [changed.get(str(i), round(T - i * (T + 1) / steps)) for i in range(steps)]
        shift = self.time_shift
        if shift == 1:
            return [float(t) for t in whole]
        return [T * (shift * (t / T) / (1 + (shift - 1) * (t / T))) for t in whole]

    def preset(self, name: str) -> int:
        """The sampling steps of a preset.

        Raises:
            UsageError: there is no such preset.
        """
        if name not in self.presets:
            raise UsageError(f"preset {name}: choose from {', '.join(self.presets)}")
        return self.presets[name]

    def digest(self) -> str:
        """12 hexadecimal digits that identify the weights."""
        listed = "".join(f"{name}{row['sha256']}" for name, row in sorted(self.files.items()))
        return hashlib.sha256(listed.encode()).hexdigest()[:12]


def read_card(folder: Path) -> Card:
    """Reads ``ppd.json``; the other files are not looked at.

    Raises:
        CheckpointError: there is none, or it is damaged, or of a newer program.
    """
    path = folder / CARD_FILE
    try:
        row = parse_json(read_regular(path, MOST_CARD))
    except OSError as error:
        why = reason(error, "export the model again", "give a folder that `ppd export` wrote")
        raise CheckpointError(f"{path}: {why}") from error
    except ValueError as error:
        raise CheckpointError(
            f"{path}: is damaged ({shown(error)}); export the model again"
        ) from error
    if not isinstance(row, dict) or row.get("format") != FORMAT:
        raise CheckpointError(
            f"{path}: is not of a model that this version of ppd exported; export it again"
        )
    try:
        card = Card(**{**row, "area": tuple(row["area"]), "how": tuple(row["how"])})
        _check(card)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path}: is damaged ({shown(error)}); export the model again"
        ) from error
    return card


def _check(card: Card) -> None:
    """Raises ValueError, or what Python raises of values of another type."""
    if not all(isinstance(text, str) for text in (card.program, card.model, *card.how)):
        raise ValueError("its texts are wrong")
    if type(card.opset) is not int or not all(isinstance(x, str) for x in card.licenses.values()):
        raise ValueError("opset or licenses are wrong")
    if not {ENCODER_FILE, STEP_FILE} <= set(card.files):
        raise ValueError("it does not list both graphs")
    for name, row in card.files.items():
        if Path(name).name != name or type(row["bytes"]) is not int or len(row["sha256"]) != 64:
            raise ValueError("its list of files is wrong")
    if len(card.area) != 2 or not all(
        type(side) is int and 0 < side < 1 << 15 for side in card.area
    ):
        raise ValueError("area is wrong")
    if "standard" not in card.presets or not all(0 < n <= T for n in card.presets.values()):
        raise ValueError("presets are wrong")
    if card.enlargement is not None and not 0.25 <= card.enlargement <= 8:
        raise ValueError("enlargement is wrong")
    if not 0 < card.time_shift <= 64 or card.precision not in EXPORTED:
        raise ValueError("time_shift or precision is wrong")
    for changes in card.rounded.values():
        if not all(0 <= t <= T for t in changes.values()):
            raise ValueError("rounded is wrong")


def check_files(folder: Path, card: Card) -> None:
    """Compares the other files with what the card says of them.

    Raises:
        CheckpointError: one is missing or has changed.
    """
    for name, row in card.files.items():
        path = folder / name
        try:
            size = path.stat().st_size
            same = size == row["bytes"] and (size > MOST_HASHED or sha256_of(path) == row["sha256"])
        except OSError as error:
            way_on = "export the model again"
            raise CheckpointError(f"{path}: {reason(error, way_on, way_on)}") from error
        if not same:
            raise CheckpointError(f"{path}: is damaged or was changed; export the model again")


def sha256_of(path: Path) -> str:
    """Reads a whole file and returns its hash.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
