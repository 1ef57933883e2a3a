"""The average of two models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save_file

from ppdcli.errors import CheckpointError
from studies.average_models import average

ENCODER, NETWORK = "encoder.a", "dit.a"


def model(path: Path, weights: dict[str, torch.Tensor]) -> Path:
    """A model file with a header."""
    header = {"network": json.dumps({"depth": 8, "time_shift": 0.1}), "about": path.stem}
    save_file(weights, path, metadata=header)
    return path


def test_encoders_are_mixed_and_the_rest_is_the_seconds(tmp_path: Path) -> None:
    weights = {name: torch.tensor([0.0, 4.0]).half() for name in (ENCODER, NETWORK)}
    first = model(tmp_path / "first.safetensors", weights)
    second = model(tmp_path / "second.safetensors", {k: v + 8 for k, v in weights.items()})
    mixed = average(first, second, 0.75, 0.05)
    assert load(mixed)[ENCODER].tolist() == [6.0, 10.0]
    assert load(mixed)[ENCODER].dtype == torch.float16
    assert load(mixed)[NETWORK].tolist() == [8.0, 12.0]
    header = json.loads(mixed[8 : 8 + int.from_bytes(mixed[:8], "little")])["__metadata__"]
    assert header["about"] == "second"
    assert json.loads(header["network"]) == {"depth": 8, "time_shift": 0.05}


@pytest.mark.parametrize("other", [{"dit.b": torch.zeros(2)}, {NETWORK: torch.zeros(3)}])
def test_other_tensors_are_refused(tmp_path: Path, other: dict[str, torch.Tensor]) -> None:
    first = model(tmp_path / "first.safetensors", {NETWORK: torch.zeros(2)})
    second = model(tmp_path / "second.safetensors", other)
    with pytest.raises(CheckpointError, match="holds other tensors"):
        average(first, second, 0.5, None)
