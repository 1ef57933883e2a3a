"""What a window costs is counted and measured, here with tiny networks."""

from __future__ import annotations

import re

import pytest
from video_parity import TINY_DIT_OF_PI3, TINY_PI3

from studies import window_speed


def test_a_window_of_the_released_size_costs_what_its_formula_says() -> None:
    encoder, step = window_speed.operations(512)
    assert encoder == pytest.approx(47.7e12, rel=0.02)
    assert step == pytest.approx(49.8e12, rel=0.02)


def test_a_window_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(window_speed, "NETWORK", TINY_DIT_OF_PI3)
    monkeypatch.setattr(window_speed, "ENCODER", TINY_PI3)
    window_speed.main(["--side", "32", "--device", "cpu", "--precision", "fp32", "--repeats", "2"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert re.match(r"a window: encoder .*FLOP, a step .*FLOP", lines[0])
    assert "window 2: encoder" in lines[3] and "peak" in lines[3]
    assert lines[4].startswith("4 steps: ")
