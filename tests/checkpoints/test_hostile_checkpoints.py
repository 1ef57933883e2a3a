"""Small files that ask for much: refused in a line, before anything is built or unpacked."""

from __future__ import annotations

import io
import json
import pickle
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from ppdcli.checkpoints.assemble import assemble
from ppdcli.checkpoints.importing import kind_of
from ppdcli.checkpoints.layouts import load_checked, read_pickle, read_tensors
from ppdcli.checkpoints.moge2_file import read_moge2
from ppdcli.errors import CheckpointError

SECONDS, MEGABYTES = 10.0, 200


@pytest.fixture(autouse=True)
def within_limits() -> Iterator[None]:
    """Of processor time, and of memory as far as Python knows it."""
    tracemalloc.start()
    started = time.process_time()
    yield
    assert time.process_time() - started < SECONDS
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEGABYTES << 20


class Call:
    """Pickles as a call."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.pair = function, arguments

    def __reduce__(self) -> tuple[Any, Any]:
        return self.pair


def zipped(path: Path, text: bytes, method: int = zipfile.ZIP_STORED) -> Path:
    """A file of torch.save's form with that pickle."""
    torch.save({"dit.x": torch.zeros(1)}, path)
    stream = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(stream, "w", method) as new:
        for name in old.namelist():
            new.writestr(name, text if name.endswith("data.pkl") else old.read(name))
    path.write_bytes(stream.getvalue())
    return path


def refused(read: Callable[[Path], object], path: Path) -> str:
    with pytest.raises(CheckpointError) as error:
        read(path)
    line = str(error.value)
    assert line.startswith(f"{path}: ") and line.isprintable() and len(line) < 1000
    return line


@pytest.mark.parametrize("size", [100, 3 << 30])
def test_a_call_of_what_torch_allows_but_tensors_do_not_need(tmp_path: Path, size: int) -> None:
    text = pickle.dumps({"dit.x": Call(bytearray, size)}, protocol=2)
    assert "contains code, not only tensors (__builtin__ bytearray)" in refused(
        kind_of, zipped(tmp_path / "x.pth", text)
    )


def test_a_pickle_that_is_packed(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.pth", bytes(100 << 20), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    assert "is compressed, which torch.save never does" in refused(read_pickle, path)


def test_a_pickle_of_endless_names(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x.pth", b"(" * (3 << 20))
    assert "holds more names than any model" in refused(read_pickle, path)


def test_keys_that_are_no_names(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    torch.save({1: torch.zeros(1), ("a", 2): torch.zeros(1)}, path)
    assert "does not hold a plain table of tensors" in refused(read_tensors, path)


def test_keys_of_any_length(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    torch.save({"\x1b" + "k" * 500_000: torch.zeros(1)}, path)
    module = torch.nn.Module()
    assert r"key \x1bkk" in refused(
        lambda p: load_checked(module, lambda: read_tensors(p), p, "the weights of a test"), path
    )


@pytest.mark.parametrize("kind", [torch.int32, torch.complex64, torch.bool])
def test_numbers_of_another_type_are_not_converted(tmp_path: Path, kind: torch.dtype) -> None:
    path = tmp_path / "x.pth"
    torch.save({"weight": torch.zeros(2, 3, dtype=kind), "bias": torch.zeros(2)}, path)
    line = refused(
        lambda p: load_checked(torch.nn.Linear(3, 2), lambda: read_tensors(p), p, "a test's"), path
    )
    assert f"key weight has numbers of type {kind}, not torch.float32" in line


def test_a_header_of_any_length(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    with path.open("wb") as file:
        file.write((1 << 35).to_bytes(8, "little") + b"{")
        file.truncate(1 << 36)
    assert "its header should be 34359738368 bytes long" in refused(kind_of, path)


NETWORK = {"hidden_size": 32, "depth": 2, "num_heads": 2}
ENCODER = {"widths": [8] * 5, "depths": [1] * 4, "lateral": 8}


@pytest.mark.parametrize(
    ("network", "encoder"),
    [
        ({"depth": 100_000}, {}),
        ({"hidden_size": 1_000_000_000}, {}),
        ({"hidden_size": True}, {}),
        ({"patch_size": 10**30}, {}),
        ({"mlp_ratio": float("nan")}, {}),
        ({"mlp_ratio": "4"}, {}),
        ({"time_shift": float("inf")}, {}),
        ({"semantics_scale": float("nan")}, {}),
        ({"semantics_scale": None}, {}),
        ({"predicts": "noise"}, {}),
        ({"fine_embedding": 1}, {}),
        ({"in_channels": 0}, {}),
        ({}, {"depths": [100_000] * 4}),
        ({}, {"widths": [8] * 100_000}),
        ({}, {"widths": "88888"}),
        ({}, {"widths": [8.0] * 5}),
        ({}, {"lateral": 10**9}),
        ({}, {"token": [8]}),
    ],
    ids=repr,
)
def test_sizes_that_nobody_builds(
    tmp_path: Path, network: dict[str, Any], encoder: dict[str, Any]
) -> None:
    path = tmp_path / "x.safetensors"
    sizes = {"network": json.dumps(NETWORK | network), "encoder": json.dumps(ENCODER | encoder)}
    save_file({"dit.x": torch.zeros(1)}, path, metadata=sizes)
    assert "its header does not state the sizes" in refused(
        lambda p: assemble("tiny", p, None), path
    )


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "9" * 100_000, '{"neck": ' * 500 + "1" + "}" * 500]
)
def test_a_configuration_nested_without_end(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"encoder.x": torch.zeros(1)}, path, metadata={"model_config": text})
    assert "model_config in its header is not JSON" in refused(read_moge2, path)
