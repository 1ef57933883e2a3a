"""What tells one file of weights from another, and what a prediction depends on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ppdcli import devices
from ppdcli.errors import UsageError
from ppdcli.jobs import settings as settings_module
from ppdcli.jobs.settings import SLICE_BYTES, fingerprint, model_settings, of_given
from ppdcli.jobs.verdict import OFF, UNLIKE_ANY

SLICES = 16  # of a large file, here


@pytest.mark.parametrize("size", [0, 1, 1000, SLICE_BYTES, 3 * SLICE_BYTES + 7, 5_000_000])
def test_a_file_is_told_by_its_content_and_size(tmp_path: Path, size: int) -> None:
    data = bytes(k % 251 for k in range(1000)) * (size // 1000 + 1)
    one, copy, longer, other = (tmp_path / name for name in ("a.pt", "b.pt", "c.pt", "d.pt"))
    one.write_bytes(data[:size])
    copy.write_bytes(data[:size])
    longer.write_bytes(data[:size] + b"\0")
    other.write_bytes(bytes(byte ^ 1 for byte in data[:size]))
    assert fingerprint(one) == fingerprint(copy)
    assert fingerprint(one) != fingerprint(longer)
    if size:
        assert fingerprint(one) != fingerprint(other)


def test_every_byte_of_a_file_counts(tmp_path: Path) -> None:
    file, data = tmp_path / "a.npy", bytearray(9_000_000)
    file.write_bytes(data)
    before = fingerprint(file)
    for place in (77, 4_321_000, 8_999_999):
        data[place] = 1
        file.write_bytes(data)
        assert fingerprint(file) != before
        data[place] = 0


@pytest.mark.skipif(os.name != "posix", reason="makes a pipe as POSIX does")
def test_a_pipe_is_like_no_other_file_and_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert fingerprint(tmp_path / "pipe") is None
    assert of_given(tmp_path / "pipe") == UNLIKE_ANY == of_given(tmp_path / "missing")
    assert of_given(None) == OFF


@pytest.mark.parametrize("place", [0, 2_500_000, 5_242_879])
def test_a_very_large_file_is_read_at_its_ends_and_in_between(
    tmp_path: Path, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_module, "WHOLE", 0)
    monkeypatch.setattr(settings_module, "SLICES", SLICES)
    data = bytearray(SLICES * SLICE_BYTES * 5)
    file = tmp_path / "a"
    file.write_bytes(data)
    before = fingerprint(file)
    changed = data[place : place + 6 * SLICE_BYTES]
    data[place : place + len(changed)] = b"\1" * len(changed)
    file.write_bytes(data)
    assert fingerprint(file) != before


def test_a_folder_is_told_by_its_files(tmp_path: Path) -> None:
    (tmp_path / "cameras.txt").write_text("1")
    before = fingerprint(tmp_path)
    assert before is not None
    (tmp_path / "images.txt").write_text("2")
    assert fingerprint(tmp_path) != before
    assert fingerprint(tmp_path / "missing") is None
    assert fingerprint(tmp_path / ("x" * 300)) is None


def settings(name: str = "ppd-tiny", **changed: object) -> dict[str, object]:
    usual: dict[str, object] = {
        **dict.fromkeys(("checkpoint", "encoder", "steps", "area")),
        **{"device": "cpu", "precision": "auto", "seed": 0, "metric": False},
    }
    return model_settings(name, **{**usual, **changed})  # type: ignore[arg-type]


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
    monkeypatch.setattr("ppdcli.checkpoints.hub.find", lambda part: None)
    found = settings("ppd-da2", metric=True)
    assert (found["network"], found["encoder"], found["moge2"]) == (None, None, None)
    assert settings("ppd-da2", metric=None)["moge2"] == "off"
    assert settings(checkpoint=tmp_path / "missing")["network"] == "unknown"


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(UsageError, match="cuda:77"):
        settings(device="cuda:77")


@pytest.mark.parametrize("device", ["auto", "cpu"])
@pytest.mark.parametrize("precision", ["auto", "fp32", "bf16", "fp16"])
def test_the_precision_told_is_the_one_that_is_chosen(device: str, precision: str) -> None:
    chosen = devices.choose_precision(precision, devices.choose_device(device))
    assert devices.told_precision(precision, device) == chosen


def test_where_there_may_be_a_card_pytorch_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_may_have_cuda", lambda: True)
    monkeypatch.setattr(devices, "choose_device", lambda name: name)
    monkeypatch.setattr(devices, "choose_precision", lambda name, device: f"{name} on {device}")
    assert devices.told_precision("auto", "auto") == "auto on auto"
    assert devices.told_precision("auto", "cuda:1") == "auto on cuda:1"
    assert devices.told_precision("fp32", "cuda") == "fp32 on cuda"
    assert devices.told_precision("auto", "cpu") == "fp32"


def test_misspelt_names_are_refused_without_asking_anybody() -> None:
    with pytest.raises(UsageError, match="gpu"):
        devices.told_precision("auto", "gpu")
    with pytest.raises(UsageError, match="fp8"):
        devices.told_precision("fp8", "cpu")


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_settings_do_without_pytorch(device: str) -> None:
    if device == "auto" and devices._may_have_cuda():
        pytest.skip("this machine has a driver, of whose card only PyTorch knows")
    code = (
        "import sys\n"
        "from ppdcli.jobs.settings import model_settings\n"
        f"names = {{'device': {device!r}, 'precision': 'auto'}}\n"
        "rest = dict.fromkeys(('checkpoint', 'encoder', 'steps', 'area'))\n"
        "made = model_settings('auto', **names, **rest, seed=0, metric=False)\n"
        "print(made['precision'], 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["fp32", "False"]
