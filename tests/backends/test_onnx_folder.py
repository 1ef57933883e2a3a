"""``ppd.json``: what it states, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ppdcli.backends.onnx_folder import (
    CARD_FILE,
    ENCODER_FILE,
    FORMAT,
    STEP_FILE,
    Card,
    check_files,
    read_card,
    sha256_of,
)
from ppdcli.commands.export import rounded_otherwise
from ppdcli.errors import CheckpointError, UsageError
from ppdcli.models.flow import timesteps


@pytest.fixture
def card(tmp_path: Path) -> Card:
    """Written to ``tmp_path``, with files that hold no graphs."""
    files = {}
    for name in (ENCODER_FILE, STEP_FILE):
        path = tmp_path / name
        path.write_text(name)
        files[name] = {"bytes": len(name), "sha256": sha256_of(path)}
    card = Card(
        FORMAT,
        "ppdcli",
        "mine",
        {"mine": "MIT"},
        18,
        "fp32",
        files,
        (256, 192),
        {"draft": 2, "standard": 4, "best": 10},
        1.25,
        0.1,
        {},
        ("in words",),
    )
    (tmp_path / CARD_FILE).write_text(json.dumps(card.as_json()))
    return card


def test_what_is_written_is_read(card: Card, tmp_path: Path) -> None:
    assert read_card(tmp_path) == card
    check_files(tmp_path, card)
    assert card.encoder_size(192, 256) == (256, 320)
    assert replace(card, enlargement=None).encoder_size(192, 256) == (192, 256)
    assert card.preset("draft") == 2
    with pytest.raises(UsageError, match="preset fast: choose from draft, standard, best"):
        card.preset("fast")


@pytest.fixture(scope="module")
def exceptions() -> dict[str, dict[str, int]]:
    return rounded_otherwise()


@pytest.mark.parametrize("shift", [1.0, 0.1])
def test_timesteps_are_those_of_pytorch(
    card: Card, shift: float, exceptions: dict[str, dict[str, int]]
) -> None:
    card = replace(card, time_shift=shift, rounded=exceptions)
    for steps in range(1, 1001):
        pairs = zip(card.timesteps(steps), timesteps(steps, shift), strict=True)
        assert all(abs(one - other) < 1e-9 for one, other in pairs), steps


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model", 5),
        ("program", None),
        ("how", [1]),
        ("opset", "18"),
        ("licenses", {"ppd-tiny": 1}),
        ("files", {}),
        ("files", {"encoder.onnx": {}, "step.onnx": {}}),
        ("files", {"../x": {"bytes": 1, "sha256": "0" * 64}, "encoder.onnx": 1, "step.onnx": 1}),
        ("area", [0, 192]),
        ("area", "large"),
        ("presets", {}),
        ("presets", {"standard": "4"}),
        ("enlargement", 1e9),
        ("time_shift", -1),
        ("precision", "fp64"),
        ("rounded", {"4": {"0": 5000}}),
        ("unknown", 1),
    ],
)
def test_a_damaged_card_is_refused(card: Card, tmp_path: Path, key: str, value: Any) -> None:
    (tmp_path / CARD_FILE).write_text(json.dumps({**card.as_json(), key: value}))
    with pytest.raises(CheckpointError, match=r"ppd\.json: is damaged \(.*\); export the model"):
        read_card(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}'])
def test_what_is_no_card_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / CARD_FILE).write_text(text)
    with pytest.raises(CheckpointError, match=r"ppd\.json: .*; export"):
        read_card(tmp_path)


def test_a_missing_card_and_missing_or_changed_files_are_refused(
    card: Card, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="no such file; give a folder that `ppd export`"):
        read_card(tmp_path / "elsewhere")
    (tmp_path / STEP_FILE).write_text("Step.onnx")
    with pytest.raises(CheckpointError, match=r"step\.onnx: is damaged or was changed"):
        check_files(tmp_path, card)
    (tmp_path / STEP_FILE).unlink()
    with pytest.raises(CheckpointError, match=r"step\.onnx: no such file"):
        check_files(tmp_path, card)
