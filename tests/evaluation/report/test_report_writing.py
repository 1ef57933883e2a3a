"""The files of a report: names, whole bytes, nothing outside the folder."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ppdcli.errors import OutputError
from ppdcli.evaluation.report.content import Column, Picture, Profile, Report, Table, TableRow, Why
from ppdcli.evaluation.report.write import write_report

NAMES = ("../../evil.png", "/etc/passwd", "写真" * 80 + ".jpg", "a/b/c.png", "a/b/c.png")


def picture(name: str, why: Why) -> Picture:
    truth = np.linspace(1, 4, 48).reshape(6, 8)
    rgb, valid = np.zeros((6, 8, 3), np.uint8), np.ones((6, 8), bool)
    return Picture(name, "p", rgb, truth, truth * 1.1, valid, {"abs_rel": 0.1}, why)


def report(*pictures: Picture, value: float | None = 0.5, pixels: int = 10) -> Report:
    return Report(
        "Title",
        ("A setting.",),
        Table(
            (Column("abs_rel", "AbsRel", "lower", ".3f"),),
            (TableRow("p", (value,), 1, {}), TableRow("q", (value,), 1, {})),
        ),
        pictures,
        (Profile("p", (0, 1, math.inf), np.ones(2), np.full(2, pixels)),),
        (),
        "ppdcli 0",
        "2026-11-27",
    )


def test_all_files_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "report"
    pictures = [picture(name, "worst") for name in NAMES] + [picture("a/b/c.png", "best")]
    files = write_report(folder, report(*pictures))
    assert [file.name for file in files] == [
        "index.html",
        "scores.png",
        "error-by-edge-distance.png",
        "worst-1-evil.png",
        "worst-2-etc-passwd.png",
        "worst-3-image.png",
        "worst-4-a-b-c.png",
        "worst-5-a-b-c.png",
        "best-1-a-b-c.png",
    ]
    everything = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(everything) == sorted(files)
    for file in files[1:]:
        with Image.open(file) as image:
            image.load()
            assert image.format == "PNG" and image.mode.startswith("RGB")


def test_equal_reports_give_equal_bytes(tmp_path: Path) -> None:
    written = [write_report(tmp_path / n, report(picture("a", "best"))) for n in ("1", "2")]
    first, second = ([file.read_bytes() for file in files] for files in written)
    assert len(first) == 4 and first == second


def test_older_files_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("old")
    (tmp_path / "notes.txt").write_text("mine")
    write_report(tmp_path, report(value=None, pixels=0))
    assert "Title" in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "notes.txt"]


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_report(tmp_path / "file", report(value=None, pixels=0))
