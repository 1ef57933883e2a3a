"""Benchmarks of several data sets: a summary of each, and the mean over them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ppdcli.evaluation.report.content import Column, Table, TableRow
from ppdcli.evaluation.rows import ScoreRow
from ppdcli.evaluation.summary import Summary, cell, summarise

BySet = Mapping[str, Sequence[Summary]]  # data set -> one summary for each predictor


def summarise_sets(
    predictor: str, rows: Sequence[ScoreRow], columns: Sequence[Column], parts: Mapping[str, str]
) -> dict[str, Summary]:
    """Returns the means of one predictor over the images of each data set.

    Args:
        predictor: Name of the predictor.
        rows: Rows of the predictor.
        columns: The scores.
        parts: image -> its data set.
    """
    found: dict[str, list[ScoreRow]] = {}
    for row in rows:
        found.setdefault(parts[row.image], []).append(row)
    return {name: summarise(predictor, group, columns) for name, group in found.items()}


def mean_of_sets(whole: Summary, sets: Sequence[Summary]) -> Summary:
    """Returns the summary of all images with means over the data sets, each counting once.

    A data set without a score is left out of the mean of that score.
    """
    means = {}
    for key in whole.means:
        known = [value for s in sets if math.isfinite(value := s.means[key])]
        means[key] = float(np.mean(known)) if known else math.nan
    return replace(whole, means=means)


def table_of_sets(by_set: BySet, columns: Sequence[Column]) -> Table:
    """Returns the report's table: a row for each data set and predictor, no best value marked."""
    return Table(
        tuple(replace(column, better=None) for column in columns),
        tuple(
            TableRow(
                s.predictor,
                tuple(s.means[c.key] for c in columns),
                s.scored,
                s.not_scored,
                part=name,
            )
            for name, summaries in by_set.items()
            for s in summaries
        ),
    )


def csv_of_sets(by_set: BySet, columns: Sequence[Column]) -> str:
    """Returns the table as CSV; missing values are empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["set", "predictor", *(c.key for c in columns), "images", "not_scored"])
    for name, summaries in by_set.items():
        for s in summaries:
            values = ["" if math.isnan(v := s.means[c.key]) else f"{v:.7g}" for c in columns]
            left_out = sum(s.not_scored.values())
            writer.writerow([cell(name), cell(s.predictor), *values, s.scored, left_out])
    return stream.getvalue()


def json_of_sets(by_set: BySet) -> list[dict[str, Any]]:
    """Returns the table for JSON; missing values are None."""
    return [
        {
            "set": name,
            "predictor": s.predictor,
            "images": s.scored,
            "not_scored": s.not_scored,
            **{k: v if math.isfinite(v) else None for k, v in s.means.items()},
        }
        for name, summaries in by_set.items()
        for s in summaries
    ]
