"""One image file per picture: photo, true depth, prediction and error side by side, with scales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from ppdcli.evaluation.report.content import Picture, Table
from ppdcli.evaluation.report.font import font, has_glyph
from ppdcli.evaluation.report.names import drawable, elided
from ppdcli.evaluation.report.panels import (
    ERROR_TICKS,
    GREY,
    STEPS,
    Panels,
    depth_palette,
    depth_ticks,
    error_palette,
)

Color = tuple[int, int, int]
PAPER, INK, FAINT = (255, 255, 255), (26, 28, 32), (84, 88, 96)
MARGIN, GAP = 20, 14
LEAST_CELL = 260  # pixels across, for the titles of small panels
HEADER, LEGEND = 78, 44  # heights above and below the panels
BAR = 12
LARGE, SMALL = 19, 14  # font sizes in pixels
PANEL_TITLES = ("Photo", "True depth", "Predicted depth", "|predicted − true| / true")
GREY_MEANS = "no depth, or not scored"


def draw_strip(picture: Picture, panels: Panels, table: Table) -> np.ndarray:
    """Draws the panels in a row, the image's name and scores above, their scales below.

    Args:
        picture, panels: Both of the same picture.
        table: Defines how scores are written.

    Returns:
        (height, width, 3) uint8; the panels' upper left corners are ``panel_corners``.
    """
    height, width = panels.truth.shape
    corners = panel_corners(width)
    right = corners[-1][0] + max(width, LEAST_CELL)
    image = Image.new("RGB", (right + MARGIN, MARGIN + HEADER + height + LEGEND + MARGIN), PAPER)
    draw = ImageDraw.Draw(image)
    room = right - MARGIN
    line = f"{picture.why.title()}: {picture.image}"
    _text(draw, (MARGIN, MARGIN), line, room, INK, LARGE, bold=True)
    used = _text(draw, (MARGIN, MARGIN + 29), picture.predictor, room // 3, INK, SMALL)
    scores = scores_line(picture.scores, table)
    _text(draw, (MARGIN + used + 2 * GAP, MARGIN + 29), scores, room - used - 2 * GAP, INK, SMALL)

    colors, errors = depth_palette(), error_palette()
    shown = (panels.photo, colors[panels.truth], colors[panels.predicted], errors[panels.error])
    for (x, y), title, panel in zip(corners, PANEL_TITLES, shown, strict=True):
        _text(draw, (x, y - SMALL - 7), title, LEAST_CELL, FAINT, SMALL)
        image.paste(Image.fromarray(panel), (x, y))

    below = corners[0][1] + height + 8
    swatch = (MARGIN, below, MARGIN + 2 * BAR - 1, below + BAR - 1)
    draw.rectangle(swatch, (GREY, GREY, GREY))
    _text(draw, (MARGIN + 2 * BAR + 8, below - 3), GREY_MEANS, LEAST_CELL, FAINT, SMALL)
    ticks = depth_ticks(panels.near, panels.far)
    _scale(image, (corners[1][0], below), corners[2][0] + width - corners[1][0], colors, ticks)
    _scale(image, (corners[3][0], below), max(width, LEAST_CELL), errors, ERROR_TICKS)
    return np.asarray(image)


def panel_corners(width: int) -> list[tuple[int, int]]:
    """Returns (x, y) of the four panels of a strip, each ``width`` pixels across."""
    step = max(width, LEAST_CELL) + GAP
    return [(MARGIN + k * step, MARGIN + HEADER) for k in range(4)]


def scores_line(scores: Mapping[str, float], table: Table) -> str:
    """Returns all scores in one line, with titles and formats of the table."""
    columns = ((table.column(key), value) for key, value in scores.items())
    return "   ".join(f"{column.title} {column.text(value)}" for column, value in columns)


def _scale(
    image: Image.Image,
    corner: tuple[int, int],
    length: int,
    palette: np.ndarray,
    ticks: Sequence[tuple[float, str]],
) -> None:
    """Draws a bar of all colours with labels below."""
    x, y = corner
    ramp = palette[np.rint(np.linspace(0, STEPS, length)).astype(int)]
    image.paste(Image.fromarray(np.repeat(ramp[None], BAR, axis=0)), corner)
    draw = ImageDraw.Draw(image)
    for position, label in ticks:
        wide = draw.textlength(label, font(SMALL))
        at = x + position * (length - 1)
        if 0 < position < 1:
            draw.line((at, y + BAR, at, y + BAR + 3), FAINT)
        left = min(max(at - wide / 2, x), x + length - wide)
        draw.text((left, y + BAR + 4), label, FAINT, font(SMALL))


def _text(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    text: str,
    room: int,
    color: Color,
    size: int,
    bold: bool = False,
) -> int:
    """Draws one line of at most ``room`` pixels; returns its width in pixels."""
    face = font(size, bold)
    line = elided(drawable(text, has_glyph), lambda t: face.getlength(t) <= room)
    draw.text(at, line, color, face)
    return round(face.getlength(line))
