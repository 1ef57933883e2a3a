"""A benchmark, and its results: from rows to means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ppdcli.evaluation import summary
from ppdcli.evaluation.by_set import mean_of_sets, summarise_sets
from ppdcli.evaluation.frames import BenchmarkImage
from ppdcli.evaluation.report.content import Column
from ppdcli.evaluation.rows import Rows, ScoreRow
from ppdcli.evaluation.scoring import CHAMFER, NEAR_EDGES, PIXELS, Rules


@dataclass(frozen=True, eq=False)
class Benchmark:
    """A set and how it is scored.

    Attributes:
        name: of the set.
        entries: the images to score.
        rules: see there.
        facts: Lines that state the set and its protocol, for the report.
        settings: What rows depend on, by name.
    """

    name: str
    entries: Sequence[BenchmarkImage]
    rules: Rules
    facts: tuple[str, ...]
    settings: dict[str, str]

    @property
    def parts(self) -> dict[str, str]:
        """Image -> its data set; empty if the benchmark is a single set."""
        return {entry.name: entry.part for entry in self.entries if entry.part}


@dataclass(frozen=True, eq=False)
class Results:
    """The results of a benchmark.

    Attributes:
        columns: The scores that at least one image has.
        summaries: One for each predictor.
        rows: All rows, by predictor.
        by_set: The summaries of each data set; empty if there is a single one.
        facts: Lines that are known only after scoring.
        controls: Names of the predictors that are controls.
        identities: What the rows of each predictor depend on, by name.
    """

    columns: tuple[Column, ...]
    summaries: tuple[summary.Summary, ...]
    rows: dict[str, list[ScoreRow]]
    by_set: dict[str, list[summary.Summary]] = field(default_factory=dict)
    facts: tuple[str, ...] = ()
    controls: frozenset[str] = frozenset()
    identities: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def models(self) -> list[str]:
        """A line for each model, which states its weights and how it ran."""
        return [
            f"{name}: {', '.join(f'{key} {value}' for key, value in identity.items())}"
            for name, identity in self.identities.items()
            if identity and name in self.rows
        ]

    @property
    def failed(self) -> list[ScoreRow]:
        """Rows without scores."""
        return [row for rows in self.rows.values() for row in rows if row.scores is None]


def results_of(benchmark: Benchmark, rows: Rows) -> Results:
    """Summarises the rows of all predictors that were scored with these settings.

    Rows of images whose files have changed since are left out.
    """
    images = [entry.name for entry in benchmark.entries]
    stamps = {entry.name: entry.stamp for entry in benchmark.entries}
    by_predictor = {
        name: [row for row in rows.of(name, images) if row.stamp.startswith(stamps[row.image])]
        for name in rows.predictors
    }
    by_predictor = {name: found for name, found in by_predictor.items() if found}
    known = {key for found in by_predictor.values() for row in found for key in row.scores or ()}
    columns = tuple(column for column in (*PIXELS, *NEAR_EDGES, *CHAMFER) if column.key in known)
    summaries = [summary.summarise(name, found, columns) for name, found in by_predictor.items()]
    parts = benchmark.parts
    by_set: dict[str, list[summary.Summary]] = {part: [] for part in parts.values()}
    if parts:
        for k, (name, found) in enumerate(by_predictor.items()):
            sets = summarise_sets(name, found, columns, parts)
            summaries[k] = mean_of_sets(summaries[k], list(sets.values()))
            for part, of_part in sets.items():
                by_set[part].append(of_part)
    facts = summary.facts_of([row for found in by_predictor.values() for row in found])
    # A control depends on nothing that could change.
    controls = frozenset(name for name in by_predictor if not rows.identities.get(name))
    return Results(
        columns, tuple(summaries), by_predictor, by_set, facts, controls, rows.identities
    )
