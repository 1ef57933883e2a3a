"""Rows on disk: what a killed run leaves, and what is not mixed."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from ppdcli.errors import OutputError, UsageError
from ppdcli.evaluation.rows import FILE, Rows, ScoreRow

SETTINGS = {"set": "synthetic", "protocol": "authors"}
SCORED = ScoreRow(
    "a/b.jpg", "tiny", "scored", {"abs_rel": 0.1, "chamfer": math.nan}, None, "odd", (1.5,), (3,)
)
FAILED = ScoreRow("c.jpg", "tiny", "unreadable", reason="c.jpg: no such file")


def filled(folder: Path) -> Rows:
    rows = Rows(folder, SETTINGS)
    rows.claim("tiny", {"steps": "4"})
    rows.add(SCORED)
    rows.add(FAILED)
    return rows


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    filled(tmp_path / "new")
    rows = Rows(tmp_path / "new", SETTINGS)
    scored, failed = rows.of("tiny", ["a/b.jpg", "other.jpg", "c.jpg"])
    assert failed == FAILED
    assert scored.scores is not None and math.isnan(scored.scores["chamfer"])
    assert scored.scores["abs_rel"] == 0.1 and scored.sums == (1.5,) and scored.counts == (3,)
    assert (scored.note, scored.status) == ("odd", "scored")
    assert rows.has("a/b.jpg", "tiny") and not rows.has("a/b.jpg", "other")
    assert not rows.has("c.jpg", "tiny")  # which may be there by now
    assert rows.predictors == ["tiny"]
    for line in (tmp_path / "new" / FILE).read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)  # NaN is no JSON


@pytest.mark.parametrize("left", [1, 20])
def test_a_torn_last_line_is_done_again(tmp_path: Path, left: int) -> None:
    filled(tmp_path)
    file = tmp_path / FILE
    whole = file.read_bytes()
    start = whole.rstrip(b"\n").rindex(b"\n") + 1
    file.write_bytes(whole[: start + left])
    rows = Rows(tmp_path, SETTINGS)
    assert rows.has("a/b.jpg", "tiny") and not rows.has("c.jpg", "tiny")
    rows.add(FAILED)
    assert file.read_bytes() == whole


@pytest.mark.parametrize("start", [b"", b'{"se', b'{"settings": {"se'])
def test_a_torn_first_line_is_a_fresh_start(tmp_path: Path, start: bytes) -> None:
    (tmp_path / FILE).write_bytes(start)
    assert Rows(tmp_path, SETTINGS).predictors == []
    assert Rows(tmp_path, SETTINGS).predictors == []  # and the line is whole now


def test_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    filled(tmp_path)
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(UsageError, match="protocol authors, now least-squares; choose another"):
        Rows(tmp_path, {**SETTINGS, "protocol": "least-squares"})
    with pytest.raises(UsageError, match="tiny was scored here with steps 4, now 1"):
        Rows(tmp_path, SETTINGS).claim("tiny", {"steps": "1"})
    assert (tmp_path / FILE).read_bytes() == before


def test_another_predictor_joins(tmp_path: Path) -> None:
    filled(tmp_path)
    Rows(tmp_path, SETTINGS).claim("large", {"steps": "4"})
    Rows(tmp_path, SETTINGS).claim("tiny", {"steps": "4"})
    assert Rows(tmp_path, SETTINGS).predictors == ["tiny", "large"]


@pytest.mark.parametrize(
    "content", [b"hello\nworld\n", b"hello", b"[1]\n\n", b'{"settings": 3}\n\n']
)
def test_somebody_elses_file_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(UsageError, match="not a benchmark's file"):
        Rows(tmp_path, SETTINGS)
    assert (tmp_path / FILE).read_bytes() == content


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b"[" * 50_000,
        b"x" * 200_000,
        b'{"predictor": [1], "identity": {}}',
        b'{"predictor": "p", "identity": {"a": 1}}',
        b'{"image": ["a"], "predictor": "tiny", "status": "scored", "scores": {"abs_rel": 1},'
        b' "reason": null, "note": null, "sums": [], "counts": [], "stamp": ""}',
    ],
    ids=["empty", "deep", "long", "a list as a name", "a number as a text", "a list as an image"],
)
def test_a_damaged_line_is_skipped_and_reported(tmp_path: Path, line: bytes) -> None:
    filled(tmp_path)
    with (tmp_path / FILE).open("ab") as file:
        file.write(line + b"\n")
    rows = Rows(tmp_path, SETTINGS)
    assert rows.has("a/b.jpg", "tiny") and rows.predictors == ["tiny"]
    (complaint,) = rows.complaints()
    assert f"{FILE}: skipped 1 damaged line" in complaint


def test_a_link_or_a_pipe_in_place_of_the_rows_is_refused(tmp_path: Path) -> None:
    filled(tmp_path / "there")
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / FILE).symlink_to(tmp_path / "there" / FILE)
    with pytest.raises(OutputError, match="is a link, which is not followed here"):
        Rows(tmp_path / "link", SETTINGS)
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / FILE)
    with pytest.raises(OutputError, match="is a pipe, not a file"):
        Rows(tmp_path / "pipe", SETTINGS)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        Rows(tmp_path / "file" / "below", SETTINGS)
