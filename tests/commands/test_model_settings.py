"""What a prediction depends on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ppdcli import devices
from ppdcli.checkpoints import hub
from ppdcli.commands.model_settings import model_settings
from ppdcli.errors import UsageError
from ppdcli.model_request import ModelRequest, Sampling


def settings(
    name: str = "ppd-tiny",
    *,
    steps: int | None = None,
    area: int | None = None,
    device: str = "cpu",
    **changed: Any,
) -> dict[str, object]:
    request = ModelRequest(name, device=device, **changed)
    return model_settings(request, Sampling(steps=steps, area=area))


def test_defaults_are_the_models() -> None:
    found = settings()
    network = found.pop("network")
    assert isinstance(network, str) and len(network) == 16
    assert found == {
        "model": "ppd-tiny",
        "encoder": "in the network's file",
        "moge2": "off",
        "seed": 0,
        "steps": 4,
        "size": "49152 pixels",
        "precision": "fp32",
        "compiled": False,
        "backend": "off",
    }
    given = settings(steps=4, area=256 * 192, precision="fp32")
    assert given == {**found, "network": network}


def test_a_checkpoint_is_told_by_its_content(tmp_path: Path, random_checkpoint: Path) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(random_checkpoint.read_bytes())
    one = settings(checkpoint=random_checkpoint)
    assert one == settings(checkpoint=copy)
    assert one["network"] != settings()["network"]


def test_files_that_are_not_here_cannot_be_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "find", lambda part: None)
    found = settings("ppd-da2", metric=True)
    assert (found["network"], found["encoder"], found["moge2"]) == (None, None, None)
    assert settings("ppd-da2", metric=None)["moge2"] == "off"
    assert settings(checkpoint=tmp_path / "missing")["network"] == "unknown"


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(UsageError, match="cuda:77"):
        settings(device="cuda:77")


@pytest.mark.parametrize("device", ["auto", "cpu"])
@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16", "fp16"])
@pytest.mark.parametrize("features", [frozenset(), frozenset({"amx_bf16"})])
@pytest.mark.parametrize("large", [True, False])
def test_the_precision_told_is_the_one_that_is_chosen(
    device: str,
    precision: str,
    features: frozenset[str],
    large: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(devices, "processor_features", lambda: features)
    chosen = devices.choose_precision(precision, devices.choose_device(device), large)
    assert devices.expected_precision(precision, device, large) == chosen


def test_where_there_may_be_a_card_pytorch_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "may_have_cuda", lambda: True)
    monkeypatch.setattr(devices, "choose_device", lambda name: name)
    monkeypatch.setattr(devices, "choose_precision", lambda name, device, _: f"{name} on {device}")
    assert devices.expected_precision("auto", "auto", True) == "auto on auto"
    assert devices.expected_precision("auto", "cuda:1", True) == "auto on cuda:1"
    assert devices.expected_precision("fp32", "cuda", True) == "fp32 on cuda"
    monkeypatch.setattr(devices, "processor_features", frozenset)
    assert devices.expected_precision("auto", "cpu", True) == "fp32"


def test_misspelt_names_are_refused_without_asking_anybody() -> None:
    with pytest.raises(UsageError, match="gpu"):
        devices.expected_precision("auto", "gpu", True)
    with pytest.raises(UsageError, match="fp8"):
        devices.expected_precision("fp8", "cpu", True)


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_settings_do_without_pytorch(device: str) -> None:
    if device == "auto" and devices.may_have_cuda():
        pytest.skip("this machine has a driver, of whose card only PyTorch knows")
    code = (
        "import sys\n"
        "from ppdcli.commands.model_settings import model_settings\n"
        "from ppdcli.model_request import ModelRequest, Sampling\n"
        f"made = model_settings(ModelRequest('auto', device={device!r}), Sampling())\n"
        "print(made['precision'], 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["fp32", "False"]
