"""The training recipe: one TOML file, read into plain dataclasses."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ppdcli.errors import UsageError, shown
from ppdcli.files.foreign import parse_toml, read_regular, reason

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Part = TypeVar("Part", bound="DataclassInstance")
SEEDS = 10_000  # larger seeds are reserved for evaluation
# The parts that can be trained. Each needs its own rates.
PYRAMID, BACKBONE, DIFFUSION = "pyramid", "backbone", "diffusion"
PARTS = (PYRAMID, BACKBONE, DIFFUSION)
MOST_BYTES = 1 << 20  # largest size of a recipe file
MOST_AT_ONCE = 512  # largest number of pictures in a batch


@dataclass(frozen=True)
class Phase:
    """A phase of the training.

    Attributes:
        share: Share of the whole training time.
        trains: Parts that learn: "pyramid" and "backbone" (the two halves of the encoder), or
            "diffusion" (the transformer).
        batch: Pictures per step on a CPU.
        gpu_batch: Pictures per step on a GPU.
        areas: Working areas in pixels. One of them is drawn for each batch.
        gradient_weight: Weight of the multi-scale gradient loss.
    """

    share: float
    trains: tuple[str, ...]
    batch: int
    gpu_batch: int
    areas: tuple[int, ...]
    gradient_weight: float = 0.0

    def __post_init__(self) -> None:
        _require_positive(share=self.share)
        for name, values in (("trains", self.trains), ("areas", self.areas)):
            if not isinstance(values, list | tuple) or not values:
                raise ValueError(f"{name} must be a list that is not empty, not {values!r}")
        for part in self.trains:
            if part not in PARTS:
                raise ValueError(f"trains must name {', '.join(PARTS)}, not {part!r}")
        if DIFFUSION in self.trains and len(set(self.trains)) > 1:
            raise ValueError("diffusion learns from a frozen encoder: give it a phase of its own")
        for name in ("batch", "gpu_batch"):
            _require_whole(name, getattr(self, name), MOST_AT_ONCE)
        for area in self.areas:
            _require_whole("areas", area, 1 << 24)
        if not isinstance(self.gradient_weight, int | float) or self.gradient_weight < 0:
            raise ValueError(f"gradient_weight must be 0 or more, not {self.gradient_weight!r}")


@dataclass(frozen=True)
class Rate:
    """The learning rate and related settings of one part.

    Attributes:
        highest: Learning rate after ``warmup`` steps. It then falls to a hundredth along a cosine
            over the time of the part.
        warmup: Number of warm-up steps.
        weight_decay: Weight decay of AdamW.
        ema: Decay of the averaged weights, which are the result.
    """

    highest: float
    warmup: int = 200
    weight_decay: float = 0.01
    ema: float = 0.999

    def __post_init__(self) -> None:
        _require_positive(highest=self.highest)


@dataclass(frozen=True)
class Recipe:
    """All settings that determine the result of ``ppd train``.

    Attributes:
        seed: Seed of the scenes and of the training.
        minutes: Duration of the training; the command line can override it.
        phases: The phases in order; their shares add up to 1.
        rates: Rates of each part that a phase trains.
        scenes: Share of each kind of rendered scene.
        encoder: Keyword arguments of ``PyramidEncoderConfig``.
        diffusion: Keyword arguments of ``CasDiTConfig``.
        noise_only: Share of timesteps drawn at exactly T, where sampling starts. The others are
            uniform except for the network's time_shift.
        card: Texts for the header of the result.
    """

    seed: int
    minutes: float
    phases: tuple[Phase, ...]
    rates: dict[str, Rate]
    scenes: dict[str, float]
    encoder: dict[str, Any] = field(default_factory=dict)
    diffusion: dict[str, Any] = field(default_factory=dict)
    noise_only: float = 0.25
    card: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.seed, int) or not 0 <= self.seed < SEEDS:
            raise ValueError(f"seed must be from 0 to {SEEDS - 1}, not {self.seed!r}")
        _require_positive(minutes=self.minutes)
        if not self.phases:
            raise ValueError("phases must not be empty")
        total = sum(phase.share for phase in self.phases)
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the phases' shares must add up to 1, not {total:g}")
        if missing := {part for phase in self.phases for part in phase.trains} - set(self.rates):
            raise ValueError(f"rates must have a table for {sorted(missing)[0]}")
        if unknown := set(self.scenes) - set(KINDS):
            raise ValueError(f"scenes must name {', '.join(KINDS)}, not {sorted(unknown)[0]!r}")
        if not self.scenes or not all(
            isinstance(share, int | float) and share >= 0 for share in self.scenes.values()
        ):
            raise ValueError("scenes must give each kind a share that is 0 or more")
        if not sum(self.scenes.values()) > 0:
            raise ValueError("scenes must give one kind a share above 0")
        if not all(isinstance(value, str) for value in self.card.values()):
            raise ValueError("the card's values must be texts")


PRIMITIVES, FURNISHED = "primitives", "furnished"
KINDS = (PRIMITIVES, FURNISHED)  # the kinds of scenes


def load_recipe(path: Path | None = None) -> Recipe:
    """Reads a recipe; without a path it reads ppd-tiny's own.

    Raises:
        UsageError: The file is missing or not TOML, or it has unknown, missing or impossible
            values.
    """
    source = path or files("ppdcli.training") / "ppd-tiny.toml"
    try:
        return _recipe(
            parse_toml(
                read_regular(source, MOST_BYTES)
                if isinstance(source, Path)
                else source.read_bytes()
            )
        )
    except OSError as error:
        raise UsageError(f"{source}: {reason(error, 'give a recipe')}") from None
    except ValueError as error:  # includes the errors of TOML and UTF-8
        raise UsageError(f"{source}: not a training recipe: {shown(error, 300)}") from None


def _recipe(raw: dict[str, Any]) -> Recipe:
    parts = dict(raw)
    if "phases" in raw:
        if not isinstance(raw["phases"], list):
            raise ValueError("phases must be a list of tables")
        parts["phases"] = tuple(_phase(phase) for phase in raw["phases"])
    for name in ("rates", "scenes", "encoder", "diffusion", "card"):
        if not isinstance(raw.get(name, {}), dict):
            raise ValueError(f"{name} must be a table")
    parts["rates"] = {
        part: _filled(Rate, rate, f"the rates of {part}")
        for part, rate in raw.get("rates", {}).items()
    }
    return _filled(Recipe, parts, "the recipe")


def _phase(raw: Any) -> Phase:
    lists = {"trains", "areas"}
    if isinstance(raw, dict):  # TOML has lists, the dataclass has tuples
        raw = {k: tuple(v) if k in lists and isinstance(v, list) else v for k, v in raw.items()}
    return _filled(Phase, raw, "a phase")


def _filled(kind: type[Part], raw: Any, place: str) -> Part:
    """Creates a dataclass from the table of its fields.

    Raises:
        ValueError: It is not a table, or a key is unknown or missing.
    """
    if not isinstance(raw, dict):
        raise ValueError(f"{place} must be a table")
    known = fields(kind)
    if unknown := sorted(set(raw) - {f.name for f in known}):
        raise ValueError(f"unknown key {shown(unknown[0])!r} in {place}")
    needed = {f.name for f in known if f.default is MISSING and f.default_factory is MISSING}
    if missing := sorted(needed - set(raw)):
        raise ValueError(f"key {missing[0]!r} is missing in {place}")
    return kind(**raw)


def _require_positive(**values: Any) -> None:
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ValueError(f"{name} must be a number above 0, not {value!r}")


def _require_whole(name: str, value: Any, most: int) -> None:
    if type(value) is not int or not 1 <= value <= most:
        raise ValueError(f"{name} must be a whole number from 1 to {most}, not {value!r}")
