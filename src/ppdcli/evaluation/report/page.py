"""The report as one HTML page without network access, scripts or other files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import get_args

import numpy as np

from ppdcli.evaluation.report.content import (
    NO_VALUE,
    Picture,
    Profile,
    Report,
    Table,
    Why,
)
from ppdcli.evaluation.report.html_parts import (
    Chart,
    bullets,
    chart_figure,
    escaped,
    jpeg,
    palette_png,
    scrollable,
    section_of,
    table_of,
)
from ppdcli.evaluation.report.panels import (
    ERROR_TICKS,
    GREY,
    STEPS,
    Panels,
    depth_palette,
    depth_ticks,
    error_palette,
)
from ppdcli.evaluation.report.score_tables import scores_section, sets_section
from ppdcli.evaluation.report.style import style_sheet

MOST_UNFOLDED = 20  # a longer list of failures is folded


def render_page(
    report: Report, panels: Sequence[Panels], scores: Chart | None, profile: Chart | None
) -> str:
    """Returns the page's HTML; equal arguments give equal text.

    Args:
        report: The report. Its texts can hold any characters, even lone surrogates.
        panels: Panels of ``report.pictures``, in their order.
        scores, profile: The charts; None if there is nothing to draw.
    """
    title = escaped(report.title)
    css = style_sheet(
        {"depth": depth_palette()[: STEPS + 1], "error": error_palette()[: STEPS + 1]},
        {"swatch": GREY},
    )
    shown = list(zip(report.pictures, panels, strict=True))
    sections = [
        scores_section(report, scores),
        sets_section(report.by_set),
        section_of("How it was measured", bullets(report.settings)),
        _profile_section(report.profiles, profile),
        _pictures_section(shown, report.table),
        _failures_section(report.failures),
    ]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" \
content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{css}
</style>
</head>
<body>
<header>
<h1>{title}</h1>
{_counts(report)}
</header>
<main>
{"".join(sections)}</main>
<footer><p class="faint">Made by {escaped(report.version)} on {escaped(report.date)}.</p></footer>
</body>
</html>
"""


def _counts(report: Report) -> str:
    """Says how many images were scored, and whether all means are over the same images."""
    rows = report.table.rows
    if not rows:
        return "<p>Nothing was scored.</p>"
    counts = [(row.scored, sum(row.not_scored.values())) for row in rows]
    failed = [{image for image, name, _ in report.failures if name == r.predictor} for r in rows]
    if any(c != counts[0] for c in counts) or any(f != failed[0] for f in failed):
        return (
            "<p><strong>The predictors were not all scored on the same images: their means cannot "
            "be compared directly.</strong> The table shows the number of images in each mean.</p>"
        )
    scored, left_out = counts[0]
    return f"<p>{scored} {'image' if scored == 1 else 'images'} scored, {left_out} not.</p>"


def _profile_section(profiles: Sequence[Profile], chart: Chart | None) -> str:
    if chart is None:
        return ""
    edges = profiles[0].edges
    bins = [
        f"{low:g} and more" if math.isinf(high) else f"{low:g} to below {high:g}"
        for low, high in pairwise(edges)
    ]
    head = ['<th scope="col">Pixels from the edge</th>']
    head += [f'<th scope="col" class="number">{escaped(p.predictor)}</th>' for p in profiles]
    means = np.stack([profile.means() for profile in profiles], axis=1)
    body = [
        [f'<th scope="row">{name}</th>']
        + [f'<td class="number">{NO_VALUE if np.isnan(m) else f"{m:.2%}"}</td>' for m in line]
        for name, line in zip(bins, means, strict=True)
    ]
    name = "Error near depth edges"
    numbers = f"<details>\n<summary>The numbers</summary>\n{table_of(head, body)}</details>\n"
    alt = "Mean relative error by distance to the nearest true depth edge; one line per predictor."
    return section_of(
        name,
        "<p>Mean of |predicted − true| / true over all scored pixels of all images, by their "
        "distance to the nearest edge of the true depth.</p>",
        chart_figure(name, alt, chart),
        scrollable(f"{name}: the numbers", numbers),
    )


def _pictures_section(shown: Sequence[tuple[Picture, Panels]], table: Table) -> str:
    if not shown:
        return ""
    parts = [
        "<p>True and predicted depth have the same colours for the same metres. The error colours "
        'mean the same in all images. Grey <span class="swatch"></span>: no depth, or not scored.'
        "</p>\n"
    ]
    for why in get_args(Why):
        articles = [_article(picture, p, table) for picture, p in shown if picture.why == why]
        if articles:
            parts += [f"<h3>{why.title()}</h3>\n", *articles]
    return section_of("Images", *parts)


def _article(picture: Picture, panels: Panels, table: Table) -> str:
    image, predictor = escaped(picture.image), escaped(picture.predictor)
    colors, errors = depth_palette(), error_palette()
    figures = [
        ("Photo", f"Photo {image}", jpeg(panels.photo)),
        ("True depth", f"True depth of {image}", palette_png(panels.truth, colors)),
        (
            "Predicted depth",
            f"Depth of {image} as predicted by {predictor}",
            palette_png(panels.predicted, colors),
        ),
        (
            "Relative error",
            f"Relative error of {predictor} on {image}",
            palette_png(panels.error, errors),
        ),
    ]
    height, width = panels.truth.shape
    grid = "".join(
        f"<figure><figcaption>{caption}</figcaption>"
        f'<img src="{uri}" width="{width}" height="{height}" alt="{alt}"></figure>\n'
        for caption, alt, uri in figures
    )
    scores = "".join(
        f" <span>{escaped(column.title)} {escaped(column.text(value))}</span>"
        for column, value in ((table.column(key), v) for key, v in picture.scores.items())
    )
    return f"""<article>
<h4>{image}</h4>
<p><span>{predictor}</span>{scores}</p>
<div class="panels">
{grid}{_scale("depth", depth_ticks(panels.near, panels.far))}\
{_scale("error", ERROR_TICKS)}</div>
</article>
"""


def _scale(kind: str, ticks: Sequence[tuple[float, str]]) -> str:
    """Draws a palette's bar; a label at 30 % is shifted by 30 % of its width, to stay inside."""
    labels = "".join(
        f'<span style="left:{100 * at:.1f}%;transform:translateX(-{100 * at:.1f}%)">{label}</span> '
        for at, label in ticks
    )
    bar = '<div class="bar"></div>'
    return f'<div class="{kind} scale">{bar}<div class="ticks">{labels}</div></div>\n'


def _failures_section(failures: Sequence[tuple[str, str, str]]) -> str:
    if not failures:
        return ""
    head = [f'<th scope="col">{name}</th>' for name in ("Image", "Predictor", "Reason")]
    body = [
        [
            f'<th scope="row">{escaped(image)}</th>',
            f"<td>{escaped(name)}</td>",
            f"<td>{escaped(why)}</td>",
        ]
        for image, name, why in failures
    ]
    unfolded = " open" if len(failures) <= MOST_UNFOLDED else ""
    return section_of(
        "Images not scored",
        f"<details{unfolded}>\n<summary>{len(failures)} in all, in no mean</summary>\n",
        scrollable("Images not scored", table_of(head, body)),
        "</details>\n",
    )
