"""The charts: lengths of bars and heights of lines by their pixels, and names of any kind."""

from __future__ import annotations

import io
import math
import warnings

import matplotlib
import numpy as np
import pytest
from PIL import Image

from ppdcli.evaluation.report.charts import (
    COLORS,
    DARK,
    DPI,
    LIGHT,
    MARKERS,
    WIDTH,
    profile_chart,
    scores_chart,
)
from ppdcli.evaluation.report.content import Column, Profile, Table, TableRow

LOWER = Column("abs_rel", "AbsRel", "lower", ".3f")
EDGES = (0, 1, 2, 4, math.inf)
HOSTILE = ("_hidden", "$x_1$ $\\bad{$", "写真\n\x00\ud800", "", "W" * 300)


def decode(png: bytes | None) -> np.ndarray:
    assert png is not None
    with Image.open(io.BytesIO(png)) as image:
        assert not image.info.keys() & {"Software", "Creation Time", "date"}
        return np.asarray(image.convert("RGB"))


def of_color(image: np.ndarray, color: str) -> np.ndarray:
    return (image == tuple(bytes.fromhex(color[1:]))).all(axis=-1)


def table(*values: float | None) -> Table:
    return Table((LOWER,), tuple(TableRow(f"p{k}", (v,), 1, {}) for k, v in enumerate(values)))


def flat(name: str, error: float) -> Profile:
    return Profile(name, EDGES, np.full(4, error * 10), np.full(4, 10))


def test_bars_are_as_long_as_their_values() -> None:
    image = decode(scores_chart(table(0.2, 0.1, None), LIGHT))
    assert image.shape[1] == WIDTH * DPI
    first, second, none = (of_color(image, color) for color in COLORS[:3])
    lengths = [bar.any(axis=0).sum() for bar in (first, second)]
    assert lengths[0] == pytest.approx(2 * lengths[1], abs=3) and lengths[1] > 100
    assert not none.any()
    # The first predictor is at the top, and both bars begin at the same place.
    assert first.nonzero()[0].max() < second.nonzero()[0].min()
    assert abs(first.nonzero()[1].min() - second.nonzero()[1].min()) <= 1


def test_a_chart_a_metric() -> None:
    columns = tuple(Column(f"m{k}", f"Metric {k}", None, ".1%") for k in range(4))
    rows = (TableRow("p", (0.5, math.nan, 1.0, 0.25), 1, {}),)
    bars = of_color(decode(scores_chart(Table(columns, rows), LIGHT)), COLORS[0]).any(axis=0)
    # Three metrics have a value; their bars lie side by side.
    assert np.count_nonzero(np.diff(bars.astype(int)) == 1) == 3


def test_lines_from_zero_and_logarithmic() -> None:
    def heights(*errors: float) -> list[float]:
        """Rows of the lines where there is neither a marker nor the legend."""
        profiles = [flat(f"p{k}", error) for k, error in enumerate(errors)]
        image = decode(profile_chart(profiles, LIGHT))
        column = image[:, int(image.shape[1] * 0.8)]
        return [float(of_color(column, c).nonzero()[0].mean()) for c in COLORS[: len(errors)]]

    low, middle, high = heights(0.1, 0.2, 0.3)
    assert low - middle == pytest.approx(middle - high, abs=2) and low - middle > 50
    low, middle, high = heights(0.01, 0.1, 1.0)
    assert low - middle == pytest.approx(middle - high, abs=2) and low - middle > 50
    # A perfect prediction has no place on a logarithmic scale.
    low, middle, high = heights(0.0, 0.1, 1.0)
    assert middle - high == pytest.approx(9 * (low - middle), abs=6)


def test_nothing_to_draw() -> None:
    assert scores_chart(table(None, math.nan, math.inf), LIGHT) is None
    assert scores_chart(table(), LIGHT) is None
    assert scores_chart(Table((), (TableRow("p", (), 0, {}),)), LIGHT) is None
    assert profile_chart([], LIGHT) is None
    assert profile_chart([Profile("p", EDGES, np.zeros(4), np.zeros(4))], LIGHT) is None
    assert profile_chart([flat("p", math.nan)], LIGHT) is None


def test_bins_without_pixels_are_gaps() -> None:
    full, holed = flat("p", 0.1), Profile("p", EDGES, np.ones(4), np.array([10, 0, 0, 10]))
    inks = [of_color(decode(profile_chart([p], LIGHT)), COLORS[0]).sum() for p in (full, holed)]
    assert 0 < inks[1] < inks[0] / 2


def test_profiles_of_other_distances_are_refused() -> None:
    other = Profile("q", (0, 2, 3, 4, math.inf), np.ones(4), np.ones(4))
    with pytest.raises(ValueError, match="different distances"):
        profile_chart([flat("p", 0.1), other], LIGHT)


def test_names_of_any_kind_are_drawn_without_a_word() -> None:
    rows = tuple(TableRow(name, (0.5,), 1, {}) for name in HOSTILE)
    hostile = Table((Column("k", "$\\bad{$" + "W" * 99, "lower", ".3f"),), rows)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bars = decode(scores_chart(hostile, LIGHT))
        lines = decode(profile_chart([flat(name, 0.1) for name in HOSTILE], LIGHT))
    assert bars.shape[1] == lines.shape[1] == WIDTH * DPI
    # All bars are there, and as long as a third of the picture, whatever the names need.
    for color in COLORS[: len(HOSTILE)]:
        assert of_color(bars, color).any(axis=0).sum() > WIDTH * DPI / 3
    # A name that starts with "_" has its line in the legend, below.
    assert of_color(lines[-lines.shape[0] // 5 :], COLORS[0]).any()


def test_names_are_what_they_are() -> None:
    charts = [profile_chart([flat(name, 0.1)], LIGHT) for name in ("_a", "_b")]
    assert charts[0] != charts[1]
    charts = [
        scores_chart(Table((LOWER,), (TableRow(n, (1.0,), 1, {}),)), LIGHT) for n in ("_a", "_b")
    ]
    assert charts[0] != charts[1]


def test_equal_bytes_whatever_the_users_settings() -> None:
    before = scores_chart(table(0.1, 0.2), LIGHT)
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 50}):
        assert scores_chart(table(0.1, 0.2), LIGHT) == before
        assert matplotlib.rcParams["font.size"] == 30


def test_a_dark_page_gets_dark_charts() -> None:
    for chart in (scores_chart(table(0.1), DARK), profile_chart([flat("p", 0.1)], DARK)):
        image = decode(chart)
        assert of_color(image, DARK.paper).mean() > 0.5
        assert of_color(image, DARK.ink).any()
        assert not of_color(image, LIGHT.paper).any()


def test_colours_and_markers_pair_up_differently() -> None:
    pairs = {(COLORS[k % len(COLORS)], MARKERS[k % len(MARKERS)]) for k in range(42)}
    assert len(pairs) == 42
