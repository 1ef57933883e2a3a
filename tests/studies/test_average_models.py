"""The average of two models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save_file

from ppdcli.errors import CheckpointError
from studies.average_models import average


def model(path: Path, **weights: torch.Tensor) -> Path:
    """A model file with a header."""
    header = {"network": json.dumps({"depth": 8, "time_shift": 0.1}), "about": path.stem}
    save_file(weights, path, metadata=header)
    return path


def test_weights_are_mixed_and_the_header_is_the_seconds(tmp_path: Path) -> None:
    first = model(tmp_path / "first.safetensors", a=torch.tensor([0.0, 4.0]).half())
    second = model(tmp_path / "second.safetensors", a=torch.tensor([8.0, 4.0]).half())
    mixed = average(first, second, 0.75, 0.05)
    assert load(mixed)["a"].tolist() == [6.0, 4.0]
    assert load(mixed)["a"].dtype == torch.float16
    header = json.loads(mixed[8 : 8 + int.from_bytes(mixed[:8], "little")])["__metadata__"]
    assert header["about"] == "second"
    assert json.loads(header["network"]) == {"depth": 8, "time_shift": 0.05}


@pytest.mark.parametrize("other", [{"b": torch.zeros(2)}, {"a": torch.zeros(3)}])
def test_other_tensors_are_refused(tmp_path: Path, other: dict[str, torch.Tensor]) -> None:
    first = model(tmp_path / "first.safetensors", a=torch.zeros(2))
    second = model(tmp_path / "second.safetensors", **other)
    with pytest.raises(CheckpointError, match="holds other tensors"):
        average(first, second, 0.5, None)
