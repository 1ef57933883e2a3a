"""The files of a report."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import get_args

import numpy as np
from PIL import Image

from ppdcli.evaluation.report.charts import DARK, LIGHT, Theme, profile_chart, scores_chart
from ppdcli.evaluation.report.content import Report, Why
from ppdcli.evaluation.report.html_parts import Chart
from ppdcli.evaluation.report.names import file_stem
from ppdcli.evaluation.report.page import render_page
from ppdcli.evaluation.report.panels import make_panels
from ppdcli.evaluation.report.strips import draw_strip
from ppdcli.files.atomic import atomic_path

PAGE = "index.html"
SCORES_CHART = "scores.png"
PROFILE_CHART = "error-by-edge-distance.png"


def write_report(folder: Path, report: Report) -> list[Path]:
    """Writes the page, which contains all of its pictures, and each picture also as a file.

    The files are ``index.html``; ``scores.png`` if a score is finite;
    ``error-by-edge-distance.png`` if a profile has a pixel; ``worst-1-NAME.png``,
    ``worst-2-NAME.png``, ... and ``best-1-NAME.png``, ... in the order given. Older files of these
    names are replaced, others are kept. Equal reports give equal bytes.

    Args:
        folder: Output folder; created if it is missing.
        report: The report.

    Returns:
        The files, the page first. The page is written last: if it exists, so do all others.

    Raises:
        OutputError: A file cannot be written.
    """
    panels = [make_panels(picture) for picture in report.pictures]
    scores = _chart(partial(scores_chart, report.table))
    profile = _chart(partial(profile_chart, report.profiles))
    files = {
        name: chart.light
        for name, chart in ((SCORES_CHART, scores), (PROFILE_CHART, profile))
        if chart is not None
    }
    numbers = {why: count(1) for why in get_args(Why)}
    for picture, shown in zip(report.pictures, panels, strict=True):
        name = f"{picture.why}-{next(numbers[picture.why])}-{file_stem(picture.image)}.png"
        files[name] = _png(draw_strip(picture, shown, report.table))
    files[PAGE] = render_page(report, panels, scores, profile).encode()
    for name, data in files.items():
        with atomic_path(folder / name, follow=False) as temporary:
            temporary.write_bytes(data)
    return [folder / name for name in (PAGE, *(name for name in files if name != PAGE))]


def _chart(draw: Callable[[Theme], bytes | None]) -> Chart | None:
    light, dark = draw(LIGHT), draw(DARK)
    return Chart(light, dark) if light is not None and dark is not None else None


def _png(rgb: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="PNG")
    return buffer.getvalue()
