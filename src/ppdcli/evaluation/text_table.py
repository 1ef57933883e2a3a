"""Tables of scores as lines that fit a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ppdcli.errors import shown
from ppdcli.evaluation.by_set import BySet
from ppdcli.evaluation.report.content import Column
from ppdcli.evaluation.summary import Summary

GAP = 2  # spaces between columns
IMAGES = "images"
LONGEST_NAME = 40  # characters


def text_tables(
    summaries: Sequence[Summary],
    by_set: BySet | None,
    columns: Sequence[Column],
    width: int | None = None,
) -> list[str]:
    """Returns the lines of the table of all images and, in a benchmark of several data sets, of the
    table by set; see ``text_table``."""
    lines = text_table(("predictor",), [((s.predictor,), s) for s in summaries], columns, width)
    if by_set:
        rows = [((name, s.predictor), s) for name, group in by_set.items() for s in group]
        lines += ["", *text_table(("set", "predictor"), rows, columns, width)]
    return lines


def text_table(
    titles: Sequence[str],
    rows: Sequence[tuple[Sequence[str], Summary]],
    columns: Sequence[Column],
    width: int | None = None,
) -> list[str]:
    """Returns the lines. Scores that do not fit beside the names follow in a table below.

    Args:
        titles: Those of the cells that name a row, such as the predictor.
        rows: The cells that name each row, and its scores.
        columns: The scores.
        width: Characters of a line; None: no limit.
    """
    names = [[shown(cell, LONGEST_NAME) for cell in cells] for cells, _ in rows]
    named = [
        max(len(cells[k]) for cells in (titles, *names)) + (GAP if k else 0)
        for k in range(len(titles))
    ]
    lines: list[str] = []
    for block in _blocks(columns, None if width is None else width - sum(named)):
        if lines:
            lines.append("")
        head = [*(c.title for c in block), IMAGES]
        lines.append(_line(titles, named, head, block))
        for cells, (_, summary) in zip(names, rows, strict=True):
            values = [*(c.text(summary.means[c.key]) for c in block), str(summary.scored)]
            lines.append(_line(cells, named, values, block))
    return lines


def _blocks(columns: Sequence[Column], width: int | None) -> list[list[Column]]:
    """Splits the scores into tables of at most this width, each with the number of images."""
    if width is None:
        return [list(columns)]
    free = width - GAP - len(IMAGES)
    blocks: list[list[Column]] = [[]]
    used = 0
    for column in columns:
        if blocks[-1] and used + _width(column) > free:
            blocks.append([])
            used = 0
        blocks[-1].append(column)
        used += _width(column)
    return blocks


def _width(column: Column) -> int:
    return max(len(column.title), 6) + GAP


def _line(
    cells: Sequence[str], named: Sequence[int], values: Sequence[str], block: Sequence[Column]
) -> str:
    left = "".join(
        f"{' ' * GAP if k else ''}{cell:<{width - (GAP if k else 0)}}"
        for k, (cell, width) in enumerate(zip(cells, named, strict=True))
    )
    widths = [*map(_width, block), GAP + len(IMAGES)]
    return left + "".join(f"{value:>{w}}" for value, w in zip(values, widths, strict=True))
