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
    """One file of weights: inside the package, in a Hub repository, or to be downloaded by hand.

    Attributes:
        name: its name in the catalogue.
        license: SPDX name of the weights' licence.
        terms: what the licence means, in one line.
        bundled: its name inside the package; None if it is not there.
        repository, file: its place on the Hub. Without a repository, ``file`` is its usual name.
        get: where a person finds a file that its authors have not put into a repository.
        revision, bytes, sha256: the commit, size and hash; None if they are not known.
        mirror: the owner of the copy in ``repository``, if the authors' file is at ``get``; None if
            the repository is the authors' own.
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
        """Identifies the authors' file, also in messages.

        A mirror's copy has the same address as the authors' file, so that a pin holds for both.
        """
        if self.repository is not None and self.mirror is None:
            return f"{self.repository}/{self.file}"
        return str(self.bundled or self.file)


@dataclass(frozen=True)
class Model:
    """A model of the catalogue.

    Attributes:
        family: a key of ``families.FAMILIES``.
        area: (width, height) at which the model was trained, in pixels.
        steps: default number of sampling steps.
        draft, best: sampling steps for --preset; None for the default number.
        encoder: the encoder's file; None if the network's file holds the encoder too.
        metric: the file that gives metric depth. The model also runs without it.
        needs: what is needed to run it, in one line.
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
        """Returns the sampling steps of a preset.

        Raises:
            UsageError: there is no such preset.
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
    """Files and models by name. Of the models for photos, the best one is last."""

    parts: dict[str, Part]
    models: dict[str, Model]
