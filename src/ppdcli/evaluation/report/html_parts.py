"""Building blocks of HTML for the sections of the report."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from PIL import Image

JPEG_QUALITY = 85
_NOT_IN_HTML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Chart:
    """A chart as PNG files in memory, for light and for dark pages."""

    light: bytes
    dark: bytes


def section_of(title: str, *parts: str) -> str:
    return f"<section>\n<h2>{title}</h2>\n{''.join(parts)}</section>\n"


def bullets(lines: Sequence[str]) -> str:
    return "<ul>\n" + "".join(f"<li>{escaped(line)}</li>\n" for line in lines) + "</ul>\n"


def table_of(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    rows = "".join(f"<tr>{''.join(cells)}</tr>\n" for cells in body)
    return f"<table>\n<thead><tr>{''.join(head)}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n"


def scrollable(name: str, content: str) -> str:
    """Wraps content that can be wider than a phone, so that it scrolls, also by keyboard."""
    return f'<div class="wide" role="region" aria-label="{name}" tabindex="0">\n{content}</div>\n'


def chart_figure(name: str, alt: str, chart: Chart | None) -> str:
    if chart is None:
        return ""
    with Image.open(io.BytesIO(chart.light)) as image:
        width, height = image.size
    dark, light = (data_uri("png", data) for data in (chart.dark, chart.light))
    return scrollable(
        name,
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img src="{light}" width="{width}" height="{height}" alt="{alt}"></picture>\n',
    )


def jpeg(rgb: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="JPEG", quality=JPEG_QUALITY, optimize=True)
    return data_uri("jpeg", buffer.getvalue())


def palette_png(indices: np.ndarray, palette: np.ndarray) -> str:
    """Encodes a picture with a palette, in a third of the bytes of RGB."""
    image = Image.fromarray(indices)
    image.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return data_uri("png", buffer.getvalue())


def data_uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def escaped(text: str) -> str:
    """Escapes for text and attributes; characters that HTML does not allow become U+FFFD."""
    return escape(_NOT_IN_HTML.sub("\ufffd", text))
