"""How values are written, and which of them is the best."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ppdcli.evaluation.report.content import Column, Profile, Table, TableRow

LOWER = Column("abs_rel", "AbsRel", "lower", ".3f")
HIGHER = Column("delta1", "delta1", "higher", ".1%")
NEITHER = Column("points", "Points", None, ",.0f")


def one_column(column: Column, *values: float | None) -> Table:
    return Table((column,), tuple(TableRow(f"p{k}", (v,), 1, {}) for k, v in enumerate(values)))


def test_values_are_written_as_the_column_says() -> None:
    assert LOWER.text(0.12345) == "0.123"
    assert HIGHER.text(0.9876) == "98.8%"
    assert NEITHER.text(12345.0) == "12,345"
    assert LOWER.text(None) == LOWER.text(math.nan) == "-"
    assert LOWER.text(math.inf) == "inf"


@pytest.mark.parametrize(
    ("column", "values", "best"),
    [
        (LOWER, (0.3, 0.1, 0.2), "0.100"),
        (HIGHER, (0.3, 0.1, 0.2), "30.0%"),
        (NEITHER, (1.0, 2.0), None),
        (LOWER, (None, math.nan, 0.5, 0.4), "0.400"),
        (HIGHER, (0.5, math.inf, 0.6), "60.0%"),
        (LOWER, (0.1,), None),
        (LOWER, (0.1, None), None),
        (LOWER, (None, None), None),
        (LOWER, (), None),
    ],
)
def test_the_best_of_a_column(
    column: Column, values: tuple[float | None, ...], best: str | None
) -> None:
    assert one_column(column, *values).best(0) == best


def test_a_row_needs_a_value_a_column() -> None:
    with pytest.raises(ValueError, match="p: 1 values in 2 columns"):
        Table((LOWER, HIGHER), (TableRow("p", (0.1,), 1, {}),))


def test_columns_by_key() -> None:
    table = Table((LOWER, HIGHER), ())
    assert table.column("delta1") is HIGHER
    assert table.column("other").title == "other"
    assert table.column("other").text(0.123456) == "0.123"


def test_means_of_a_profile_are_nan_without_pixels() -> None:
    profile = Profile("p", (0, 1, 2, math.inf), np.array([1.0, 0, 3]), np.array([4, 0, 2]))
    np.testing.assert_array_equal(profile.means(), [0.25, np.nan, 1.5])
