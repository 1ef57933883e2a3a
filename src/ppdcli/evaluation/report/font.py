"""The font of pictures and charts: DejaVu Sans, which is part of matplotlib."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

from ppdcli.errors import PpdError


@cache
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Returns the font at a size in pixels, with the same layout on every machine."""
    return ImageFont.truetype(_path(bold), size, layout_engine=ImageFont.Layout.BASIC)


def require_matplotlib() -> None:
    """Checks that matplotlib, which draws the charts and provides the font, is installed.

    Raises:
        PpdError: It is not installed.
    """
    if find_spec("matplotlib") is None:
        raise PpdError("the charts need matplotlib; run `pip install 'ppdcli[evaluate]'`")


def has_glyph(code_point: int) -> bool:
    """Returns whether the font has a character, both in bold and in regular."""
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
