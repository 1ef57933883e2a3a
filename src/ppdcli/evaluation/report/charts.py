"""Charts of scores and of errors near depth edges, as PNG files in memory."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ppdcli.evaluation.report.content import Profile, Table
from ppdcli.evaluation.report.font import font, has_glyph
from ppdcli.evaluation.report.names import drawable, elided

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, safe for colour-blind readers, without black and yellow.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")  # 7 markers and 6 colours give 42 different pairs
WIDTH = 10.0  # inches
DPI = 130
ACROSS = 3  # charts in a row
TEXT = 10  # points, matplotlib's own default
NAME_ROOM, TITLE_ROOM = 260, 290  # pixels, of the 1300
LINEAR_UP_TO = 20  # ratio of the largest to the smallest error


@dataclass(frozen=True)
class Theme:
    """Colours of a chart.

    Attributes:
        ink: Colour of text and axes.
        paper: Background colour.
        grid: Colour of thin lines.
    """

    ink: str
    paper: str
    grid: str


LIGHT = Theme("#1a1c20", "#ffffff", "#d9dce1")
DARK = Theme("#e6e8ec", "#16181c", "#3a3e46")


def scores_chart(table: Table, theme: Theme) -> bytes | None:
    """Draws bars of all predictors, one chart per metric, from 0; None if no score is finite."""
    metrics = [k for k in range(len(table.columns)) if np.isfinite(_values(table, k)).any()]
    if not metrics:
        return None
    across, down = min(ACROSS, len(metrics)), -(-len(metrics) // ACROSS)
    height = down * (0.8 + 0.27 * len(table.rows))
    with _figure(height, theme) as figure:
        grid = figure.subplots(down, across, sharey=True, squeeze=False)
        for axes in grid.flat[len(metrics) :]:
            axes.set_axis_off()
        for axes, k in zip(grid.flat, metrics, strict=False):
            _bars(axes, table, k, theme)
        places = range(len(table.rows))
        for axes in grid[:, 0]:
            axes.set_yticks(places, [_short(row.predictor) for row in table.rows])
            for label in axes.get_yticklabels():
                label.set_parse_math(False)
        return _png(figure)


def profile_chart(profiles: Sequence[Profile], theme: Theme) -> bytes | None:
    """Draws a line for each predictor over bins, all drawn at equal width.

    Returns None if no bin has a mean.

    Raises:
        ValueError: The profiles have different edges.
    """
    profiles = [profile for profile in profiles if np.isfinite(profile.means()).any()]
    if not profiles:
        return None
    edges = profiles[0].edges
    if any(profile.edges != edges for profile in profiles):
        raise ValueError("profiles over different distances cannot share a chart")
    with _figure(4.6 + 0.12 * len(profiles), theme) as figure:
        axes = figure.subplots()
        _plain(axes, theme)
        middles = np.arange(len(edges) - 1) + 0.5
        for k, profile in enumerate(profiles):
            axes.plot(
                middles,
                profile.means() * 100,
                color=COLORS[k % len(COLORS)],
                marker=MARKERS[k % len(MARKERS)],
                label=f"line {k}",
                clip_on=False,  # else the axis would cover half of the markers at 0
                zorder=3,
            )
        axes.grid(axis="y", color=theme.grid)
        axes.set_xticks(range(len(edges)), [f"{e:g}" if math.isfinite(e) else "∞" for e in edges])
        axes.set_xlim(0, len(edges) - 1)
        axes.set_xlabel("Distance to the nearest true depth edge (pixels)")
        _error_scale(axes, np.concatenate([profile.means() * 100 for profile in profiles]))
        legend = figure.legend(
            loc="outside lower center", ncols=2 if len(profiles) > 1 else 1, frameon=False
        )
        # Set afterwards: matplotlib omits labels that start with "_".
        for text, profile in zip(legend.get_texts(), profiles, strict=True):
            text.set_parse_math(False)
            text.set_text(_short(profile.predictor))
        return _png(figure)


def _error_scale(axes: Axes, percents: np.ndarray) -> None:
    """Scales from 0, or logarithmically if a baseline's errors would flatten the other lines."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    percents = percents[np.isfinite(percents)]
    if not 0 < percents.min() * LINEAR_UP_TO < percents.max():
        axes.set_ylim(bottom=0)
        axes.set_ylabel("Mean relative error (%)")
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda percent, _: f"{percent:g}"))
    axes.set_ylabel("Mean relative error (%, logarithmic)")


def _bars(axes: Axes, table: Table, k: int, theme: Theme) -> None:
    """Draws one metric: a bar for each predictor with its value, the best one in bold."""
    from matplotlib.ticker import PercentFormatter

    column, values = table.columns[k], _values(table, k)
    lengths = np.where(np.isfinite(values), values, 0)
    colors = [COLORS[row % len(COLORS)] for row in range(len(values))]
    _plain(axes, theme)
    axes.barh(range(len(values)), lengths, height=0.72, color=colors)
    best = table.best(k)
    for place, (value, length) in enumerate(zip(values, lengths, strict=True)):
        text = column.text(float(value))
        axes.annotate(
            text,
            (max(length, 0), place),
            (4, 0),
            textcoords="offset points",
            verticalalignment="center",
            weight="bold" if text == best and not table.rows[place].control else "normal",
            fontsize=9,
        )
    title = _short(column.title, TITLE_ROOM)
    if column.better:
        title += f"\n{column.better} is better"
    axes.set_title(title, fontsize=TEXT, loc="left", parse_math=False)
    axes.set_ylim(len(values) - 0.4, -0.6)
    # Leave room for the digits of the values.
    axes.set_xlim(min(0, lengths.min() * 1.1), max(lengths.max(), 0) * 1.4 or 1)
    axes.locator_params(axis="x", nbins=4)
    if column.spec.endswith("%"):
        axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=theme.grid)


def _values(table: Table, k: int) -> np.ndarray:
    """Returns a column as (rows,) float64, NaN for None."""
    return np.array([row.values[k] for row in table.rows], dtype=np.float64)


def _short(text: str, room: int = NAME_ROOM) -> str:
    face = font(round(TEXT * DPI / 72))
    return elided(drawable(text, has_glyph), lambda t: face.getlength(t) <= room)


def _plain(axes: Axes, theme: Theme) -> None:
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["bottom", "left"]].set_color(theme.grid)


@contextmanager
def _figure(height: float, theme: Theme) -> Iterator[Figure]:
    """Yields an empty figure in a theme's colours; ignores the user's matplotlib settings."""
    from matplotlib import style
    from matplotlib.figure import Figure

    names = ("text.color", "axes.labelcolor", "xtick.color", "ytick.color")
    colors = {"figure.facecolor": theme.paper, "axes.facecolor": theme.paper}
    with style.context(["default", colors | dict.fromkeys(names, theme.ink)]):
        yield Figure((WIDTH, height), DPI, layout="constrained")


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    # Without matplotlib's version the bytes depend only on the drawing.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
