"""What a window costs is counted and measured, here with tiny networks."""

from __future__ import annotations

import re

import pytest
from video_parity import TINY_DIT_OF_PI3, TINY_PI3

from studies import window_speed

LINE = ("--device", "cpu", "--precision", "fp32")
COST = r"\S+ \w+ \(\S+ \w+ of all cores\), peak \S+ \wB"


def test_a_window_of_the_released_size_costs_what_its_formula_says() -> None:
    encoder, step = window_speed.operations(512)
    assert encoder == pytest.approx(47.7e12, rel=0.02)
    assert step == pytest.approx(49.8e12, rel=0.02)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window_speed, "NETWORK", TINY_DIT_OF_PI3)
    monkeypatch.setattr(window_speed, "ENCODER", TINY_PI3)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize("apart", [False, True])
def test_a_window_is_measured(apart: bool, capsys: pytest.CaptureFixture[str]) -> None:
    more = ("--apart",) if apart else ()
    window_speed.main([*LINE, "--side", "32", "--repeats", "2", *more])
    first, weights, *lines, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"a window: encoder .*FLOP, a step .*FLOP", first)
    both = re.fullmatch(r"cpu, fp32; weights (\S+) MB", weights)
    assert both is not None
    if apart:
        alone = re.fullmatch(r"then the network alone; weights (\S+) MB", lines.pop(2))
        assert alone is not None
        assert float(both[1]) == pytest.approx(2.11, abs=0.01), "the encoder's alone"
        assert float(alone[1]) == pytest.approx(9.45, abs=0.01)
    else:
        assert float(both[1]) == pytest.approx(2.11 + 9.45, abs=0.1)
    parts = ("encoder, window 1", "encoder, window 2", "step, window 1", "step, window 2")
    for line, part in zip(lines, parts, strict=True):
        assert re.fullmatch(f"{part}: {COST}", line), line
    assert last.startswith("4 steps: ")


@pytest.mark.parametrize("wrong", [("--side", "40"), ("--side", "0"), ("--repeats", "0")])
def test_what_is_no_window_is_refused(
    wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        window_speed.main([*LINE, *wrong])
    assert wrong[0] in capsys.readouterr().err
