"""The catalogue, weights.toml: which models there are, their parts, and where the parts live."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ppdcli.errors import UsageError

AUTO = "auto"
FALLBACK = "ppd-tiny"


@dataclass(frozen=True)
class Part:
    """One file of a model: inside the package (``bundled``), or in a Hub repository.

    Attributes:
        license: SPDX name of the weights' licence.
        bytes, sha256, revision: None where nobody knows them yet.
    """

    license: str
    bundled: str | None = None
    repository: str | None = None
    file: str | None = None
    revision: str | None = None
    bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Model:
    """A row of the catalogue.

    Attributes:
        area: (width, height) that the model was trained at.
        steps: sampling steps by default.
        encoder: None where the network's file holds the encoder too.
    """

    name: str
    summary: str
    area: tuple[int, int]
    steps: int
    network: Part
    encoder: Part | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """The files that the model needs."""
        return (self.network,) if self.encoder is None else (self.network, self.encoder)


@cache
def models() -> dict[str, Model]:
    """Every model of the catalogue by name, the best last."""
    packaged = files("ppdcli") / "weights.toml"
    # An editable install runs from the source tree, where the catalogue lies at the top.
    source = packaged if packaged.is_file() else Path(__file__).parents[3] / "weights.toml"
    raw: dict[str, Any] = tomllib.loads(source.read_text(encoding="utf-8"))
    return {
        name: Model(
            name=name,
            summary=row["summary"],
            area=(row["area"][0], row["area"][1]),
            steps=row["steps"],
            network=Part(**row["network"]),
            encoder=Part(**row["encoder"]) if "encoder" in row else None,
        )
        for name, row in raw.items()
    }


def model(name: str) -> Model:
    """The model of that name.

    Raises:
        UsageError: there is none.
    """
    try:
        return models()[name]
    except KeyError:
        known = ", ".join([AUTO, *models()])
        raise UsageError(f"no model is called {name!r}; choose one of {known}") from None


def check_request(name: str, checkpoint: str | Path | None, encoder: str | Path | None) -> None:
    """Whether a model of that name can be made of files given by hand, and the rest fetched.

    Raises:
        UsageError: no such model, or a file that it has no place for.
    """
    if name == AUTO:
        if checkpoint is not None or encoder is not None:
            raise UsageError(
                "--checkpoint and --encoder need --model, to say which model the files are of"
            )
    elif model(name).encoder is None and encoder is not None:
        raise UsageError(f"{name} has its encoder in its own file; leave out --encoder")
