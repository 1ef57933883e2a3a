"""The content of a benchmark report: scores, pictures and error profiles, ready to be written."""

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
        key: Its name in ``Picture.scores``.
        title: The title for readers, with the unit if there is one: "Chamfer (m)".
        better: Which values are better; None if no best value is marked.
        spec: Format of the values, a format specification such as ".3f" or ".1%".
        meaning: What is measured, for readers: a phrase with its unit and range. Can be empty.
    """

    key: str
    title: str
    better: Literal["lower", "higher"] | None
    spec: str
    meaning: str = ""

    def text(self, value: float | None) -> str:
        """Returns the value as text; "-" for None and NaN."""
        return NO_VALUE if value is None or math.isnan(value) else format(value, self.spec)


@dataclass(frozen=True)
class TableRow:
    """Scores of one predictor.

    Attributes:
        predictor: Name of the predictor.
        values: Means over the scored images, one per column of the table; None if there is none.
        scored: Number of images in the means.
        not_scored: Number of images left out, by reason.
        part: The data set of the values, in a table by data set; else empty.
        control: It is a control, which shows what a score is worth; it competes with none.
    """

    predictor: str
    values: tuple[float | None, ...]
    scored: int
    not_scored: Mapping[str, int]
    part: str = ""
    control: bool = False


@dataclass(frozen=True)
class Table:
    """Scores of all predictors.

    Raises:
        ValueError: A row does not have one value per column.
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
        """Returns the column of a key; a plain one with that title if the table has none."""
        return next((c for c in self.columns if c.key == key), Column(key, key, None, ".3g"))

    def best(self, k: int) -> str | None:
        """Returns the best value of column ``k`` as text. Values with equal text are equal.

        Returns None if the column has no better direction, or if fewer than two predictors have a
        finite value. Controls do not count.
        """
        column = self.columns[k]
        values = [
            v
            for row in self.rows
            if not row.control and (v := row.values[k]) is not None and math.isfinite(v)
        ]
        if column.better is None or len(values) < 2:
            return None
        return column.text(min(values) if column.better == "lower" else max(values))


@dataclass(frozen=True, eq=False)
class Picture:
    """One prediction for display.

    Attributes:
        image: Name of the image.
        predictor: Name of the predictor.
        rgb: (h, w, 3) uint8, the photo, of any size; it is shown at the size of ``truth``.
        truth: (H, W) metres; undefined where not valid.
        predicted: (H, W) metres, as scored; NaN or not positive at pixels without a prediction.
        valid: (H, W) bool, the pixels that were scored.
        scores: Scores by ``Column.key``.
        why: Why the picture is shown.
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
    """Error of one predictor by distance to the nearest true depth edge, over all images.

    Attributes:
        predictor: Name of the predictor.
        edges: (bins + 1,) rising distances in pixels, the last may be infinite. Bin k holds
            ``edges[k] <= distance < edges[k + 1]``.
        sums: (bins,) sums of |true - predicted| / true.
        counts: (bins,) numbers of pixels.
    """

    predictor: str
    edges: tuple[float, ...]
    sums: np.ndarray
    counts: np.ndarray

    def means(self) -> np.ndarray:
        """Returns the mean relative errors, (bins,) float64; NaN for bins without pixels."""
        means = np.full(len(self.counts), np.nan)
        return np.divide(self.sums, self.counts, out=means, where=self.counts > 0)


@dataclass(frozen=True)
class Report:
    """A whole report.

    Attributes:
        title: Title of the page.
        settings: Lines that state the protocol and every setting.
        table: The scores.
        pictures: The pictures, in order of display within "worst" and "best".
        profiles: One per predictor, all with the same edges; can be empty.
        failures: (image, predictor, reason) of every image that was not scored.
        version: Name and version of the program.
        date: Day of the report, ISO 8601.
        by_set: The scores by data set, if there are several. The values of ``table`` are then
            means over the data sets.
    """

    title: str
    settings: tuple[str, ...]
    table: Table
    pictures: tuple[Picture, ...]
    profiles: tuple[Profile, ...]
    failures: tuple[tuple[str, str, str], ...]
    version: str
    date: str
    by_set: Table | None = None
