"""The training recipe: one TOML file, read into plain dataclasses."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from ppdcli.errors import UsageError


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


@dataclass(frozen=True)
class Stage:
    """One network's training: the encoder's, then the diffusion transformer's.

    Attributes:
        model: keyword arguments of the network's config.
        phases: one after the other; the learning rate falls by a cosine over all of them.
        learning_rate: highest rate, after ``warmup`` steps.
        weight_decay: AdamW's.
        ema: decay of the averaged weights, which are the result.
        noise_only: share of timesteps drawn at exactly T, where sampling starts; the rest are even.
    """

    model: dict[str, Any]
    phases: tuple[Phase, ...]
    learning_rate: float
    weight_decay: float = 0.0
    ema: float = 0.999
    warmup: int = 200
    noise_only: float = 0.25

    @property
    def samples(self) -> int:
        """Pictures in all phases together."""
        return sum(phase.samples for phase in self.phases)


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what comes out of ``ppd train``."""

    seed: int
    encoder: Stage
    diffusion: Stage
    card: dict[str, str] = field(default_factory=dict)


def load_recipe(path: Path | None = None) -> Recipe:
    """Reads a recipe; without a path ppd-tiny's own.

    Raises:
        UsageError: the file is missing, not TOML, or holds unknown or missing keys.
    """
    source = path or files("ppdcli.training") / "ppd-tiny.toml"
    try:
        raw = tomllib.loads(source.read_text(encoding="utf-8"))
        return Recipe(
            seed=raw["seed"],
            encoder=_stage(raw["encoder"]),
            diffusion=_stage(raw["diffusion"]),
            card=raw.get("card", {}),
        )
    except OSError as error:
        raise UsageError(f"{source}: cannot read the recipe: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise UsageError(f"{source}: not a training recipe: {error}") from None


def _stage(raw: dict[str, Any]) -> Stage:
    phases = tuple(Phase(**phase) for phase in raw["phases"])
    known = {f.name for f in fields(Stage)} - {"phases"}
    unknown = set(raw) - known - {"phases"}
    if unknown:
        raise KeyError(f"unknown key {sorted(unknown)[0]!r}")
    return Stage(phases=phases, **{k: v for k, v in raw.items() if k in known})
