"""Tables of scores for a terminal."""

from __future__ import annotations

import math

import pytest

from ppdcli.evaluation.report.content import Column
from ppdcli.evaluation.summary import Summary
from ppdcli.evaluation.text_table import text_table, text_tables

COLUMNS = [Column(f"key{k}", f"title {k}", None, ".3f") for k in range(9)]


def of(name: str, scored: int = 3) -> Summary:
    means = {column.key: 0.1 * k for k, column in enumerate(COLUMNS)}
    return Summary(name, means, {}, scored, {}, {})


def test_a_table_that_has_room_is_one() -> None:
    head, line = text_table(["predictor"], [(["tiny"], of("tiny"))], COLUMNS)
    assert head.startswith("predictor  title 0")
    assert line.split() == ["tiny", *(f"{0.1 * k:.3f}" for k in range(9)), "3"]


@pytest.mark.parametrize("name", ["tiny", "a name of thirty and two letters", "n" * 200])
def test_scores_that_do_not_fit_follow_below(name: str) -> None:
    lines = text_table(["set", "predictor"], [(["nyu", name], of(name))], COLUMNS, 80)
    assert max(map(len, lines)) <= 80
    heads = [line for line in lines if line.startswith("set")]
    assert len(heads) > 1
    assert all(line.endswith("images") for line in heads)
    titles = " ".join(heads)
    assert all(titles.count(column.title) == 1 for column in COLUMNS)


def test_one_score_is_there_however_narrow_the_terminal() -> None:
    lines = text_table(["predictor"], [(["tiny"], of("tiny"))], COLUMNS, 10)
    assert sum(line.startswith("tiny") for line in lines) == len(COLUMNS)


def test_what_nobody_measured_is_a_dash() -> None:
    empty = Summary("tiny", {c.key: math.nan for c in COLUMNS}, {}, 0, {}, {})
    _, line = text_table(["predictor"], [(["tiny"], empty)], COLUMNS)
    assert line.split() == ["tiny", *"-" * 9, "0"]


def test_a_benchmark_of_several_sets_has_a_second_table() -> None:
    lines = text_tables([of("tiny")], {"nyu": [of("tiny", 2)]}, COLUMNS)
    assert [line.split()[:2] for line in lines] == [
        ["predictor", "title"], ["tiny", "0.000"], [], ["set", "predictor"], ["nyu", "tiny"],
    ]  # fmt: skip
    assert text_tables([of("tiny")], None, COLUMNS) == lines[:2]
