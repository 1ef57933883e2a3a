"""The tables of scores of the report's page."""

from __future__ import annotations

from collections.abc import Sequence

from ppdcli.evaluation.report.content import NO_VALUE, Column, Report, Table, TableRow
from ppdcli.evaluation.report.html_parts import (
    Chart,
    chart_figure,
    escaped,
    scrollable,
    section_of,
    table_of,
)


def scores_section(report: Report, chart: Chart | None) -> str:
    table = report.table
    best = [table.best(k) for k in range(len(table.columns))]
    head = [
        '<th scope="col">Predictor</th>',
        *(_column_head(column) for column in table.columns),
        '<th scope="col" class="number">Images scored</th>',
        '<th scope="col">Not scored</th>',
    ]
    body = [_score_row(table, row, best) for row in table.rows]
    note = "Means over the scored images."
    if report.by_set is not None:
        note = "Means over the scored images of each data set, then over the data sets."
    if any(best):
        note += " The best value of a column is bold."
    if any(row.control for row in table.rows):
        note += (
            " A control is no model: it shows what a score is worth, and is never marked as the "
            "best."
        )
    if any(column.text(v) == NO_VALUE for r in table.rows for column, v in _cells(table, r)):
        note += f" {NO_VALUE}: no value."
    return section_of(
        "Scores",
        scrollable("Scores", table_of(head, body)),
        f'<p class="faint">{note}</p>',
        _meanings(table.columns),
        chart_figure("Charts of the scores", "The scores of the table above as bar charts.", chart),
    )


def sets_section(table: Table | None) -> str:
    if table is None:
        return ""
    head = [
        '<th scope="col">Data set</th>',
        '<th scope="col">Predictor</th>',
        *(_column_head(column) for column in table.columns),
        '<th scope="col" class="number">Images scored</th>',
        '<th scope="col">Not scored</th>',
    ]
    none_best = [None] * len(table.columns)
    body = [
        [f'<th scope="row">{escaped(row.part)}</th>', *_score_row(table, row, none_best)]
        for row in table.rows
    ]
    name = "Scores by data set"
    note = '<p class="faint">Means over the scored images of each data set.</p>'
    return section_of(name, scrollable(name, table_of(head, body)), note)


def _column_head(column: Column) -> str:
    direction = f"<small>{column.better} is better</small>" if column.better else ""
    return f'<th scope="col" class="number">{escaped(column.title)} {direction}</th>'


def _meanings(columns: Sequence[Column]) -> str:
    """Explains the columns."""
    terms = "".join(
        f"<dt>{escaped(column.title)}</dt>\n<dd>{escaped(column.meaning)}</dd>\n"
        for column in columns
        if column.meaning
    )
    if not terms:
        return ""
    return f"<details>\n<summary>What the columns mean</summary>\n<dl>\n{terms}</dl>\n</details>\n"


def _score_row(table: Table, row: TableRow, best: Sequence[str | None]) -> list[str]:
    mark = " <small>control</small>" if row.control else ""
    cells = [f'<th scope="row">{escaped(row.predictor)}{mark}</th>']
    for (column, value), best_text in zip(_cells(table, row), best, strict=True):
        text = escaped(column.text(value))
        is_best = column.text(value) == best_text and not row.control
        strong = f"<strong>{text}</strong>" if is_best else text
        cells.append(f'<td class="number">{strong}</td>')
    reasons = "; ".join(f"{count} × {escaped(why)}" for why, count in row.not_scored.items())
    left_out = sum(row.not_scored.values())
    cells.append(f'<td class="number">{row.scored}</td>')
    cells.append(f"<td>{left_out}{': ' + reasons if reasons else ''}</td>")
    return cells


def _cells(table: Table, row: TableRow) -> list[tuple[Column, float | None]]:
    return list(zip(table.columns, row.values, strict=True))
