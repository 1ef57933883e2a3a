"""The font of pictures and charts: DejaVu Sans, which matplotlib brings along."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

from ppdcli.errors import PpdError


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The font at a size in pixels, laid out alike on every machine."""
    return ImageFont.truetype(_path(bold), size, layout_engine=ImageFont.Layout.BASIC)


def require_matplotlib() -> None:
    """Whether there is what draws charts and brings the font.

    Raises:
        PpdError: there is not.
    """
    if find_spec("matplotlib") is None:
        raise PpdError("the charts need matplotlib; run `pip install 'ppdcli[evaluate]'`")


def has_glyph(code_point: int) -> bool:
    """Whether the font, bold and not, can draw a character."""
    return code_point in _code_points()


@cache
def _code_points() -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    regular, bold = (FT2Font(str(_path(b))).get_charmap().keys() for b in (False, True))
    return frozenset(regular & bold)


def _path(bold: bool) -> Path:
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return Path(matplotlib.get_data_path(), "fonts", "ttf", name)
