"""What ``ppd evaluate`` does: it scores images, keeps each score, and writes tables and a page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path, PurePath
from typing import get_args

from ppdcli.commands.benchmark import Benchmark, Results
from ppdcli.errors import InputError, OutputError
from ppdcli.evaluation import summary
from ppdcli.evaluation.by_set import (
    csv_of_sets,
    json_of_sets,
    table_of_sets,
)
from ppdcli.evaluation.frames import BenchmarkImage
from ppdcli.evaluation.gallery import Gallery, is_own
from ppdcli.evaluation.predictors import Candidate
from ppdcli.evaluation.protocols import Degenerate
from ppdcli.evaluation.report.content import Report, Why
from ppdcli.evaluation.report.write import write_report
from ppdcli.evaluation.rows import FILE, Rows, ScoreRow
from ppdcli.evaluation.scoring import PIXELS, score_prediction
from ppdcli.files.atomic import atomic_path
from ppdcli.files.foreign import parse_json, read_regular
from ppdcli.version import __version__

PICTURES = "pictures"  # folder of the gallery
REPORTED = "reported.json"  # in it: the names of the report's own files
MOST_REPORTED = 100_000  # bytes
PICTURE = re.compile(rf"({'|'.join(get_args(Why))})-\d+-")  # of the report


def score_all(
    benchmark: Benchmark,
    candidates: Sequence[Candidate],
    rows: Rows,
    folder: Path,
    done: Callable[[ScoreRow], None],
) -> None:
    """Scores every image with every candidate, except for rows that are finished.

    Args:
        benchmark: The images to score.
        candidates: The predictors.
        rows: The rows so far, also those of earlier runs. New ones are added.
        folder: The folder of the results.
        done: Called with each new row.

    Raises:
        OutputError: the folder does not take the rows.
    """
    for candidate in candidates:
        rows.claim(candidate.name, candidate.identity)
    images = [entry.name for entry in benchmark.entries]
    for entry in benchmark.entries:
        stamps = {c.name: stamp_of(entry, c) for c in candidates}
        left = [c for c in candidates if not rows.has(entry.name, c.name, stamps[c.name])]
        if not left:
            continue
        try:
            frame = entry.load()
        except InputError as error:
            for candidate in left:
                row = _unreadable(entry, candidate, error)
                rows.add(row)
                done(row)
            continue
        for candidate in left:
            stamp = stamps[candidate.name]
            try:
                prediction = candidate.predict(entry.name, frame)
                scored = score_prediction(frame, prediction, candidate.kind, benchmark.rules)
            except InputError as error:
                row = _unreadable(entry, candidate, error)
            except Degenerate as error:
                row = ScoreRow(
                    entry.name,
                    candidate.name,
                    "degenerate",
                    reason=str(error),
                    stamp=stamp,
                    digest=frame.digest,
                )
            else:
                row = ScoreRow(
                    entry.name,
                    candidate.name,
                    "scored",
                    scored.scores,
                    note=scored.note,
                    sums=() if scored.sums is None else tuple(scored.sums.tolist()),
                    counts=() if scored.counts is None else tuple(scored.counts.tolist()),
                    stamp=stamp,
                    digest=frame.digest,
                )
                if candidate.shown:
                    others = [*rows.of(candidate.name, images), row]
                    gallery = Gallery(folder / PICTURES, candidate.name)
                    gallery.offer(row, others, frame, scored.depth)
            rows.add(row)
            done(row)


def stamp_of(entry: BenchmarkImage, candidate: Candidate) -> str:
    """A text that changes with the files that a row depends on. It begins with the image's."""
    return entry.stamp + candidate.stamp(entry.name)


def _unreadable(entry: BenchmarkImage, candidate: Candidate, error: InputError) -> ScoreRow:
    return ScoreRow(entry.name, candidate.name, "unreadable", reason=str(error), stamp=entry.stamp)


def write_results(benchmark: Benchmark, results: Results, folder: Path) -> list[Path]:
    """Writes tables for programs, and the page with its pictures.

    Returns:
        The files, the page first.

    Raises:
        OutputError: the folder does not take them.
    """
    every_row = [row for rows in results.rows.values() for row in rows]
    texts = {
        "scores.json": summary.dumps(json_table(benchmark, results)),
        "scores.csv": summary.csv_of_table(results.summaries, results.columns),
        "rows.csv": summary.csv_of(every_row, results.columns, benchmark.parts),
    }
    if results.by_set:
        texts["sets.csv"] = csv_of_sets(results.by_set, results.columns)
    for name, text in texts.items():
        with atomic_path(folder / name, follow=False) as temporary:
            temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    pages = write_report(
        folder,
        Report(
            title=f"{benchmark.name}, protocol {benchmark.rules.protocol}",
            settings=(
                *results.models,
                *benchmark.facts,
                *results.facts,
                f"worst and best by {PIXELS[0].title}",
            ),
            table=summary.table_of(results.summaries, results.columns, results.controls),
            pictures=tuple(
                picture
                for name, rows in results.rows.items()
                for picture in Gallery(folder / PICTURES, name).pictures(rows)
            ),
            profiles=tuple(
                profile
                for name, rows in results.rows.items()
                if (profile := summary.profile_of(name, rows)) is not None
            ),
            failures=tuple((r.image, r.predictor, r.reason or "") for r in results.failed),
            version=f"ppdcli {__version__}",
            date=date.today().isoformat(),
            by_set=table_of_sets(results.by_set, results.columns) if results.by_set else None,
        ),
    )
    _drop_pictures_but(folder, {page.name for page in pages})
    return [pages[0], *(folder / name for name in texts), *pages[1:]]


def _drop_pictures_but(folder: Path, kept: set[str]) -> None:
    """Removes pictures of an earlier run whose images are no longer among the best or the worst.

    A list of the report's own files protects other files with similar names.
    """
    record = folder / PICTURES / REPORTED
    try:
        earlier = parse_json(read_regular(record, MOST_REPORTED, follow=False))
    except (OSError, ValueError):  # no list, or none that makes sense
        earlier = []
    for name in [*earlier] if isinstance(earlier, list) else []:
        if (
            isinstance(name, str)
            and name not in kept
            and PICTURE.match(name)
            and PurePath(name).name == name
        ):
            (folder / name).unlink(missing_ok=True)
    with atomic_path(record, follow=False) as temporary:
        temporary.write_text(json.dumps(sorted(kept)), encoding="ascii")


def json_table(benchmark: Benchmark, results: Results) -> dict[str, object]:
    """The table as JSON, for programs."""
    facts = (*benchmark.facts, *results.facts)
    table = summary.json_of(benchmark.name, benchmark.rules.protocol, facts, results.summaries)
    return {**table, "sets": json_of_sets(results.by_set)} if results.by_set else table


def clear(folder: Path) -> None:
    """Forgets the rows and pictures of an earlier run.

    Raises:
        OutputError: the folder does not let them go.
    """
    try:
        for path in _own_files(folder):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be cleared ({error.strerror}); choose another --output"
        ) from error


def _own_files(folder: Path) -> Iterator[Path]:
    yield folder / FILE
    if not (folder / PICTURES).is_symlink():
        yield from filter(is_own, (folder / PICTURES).glob("*.npz"))
