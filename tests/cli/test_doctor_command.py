"""``ppd doctor``: what it finds, and its exit code."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from typer.testing import Result

from ppdcli import devices
from ppdcli.commands import doctor
from ppdcli.devices import DEVIATION
from ppdcli.files import open3d_import

Ppd = Callable[..., Result]


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty caches, no catalogue of the user's own, and Open3D not looked for: that is slow."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("PPD_CACHE", str(tmp_path / "own"))
    monkeypatch.delenv("PPD_WEIGHTS", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(open3d_import, "import_open3d", lambda: None)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that answers."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    yield address
    server.shutdown()
    thread.join()
    server.server_close()


def topics(result: Result) -> dict[str, str]:
    """The lines by topic, with their mark."""
    lines = result.stdout.splitlines()[:-1]
    return {line[2:].split()[0]: line[0] + line[13:] for line in lines}


@pytest.mark.parametrize("fast", [True, False])
def test_the_precision_of_a_processor_is_told(
    ppd: Ppd, monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    features = frozenset({"avx512_bf16"} if fast else {"avx2"})
    monkeypatch.setattr(devices, "processor_features", lambda: features)
    monkeypatch.setattr(devices, "choose_device", lambda _: torch.device("cpu"))
    said = topics(ppd("doctor", "--offline"))["auto"]
    precision = "bf16 for large models" if fast else "fp32"
    assert said.startswith(f" --device cpu, --precision {precision}")
    assert (DEVIATION in said) == fast


def test_a_machine_without_troubles(ppd: Ppd, hub: str, tmp_path: Path) -> None:
    result = ppd("doctor")
    assert result.exit_code == 0, result.stdout
    said = topics(result)
    assert said["program"].startswith(" ppdcli ")
    assert f"torch {torch.__version__.partition('+')[0]}" in said["libraries"]
    assert "bf16 " in said["cpu"]
    assert said["auto"].startswith(" --device ")
    assert said["models"] == " here: ppd-tiny; -m auto takes ppd-tiny"
    assert str(tmp_path / "hub") in said["downloads"] and " free" in said["downloads"]
    assert str(tmp_path / "own") in said["imports"]
    assert said["hub"] == f" {hub} answers"
    assert result.stdout.splitlines()[-1] == "all is well"


def test_being_offline_is_a_fact_and_no_failure(ppd: Ppd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    result = ppd("doctor")
    assert result.exit_code == 0
    assert topics(result)["hub"].startswith(" http://127.0.0.1:9 cannot be reached (")
    assert result.stdout.splitlines()[-1] == "all is well"
    for switch in (["--offline"], []):
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", not switch)
        result = ppd("doctor", *switch)
        assert result.exit_code == 0
        assert topics(result)["hub"] == " not asked: offline"


def test_what_is_missing_or_broken_is_marked(
    ppd: Ppd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(doctor, "LIBRARIES", ("torch", "no-such-library"))
    catalogue = tmp_path / "weights.toml"
    catalogue.write_text("[files.x]\ncolour = 'red'\n")
    monkeypatch.setenv("PPD_WEIGHTS", str(catalogue))
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    result = ppd("doctor", "--offline")
    assert result.exit_code == 1
    marked = [line for line in result.stdout.splitlines() if line.startswith("! ")]
    assert "no-such-library is missing; install ppdcli again" in marked[0]
    assert str(catalogue) in marked[1]
    assert [line.split()[1] for line in marked[2:]] == ["downloads", "imports"]
    assert all("cannot be written" in line for line in marked[2:])


def test_a_card_is_shown(ppd: Ppd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (5 << 30, 6 << 30))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Some Card")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    said = topics(ppd("doctor", "--offline"))
    assert said["cuda:0"] == " Some Card, 5.37 GB of 6.44 GB free; bf16 native"
    assert said["auto"] == " --device cuda, --precision bf16"


def test_clouds_are_written_without_open3d_too(ppd: Ppd, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ImportError("libGL.so.1: cannot open shared object file")

    monkeypatch.setattr(open3d_import, "import_open3d", fail)
    result = ppd("doctor", "--offline")
    assert result.exit_code == 0
    assert "libGL.so.1" in topics(result)["open3d"]
