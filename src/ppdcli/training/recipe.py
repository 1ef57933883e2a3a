"""The training recipe: one TOML file, read into plain dataclasses."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ppdcli.errors import UsageError, shown
from ppdcli.files.foreign import parse_toml, read_regular

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Part = TypeVar("Part", bound="DataclassInstance")
SCHEDULES = ("cosine", "constant")
MOST_BYTES = 1 << 20  # of a recipe
SEEDS = 10_000  # seeds from here on are for evaluation
MOST_AT_ONCE = 128  # in a batch, which is of one shape, and so of one file of scenes


@dataclass(frozen=True)
class Phase:
    """A stretch of training at one size.

    Attributes:
        samples: pictures to learn from in this phase.
        scale: working size over the rendered size (about 256 x 192).
        batch: pictures a step.
        gradient_weight: weight of the multi-scale gradient loss on x_0.
    """

    samples: int
    scale: float
    batch: int
    gradient_weight: float = 0.0

    def __post_init__(self) -> None:
        _require_positive(samples=self.samples, scale=self.scale, batch=self.batch)
        for name, value in (("samples", self.samples), ("batch", self.batch)):
            if not isinstance(value, int):
                raise ValueError(f"{name} must be a whole number, not {value!r}")
        if self.batch > MOST_AT_ONCE:
            raise ValueError(f"batch must be {MOST_AT_ONCE} at most, not {self.batch}")


@dataclass(frozen=True)
class Stage:
    """One network's training: the encoder's, then the diffusion transformer's.

    Attributes:
        model: keyword arguments of the network's config.
        phases: one after the other.
        learning_rate: highest rate, after ``warmup`` steps.
        schedule: how the rate goes on: "cosine" falls to a hundredth over all phases, "constant"
            stays.
        weight_decay: AdamW's.
        ema: decay of the averaged weights, which are the result.
        noise_only: share of timesteps drawn at exactly T, where sampling starts; the rest are
            even, but for the model's time_shift.
    """

    model: dict[str, Any]
    phases: tuple[Phase, ...]
    learning_rate: float
    weight_decay: float = 0.0
    ema: float = 0.999
    warmup: int = 200
    noise_only: float = 0.25
    schedule: str = "cosine"

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            known = ", ".join(SCHEDULES)
            raise ValueError(f"schedule must be one of {known}, not {self.schedule!r}")
        _require_positive(learning_rate=self.learning_rate, samples=self.samples)

    @property
    def samples(self) -> int:
        """Pictures in all phases together."""
        return sum(phase.samples for phase in self.phases)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what comes out of ``ppd train``.

    Attributes:
        seed: of the scenes and the training.
        card: texts for the header of the result.
    """

    seed: int
    encoder: Stage
    diffusion: Stage
    card: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.seed, int) or not 0 <= self.seed < SEEDS:
            raise ValueError(f"seed must be from 0 to {SEEDS - 1}, not {self.seed!r}")
        if not all(isinstance(value, str) for value in self.card.values()):
            raise ValueError("the card's values must be texts")


def load_recipe(path: Path | None = None) -> Recipe:
    """Reads a recipe; without a path ppd-tiny's own.

    Raises:
        UsageError: the file is missing, not TOML, or holds unknown, missing or impossible
            values.
    """
    source = path or files("ppdcli.training") / "ppd-tiny.toml"
    try:
        raw = parse_toml(
            read_regular(source, MOST_BYTES) if isinstance(source, Path) else source.read_bytes()
        )
        stages = {name: _stage(raw[name], name) for name in ("encoder", "diffusion") if name in raw}
        return _filled(Recipe, {**raw, **stages}, "the recipe")
    except OSError as error:
        raise UsageError(f"{source}: cannot read the recipe: {error.strerror}") from None
    except ValueError as error:  # of TOML and UTF-8 too
        raise UsageError(f"{source}: not a training recipe: {shown(error, 300)}") from None


def _stage(raw: Any, name: str) -> Stage:
    if not isinstance(raw, dict) or not isinstance(raw.get("phases"), list):
        raise ValueError(f"{name} must be a table with a list of phases")
    phases = tuple(_filled(Phase, phase, f"a phase of {name}") for phase in raw["phases"])
    return _filled(Stage, {**raw, "phases": phases}, name)


def _filled(kind: type[Part], raw: Any, place: str) -> Part:
    """A dataclass from the table of its fields.

    Raises:
        ValueError: not a table, or a key is unknown or missing.
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
        if not isinstance(value, int | float) or value <= 0:
            raise ValueError(f"{name} must be a number > 0, not {value!r}")
