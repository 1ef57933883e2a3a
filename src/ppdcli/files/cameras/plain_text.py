"""Reads text that holds only numbers: fx fy cx cy, or a camera matrix, in any arrangement of rows.

ScanNet, TUM, 7-Scenes and many other data sets have 3x3 or 4x4 matrices in this form. NumPy's
savetxt writes it too.
"""

from __future__ import annotations

from ppdcli.errors import InputError
from ppdcli.files.cameras.content import Content
from ppdcli.files.cameras.named import pinhole_of
from ppdcli.files.cameras.names import MATRIX_SIZES
from ppdcli.files.cameras.stated import Contents, StatedCamera, number

MAX_PLAIN = 2**16  # characters; a text with a few numbers is shorter


def fits(content: Content) -> bool:
    """Whether there are only numbers, brackets and comments."""
    return _numbers(content) is not None


def read(content: Content) -> Contents:
    """Reads fx fy cx cy or a matrix, depending on how many numbers there are.

    Raises:
        InputError: the number of values is wrong, or they make no sense.
    """
    where = content.where
    values = [number(value, "a number", where) for value in _numbers(content) or []]
    if len(values) not in MATRIX_SIZES:
        raise InputError(
            f"{where}: holds {len(values)} numbers; give the 4 numbers fx fy cx cy, or a 3x3 matrix"
        )
    focal, centre = pinhole_of(values, where)
    return Contents("text", (StatedCamera("", focal, centre),))


def _numbers(content: Content) -> list[float] | None:
    if content.text is None or len(content.text) > MAX_PLAIN:
        return None
    separators = str.maketrans(",;[]()", "      ")
    text = " ".join(line.partition("#")[0] for line in content.lines)
    try:
        return [float(word) for word in text.translate(separators).split()] or None
    except ValueError:
        return None
