"""What a benchmark report shows: scores, pictures and error profiles, all of them finished."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

NO_VALUE = "-"
Why = Literal["worst", "best"]


@dataclass(frozen=True)
class Column:
    """One metric.

    Attributes:
        key: its name in ``Picture.scores``.
        title: what readers see, with the unit where there is one: "Chamfer (m)".
        better: which values are better; None marks no best value.
        spec: how values are written, a format specification such as ".3f" or ".1%".
    """

    key: str
    title: str
    better: Literal["lower", "higher"] | None
    spec: str

    def text(self, value: float | None) -> str:
        """The value as it is shown; "-" for None and NaN."""
        return NO_VALUE if value is None or math.isnan(value) else format(value, self.spec)


@dataclass(frozen=True)
class TableRow:
    """One predictor's scores.

    Attributes:
        predictor: its name.
        values: mean over the scored images, one a column of the table; None where there is none.
        scored: images that the means are of.
        not_scored: how many images were left out for which reason.
        part: the data set that the values are of, in a table by data set; else empty.
    """

    predictor: str
    values: tuple[float | None, ...]
    scored: int
    not_scored: Mapping[str, int]
    part: str = ""


@dataclass(frozen=True)
class Table:
    """All predictors' scores.

    Raises:
        ValueError: a row has not one value a column.
    """

    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.values) != len(self.columns):
                raise ValueError(
                    f"{row.predictor}: {len(row.values)} values in {len(self.columns)} columns"
                )

    def column(self, key: str) -> Column:
        """The column of a key; a plain one of that title if the table has none."""
        return next((c for c in self.columns if c.key == key), Column(key, key, None, ".3g"))

    def best(self, k: int) -> str | None:
        """The best value of column ``k`` as it is shown; values that read the same are equal.

        None where nothing is better than another: the column has no better end, or fewer than two
        predictors have a finite value.
        """
        column = self.columns[k]
        values = [v for row in self.rows if (v := row.values[k]) is not None and math.isfinite(v)]
        if column.better is None or len(values) < 2:
            return None
        return column.text(min(values) if column.better == "lower" else max(values))


@dataclass(frozen=True, eq=False)
class Picture:
    """One prediction to look at.

    Attributes:
        image: its name.
        predictor: the predictor's name.
        rgb: (h, w, 3) uint8, the photo, of any size; it is shown at truth's size.
        truth: (H, W) metres; anything where it is not valid.
        predicted: (H, W) metres, as it was scored; NaN or not positive where there is none.
        valid: (H, W) bool, the pixels that were scored.
        scores: by ``Column.key``.
        why: why it is shown.
    """

    image: str
    predictor: str
    rgb: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    valid: np.ndarray
    scores: Mapping[str, float]
    why: Why


@dataclass(frozen=True, eq=False)
class Profile:
    """One predictor's error by distance to the nearest true depth edge, over all images.

    Attributes:
        predictor: its name.
        edges: (bins + 1,) rising distances in pixels, the last may be infinite: bin k holds
            ``edges[k] <= distance < edges[k + 1]``.
        sums: (bins,) sums of |true - predicted| / true.
        counts: (bins,) pixels.
    """

    predictor: str
    edges: tuple[float, ...]
    sums: np.ndarray
    counts: np.ndarray

    def means(self) -> np.ndarray:
        """(bins,) float64 mean relative error; NaN where there is no pixel."""
        means = np.full(len(self.counts), np.nan)
        return np.divide(self.sums, self.counts, out=means, where=self.counts > 0)


@dataclass(frozen=True)
class Report:
    """The whole.

    Attributes:
        title: of the page.
        settings: lines that state the protocol and every setting.
        table: the scores.
        pictures: in the order in which they are shown within "worst" and "best".
        profiles: one a predictor, all with the same edges; may be empty.
        failures: (image, predictor, reason) of every image that was not scored.
        version: the program's name and version.
        by_set: the scores by data set, if there are several; the values of ``table`` are means
            over the data sets then.
    """

    title: str
    settings: tuple[str, ...]
    table: Table
    pictures: tuple[Picture, ...]
    profiles: tuple[Profile, ...]
    failures: tuple[tuple[str, str, str], ...]
    version: str
    by_set: Table | None = None
