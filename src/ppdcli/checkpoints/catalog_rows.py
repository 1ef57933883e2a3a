"""The rows of the catalogue: files and models."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ppdcli.errors import UsageError

AUTO = "auto"
FALLBACK = "ppd-tiny"
PRESETS = ("draft", "standard", "best")

COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Part:
    """One file of weights: inside the package, in a Hub repository, or to be fetched by hand.

    Attributes:
        name: in the catalogue.
        license: SPDX name of the weights' licence.
        terms: what the licence means, in a line.
        bundled: its name inside the package.
        repository, file: on the Hub; without a repository, ``file`` is its usual name.
        get: where a person finds a file that its authors have in no repository.
        revision, bytes, sha256: None where nobody has stated them. ``revision`` is a commit.
        mirror: whose copy ``repository`` holds of a file that the authors have at ``get``; None
            where the repository is the authors'.
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
    mirror: str | None = None

    @property
    def address(self) -> str:
        """What it is called where its authors have it: for messages, and to tell files apart.

        A mirror's copy is the authors' file, so that a pin holds for both.
        """
        if self.repository is not None and self.mirror is None:
            return f"{self.repository}/{self.file}"
        return str(self.bundled or self.file)


@dataclass(frozen=True)
class Model:
    """A model of the catalogue.

    Attributes:
        family: of models, a key of ``families.FAMILIES``: where its semantics come from.
        area: (width, height) that the model was trained at.
        steps: sampling steps by default.
        draft, best: sampling steps for --preset; those by default where they are not stated.
        encoder: None where the network's file holds the encoder too.
        metric: the file that turns its depth into metres; the model runs without.
        needs: what it takes to run it, in a line.
    """

    name: str
    summary: str
    family: str
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
            raise UsageError(f"preset {name}: choose from {', '.join(PRESETS)}")
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
