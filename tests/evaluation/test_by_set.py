"""Means over the images of each data set, then over the sets."""

from __future__ import annotations

import math

import pytest

from ppdcli.evaluation.by_set import (
    csv_of_sets,
    json_of_sets,
    mean_of_sets,
    summarise_sets,
    table_of_sets,
)
from ppdcli.evaluation.report.content import Column
from ppdcli.evaluation.rows import ScoreRow
from ppdcli.evaluation.summary import summarise

COLUMNS = (Column("abs_rel", "AbsRel", "lower", ".3f"), Column("ramp", "ramp", "lower", ".3f"))
ROWS = [
    ScoreRow("a/1", "m", "scored", {"abs_rel": 0.1, "ramp": 1.0}),
    ScoreRow("a/2", "m", "scored", {"abs_rel": 0.2, "ramp": math.nan}),
    ScoreRow("a/3", "m", "scored", {"abs_rel": 0.3, "ramp": math.nan}),
    ScoreRow("b/1", "m", "scored", {"abs_rel": 0.6, "ramp": math.nan}),
    ScoreRow("b/2", "m", "degenerate", reason="too little depth"),
    ScoreRow("c/1", "m", "unreadable", reason="damaged"),
]
PARTS = {row.image: row.image[0] for row in ROWS}


def test_each_set_counts_once() -> None:
    sets = summarise_sets("m", ROWS, COLUMNS, PARTS)
    assert [(name, s.scored) for name, s in sets.items()] == [("a", 3), ("b", 1), ("c", 0)]
    assert sets["a"].means["abs_rel"] == pytest.approx(0.2)
    whole = mean_of_sets(summarise("m", ROWS, COLUMNS), list(sets.values()))
    assert whole.means["abs_rel"] == pytest.approx(0.4)  # of 0.2 and 0.6; over images 0.3
    assert whole.means["ramp"] == 1.0  # of the only set that has one
    assert whole.scored == 4 and whole.not_scored == {"degenerate": 1, "unreadable": 1}


def test_nothing_scored_has_no_mean() -> None:
    whole = mean_of_sets(summarise("m", ROWS[5:], COLUMNS), [])
    assert math.isnan(whole.means["abs_rel"])


def test_tables_name_the_set() -> None:
    sets = summarise_sets("m", ROWS, COLUMNS, PARTS)
    by_set = {name: [s] for name, s in sets.items()}
    assert [row.part for row in table_of_sets(by_set, COLUMNS).rows] == ["a", "b", "c"]
    assert csv_of_sets(by_set, COLUMNS).splitlines()[2] == "b,m,0.6,,1,1"
    first, *_, last = json_of_sets(by_set)
    assert (first["set"], first["images"], first["ramp"]) == ("a", 3, 1.0)
    assert (last["abs_rel"], last["not_scored"]) == (None, {"unreadable": 1})
