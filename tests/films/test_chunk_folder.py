"""The folder of a film's parts after a kill at a bad moment: the same command must go on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from ppdcli.errors import OutputError
from ppdcli.films.chunks import CARD, ChunkFolder

OURS, OTHER = {"steps": 1}, {"steps": 2}


def test_a_kill_before_there_is_a_card_does_no_harm(tmp_path: Path) -> None:
    folder = tmp_path / "a.ppd-parts"
    folder.mkdir()
    (folder / f".ppd-{os.getpid()}-045d5175.json").write_text("{")
    assert not ChunkFolder(folder).prepare(OURS)
    assert [path.name for path in folder.iterdir()] == [CARD]


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    folder, link = tmp_path / "a.ppd-parts", tmp_path / "b.ppd-parts"
    folder.mkdir()
    (folder / "000000.npz").write_text("mine")
    link.symlink_to(folder)
    for path in (folder, link):
        with pytest.raises(OutputError, match="ppd did not make it"):
            ChunkFolder(path).prepare(OURS)
    with pytest.raises(OutputError):
        ChunkFolder(link).remove()
    assert (folder / "000000.npz").read_text() == "mine"


@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_a_kill_while_it_is_removed_does_no_harm(
    call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "a.ppd-parts"
    chunks = ChunkFolder(folder)
    chunks.prepare(OURS)
    (folder / "000000.npz").write_bytes(b"chunk")
    for name in ("play/000000.mkv", "made-1/000000.done", "made-1-mkv/000000.mkv"):
        (folder / name).parent.mkdir()
        (folder / name).write_bytes(b"part")
    calls, rmtree = [], shutil.rmtree

    def stopped(path: Any) -> None:
        calls.append(path)
        if len(calls) == call:
            raise KeyboardInterrupt
        rmtree(path)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", stopped)
        with pytest.raises(KeyboardInterrupt):
            chunks.prepare(OTHER)
    assert (folder / CARD).is_file()
    assert (folder / "made-1-mkv").exists() or not (folder / "made-1").exists()
    assert not chunks.prepare(OTHER)
    assert [path.name for path in folder.iterdir()] == [CARD]
