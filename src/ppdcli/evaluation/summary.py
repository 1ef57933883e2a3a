"""From rows to a table: means over images, and everything that was left out of them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
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
    """One predictor on one set.

    Attributes:
        predictor: its name.
        means: by ``Column.key``, over the images that have this score; NaN if none has.
        measured: how many images that are, where it is not all of the scored ones.
        scored: images with scores.
        not_scored: images without, by ``ScoreRow.status``.
        notes: scored images with something out of the ordinary, by what it was.
    """

    predictor: str
    means: dict[str, float]
    measured: dict[str, int]
    scored: int
    not_scored: dict[str, int]
    notes: dict[str, int]


def summarise(predictor: str, rows: Sequence[ScoreRow], columns: Sequence[Column]) -> Summary:
    """Means over images, as all the protocols have it."""
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
        dict(Counter(row.note.split(" (", 1)[0] for row in rows if row.note)),  # not its numbers
    )


FORMULAS = ("=", "+", "-", "@")
LONGEST_CELL = 4096  # characters


def table_of(summaries: Sequence[Summary], columns: Sequence[Column]) -> Table:
    """For the report."""
    return Table(
        tuple(columns),
        tuple(
            TableRow(s.predictor, tuple(s.means[c.key] for c in columns), s.scored, s.not_scored)
            for s in summaries
        ),
    )


def profile_of(predictor: str, rows: Sequence[ScoreRow]) -> Profile | None:
    """Error by distance to the nearest edge, images without any edge left out; None if none has."""
    known = [row for row in rows if len(row.sums) == len(BINS)]
    if not known:
        return None
    sums, counts = (
        np.sum([getattr(r, name) for r in known], axis=0) for name in ("sums", "counts")
    )
    return Profile(predictor, BINS, sums[:-1], counts[:-1])


def text_of(summaries: Sequence[Summary], columns: Sequence[Column]) -> list[str]:
    """The table for a terminal, and lines on what is not in it."""
    names = [shown(s.predictor) for s in summaries]
    wide = max(map(len, ["predictor", *names])) + 2
    widths = [max(len(c.title), 6) + 2 for c in columns]
    titles = "".join(f"{c.title:>{w}}" for c, w in zip(columns, widths, strict=True))
    lines = [f"{'predictor':<{wide}}{titles}{'images':>8}"]
    for name, s in zip(names, summaries, strict=True):
        values = "".join(
            f"{c.text(s.means[c.key]):>{w}}" for c, w in zip(columns, widths, strict=True)
        )
        lines.append(f"{name:<{wide}}{values}{s.scored:>8}")
    return lines


def remarks(summaries: Sequence[Summary]) -> list[str]:
    """What a reader of the table must know: images left out, odd fits, scores of fewer images."""
    lines = []
    for s in summaries:
        lines += [f"{s.predictor}: {n} not scored, {why}" for why, n in s.not_scored.items()]
        lines += [f"{s.predictor}: {n} scored in spite of a {what}" for what, n in s.notes.items()]
        if s.measured:
            parts = ", ".join(f"{key} of {n}" for key, n in s.measured.items())
            lines.append(
                f"{s.predictor}: of {s.scored} images, {parts} (nothing to measure in the others)"
            )
    return lines


def facts_of(rows: Sequence[ScoreRow]) -> tuple[str, ...]:
    """The hash of the images that were rendered, by which two reports can be compared."""
    digests: dict[str, set[str]] = {}
    for row in rows:
        if row.digest:
            digests.setdefault(row.image, set()).add(row.digest)
    if not digests:
        return ()
    if any(len(found) > 1 for found in digests.values()):
        return (
            "the predictors' rows are of images that were rendered differently: score all on one "
            "machine with --overwrite",
        )
    whole = hashlib.sha256("".join(min(found) for found in digests.values()).encode())
    return (f"sha256 of the {counted(len(digests), 'rendered image')}: {whole.hexdigest()[:16]}",)


def json_of(
    name: str, protocol: str, settings: Sequence[str], summaries: Sequence[Summary]
) -> dict[str, Any]:
    """The same for programs; None where there is no value."""
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
    """Per-image rows; empty where there is no value.

    Args:
        rows: of all predictors.
        columns: the scores.
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
    """The table; empty where there is no value."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["predictor", *(c.key for c in columns), "images", "not_scored"])
    for s in summaries:
        values = ["" if math.isnan(v := s.means[c.key]) else f"{v:.7g}" for c in columns]
        writer.writerow([cell(s.predictor), *values, s.scored, sum(s.not_scored.values())])
    return stream.getvalue()


def cell(text: str) -> str:
    """A text for a CSV table; one that spreadsheets would take for a formula is quoted."""
    line = shown(text, LONGEST_CELL)
    return f"'{line}" if line.startswith(FORMULAS) else line


def dumps(table: dict[str, Any]) -> str:
    """As a file or a line of output."""
    return json.dumps(table, indent=2, ensure_ascii=True) + "\n"
