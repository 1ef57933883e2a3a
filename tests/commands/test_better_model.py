"""The hint at better models."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppdcli.announce import silent
from ppdcli.checkpoints import catalog
from ppdcli.commands.better_model import tell_of_better_model


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PPD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def hints(asked: str = "auto", taken: str = "ppd-tiny") -> list[str]:
    lines: list[str] = []
    tell_of_better_model(asked, taken, lines.append)
    return lines


def test_the_hint_is_given_once(cache: Path) -> None:
    (hint,) = hints()
    assert hints() == []
    encoder = catalog.model("ppd-da2").encoder
    assert encoder is not None
    assert "-m ppd-da2" in hint
    assert encoder.license in hint


def test_who_chose_the_model_gets_no_hint(cache: Path) -> None:
    assert hints("ppd-tiny") == []
    assert hints("auto", "ppd-moge2") == []
    assert len(hints()) == 1


def test_a_hint_that_nobody_reads_is_not_counted(cache: Path) -> None:
    tell_of_better_model("auto", "ppd-tiny", silent)
    assert len(hints()) == 1


def test_without_a_folder_for_the_mark_every_run_gives_the_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PPD_CACHE", str(tmp_path / "file" / "cache"))
    assert len(hints()) == len(hints()) == 1
