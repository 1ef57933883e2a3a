"""From rows to a table: means over images, and the numbers of images left out."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ppdcli.errors import shown
from ppdcli.evaluation.edge_profile import BINS
from ppdcli.evaluation.report.content import Column, Profile, Table, TableRow
from ppdcli.evaluation.rows import ScoreRow
from ppdcli.wording import counted


@dataclass(frozen=True)
class Summary:
    """Summary of one predictor on one set.

    Attributes:
        predictor: Name of the predictor.
        means: Means by ``Column.key``, over the images that have this score; NaN if none has.
        measured: Number of these images, if it is not that of all scored ones.
        scored: Number of images with scores.
        not_scored: Number of images without scores, by ``ScoreRow.status``.
        notes: Number of scored images with a note, by note.
    """

    predictor: str
    means: dict[str, float]
    measured: dict[str, int]
    scored: int
    not_scored: dict[str, int]
    notes: dict[str, int]


def summarise(predictor: str, rows: Sequence[ScoreRow], columns: Sequence[Column]) -> Summary:
    """Computes means over images, as all the protocols define them."""
    scored = [row.scores for row in rows if row.scores is not None]
    means, measured = {}, {}
    for column in columns:
        values = [scores.get(column.key, math.nan) for scores in scored]
        known = [value for value in values if math.isfinite(value)]
        means[column.key] = float(np.mean(known)) if known else math.nan
        if len(known) != len(scored):
            measured[column.key] = len(known)
    return Summary(
        predictor,
        means,
        measured,
        len(scored),
        dict(Counter(row.status for row in rows if row.scores is None)),
        dict(Counter(row.note.split(" (", 1)[0] for row in rows if row.note)),  # without numbers
    )


FORMULAS = ("=", "+", "-", "@")
LONGEST_CELL = 4096  # characters


def table_of(
    summaries: Sequence[Summary], columns: Sequence[Column], controls: Collection[str] = ()
) -> Table:
    """Returns the table of the report.

    Args:
        summaries: One for each predictor.
        columns: The scores.
        controls: Names of the predictors that are controls.
    """
    return Table(
        tuple(columns),
        tuple(
            TableRow(
                s.predictor,
                tuple(s.means[c.key] for c in columns),
                s.scored,
                s.not_scored,
                control=s.predictor in controls,
            )
            for s in summaries
        ),
    )


def profile_of(predictor: str, rows: Sequence[ScoreRow]) -> Profile | None:
    """Returns the error by distance to the nearest edge; None if no image has an edge."""
    known = [row for row in rows if len(row.sums) == len(BINS)]
    if not known:
        return None
    sums, counts = (
        np.sum([getattr(r, name) for r in known], axis=0) for name in ("sums", "counts")
    )
    return Profile(predictor, BINS, sums[:-1], counts[:-1])


def remarks(summaries: Sequence[Summary]) -> list[str]:
    """Returns remarks on the table: images left out, irregular fits, scores of fewer images."""
    lines = []
    for s in summaries:
        lines += [f"{s.predictor}: {n} not scored, {why}" for why, n in s.not_scored.items()]
        lines += [f"{s.predictor}: {n} scored despite a {what}" for what, n in s.notes.items()]
        if s.measured:
            parts = ", ".join(f"{key} of {n}" for key, n in s.measured.items())
            lines.append(
                f"{s.predictor}: of {s.scored} images, {parts} (nothing to measure in the others)"
            )
    return lines


def facts_of(rows: Sequence[ScoreRow]) -> tuple[str, ...]:
    """Returns the hash of the rendered images, which shows whether two reports are comparable."""
    digests: dict[str, set[str]] = {}
    for row in rows:
        if row.digest:
            digests.setdefault(row.image, set()).add(row.digest)
    if not digests:
        return ()
    if any(len(found) > 1 for found in digests.values()):
        return (
            "the predictors were scored on images that were rendered differently; score all on one "
            "machine with --overwrite",
        )
    whole = hashlib.sha256("".join(min(found) for found in digests.values()).encode())
    return (f"sha256 of the {counted(len(digests), 'rendered image')}: {whole.hexdigest()[:16]}",)


def json_of(
    name: str, protocol: str, settings: Sequence[str], summaries: Sequence[Summary]
) -> dict[str, Any]:
    """Returns the table for JSON; missing values are None."""
    return {
        "set": name,
        "protocol": protocol,
        "settings": list(settings),
        "predictors": [
            {
                "predictor": s.predictor,
                "images": s.scored,
                "not_scored": s.not_scored,
                "notes": s.notes,
                **{k: v if math.isfinite(v) else None for k, v in s.means.items()},
                "measured": s.measured,
            }
            for s in summaries
        ],
    }


def csv_of(
    rows: Sequence[ScoreRow], columns: Sequence[Column], parts: Mapping[str, str] | None = None
) -> str:
    """Returns the rows of all images as CSV; missing values are empty.

    Args:
        rows: Rows of all predictors.
        columns: The scores.
        parts: image -> its data set, in a benchmark of several.
    """
    keys = [column.key for column in columns]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*(["set"] if parts else []), "image", "predictor", "status", *keys, "note"])
    for row in rows:
        scores = row.scores or {}
        values = [
            "" if not math.isfinite(v := scores.get(key, math.nan)) else f"{v:.7g}" for key in keys
        ]
        texts = (cell(row.image), cell(row.predictor), row.status)
        part = [cell(parts[row.image])] if parts else []
        writer.writerow([*part, *texts, *values, cell(row.reason or row.note or "")])
    return stream.getvalue()


def csv_of_table(summaries: Sequence[Summary], columns: Sequence[Column]) -> str:
    """Returns the table as CSV; missing values are empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["predictor", *(c.key for c in columns), "images", "not_scored"])
    for s in summaries:
        values = ["" if math.isnan(v := s.means[c.key]) else f"{v:.7g}" for c in columns]
        writer.writerow([cell(s.predictor), *values, s.scored, sum(s.not_scored.values())])
    return stream.getvalue()


def cell(text: str) -> str:
    """Returns a text for CSV, quoted if spreadsheets would take it for a formula."""
    line = shown(text, LONGEST_CELL)
    return f"'{line}" if line.startswith(FORMULAS) else line


def dumps(table: dict[str, Any]) -> str:
    """Returns JSON for a file or for output."""
    return json.dumps(table, indent=2, ensure_ascii=True) + "\n"
