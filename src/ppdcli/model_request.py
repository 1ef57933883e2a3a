"""What is asked of a model: which one, how it runs, and how it samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ppdcli.checkpoints.catalog_rows import AUTO
from ppdcli.errors import UsageError

PYTORCH, ONNX = BACKENDS = ("pytorch", "onnx")


@dataclass(frozen=True)
class ModelRequest:
    """Which model, and how it runs.

    Attributes:
        name: a model of the catalogue; ``auto`` takes the best one on this machine.
        checkpoint: the network's file, instead of the cache's; for ``onnx`` the exported folder.
        encoder: the semantics encoder's file, instead of the cache's.
        device: auto, cpu, cuda, cuda:1, mps.
        precision: auto, fp32, bf16, fp16.
        compiled: have PyTorch compile the transformer; what is compiled is kept for later runs.
        offline: never use the network.
        metric: load MoGe-2 too, which gives metres and the camera; None: if it is on this machine.
        backend: what runs the networks, one of ``BACKENDS``.
    """

    name: str = AUTO
    checkpoint: Path | None = None
    encoder: Path | None = None
    device: str = "auto"
    precision: str = "auto"
    compiled: bool = False
    offline: bool = False
    metric: bool | None = False
    backend: str = PYTORCH


def check_backend(name: str) -> None:
    """Checks the name of a backend.

    Raises:
        UsageError: it is misspelt.
    """
    if name not in BACKENDS:
        raise UsageError(f"backend {name!r}: give {' or '.join(BACKENDS)}")


@dataclass(frozen=True)
class Sampling:
    """How depth is sampled.

    Attributes:
        steps: Euler steps, 1 to 1000; None: the model's default.
        seed: of the noise.
        area: pixels to work on; None: the model's training area.
    """

    steps: int | None = None
    seed: int = 0
    area: int | None = None
