"""Means, and everything that is not in them."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import pytest

from ppdcli.evaluation.edge_profile import BINS
from ppdcli.evaluation.report.content import Column
from ppdcli.evaluation.rows import ScoreRow
from ppdcli.evaluation.summary import (
    csv_of,
    csv_of_table,
    json_of,
    profile_of,
    remarks,
    summarise,
    table_of,
)

COLUMNS = (Column("abs_rel", "AbsRel", "lower", ".3f"), Column("recall", "recall", "higher", ".3f"))
ROWS = [
    ScoreRow("a", "tiny", "scored", {"abs_rel": 0.1, "recall": math.nan}),
    ScoreRow(
        "b", "tiny", "scored", {"abs_rel": 0.3, "recall": 0.5}, note="falling line (slope -1)"
    ),
    ScoreRow(
        "c", "tiny", "scored", {"abs_rel": 0.2, "recall": 0.7}, note="falling line (slope -2)"
    ),
    ScoreRow("d", "tiny", "degenerate", reason="no valid pixel"),
    ScoreRow("e", "tiny", "unreadable", reason="e: no such file"),
]


def test_means_are_over_images_and_what_is_left_out_is_counted() -> None:
    found = summarise("tiny", ROWS, COLUMNS)
    assert found.means == pytest.approx({"abs_rel": 0.2, "recall": 0.6})
    assert found.measured == {"recall": 2} and found.scored == 3
    assert found.not_scored == {"degenerate": 1, "unreadable": 1}
    assert found.notes == {"falling line": 2}
    assert remarks([found]) == [
        "tiny: 1 not scored, degenerate",
        "tiny: 1 not scored, unreadable",
        "tiny: 2 scored despite a falling line",
        "tiny: of 3 images, recall of 2 (nothing to measure in the others)",
    ]


def test_nothing_scored_has_no_mean() -> None:
    found = summarise("tiny", ROWS[3:], COLUMNS)
    assert math.isnan(found.means["abs_rel"]) and found.scored == 0
    (predictor,) = json_of("s", "authors", ["x"], [found])["predictors"]
    assert predictor["abs_rel"] is None and predictor["images"] == 0


def test_the_tables_say_the_same() -> None:
    found = summarise("tiny", ROWS, COLUMNS)
    (row,) = csv.DictReader(io.StringIO(csv_of_table([found], COLUMNS)))
    assert row == {
        "predictor": "tiny", "abs_rel": "0.2", "recall": "0.6", "images": "3", "not_scored": "2",
    }  # fmt: skip
    table = table_of([found], COLUMNS)
    assert table.rows[0].values == pytest.approx((0.2, 0.6)) and table.rows[0].scored == 3
    json.dumps(json_of("s", "authors", ["x"], [found]), allow_nan=False)


def test_each_image_has_a_row() -> None:
    rows = list(csv.DictReader(io.StringIO(csv_of(ROWS, COLUMNS))))
    assert [row["status"] for row in rows] == ["scored"] * 3 + ["degenerate", "unreadable"]
    assert rows[0]["abs_rel"] == "0.1" and rows[0]["recall"] == ""
    assert rows[3]["abs_rel"] == "" and rows[3]["note"] == "no valid pixel"


def test_the_profile_adds_up_images_with_edges() -> None:
    def row(image: str, place: int, total: float, pixels: int) -> ScoreRow:
        sums, counts = np.zeros(len(BINS)), np.zeros(len(BINS), int)
        sums[place], counts[place] = total, pixels
        return ScoreRow(
            image, "tiny", "scored", {}, sums=tuple(sums), counts=tuple(counts.tolist())
        )

    found = profile_of("tiny", [row("a", 0, 2, 4), row("b", 0, 1, 2), row("c", -1, 9, 9), ROWS[0]])
    assert found is not None
    means = found.means()
    assert means[0] == 0.5 and np.isnan(means[1:]).all() and len(means) == len(BINS) - 1
    assert profile_of("tiny", ROWS) is None


def test_cells_that_a_spreadsheet_would_calculate_are_quoted() -> None:
    names = ["=1+1", "+cmd", "-2", "@sum", "a=b", "\t=x", "x" * 10_000, "\x1b[31m"]
    rows = [ScoreRow(name, "=p", "scored", {"abs_rel": -0.5}, note="=note") for name in names]
    table = list(csv.DictReader(io.StringIO(csv_of(rows, COLUMNS))))
    images = [row["image"] for row in table]
    assert images[:6] == ["'=1+1", "'+cmd", "'-2", "'@sum", "a=b", r"\t=x"]
    assert len(images[6]) < 5000 and images[7] == r"\x1b[31m"
    assert {(row["predictor"], row["note"]) for row in table} == {("'=p", "'=note")}
    assert {float(row["abs_rel"]) for row in table} == {-0.5}, "numbers stay numbers"
    (summed,) = csv.DictReader(io.StringIO(csv_of_table([summarise("-p", rows, COLUMNS)], COLUMNS)))
    assert summed["predictor"] == "'-p" and float(summed["abs_rel"]) == -0.5
